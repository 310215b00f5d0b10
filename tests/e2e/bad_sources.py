"""What is wrong with sources and what must come of it: one table for all build systems, and a form for their own.

A build system says with one source how a line of shell comes to run in its build (`sh build.sh`) and as its only
test (`sh test.sh`). The table of this module is the same for all of them then. What is different for each, such as a
source that asks for a newer tool, stands in the module that tests the build system; none may be forgotten.
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest import mock

from brazil.model.tested import CaseEnd
from brazil.sandbox import launch
from tests.e2e.product import open_shop, options, toml
from tests.e2e.systems import Run, runs
from tests.sandbox_case import endless, processes_with


class Bad(NamedTuple):
    """A package that must fail: its files, what it says under [build], and how the Step ends."""

    files: Mapping[str, str]
    build: str = ""
    step: str = "build"
    exit_code: int = 1
    said: str = ""  # a part of the log


# Names that differ only in case, and one of two lines.
ODD_NAMES = frozenset({"share/one", "share/One", "share/two\nlines"})


class Odd(NamedTuple):
    """How an artifact gets names that differ only in case, where it is not by `build.sh`."""

    files: Mapping[str, str] = {}
    build: str = ""  # says under [build]
    names: frozenset[str] = ODD_NAMES


class Native(NamedTuple):
    """How a build system comes to run what its user wrote."""

    system: str
    files: Mapping[str, str]  # a source whose build runs `sh build.sh`, and whose only test runs `sh test.sh`
    build: str = ""  # what it says under [build]
    build_fails: int = 1  # exit code of a build in which a line failed
    test_fails: int = 1
    cases: int = 1  # that its report tells of
    runs_in_build: bool = True  # False: nothing that a package brings runs in a build
    odd: Odd = Odd()
    without: Mapping[str, str] = {}  # kinds of OWN that cannot be -> why


# What the module of every build system must have a package for, in its own words.
OWN = frozenset(
    {
        "NoSource",  # nothing of what the build system builds is there
        "Broken",  # the tool cannot read what is there
        "OldTool",  # a newer tool is asked for than there is
        "Fetches",  # what is not there is to be fetched from a network
        "Nothing",  # nothing is left as the artifact
        "NoTests",  # there shall be tests, and none is found
    }
)


class _Line(NamedTuple):
    """Lines of shell; empty: those of a package that has nothing wrong."""

    build: str = ""
    test: str = ""


_GOOD = _Line('mkdir -p "$BRAZIL_OUT/share"; echo > "$BRAZIL_OUT/share/one"', "true")
_SLEEP = endless()
_LIMIT = 300  # seconds for the one that hangs; less than others have, because their clock is moved on too

_ODD_FILES = f'{_GOOD.build}; cd "$BRAZIL_OUT/share"; echo > One; echo > "two\nlines"'

# Beside what the tool itself reports: what is no XML, and what is too much of it.
_ODD_REPORT = """\
cd "$BRAZIL_REPORT"
printf '<testsuites><' > own-broken.xml
truncate -s 65M own-large.xml
"""

_OUTSIDE = "bash -c ': < /dev/tcp/192.0.2.1/80' || touch /usr/share/mine"
_REFUSED = ("Network is unreachable", "cannot touch '/usr/share/mine': Read-only file system")

_LINES: Mapping[str, _Line] = {
    "Outside": _Line(f"{_OUTSIDE} || false"),
    "OddName": _Line("touch \"$BRAZIL_OUT/$(printf 'caf\\351')\""),
    "Fails": _Line(test=f'echo this is wrong; {_OUTSIDE} || touch "$BRAZIL_OUT/mine"'),
    "Hangs": _Line(test=f"echo it waits; sleep {_SLEEP} & sleep {_SLEEP}"),
    "Odd": _Line(_ODD_FILES, _ODD_REPORT),
}

# A test of Java; only the name of its annotation differs between the kinds of JUnit.
JUNIT_4_SHELL = """\
public class PayTest {
    @org.junit.Test public void runs() throws Exception {
        var process = new ProcessBuilder("sh", "test.sh").redirectErrorStream(true).start();
        System.out.print(new String(process.getInputStream().readAllBytes()));
        if (process.waitFor() != 0) throw new AssertionError("it failed");
    }
}
"""


def bad_packages(system: str, packages: Mapping[str, Bad]) -> dict[str, Mapping[str, str]]:
    """Write the `brazil.toml` of each."""
    return {
        name: {"brazil.toml": f"{toml(name, system)}\n[build]\n{bad.build}\n", **bad.files}
        for name, bad in packages.items()
    }


def try_all(folder: Path, packages: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, Run], str]:
    """Build and test packages of which some must fail, in one go; return the last run of every Step, and what is told.

    Nothing of it is published.
    """
    product = open_shop(folder, packages, [f"{name}-1.0" for name in packages])
    refs = product.refs()
    with _waiting_no_longer():
        answer = product.run("publish", "--set", "shop/dev", "--keep-going", *options("-p", packages))
    assert (answer.code, product.refs()) == (1, refs), answer.err
    return runs(product), answer.err


@contextlib.contextmanager
def _waiting_no_longer() -> Iterator[None]:
    """Move the clock of time limits on by `_LIMIT` once a test is seen to hang: no busy machine takes so long."""
    moved: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not moved and not over.wait(0.1):
            if processes_with(f"sleep\0{_SLEEP}"):
                moved.append(_LIMIT)

    thread = threading.Thread(target=look)
    thread.start()
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + sum(moved))
    try:
        with mock.patch.object(launch, "time", clock):
            yield
    finally:
        over.set()
        thread.join()


def fail_as_said(
    folder: Path, native: Native, own: Mapping[str, Bad], more: Mapping[str, Bad] | None = None
) -> dict[str, Run]:
    """Build and test what is wrong with any source and with those of one build system; each must end as it says.

    Args:
        folder: a new one.
        native: how the build system runs a line.
        own: what is wrong with its own sources.
        more: packages whose runs are only returned.

    Returns:
        The last run of every Step.
    """
    assert own.keys() | native.without.keys() >= OWN, "every kind has a package, or a reason why it cannot"
    lines = {name: line for name, line in _LINES.items() if native.runs_in_build or line.test}
    shared = {name: _run(native, name, line) for name, line in lines.items()}
    packages = bad_packages(native.system, {**own, **shared, **(more or {})})
    found, told = try_all(folder, packages)
    for name, bad in own.items():
        run = found[f"{bad.step} {name}-1.0"]
        assert (run.exit_code, bad.said in run.log) == (bad.exit_code, True), f"{name}: {run}"
        assert bad.step == "test" or not run.digest, name
    for name in lines:
        _CHECKS[name](native, found, told)
    assert _SLEEP not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return found


def _run(native: Native, name: str, line: _Line) -> Bad:
    files = {**native.files, "build.sh": line.build or _GOOD.build, "test.sh": line.test or _GOOD.test}
    build = native.build
    if name == "Odd":
        files, build = {**files, **native.odd.files}, build + native.odd.build
    return Bad(files, build + (f"timeout = {_LIMIT}\n" if name == "Hangs" else ""))


def _outside(native: Native, found: Mapping[str, Run], _told: str) -> None:
    run = found["build Outside-1.0"]
    assert (run.exit_code, run.digest) == (native.build_fails, ""), run.log
    assert all(refused in run.log for refused in _REFUSED), run.log


def _odd_name(_native: Native, found: Mapping[str, Run], told: str) -> None:
    run, why = (
        found["build OddName-1.0"],
        "in /brazil/pkg/OddName-1.0, the output 'caf\\udce9' cannot",
    )
    assert (run.exit_code, run.digest, why in run.log) == (0, "", True), run
    assert why in told, told


def _fails(native: Native, found: Mapping[str, Run], _told: str) -> None:
    run = found["test Fails-1.0"]
    assert run.exit_code == native.test_fails, run.log
    refused = ("this is wrong", *_REFUSED, "cannot touch '/brazil/pkg/Fails-1.0/mine': Read-only file system")
    assert all(line in run.log for line in refused), run.log
    assert run.tested.count(CaseEnd.FAILED, CaseEnd.ERROR) == native.cases, run.tested


def _hangs(_native: Native, found: Mapping[str, Run], _told: str) -> None:
    run = found["test Hangs-1.0"]
    assert (run.exit_code, run.ended_by) == (137, "timeout"), run.log
    assert "its time limit" in run.log


def _odd(native: Native, found: Mapping[str, Run], _told: str) -> None:
    build, test = found["build Odd-1.0"], found["test Odd-1.0"]
    assert build.files.keys() >= native.odd.names, build.files.keys()
    assert test.exit_code == 0, test.log
    unreadable = {file.rpartition("/")[2]: why for file, why in test.tested.unreadable}
    assert unreadable == {
        "own-broken.xml": "unclosed token: line 1, column 12",
        "own-large.xml": "with it the report is larger than 64 MiB",
    }, unreadable
    assert len(test.tested.cases) == test.tested.count(CaseEnd.PASSED) == native.cases, test.tested.cases


_CHECKS = {"Outside": _outside, "OddName": _odd_name, "Fails": _fails, "Hangs": _hangs, "Odd": _odd}
