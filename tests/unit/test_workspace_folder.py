"""The folder of a workspace when names are unlucky, builds run beside, or something fails midway."""

from pathlib import Path

import pytest

from brazil.errors import UsageError
from brazil.model.names import version_set_name
from brazil.model.workspace import WorkspaceFile
from brazil.workspace.folder import WorkspaceFolder


def test_cleaning_spares_the_lock_alone(tmp_path: Path) -> None:
    lock = tmp_path / ".brazil" / "lock"
    farm = tmp_path / ".brazil" / "farm"
    farm.mkdir(parents=True)
    (farm / "lock").write_bytes(b"four")
    workspace = WorkspaceFolder(tmp_path)
    with workspace.lock():
        assert workspace.clean() == len(b"four")
    assert list((tmp_path / ".brazil").iterdir()) == [lock]


def test_cleaning_passes_over_what_a_build_renamed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".brazil").mkdir()
    (tmp_path / ".brazil" / "steps.json").write_bytes(b"{}")
    gone = tmp_path / ".brazil" / "link-1"
    listed = [gone, *(tmp_path / ".brazil").iterdir()]
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: iter(listed))
    assert WorkspaceFolder(tmp_path).clean() == len(b"{}")
    assert not (tmp_path / ".brazil" / "steps.json").exists()


def test_a_name_that_no_disk_takes_is_told(tmp_path: Path) -> None:
    file = WorkspaceFile("registry", version_set_name("a/b"), 0, "0" * 40)
    with pytest.raises(UsageError, match="a name in it is too long"):
        WorkspaceFolder.create(tmp_path / ("x" * 300), file)
