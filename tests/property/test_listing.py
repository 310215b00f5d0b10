import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.source import listing
from brazil.source.listing import list_checkout, walk_checkout

names = st.sampled_from(["a", "b.o", "c d", "é", "-x", ".gitignore", ".git", ".GIT", "sub", "build", "#1"])
kinds = st.sampled_from(
    ["file", "empty", "folder", "link", "fifo", "ignore all", "ignore some", "comment", "repository"]
)
worlds = st.lists(st.tuples(st.lists(names, min_size=1, max_size=3), kinds, st.booleans()), max_size=8)
EXCLUDES = st.sampled_from(["", "# nothing\n", "*.o\n"])
TEXTS = {"file": "x", "empty": "", "ignore all": "*\n", "ignore some": "*.o\n!b.o\nbuild/\n", "comment": "# none\n\n"}


def git(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)


def make(root: Path, parts: list[str], kind: str) -> bool:
    path = root.joinpath(*parts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to("a")
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "repository":
            path.mkdir()
            git(path, "init", "--quiet")
        elif path.exists() or path.is_symlink():
            return False
        else:
            path.write_text(TEXTS[kind])
    except OSError:
        return False
    return True


@settings(max_examples=25)
@given(worlds, EXCLUDES)
def test_a_walk_lists_what_git_lists(world: list[tuple[list[str], str, bool]], exclude: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        git(root, "init", "--quiet", "--template=")
        (root / ".git" / "info").mkdir()
        (root / ".git" / "info" / "exclude").write_text(exclude)
        for parts, kind, tracked in world:
            if parts[0].lower() != ".git" and make(root, parts, kind) and tracked and kind in TEXTS:
                subprocess.run(
                    ["git", "add", "--force", "--", str(Path(*parts))], cwd=root, check=False, capture_output=True
                )
        found = list_checkout(root, walk_checkout(os.fsencode(root), 0))
        if any(path.is_fifo() for path in root.rglob(".gitignore")):
            assert any(".gitignore cannot be read" in problem.what for problem in found.problems)
            return  # git would wait for it
        told = listing._ask_git(root)
        gone = [path for path in told.paths if not os.path.lexists(root / os.fsdecode(path))]
        assert sorted(set(told.paths) - set(gone)) == [p for p in found.paths if p not in gone]
        assert found.problems == told.problems


def test_an_ordinary_checkout_needs_no_git_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_text("x")
    (tmp_path / "top").write_text("y")
    git(tmp_path, "add", "top")
    asked: list[Path] = []
    ask = listing._ask_git

    def counted(folder: Path) -> listing.Listing:
        asked.append(folder)
        return ask(folder)

    monkeypatch.setattr(listing, "_ask_git", counted)
    assert list_checkout(tmp_path, walk_checkout(os.fsencode(tmp_path), 0)).paths == [b"sub/file", b"top"]
    assert asked == []
    (tmp_path / ".gitignore").write_text("sub/\n")
    assert list_checkout(tmp_path, walk_checkout(os.fsencode(tmp_path), 0)).paths == [b".gitignore", b"top"]
    assert asked == [tmp_path]


def test_a_pipe_as_ignore_list_is_refused_and_holds_nobody_up(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "sub" / ".gitignore")
    found = list_checkout(tmp_path, walk_checkout(os.fsencode(tmp_path), 0))
    assert [problem.what for problem in found.problems] == ["sub/.gitignore cannot be read"]
    (tmp_path / "sub" / ".gitignore").unlink()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / ".gitignore").symlink_to("pipe")
    assert list_checkout(tmp_path, walk_checkout(os.fsencode(tmp_path), 0)).problems == []


def test_an_ignore_list_that_ignores_itself_is_part_of_what_was_seen(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text(".gitignore\n*.o\n")
    (tmp_path / "a.o").write_text("x")
    before = walk_checkout(os.fsencode(tmp_path), 0)
    assert list_checkout(tmp_path, before).paths == []
    with (tmp_path / ".gitignore").open("r+") as file:  # in place: the folder does not change
        file.write(".gitignore\n#.o\n")
    after = walk_checkout(os.fsencode(tmp_path), 0)
    assert list_checkout(tmp_path, after).paths == [b"a.o"]
    assert before.stamps[""] == after.stamps[""]
    assert before.stamps[".gitignore"] != after.stamps[".gitignore"]
