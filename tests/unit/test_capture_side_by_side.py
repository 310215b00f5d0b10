import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.model.digest import digest_of
from brazil.model.workspace import Captured
from brazil.source.checkout import GitCheckouts
from brazil.source.side_by_side import capture_side_by_side
from brazil.wiring import Wiring

FOLDERS = [Path(f"/checkouts/{number}") for number in range(200)]
_SERVE = """
import os, sys, time
from brazil.source.side_by_side import serve
from tests.unit.test_capture_side_by_side import captured
def capture(folder):
    {first}
    return captured(folder)
serve(capture, sys.stdin.buffer, sys.stdout.buffer)
"""


def captured(folder: Path) -> Captured:
    return Captured(digest_of(str(folder).encode()), ("", ".git"), b"stamps")


def second(first: str = "") -> list[str]:
    """Return the command of a second process that does something before each capture."""
    return [sys.executable, "-c", _SERVE.format(first=first or "pass")]


class Here:
    """Captures in this process, slowly enough for another to be of use."""

    def __init__(self, first: Callable[[Path], object] = lambda _: None) -> None:
        self.done: list[Path] = []
        self._first = first

    def __call__(self, folder: Path) -> Captured:
        self.done.append(folder)
        self._first(folder)
        time.sleep(0.002)
        return captured(folder)


EVERYTHING = {folder: captured(folder) for folder in FOLDERS}


def test_two_processes_share_many_checkouts() -> None:
    here = Here(lambda _: time.sleep(0.01))  # long enough for the other one to start
    assert capture_side_by_side(FOLDERS, here, second()) == EVERYTHING
    assert 0 < len(here.done) < len(FOLDERS)


def test_few_checkouts_are_captured_here() -> None:
    here = Here()
    assert capture_side_by_side(FOLDERS[:3], here, ["/no/such/program"]).keys() == set(FOLDERS[:3])
    assert here.done == FOLDERS[:3]


@pytest.mark.parametrize(
    "program",
    [
        ["/no/such/program"],
        ["false"],
        ["true"],
        ["echo", "what is this?"],
        second("os._exit(0) if folder.name > '2' else None"),
        second("1 / 0"),
        second("os.close(1)"),
    ],
)
def test_what_the_second_process_does_not_do_is_done_here(program: Sequence[str]) -> None:
    assert capture_side_by_side(FOLDERS, Here(), program) == EVERYTHING


def test_problems_are_told_for_all_checkouts_whoever_met_them() -> None:
    def refuse(folder: Path) -> None:
        if folder.name.endswith("7"):
            raise UsageError(Problem("source.kind", folder.name))

    with pytest.raises(UsageError) as caught:
        capture_side_by_side(
            FOLDERS,
            Here(refuse),
            second(
                "import brazil.errors as e\n    if folder.name.endswith('7'):"
                " raise e.UsageError(e.Problem('source.kind', '?'))"
            ),
        )
    assert [p.what for p in caught.value.problems] == [f.name for f in FOLDERS if f.name.endswith("7")]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UnavailableError(Problem("store.cannot-write", "full"))])
def test_an_error_ends_both(error: BaseException, tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        if (tmp_path / "pid").exists():
            raise error

    new, there = str(tmp_path / "new"), str(tmp_path / "pid")  # renamed, so that it is never empty
    say = f"file = open({new!r}, 'w'); file.write(str(os.getpid())); file.close(); os.rename({new!r}, {there!r})"
    program = second(f"{say}; time.sleep(600)")
    folders = FOLDERS * 100
    with pytest.raises(type(error)):
        capture_side_by_side(folders, Here(fail), program)
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


def test_the_program_shares_its_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = (tmp_path / "src" / str(number) for number in range(160))
    subprocess.run(["git", "init", "--quiet", "--", first], check=True)
    for folder in others:
        shutil.copytree(first, folder)
    for folder in (first, *others):
        (folder / "file").write_text(folder.name)
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for key in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(key, environment[key])
    here: list[Path] = []
    original = GitCheckouts.capture

    def counted(self: GitCheckouts, folder: Path) -> Captured:
        here.append(folder)
        time.sleep(0.01)
        return original(self, folder)

    monkeypatch.setattr(GitCheckouts, "capture", counted)
    checkouts, store = Wiring(environment).checkouts, Wiring(environment).store
    found = checkouts.capture_all((first, *others))
    assert 0 < len(here) < len(found)
    for folder, (root, _, _) in found.items():
        assert [store.read(file.digest) for file in store.read_directory(root).files] == [folder.name.encode()]
