"""What failed runs leave: when it is kept, for how long, and that it is safe to have."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brazil.errors import UsageError
from brazil.model.action import FailedRun
from brazil.sandbox.failed import FailedFolders, standing_in
from brazil.sandbox.inside import BubblewrapEntrance
from tests.sandbox_case import OUTPUT, Machine, machine

pytestmark = pytest.mark.sandbox


@pytest.fixture
def box(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path, tmp_path_factory)


@pytest.fixture
def work(box: Machine) -> Path:
    folder = box.folder / "work"
    folder.mkdir()
    return folder


def fail(box: Machine, work: Path, script: str = "exit 3", label: str = "build Thing-1.0", **changes: Any) -> None:
    result = box.run(script, {"file": "text"}, keep_for=str(work), label=label, **changes)
    assert result.exit_code != 0


def only(box: Machine, work: Path) -> FailedRun:
    (run,) = box.failed.runs(work)
    return run


def everything(box: Machine) -> list[str]:
    """Every folder of kept runs, also those that are about to go."""
    return sorted(path.name for home in (box.folder / "failed").glob("*") for path in home.iterdir())


def enter(box: Machine, run: FailedRun, script: str) -> int:
    entrance = BubblewrapEntrance(box.store, box.platform, box.runs, box.bwrap)
    return entrance.enter_failed(run, ("/bin/sh", "-c", script), {})


def test_what_a_failure_left_is_there_as_it_was(box: Machine, work: Path) -> None:
    dependency = box.tree({"data": "of a dependency"})
    fail(box, work, 'echo said; echo half >"$BRAZIL_OUT/x"; rm src/file; exit 3', inputs=(("pkg/Dep-1.0", dependency),))
    run = only(box, work)
    assert (run.request.label, run.exit_code, run.cause) == ("build Thing-1.0", 3, "")
    assert Path(run.folder, "log").read_text() == "said\n"
    assert box.left_behind() == []
    script = (
        'test ! -e src/file && grep -q half "$BRAZIL_OUT/x" && grep -q dependency pkg/Dep-1.0/data && echo >src/new'
    )
    assert enter(box, run, script) == 0
    assert enter(box, run, "test -e src/new && exit 7") == 7


def test_the_view_is_that_of_the_run(box: Machine, work: Path) -> None:
    fail(box, work)
    run = only(box, work)
    env = "env | sort | cut -d= -f1 | tr '\\n' ' ' >src/seen; wc -l </proc/net/dev >>src/seen; ls / >>src/seen"
    assert enter(box, run, f"{env}; ! touch /usr/x 2>/dev/null; ! touch pkg/x 2>/dev/null") == 0
    seen = Path(run.folder, "src", "seen").read_text().split()
    assert seen[:7] == ["BRAZIL_OUT", "HOME", "PATH", "PWD", "TZ", "3", "bin"]
    assert "work" not in seen


def test_the_report_of_tests_that_failed_is_there_too(box: Machine, work: Path) -> None:
    """It was moved into the store."""
    fail(box, work, 'echo 1 >"$BRAZIL_OUT/report"; exit 1', keep_failed=True)
    assert enter(box, only(box, work), f"grep -q 1 {OUTPUT}/report") == 0


def test_a_success_leaves_nothing(box: Machine, work: Path) -> None:
    box.run("true", keep_for=str(work))
    assert not (box.folder / "failed").exists()


def test_an_output_that_is_refused_is_kept_with_the_reason(box: Machine, work: Path) -> None:
    assert "evil" in box.run('ln -s /etc/passwd "$BRAZIL_OUT/evil"', keep_for=str(work)).cause
    run = only(box, work)
    assert run.exit_code == 0
    assert "evil" in run.cause


def test_what_is_larger_than_an_output_is_not_kept_and_neither_is_the_failure_before(box: Machine, work: Path) -> None:
    fail(box, work)
    fail(box, work, 'head -c 2000000 /dev/zero >"$BRAZIL_OUT/x"; exit 1', largest_output=1 << 20)
    assert box.failed.kept(work) == frozenset()
    assert everything(box) == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_folder_of_large_files_is_measured_before_it_is_kept(box: Machine, work: Path, killed: bool) -> None:
    end = "kill -9 $$" if killed else "exit 1"
    fail(box, work, f"for n in 1 2 3; do head -c 400000 /dev/zero >src/$n; done; {end}", largest_output=1 << 20)
    assert everything(box) == []


HOSTILE: dict[str, str] = {
    "a folder that cannot be read": "mkdir src/dark; echo >src/dark/x; chmod 0 src/dark",
    "a source that cannot be read": "chmod 0 src",
    "links to elsewhere": 'ln -s / src/root; ln -s ../../.. src/up; ln -s /etc/passwd "$BRAZIL_OUT/passwd"',
    "a fifo and a socket": "mkfifo src/fifo; perl -MSocket -e 'socket S,AF_UNIX,1,0; bind S,sockaddr_un(\"src/s\")'",
    "many folders inside each other": "cd src; for n in $(seq 300); do mkdir d; cd d; done",
    "names that are no text": "touch \"src/$(printf '\\377\\n')\" src/-rf",
    "files like ours": "for f in log failure.json src out-0; do echo x >src/$f; done",
    "a program that runs as its owner": "cp /bin/sh src/sh; chmod 4755 src/sh",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_tree_is_kept_entered_and_removed(box: Machine, work: Path, what: str) -> None:
    fail(box, work, f"{HOSTILE[what]}; exit 1")
    run = only(box, work)
    assert stat.S_IMODE(Path(run.folder).parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((box.folder / "failed").stat().st_mode) == 0o700
    assert enter(box, run, "exit 5") == 5
    assert box.failed.forget_all(work) >= 0
    assert list((box.folder / "failed").iterdir()) == []
    assert Path("/etc/passwd").exists()


class TestHowLong:
    def test_the_next_failure_takes_the_place(self, box: Machine, work: Path) -> None:
        fail(box, work, "exit 3")
        fail(box, work, "exit 4")
        assert only(box, work).exit_code == 4
        assert everything(box) == ["build-Thing-1.0"]

    def test_steps_and_workspaces_have_their_own(self, box: Machine, work: Path) -> None:
        other = box.folder / "other"
        other.mkdir()
        fail(box, work)
        fail(box, work, label="test Thing-1.0")
        fail(box, other, "exit 4")
        assert [run.request.label for run in box.failed.runs(work)] == ["test Thing-1.0", "build Thing-1.0"]
        assert only(box, other).exit_code == 4
        box.failed.forget(work, ["build Thing-1.0", "build Never-1.0"])
        assert box.failed.kept(work) == {"test Thing-1.0"}
        assert box.failed.kept(other) == {"build Thing-1.0"}

    def test_the_oldest_go(self, box: Machine, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("brazil.sandbox.failed._MOST", 2)
        for name in ("C", "A", "B"):
            fail(box, work, label=f"build {name}-1.0")
        assert [run.request.label for run in box.failed.runs(work)] == ["build B-1.0", "build A-1.0"]

    def test_those_of_a_workspace_that_is_gone_go_with_the_next_failure(self, box: Machine, work: Path) -> None:
        fail(box, work)
        work.rmdir()
        other = box.folder / "other"
        other.mkdir()
        fail(box, other)
        assert box.failed.runs(work) == []
        assert len(list((box.folder / "failed").iterdir())) == 1

    @pytest.mark.parametrize(
        "goes",
        [
            lambda box, work: fail(box, work, "exit 4"),
            lambda box, work: box.failed.forget(work, ["build Thing-1.0"]),
            lambda box, work: box.failed.forget_all(work),
        ],
    )
    def test_what_somebody_stands_in_goes_when_he_has_left(
        self, box: Machine, work: Path, goes: Callable[[Machine, Path], object]
    ) -> None:
        fail(box, work)
        with standing_in(only(box, work)) as there:
            assert there
            goes(box, work)
            assert len([name for name in everything(box) if name.startswith(".")]) == 1
        box.failed.forget_all(work)
        assert everything(box) == []

    def test_a_tree_that_is_gone_is_told(self, box: Machine, work: Path) -> None:
        fail(box, work)
        run = only(box, work)
        box.failed.forget_all(work)
        with pytest.raises(UsageError) as caught:
            enter(box, run, "true")
        assert caught.value.code == "shell.tree-gone"

    @pytest.mark.parametrize("damage", [b"", b"{}", b'{"schema": 9}', b"\xff"])
    def test_a_record_that_is_damaged_is_no_failure_and_can_be_removed(
        self, box: Machine, work: Path, damage: bytes
    ) -> None:
        fail(box, work)
        Path(only(box, work).folder, "failure.json").write_bytes(damage)
        assert box.failed.runs(work) == []
        box.failed.forget_all(work)
        assert everything(box) == []


def test_a_disk_that_refuses_does_not_hide_the_failure(box: Machine, work: Path) -> None:
    (box.folder / "failed").write_text("in the way")
    fail(box, work)
    assert box.failed.runs(work) == []
    assert box.left_behind() == []


def test_nothing_of_nobody_is_nothing(box: Machine) -> None:
    failed = FailedFolders(box.folder / "none")
    assert (failed.kept(box.folder), failed.runs(box.folder), failed.forget_all(box.folder)) == (frozenset(), [], 0)
