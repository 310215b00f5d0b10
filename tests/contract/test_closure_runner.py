import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from brazil.errors import UnavailableError, UsageError
from brazil.sandbox.enter import BubblewrapClosureRunner
from tests.sandbox_case import Machine, as_nobody, machine, nobodys
from tests.terminal import PATIENCE, is_ready

pytestmark = pytest.mark.sandbox

PLACE = "pkg/Dep-1.0"


@pytest.fixture
def box(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path, tmp_path_factory)


def run(box: Machine, *arguments: str, environment: dict[str, str] | None = None) -> int:
    dependency = box.tree({"bin/tool*": "#!/bin/sh\necho from the closure\n", "data": "text"})
    runner = BubblewrapClosureRunner(box.store, box.bwrap)
    return runner.run([(PLACE, dependency)], environment or {"PATH": os.environ["PATH"]}, arguments)


def test_the_closure_is_at_its_paths_and_the_machine_around_it(
    box: Machine, capfd: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "mine").write_text("mine")
    monkeypatch.chdir(home)
    script = "/brazil/pkg/Dep-1.0/bin/tool; cat mine; echo; pwd; id -u; echo new >written"
    assert run(box, "/bin/sh", "-c", script) == 0
    assert capfd.readouterr().out.split("\n") == ["from the closure", "mine", str(home), str(os.geteuid()), ""]
    assert (home / "written").read_text() == "new\n"


def test_the_closure_cannot_be_changed(box: Machine) -> None:
    for attempt in ("echo x >/brazil/pkg/Dep-1.0/data", "rm /brazil/pkg/Dep-1.0/data", "mkdir /brazil/pkg/New-1"):
        assert run(box, "/bin/sh", "-c", f"{attempt} 2>/dev/null") != 0


def test_a_closure_of_thousands_is_there_for_root_and_others(box: Machine) -> None:
    def run(other: Machine) -> str:
        inputs = [(f"pkg/Dep{n}-1.0", other.tree({"name": "x"})) for n in (0, *range(2, 4000))]
        script = """
            cat /brazil/pkg/*/name | wc -c; ls -A /brazil; ls /usr >/dev/null && echo usr; id -u
            for d in /brazil /brazil/pkg /brazil/pkg/Dep7-1.0; do (: >$d/new) 2>/dev/null && echo "writable: $d"; done
        """
        with (other.folder / "said").open("w") as file:
            program = ["/bin/sh", "-c", f"exec >{shlex.quote(file.name)}; {script}"]
            BubblewrapClosureRunner(other.store, other.bwrap).run(inputs, {"PATH": "/usr/bin:/bin"}, program)
        return (other.folder / "said").read_text()

    assert run(box).split() == ["3999", "pkg", "usr", str(os.geteuid())]
    assert as_nobody(lambda folder: run(nobodys(folder))).split()[:3] == ["3999", "pkg", "usr"]


def test_a_closure_that_cannot_be_bound_starts_nothing(box: Machine, tmp_path: Path) -> None:
    tree = box.tree({"name": "x"})
    inputs = [(f"pkg/Dep{n}-1.0", tree) for n in (*range(100), 99)]
    runner = BubblewrapClosureRunner(box.store, box.bwrap)
    with pytest.raises(UnavailableError, match=r"could not be put at /brazil: /brazil/pkg/Dep99-1.0: File exists"):
        runner.run(inputs, {"PATH": "/usr/bin:/bin"}, ["touch", str(tmp_path / "started")])
    assert not (tmp_path / "started").exists()


def test_processes_and_network_are_those_of_the_machine(box: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(box, "/bin/sh", "-c", "readlink /proc/self/ns/net /proc/self/ns/pid /proc/self/ns/uts") == 0
    outside = [os.readlink(f"/proc/self/ns/{name}") for name in ("net", "pid", "uts")]  # noqa: PTH115 - no real path
    assert capfd.readouterr().out.split() == outside


def test_the_environment_is_exactly_what_was_given(box: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(box, "/usr/bin/env", environment={"A": "1", "B": "x y"}) == 0
    assert capfd.readouterr().out == "A=1\nB=x y\n"


def test_a_program_is_found_on_the_path_of_its_environment(box: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(box, "tool", environment={"PATH": "/brazil/pkg/Dep-1.0/bin:/usr/bin:/bin"}) == 0
    assert capfd.readouterr().out == "from the closure\n"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137), ("exit 127", 127)])
