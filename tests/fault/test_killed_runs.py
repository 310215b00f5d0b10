import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from brazil.sandbox import launch as module
from brazil.sandbox.binder import Binder
from brazil.sandbox.bubblewrap import find_bubblewrap
from brazil.sandbox.folders import RunFolders
from brazil.sandbox.launch import Ending, Limits, launch
from brazil.sandbox.limits import Limiter
from tests.terminal import PATIENCE

pytestmark = pytest.mark.sandbox

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["--unshare-pid", "--die-with-parent", "--bind", "/", "/", "--proc", "/proc"]
LIMITS = Limits(60, 1 << 20, 1 << 20, 0, 100)


def start_and_die(root: str, place: str) -> None:
    """Start a run and be killed: before its options are sent, right after, when it was seen, or when all is set up."""

    def die(*_: object) -> None:
        print(folders.lock, flush=True)  # noqa: T201 - so that the test knows it came so far
        os.kill(os.getpid(), signal.SIGKILL)

    folders = RunFolders(Path(root))
    folders.make()
    if place == "options":
        module._Run.send = die  # type: ignore[method-assign]
    elif place == "gate":
        module._Run.watch = die  # type: ignore[method-assign]
    elif place == "begun":
        module._Run._read_status = die  # type: ignore[method-assign,assignment]
    else:
        module._Run._let_start = die  # type: ignore[method-assign]
    command = ["/bin/sh", "-c", f"echo >{root}/started; exec sleep 86399"]
    launch(str(find_bubblewrap().path), OPTIONS, command, LIMITS, Limiter(()), lock=folders.lock)


if __name__ == "__main__":
    start_and_die(*sys.argv[1:])


def holders(folder: Path) -> list[str]:
    """Processes that have something in the folder open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.name != str(os.getpid()) and any(
                os.readlink(entry).startswith(str(folder))  # noqa: PTH115 - no real path
                for entry in (process / "fd").iterdir()
            ):
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("place", ["options", "gate", "begun", "set up"])
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_a_run_that_outlives_its_process_is_ended_by_the_next(tmp_path: Path, place: str, pause: float) -> None:
    root = tmp_path / "runs"
    worker = subprocess.run(
        [sys.executable, __file__, str(root), place],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert worker.returncode == -signal.SIGKILL
    assert worker.stdout, worker.stderr
    time.sleep(pause)
    mine = RunFolders(root)
    # What was killed while it was on its way to its end may hold the folder for a moment more.
    deadline = time.monotonic() + PATIENCE
    while len(list(root.iterdir())) != 2:
        assert time.monotonic() < deadline, "only the new folder and its lock are there"
        RunFolders(root)
        time.sleep(0.02)
    assert holders(root) == []
    assert not (root / "started").exists(), "without its filter no command starts"
    assert mine.make()


def test_a_run_of_a_process_that_lives_is_left_alone(tmp_path: Path) -> None:
    """Whatever else that process opens and closes meanwhile."""
    folders = RunFolders(tmp_path)
    ended = threading.Event()
    endings = []

    def run() -> None:
        command = ["/bin/sleep", "1"]
        endings.append(launch(str(find_bubblewrap().path), OPTIONS, command, LIMITS, Limiter(()), lock=folders.lock))
        ended.set()

    def open_and_close() -> None:
        while not ended.is_set():
            os.close(os.open("/", os.O_RDONLY))

    threads = [threading.Thread(target=run), threading.Thread(target=open_and_close)]
    for thread in threads:
        thread.start()
    while not ended.is_set():
        RunFolders(tmp_path)
    for thread in threads:
        thread.join()
    assert [(ending.exit_code, ending.ended_by) for ending in endings] == [(0, "")]


def test_what_cannot_be_prepared_does_not_start(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", f"echo >{tmp_path}/started"]

    def refuse(_: int) -> None:
        raise PermissionError("refused")

    with pytest.raises(PermissionError, match="refused"):
        launch(str(find_bubblewrap().path), OPTIONS, command, LIMITS, Limiter(()), prepare=refuse)
    assert not (tmp_path / "started").exists()
    ending = launch(str(find_bubblewrap().path), OPTIONS, command, LIMITS, Limiter(()), prepare=lambda _: None)
    assert (ending.exit_code, (tmp_path / "started").exists()) == (0, True)


def test_setting_up_takes_no_time_from_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    late = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + sum(late)))
    ending = launch(
        str(find_bubblewrap().path),
        OPTIONS,
        ["/bin/true"],
        LIMITS,
        Limiter(()),
        prepare=lambda _: late.append(2 * LIMITS.seconds),
    )
    assert (ending.exit_code, ending.ended_by) == (0, "")


def test_what_cannot_be_bound_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "name").touch()
    binder = Binder()

    def bind(target: str) -> Ending:
        return launch(
            str(find_bubblewrap().path),
            ["--unshare-user", *OPTIONS, "--tmpfs", "/opt", "--ro-bind", str(tmp_path), "/opt/shelf"],
            ["/bin/sh", "-c", "ls /opt /opt/in; touch /opt/new"],
            LIMITS,
            Limiter(()),
            prepare=lambda namespace: binder.bind(namespace, [("/opt/shelf/here", target)], "/opt/shelf", "/opt"),
        )

    with pytest.raises(OSError, match="/opt/missing/in: No such file"):
        bind("/opt/missing/in")
    ending = bind("/opt/in")
    assert ending.log.startswith(b"/opt:\nin\n\n/opt/in:\nname\n")
    assert b"/opt/new': Read-only file system" in ending.log


def test_a_process_that_lives_keeps_its_runs(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    swept = tmp_path / "swept"
    mine = RunFolders(root)
    outcome = []
    thread = threading.Thread(
        target=lambda: outcome.append(
            launch(
                str(find_bubblewrap().path),
                OPTIONS,
                ["/bin/sh", "-c", f"until [ -e {swept} ]; do sleep 0.05; done; echo whole; ls -l /proc/self/fd"],
                LIMITS,
                Limiter(()),
                lock=mine.lock,
            )
        )
    )
    thread.start()
    while not holders(root):  # the run has begun
        assert thread.is_alive()
    sweep = f"import pathlib, brazil.sandbox.folders as f; f.RunFolders(pathlib.Path({str(root)!r}))"
    other = subprocess.run([sys.executable, "-c", sweep], env=os.environ | {"PYTHONPATH": str(ROOT)})
    swept.touch()
    thread.join()
    assert other.returncode == 0
    assert outcome[0].exit_code == 0
    assert b"whole" in outcome[0].log
    assert b".lock" not in outcome[0].log, "the command does not have the lock"
