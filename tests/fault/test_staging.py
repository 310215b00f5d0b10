import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from brazil.errors import UnavailableError
from brazil.gitrepo import locking
from brazil.model.names import version_set_name
from brazil.model.workspace import WorkspaceFile
from brazil.store import blobs
from brazil.store.local import LocalStore
from brazil.workspace import folder as workspace_folder
from brazil.workspace.folder import WorkspaceFolder


def staged(place: Path, pid: int) -> list[Path]:
    files = [place / "data" / part / "tmp" / f"{pid}-aa-0" for part in ("blobs", "actions")]
    folder = place / "cache" / "trees" / "tmp" / f"{pid}-aa-0"
    for file in files:
        file.write_text("half")
        os.utime(file, (blobs.INPUT_TIME, blobs.INPUT_TIME))
    (folder / "inner").mkdir(parents=True)
    return [*files, folder]


def dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_dead_processes_staged_is_removed_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LocalStore(tmp_path / "data", tmp_path / "cache")
    of_dead, of_living = staged(tmp_path, dead()), staged(tmp_path, os.getpid())
    LocalStore(tmp_path / "data", tmp_path / "cache")
    assert all(path.exists() for path in [*of_dead, *of_living]), "it may only seem dead"
    monkeypatch.setattr(blobs, "_ABANDONED", -1)
    LocalStore(tmp_path / "data", tmp_path / "cache")
    assert [path.exists() for path in of_dead] == [False] * 3
    assert [path.exists() for path in of_living] == [True] * 3


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspaceFolder:
    return WorkspaceFolder.create(tmp_path / "work", WorkspaceFile("registry", version_set_name("a/b"), 0, "0" * 40))


def hold(workspace: WorkspaceFolder) -> None:
    with workspace.lock():
        pass


@pytest.mark.parametrize("moment", [hold, lambda workspace: workspace.remember_steps({})])
def test_what_dead_builds_staged_in_a_workspace_is_removed_in_time(
    workspace: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch, moment: Callable[[WorkspaceFolder], None]
) -> None:
    of_dead, of_living = (
        [workspace.root / ".brazil" / f"{name}-{pid}" for name in ("link", ".steps.json")]
        for pid in (dead(), os.getppid())
    )
    kept = workspace.root / ".brazil" / "notes-of-2026"
    for path in (*of_dead, *of_living, kept):
        path.symlink_to("nowhere")
    moment(workspace)
    assert all(path.is_symlink() for path in [*of_dead, *of_living, kept]), "it may only seem dead"
    monkeypatch.setattr(workspace_folder, "_ABANDONED", -1)
    moment(workspace)
    assert [path.is_symlink() for path in [*of_dead, *of_living, kept]] == [False, False, True, True, True]


def test_what_fails_under_the_lock_of_a_workspace_is_not_told_as_the_lock(workspace: WorkspaceFolder) -> None:
    with pytest.raises(FileNotFoundError), workspace.lock():
        (workspace.root / "none").read_bytes()
    (workspace.root / ".brazil" / "lock").unlink()
    (workspace.root / ".brazil" / "lock").mkdir()
    with pytest.raises(UnavailableError) as caught, workspace.lock():
        pass
    assert str(workspace.root / ".brazil" / "lock") in str(caught.value)


def test_what_a_killed_git_was_writing_is_removed_in_time(tmp_path: Path) -> None:
    repository = tmp_path / "some.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    objects = repository / "objects"
    (objects / "ab").mkdir()
    old, new = (
        [
            objects / "pack" / f"tmp_pack_{end}",
            objects / "ab" / f"tmp_obj_{end}",
            objects / f"tmp_objdir-incoming-{end}",
        ]
        for end in ("old", "new")
    )
    kept = objects / "pack" / "pack-1.pack"
    for path in (*old, *new, kept):
        path.mkdir() if "objdir" in path.name else path.touch()
    (old[-1] / "pack").mkdir()
    long_ago = time.time() - 2 * locking._ABANDONED
    for path in (*old, kept):
        os.utime(path, (long_ago, long_ago))
    with locking.writing(repository):
        pass
    assert [path.exists() for path in (*old, *new, kept)] == [False] * 3 + [True] * 4