def test_the_exit_code_is_passed_through(box: Machine, script: str, code: int) -> None:
    assert run(box, "/bin/sh", "-c", script) == code


@pytest.mark.parametrize("program", ["no-such-program", "/brazil/pkg/Dep-1.0/none", "/brazil/pkg/Dep-1.0/data"])
def test_a_missing_program_is_a_usage_error(box: Machine, program: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(box, program)
    assert caught.value.code == "exec.no-program"
    assert program in caught.value.problems[0].what


def test_arguments_are_not_read_by_anybody_else(box: Machine, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(box, "/bin/echo", "--ro-bind", "/x", "--", "-c", "$HOME") == 0
    assert capfd.readouterr().out == "--ro-bind /x -- -c $HOME\n"


def test_a_bubblewrap_that_fails_is_unavailable(box: Machine, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(UnavailableError):
        BubblewrapClosureRunner(box.store, box.bwrap._replace(path=broken)).run([], {}, ["/bin/true"])


def on_a_terminal(
    work: Callable[[], int], steps: list[tuple[bytes, Callable[[int, int], object]]]
) -> tuple[bytes, int]:
    """Do `work` in a process on a terminal of its own; do each step once its text was seen."""
    child, terminal = pty.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    seen = b""
    waiting = list(steps)
    while True:
        if not is_ready(terminal, PATIENCE):
            os.kill(child, signal.SIGKILL)
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break  # the terminal has no process any more
        seen += data
        while waiting and waiting[0][0] in seen:
            waiting.pop(0)[1](child, terminal)
        if not data:
            break
    os.close(terminal)
    return seen, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_ctrl_c_goes_to_the_command_and_its_answer_counts(box: Machine) -> None:
    script = "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.05; done"
    seen, code = on_a_terminal(
        lambda: run(box, "/bin/sh", "-c", script), [(b"ready", lambda _, terminal: os.write(terminal, b"\x03"))]
    )
    assert b"caught" in seen
    assert code == 7


def test_ctrl_c_ends_a_command_that_does_not_care(box: Machine) -> None:
    seen, code = on_a_terminal(
        lambda: run(box, "/bin/sh", "-c", "echo ready; exec sleep 3600"),
        [(b"ready", lambda _, terminal: os.write(terminal, b"\x03"))],
    )
    assert b"ready" in seen
    assert code == 130


def test_a_command_reads_the_terminal(box: Machine) -> None:
    seen, code = on_a_terminal(
        lambda: run(box, "/bin/sh", "-c", "test -t 0 && test -t 1; echo ready; read line; echo got $line"),
        [(b"ready", lambda _, terminal: os.write(terminal, b"words\n"))],
    )
    assert b"got words" in seen
    assert code == 0


def test_a_signal_to_us_is_handed_on(box: Machine) -> None:
    script = "trap 'echo caught; exit 8' TERM; echo ready; while :; do sleep 0.05; done"
    seen, code = on_a_terminal(
        lambda: run(box, "/bin/sh", "-c", script), [(b"ready", lambda child, _: os.kill(child, signal.SIGTERM))]
    )
    assert b"caught" in seen
    assert code == 8


def test_a_signal_that_comes_before_the_command_is_kept_for_it(box: Machine, tmp_path: Path) -> None:
    slow = tmp_path / "bwrap"
    slow.write_text(f'#!/bin/sh\nkill -TERM "$PPID"\nexec {box.bwrap.path} "$@"\n')
    slow.chmod(0o755)
    runner = BubblewrapClosureRunner(box.store, box.bwrap._replace(path=slow))
    assert runner.run([], {"PATH": os.environ["PATH"]}, ["/bin/sh", "-c", "sleep 60"]) == 143


def test_our_own_handling_of_signals_is_restored(box: Machine) -> None:
    numbers = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    run(box, "/bin/true")
    assert [signal.getsignal(number) for number in numbers] == before


def test_signals_mean_inside_what_they_meant_outside(box: Machine) -> None:
    report = "import json, signal; print(json.dumps([signal.getsignal(n) == signal.SIG_IGN for n in (2, 3, 13, 25)]))"
    shown = subprocess.run(
        [sys.executable, "-c", "print('[false, false, true, true]')"], capture_output=True, text=True
    )
    path = box.folder / "seen"
    assert run(box, "/bin/sh", "-c", f"exec {sys.executable} -c '{report}' >{path}") == 0
    # Python itself ignores the last two in every program.
    assert json.loads(path.read_text()) == json.loads(shown.stdout)
