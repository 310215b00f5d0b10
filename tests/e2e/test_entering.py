"""Inside a closure: `brazil exec` and `brazil shell`."""

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.product import Product, copy_shop, toml
from tests.sandbox_case import endless, processes_with
from tests.terminal import PATIENCE, is_ready

pytestmark = pytest.mark.sandbox

INTERRUPT = "\x03"  # Ctrl-C


@pytest.fixture(scope="module")
def work(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A workspace in which Rates also brings a JavaScript package."""
    product = copy_shop(template, tmp_path_factory.mktemp("entering") / "shop")
    inside = product.workspace("Rates", "Shop")
    (inside.src("Rates") / "brazil.toml").write_text(
        toml(
            "Rates",
            build={
                "build": 'mkdir -p "$BRAZIL_OUT/share" "$BRAZIL_OUT/node_modules/rates"\n'
                'cp rate "$BRAZIL_OUT/share/"\ncp rate "$BRAZIL_OUT/node_modules/rates/"'
            },
        )
    )
    return inside


def lines(work: Product, closure: str, script: str, package: str = "Shop") -> list[str]:
    """What a script says inside a closure."""
    done = work.process("exec", "--closure", closure, package, "--", "sh", "-c", script)
    assert done.code == 0, done.err
    return done.out.splitlines()


def test_each_closure_has_its_members_and_the_tools_of_a_build(work: Product) -> None:
    members = ["Money-1.0", "Price-1.0", "Rates-1.0"]
    assert lines(work, "runtime", "ls /brazil/pkg; type stamp || true")[:4] == [*members, "Shop-1.0"]
    assert lines(work, "build", "ls /brazil/pkg; stamp") == [*members, "Stamp-1.0", "stamped"]
    assert lines(work, "test", "ls /brazil/pkg; stamp; shop 1") == [*members, "Shop-1.0", "Stamp-1.0", "stamped", "20"]


def test_search_paths_are_those_of_the_closure_before_the_callers(work: Product) -> None:
    seen = lines(work, "build", 'echo "$PATH"; echo "$CPATH"; echo "$PKG_CONFIG_PATH"; echo "$BRAZIL_CLOSURE"')
    path = "/brazil/tools/bin:/brazil/pkg/Money-1.0/bin:/brazil/pkg/Price-1.0/bin"
    assert seen[0] == f"{path}:{os.environ['PATH']}"
    assert seen[1:] == ["/brazil/pkg/Money-1.0/include", "/brazil/pkg/Money-1.0/lib/pkgconfig", "build Shop-1.0"]


def test_javascript_packages_are_found_as_a_build_finds_them(work: Product) -> None:
    assert lines(work, "runtime", "cat /brazil/node_modules/rates/rate") == ["19"]
    assert lines(work, "build", "ls /brazil/node_modules") == ["rates"]
    assert lines(work, "runtime", "test ! -e /brazil/node_modules && echo none", "Price") == ["none"]


def test_the_build_closure_needs_nothing_of_the_package_itself(work: Product) -> None:
    """So that somebody can stand there while it does not build."""
    manifest = work.src("Shop") / "brazil.toml"
    text = manifest.read_text()
    manifest.write_text(text.replace("install -m", "false\\ninstall -m"))
    try:
        assert work.process("shell", "Shop", "--", "stamp").out == "stamped\n"
        failed = work.process("shell", "--closure", "runtime", "Shop", "--", "stamp")
        assert (failed.code, failed.out) == (1, "")
        assert "1 failed" in failed.err
    finally:
        manifest.write_text(text)
        work.ok("ws", "clean")


def test_a_shell_without_a_terminal_reads_commands(work: Product) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "brazil", "shell", "Shop"],
        input="stamp\nexit 7\n",
        cwd=work.cwd,
        env={**work.environment, "SHELL": "/bin/sh"},
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, "stamped\n")
    assert "inside the" not in done.stderr


@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_closed_descriptors_are_no_files_of_ours(work: Product, closed: str) -> None:
    """A command gets the empty device in their place."""
    script = f'{sys.executable} -m brazil exec Shop -- sh -c "readlink /proc/self/fd/0 >seen" {closed}'
    assert subprocess.run(["sh", "-c", script], cwd=work.cwd, env=work.environment, check=False).returncode == 0
    seen = work.cwd / "seen"
    assert seen.read_text() == "/dev/null\n"
    seen.unlink()


def on_a_terminal(
    work: Product, *arguments: str, type_in: Sequence[tuple[str, str]] = (), **variables: str
) -> tuple[str, int]:
    """Run a command on a terminal of its own, and return what it said and its code.

    Args:
        work: where.
        arguments: of the program.
        type_in: (text, line): the line is typed when the text was seen, behind those before it.
        variables: added to its environment.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(work.cwd)
        environment = {**work.environment, "TERM": "dumb", **variables}
        os.execve(sys.executable, [sys.executable, "-m", "brazil", *arguments], environment)
    seen, at, waiting = "", 0, list(type_in)
    try:
        while is_ready(terminal, PATIENCE):
            try:
                data = os.read(terminal, 4096)
            except OSError:
                break  # the terminal has no process any more
            seen += data.decode(errors="replace")
            while waiting and waiting[0][0] in seen[at:]:
                text, line = waiting.pop(0)
                at = seen.index(text, at) + len(text)
                os.write(terminal, line.encode() if line == INTERRUPT else f"{line}\n".encode())
        else:
            os.kill(child, 9)
            raise AssertionError(f"nothing more came after {seen!r}")
    finally:
        os.close(terminal)
    return seen, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(
    ("program", "prompt"), [("/bin/sh", "(build Shop-1.0) $ "), ("/bin/bash", "(build Shop-1.0) mine> ")]
)
def test_a_shell_says_where_it_stands(work: Product, home: Path, program: str, prompt: str) -> None:
    """Also where the user's own files set the prompt and the PATH."""
    (home / ".bashrc").write_text('PS1="mine> "\nPATH="/usr/bin:$PATH"\n')
    seen, code = on_a_terminal(
        work, "shell", "Shop", type_in=[(prompt, "stamp; echo at $PWD; exit 5")], SHELL=program, HOME=str(home)
    )
    assert "inside the build closure of Shop-1.0: 3 packages at /brazil/pkg; 'exit' leaves" in seen
    assert "tools first on PATH: Stamp-1.0" in seen
    assert f"stamped\r\nat {work.cwd}\r\n" in seen
    assert code == 5


def test_a_closure_inside_another_has_nothing_of_that(work: Product) -> None:
    again = f'{sys.executable} -m brazil exec --closure runtime Rates -- sh -c "echo \\"\\$PATH\\"; ls /brazil/pkg"'
    path, *members = lines(work, "build", again)
    assert path == os.environ["PATH"]
    assert members == ["Rates-1.0"]


class TestWhereABuildRuns:
    def test_it_sees_what_a_build_sees(self, work: Product) -> None:
        """The source is a copy, the output empty, there is no network, and what a build runs can be run by hand."""
        script = """
            cat rate; ls /brazil /brazil/pkg /home; wc -l </proc/net/dev
            eval "$BRAZIL_SCRIPT"; ls "$BRAZIL_OUT"; echo changed >rate; exit 6
        """
        done = work.process("shell", "--sandbox", "Rates", "--", "sh", "-c", script)
        assert " ".join(done.out.split()) == (
            "19 /brazil: pkg src /brazil/pkg: Rates-1.0 /home: build 3 node_modules share"
        )
        assert done.code == 6
        assert (work.src("Rates") / "rate").read_text() == "19\n"

    def test_the_environment_is_the_builds_and_little_more(self, work: Product) -> None:
        shown = {}
        for way in (["--sandbox"], ["--sandbox", "--test"]):
            done = work.process("shell", *way, "Shop", "--", "env")
            shown[way[-1]] = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
        assert shown["--sandbox"]["PATH"].startswith("/brazil/tools/bin:/brazil/pkg/Money-1.0/bin:")
        assert shown["--test"]["BRAZIL_REPORT"] == "/brazil/report"
        assert shown["--sandbox"].keys() & work.environment.keys() <= {"HOME", "PATH", "PWD", "OLDPWD", "TERM", "LANG",
            "TMPDIR", "USER", "LOGNAME", "TZ"}  # fmt: skip
        assert shown["--sandbox"]["HOME"] == "/home/build"

    def test_a_program_that_is_not_there_is_told_by_the_shell_inside(self, work: Product) -> None:
        done = work.process("shell", "--sandbox", "Rates", "--", "no-such-program")
        assert (done.code, "no-such-program" in done.err) == (127, True)

    def test_a_signal_ends_what_is_inside(self, work: Product) -> None:
        mark = endless()
        process = work.start("shell", "--sandbox", "Rates", "--", "sh", "-c", f"echo ready; sleep {mark}")
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(60) == 143
        assert processes_with(mark) == []

    def test_a_shell_on_a_terminal_has_the_keys_and_gives_it_back(self, work: Product) -> None:
        prompt = "(build Rates-1.0) /brazil/src$ "
        steps = [
            (prompt, "sh -c 'echo $((40 + 1)); exec sleep 3600'"),  # which is in front when it says so
            ("41\r\n", INTERRUPT),
            (prompt, "echo after $?; exit 5"),
        ]
        seen, code = on_a_terminal(work, "shell", "--sandbox", "Rates", type_in=steps)
        assert "after 130\r\n" in seen
        assert "inside the sandbox of build Rates-1.0" in seen
        assert code == 5

    def test_a_lone_command_on_a_terminal_has_the_keys(self, work: Product) -> None:
        script = "trap 'echo caught; exit 7' INT; echo rea''dy; while :; do sleep 0.05; done"
        words = ("shell", "--sandbox", "Rates", "--", "sh", "-c", script)
        seen, code = on_a_terminal(work, *words, type_in=[("ready", INTERRUPT)])
        assert ("caught" in seen, code) == (True, 7)

    def test_nothing_can_be_typed_for_the_shell_outside(self, work: Product) -> None:
        script = "import fcntl\ntry: fcntl.ioctl(0, 0x5412, b'x')\nexcept OSError: print('ref' + 'used')"
        seen, code = on_a_terminal(work, "shell", "--sandbox", "Rates", "--", "python3", "-c", script)
        assert ("refused" in seen, code) == (True, 0)


class TestWhereItFailed:
    def test_from_the_message_to_the_tree_and_until_it_succeeds(self, shop: Product) -> None:
        work = shop.workspace("Rates")
        assert "[shell.nothing-failed]" in work.run("shell", "--failed").err
        work.edit("Rates", "brazil.toml", "cp rate", "echo half >$BRAZIL_OUT/half\\nfalse\\ncp rate")
        failed = work.run("build")
        told = "look at build Rates-1.0 where it failed: brazil shell --failed Rates-1.0"
        assert (failed.code, failed.err.splitlines()[-1]) == (1, told)
        assert work.run("build", "--json").data["kept"] == ["build Rates-1.0"]
        inside = work.process("shell", "--failed", "--", "sh", "-c", 'pwd; cat "$BRAZIL_OUT/half"; echo 7 >rate')
        assert (inside.code, inside.out) == (0, "/brazil/src\nhalf\n")
        assert work.process("shell", "--failed", "Rates", "--", "cat", "rate").out == "7\n"
        assert (work.src("Rates") / "rate").read_text() == "19\n"
        assert "did you mean 'Rates'?" in work.run("shell", "--failed", "Rate").err
        assert "[shell.nothing-failed]" in work.run("shell", "--failed", "--test", "Rates").err
        other = shop.workspace(name="other")
        assert "[shell.nothing-failed]" in other.run("shell", "--failed").err
        work.edit("Rates", "brazil.toml", "\\nfalse", "")
        work.ok("build")
        assert "[shell.nothing-failed]" in work.run("shell", "--failed").err

    def test_a_banner_says_what_failed_and_where_the_log_is(self, shop: Product) -> None:
        work = shop.workspace("Rates")
        work.edit("Rates", "brazil.toml", "test -s rate", "echo wrong; exit 9")
        assert work.run("test").err.splitlines()[-1].endswith("brazil shell --failed Rates-1.0")
        seen, code = on_a_terminal(
            work,
            "shell",
            "--failed",
            type_in=[("(test Rates-1.0) /brazil/src$ ", 'sh -eu -c "$BRAZIL_SCRIPT"; exit $?')],
        )
        assert "inside the sandbox of test Rates-1.0 as it failed: exit code 9" in seen
        assert "  | echo wrong; exit 9" in seen
        log = next(line for line in seen.splitlines() if line.startswith("log: ")).removeprefix("log: ")
        assert Path(log).read_text() == "wrong\n"
        assert code == 9
        assert work.ok("ws", "clean").out.startswith("cleaned")
        assert "[shell.nothing-failed]" in work.run("shell", "--failed").err
        assert not Path(log).exists()

    def test_it_goes_with_its_workspace(self, shop: Product) -> None:
        work = shop.workspace("Rates")
        work.edit("Rates", "brazil.toml", "cp rate", "false; cp rate")
        work.run("build")
        assert list((shop.home / "data" / "failed").iterdir())
        shop.ok("ws", "delete", "work", "--force")
        assert list((shop.home / "data" / "failed").iterdir()) == []


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("arguments", "code", "hint"),
        [
            ("exec --closure bild Shop -- true", "command.usage", "brazil exec --help"),
            ("exec Shop --closure build -- true", "command.usage", "brazil exec --help"),
            ("exec Shop --", "command.usage", "brazil exec --help"),
            ("exec Shop -- no-such-program", "exec.no-program", "PATH of the closure"),
            ("exec Shp -- true", "build.unknown-package", "did you mean 'Shop'?"),
            ("shell", "command.usage", "brazil shell --help"),
            ("shell Shp", "build.unknown-package", "did you mean 'Shop'?"),
            ("shell Shop-2.0", "build.unknown-package", "did you mean 'Shop-1.0'?"),
            ("shell Shop -- no-such-program", "exec.no-program", "PATH of the closure"),
            ("shell Shop true", "command.usage", "brazil shell --help"),
            ("shell --sandbox --failed Shop", "command.usage", "brazil shell --help"),
            ("shell --sandbox --closure test Shop", "command.usage", "brazil shell --help"),
            ("shell --test Shop", "command.usage", "brazil shell --help"),
            ("shell --sandbox Shp", "build.unknown-package", "did you mean 'Shop'?"),
            ("shell --sandbox --test Stamp", "shell.no-tests", "leave --test out"),
            ("shell --failed", "shell.nothing-failed", "succeeded since"),
            ("shell --failed Shop", "shell.nothing-failed", "succeeded since"),
        ],
    )
    def test_with_what_helps(self, work: Product, arguments: str, code: str, hint: str) -> None:
        refused = work.run(*arguments.split())
        assert refused.code == 2
        assert f"[{code}]" in refused.err
        assert hint in refused.err
        assert refused.out == ""

    def test_a_place_that_is_no_workspace(self, work: Product) -> None:
        refused = work.at(work.folder).run("shell", "Shop")
        assert (refused.code, "[workspace.none]" in refused.err) == (2, True)
