"""What the program shows on a terminal, seen through an emulator of one."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping

import pytest

from tests.e2e.product import Product
from tests.terminal import Terminal

pytestmark = pytest.mark.sandbox


def start(
    work: Product, terminal: Terminal, *arguments: str, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    variables = {k: v for k, v in work.environment.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color"}
    return work.start(
        *arguments,
        stdin=terminal.theirs,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        start_new_session=True,
        env=variables | (environment or {}),
    )


def ended(terminal: Terminal, process: "subprocess.Popen[str]") -> int:
    """Look until the program has ended, and return its exit code."""
    terminal.wait(lambda _: process.poll() is not None)
    terminal.settle()
    assert process.returncode is not None
    return int(process.returncode)


def timeless(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}\b", "########", re.sub(r"\d+(\.\d)? s\b", "N s", text))


def test_a_build_as_it_is_seen_on_a_terminal(shop: Product) -> None:
    work = shop.workspace("Money", "Shop")
    work.edit("Money", "money.c", "a + b", "b + a")
    with Terminal(90, 30) as terminal:
        process = start(work, terminal, "build", "Shop")
        terminal.wait(lambda terminal: b"critical path: Money-1.0 -> Price-1.0 -> Shop-1.0, about " in terminal.written)
        assert ended(terminal, process) == 0
        assert timeless(terminal.text).splitlines() == [
            "build     Money-1.0  because source changed: ######## -> ########",
            "built     Money-1.0  in N s",
            "build     Price-1.0  because Money-1.0 changed: ######## -> ########",
            "built     Price-1.0  in N s, the same artifact as before",
            "build     Shop-1.0  because Money-1.0 changed: ######## -> ########",
            "built     Shop-1.0  in N s, the same artifact as before",
            "summary   3 steps ran in N s, 0 of 3 remembered",
            "          critical path: Money-1.0 -> Price-1.0 -> Shop-1.0, N s",
            "3 built, 0 tested, 0 remembered",
        ]
        assert terminal.colour_of("built     Money") == "green"
        assert b"\x1b[?" not in terminal.written, "nothing is switched that has to be switched back"

    # A dumb terminal gets lines, and one whose owner wants no colour gets none.
    for environment, codes in (({"TERM": "dumb"}, set()), ({"NO_COLOR": "1"}, {b"A", b"K"})):
        work.edit("Money", "money.h", ";", "; ")
        with Terminal(40, 12) as terminal:
            assert ended(terminal, start(work, terminal, "test", "Shop", environment=environment)) == 0
            assert set(re.findall(rb"\x1b\[[0-9;]*(.)", terminal.written)) <= codes
            assert "built     Money-1.0" in terminal.text
            assert all(len(row) <= 40 for row in terminal.rows)


def test_ctrl_c_leaves_a_tidy_terminal(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "brazil.toml").write_text(
        (work.src("Rates") / "brazil.toml").read_text().replace("mkdir", "sleep 3600; mkdir", 1)
    )
    with Terminal(80, 24) as terminal:
        process = start(work, terminal, "build")
        terminal.wait(lambda terminal: re.search(r"  build Rates-1\.0  [1-9]\d* s", terminal.text) is not None)
        assert any(row.startswith("━") for row in terminal.rows)
        os.kill(process.pid, signal.SIGINT)
        assert ended(terminal, process) == 130
        assert not [row for row in terminal.rows if row.startswith(("━", "  build"))], terminal.text
