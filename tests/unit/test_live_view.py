import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brazil.events import Event, Note, PlanReady, StepCached, StepFailed, StepFinished, StepSkipped, StepStarted
from brazil.model.action import StepId, StepKind
from brazil.model.digest import digest_of
from brazil.model.names import Interface, PackageName
from brazil.report import board
from brazil.report.board import Board, clip, span
from brazil.report.live import LiveView
from tests.steps import build_of, checks_of
from tests.terminal import PATIENCE, Terminal

ACTION = digest_of(b"action")
CORE, MONEY, PRICE, SHOP, TEST = (
    build_of("Core"),
    build_of("Money"),
    build_of("Price"),
    build_of("Shop"),
    checks_of("Shop"),
)
STEPS = (CORE, MONEY, PRICE, SHOP, TEST)
NEEDS = ((), (CORE,), (CORE,), (CORE, MONEY, PRICE), (CORE, MONEY, PRICE, SHOP))
EARLIER = {MONEY: 4.0, PRICE: 30.0, SHOP: 90.0}
PLAN = PlanReady(STEPS, NEEDS, EARLIER.get)

# What happens, and when: seconds -> events. The names are those of the golden screens.
STORY: list[tuple[str, float, list[Event]]] = [
    (
        "two run",
        2.0,
        [
            PLAN,
            StepCached(CORE, ACTION),
            StepStarted(MONEY, ACTION, ("source changed: 75d07397 -> 7acf8e5d",)),
            StepStarted(PRICE, ACTION, ("never run before",)),
        ],
    ),
    ("one has ended, without another artifact", 5.0, [StepFinished(MONEY, ACTION, 5.0, True)]),
    ("the next", 40.0, [StepFinished(PRICE, ACTION, 38.0, False), Note("wait", "build Shop-1.0 waits for process 7")]),
    ("it runs", 65.0, [StepStarted(SHOP, ACTION, ("Price-1.0 changed: 52af9f9a -> 98a4968f",))]),
    ("it fails", 90.0, [StepFailed(SHOP, ACTION, 25.0, "exit code 2", "shop.c:1: error\nmake: ***")]),
]
STORY_LINES = [  # that stay of the first
    "build     Money-1.0  because source changed: 75d07397 -> 7acf8e5d",
    "build     Price-1.0  because never run before",
]
REPOSITORY = Path(__file__).resolve().parents[2]


class Played:
    """A view on a terminal, with a clock that is moved by hand."""

    def __init__(self, terminal: Terminal, *, colour: bool = True) -> None:
        self.now = 0.0
        self.terminal = terminal
        self._stream = os.fdopen(os.dup(terminal.theirs), "w", encoding="utf-8")
        self.view = LiveView(self._stream, colour=colour, clock=lambda: self.now)

    def play(self, events: list[Event], after: float = 0.0) -> list[str]:
        """Let things happen, wait, and look."""
        for event in events:
            self.view(event)
        self.now += after
        self.view.draw()
        self.terminal.settle()
        return self.terminal.rows

    def end(self) -> list[str]:
        self.view.draw(last=True, summary=True)
        self._stream.close()
        self.terminal.settle()
        return self.terminal.rows


@contextmanager
def played(columns: int = 80, lines: int = 24, *, colour: bool = True) -> Iterator[Played]:
    with Terminal(columns, lines) as terminal:
        yield Played(terminal, colour=colour)


@pytest.mark.parametrize(
    ("columns", "lines", "colour"),
    [(100, 24, True), (60, 24, True), (40, 16, False)],
    ids=["wide", "usual", "narrow-without-colours"],
)
def test_screens(
    columns: int,
    lines: int,
    colour: bool,
    golden: Callable[[str, str], None],
    request: pytest.FixtureRequest,
) -> None:
    shown = []
    with played(columns, lines, colour=colour) as screen:
        for name, at, events in STORY:
            shown += [f"--- {name}", *screen.play(events, at - screen.now)]
        screen.view(StepSkipped(TEST, SHOP))
        shown += ["--- the end", *screen.end()]
        assert (b"m" in b"".join(re.findall(rb"\x1b\[[0-9;]*(.)", screen.terminal.written))) == colour
    golden(f"screen-{request.node.callspec.id}.txt", "\n".join([*shown, ""]))


def test_a_step_that_was_remembered_has_another_colour_than_one_that_ran() -> None:
    with played() as screen:
        screen.play(
            [PLAN, StepCached(CORE, ACTION), StepStarted(MONEY, ACTION, ()), StepFinished(MONEY, ACTION, 1.0, False)]
        )
        screen.play([StepStarted(PRICE, ACTION, ())], 1.0)
        found = {text: screen.terminal.colour_of(text) for text in ("1 remembered", "1 ran", "build Price")}
        assert found == {"1 remembered": "blue", "1 ran": "green", "build Price": "cyan"}


def test_nothing_stays_of_a_build_in_which_everything_is_remembered() -> None:
    with played() as screen:
        rows = screen.play([PLAN, *(StepCached(step, ACTION) for step in STEPS[:4])])
        assert rows[0].startswith("━") and "4 remembered, 0 ran" in rows[0]
        screen.play([StepCached(TEST, ACTION)])
        assert screen.end() == []


@pytest.mark.parametrize("columns", [1, 2, 5, 10, 39, 40, 41, 79, 200])
@pytest.mark.parametrize("lines", [1, 2, 3, 5, 30])
def test_no_row_is_wider_and_no_picture_higher_than_the_terminal(columns: int, lines: int) -> None:
    names = [*(f"P{n}" * 20 for n in range(20)), "A"]
    steps = tuple(StepId(Interface(PackageName(name), "1.0"), StepKind.BUILD) for name in names)
    needs = tuple(steps[:at] for at in range(len(steps)))
    view = Board()
    view.take(PlanReady(steps, needs), 0.0)
    view.take(StepCached(steps[0], ACTION), 0.0)
    for step in steps[1:]:
        view.take(StepStarted(step, ACTION, ()), 1.0)
    view.learn(lambda: True)
    for colour in (True, False):
        rows = view.rows(7200.0, columns, lines, colour=colour)
        assert 1 <= len(rows) <= lines
        assert max(sum(len(piece.text) for piece in row) for row in rows) <= columns


def test_a_terminal_that_becomes_smaller_and_larger_shows_one_picture() -> None:
    with played(100, 24) as screen:
        screen.play(STORY[0][2], 2.0)
        for columns, lines in ((70, 24), (120, 30), (50, 10), (100, 24)):
            screen.terminal.resize(columns, lines)
            rows = screen.play([], 1.0)
            assert sum("critical path" in row for row in rows) == 1, rows


def test_wide_characters_stay_as_they_are() -> None:
    with played(60) as screen:
        screen.play([PLAN, StepStarted(MONEY, ACTION, ("価格表 changed",)), Note("fetch", "é ✓ 🦀")], 1.0)
        assert "価格表 changed" in screen.terminal.text.replace("価 格 表", "価格表")
        rows = screen.play([StepFinished(MONEY, ACTION, 1.0, False)], 1.0)
        assert sum(row.startswith("━") for row in rows) == 1


HOSTILE = "\x1b]0;owned\x07 \x1b[2J \r\x08 \x9b31m \u202egnp.exe\u2066 \x00 \x7f"


def test_nothing_that_a_package_says_steers_the_terminal() -> None:
    with played() as screen:
        screen.play([PLAN, Note("fetch", HOSTILE), StepFailed(CORE, ACTION, 1.0, HOSTILE, HOSTILE)])
        assert b"\x1b]" not in screen.terminal.written and b"[2J" in screen.terminal.written
        assert b"\x1b[2J" not in screen.terminal.written and b"\x07" not in screen.terminal.written


def test_how_long_steps_took_is_only_asked_when_something_runs_and_only_of_what_is_not_done() -> None:
    asked: list[StepId] = []

    def earlier(step: StepId) -> None:
        asked.append(step)

    view = Board()
    view.take(PlanReady(STEPS, NEEDS, earlier), 0.0)
    view.take(StepCached(CORE, ACTION), 0.0)
    view.learn(lambda: True)
    assert asked == []
    view.take(StepStarted(MONEY, ACTION, ()), 0.0)
    while len(asked) < 4:
        view.learn(lambda: False)  # there is no time for more than one
        assert not any("critical path" in piece.text for row in view.rows(1.0, 80, 24, colour=True) for piece in row)
    assert asked == [MONEY, PRICE, SHOP, TEST]
    view.learn(lambda: True)
    assert any("critical path" in piece.text for row in view.rows(1.0, 80, 24, colour=True) for piece in row)


def test_events_cost_their_emitter_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    monkeypatch.setattr(board, "event_line", lambda event: told.append(event))
    steps = tuple(build_of(f"P{n}") for n in range(10_000))
    stream = io.StringIO()
    view = LiveView(stream, colour=True)
    view(PlanReady(steps, tuple(() for _ in steps)))
    for step in steps:
        view(StepCached(step, ACTION))
    assert (stream.getvalue(), told) == ("", [])
    view.draw()
    assert (stream.getvalue(), told) == ("", []), "remembered Steps are counted, and no text is made of them"


def test_one_picture_is_written_for_all_events_that_came_since_the_last() -> None:
    class Counting(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            return super().write(text)

    stream = Counting()
    view = LiveView(stream, colour=True)
    view(PLAN)
    for step in STEPS[:4]:
        view(StepStarted(step, ACTION, ()))
        view(StepFinished(step, ACTION, 0.0, False))
    view.draw()
    assert stream.writes == 1
    view.draw()
    assert stream.writes == 1, "nothing has changed"


def test_a_terminal_that_is_gone_does_not_end_the_work() -> None:
    terminal = Terminal()
    view = Played(terminal)
    view.play(STORY[0][2])
    terminal.leave()
    view.view(StepFinished(MONEY, ACTION, 1.0, False))
    view.view.draw()
    view.view.draw(last=True, summary=True)


def test_the_view_draws_by_itself_and_ends_at_once() -> None:
    with Terminal() as terminal:
        stream = os.fdopen(os.dup(terminal.theirs), "w", encoding="utf-8")
        threads = threading.active_count()
        with LiveView(stream, colour=False) as view:
            for event in STORY[0][2]:
                view(event)
            terminal.wait(lambda terminal: "critical path" in terminal.text)
            began = time.monotonic()
        assert time.monotonic() - began < 5
        assert threading.active_count() == threads
        terminal.settle()
        assert terminal.rows == STORY_LINES


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.6, "1 s"),
        (59.4, "59 s"),
        (59.9, "1 min 00 s"),
        (3600.0, "1 h 00 min"),
        (86399.0, "23 h 59 min"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize("width", range(12))
def test_what_is_cut_has_the_width(width: int) -> None:
    assert len(clip("build JsonKit-1.0", width)) == width
    assert clip("abc", 3) == "abc"


_IN_TMUX = """
import sys, time
from tests.unit.test_live_view import STORY
from brazil.report.live import LiveView
with LiveView(sys.stderr, colour=True) as view:
    for event in STORY[0][2]:
        view(event)
    time.sleep(600)
"""


def test_a_terminal_that_wraps_rows_anew_keeps_no_old_picture() -> None:
    tmux = shutil.which("tmux")
    if not tmux:
        pytest.skip("tmux is not installed")
    folder = Path(tempfile.mkdtemp(prefix="tmux-"))  # pytest's own may be too long for a socket
    environment = {k: v for k, v in os.environ.items() if k != "TMUX"} | {"TMUX_TMPDIR": str(folder)}

    def run(*words: str) -> str:
        return subprocess.run(
            [tmux, "-f", os.devnull, *words],
            env=environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def wait(until: Callable[[str], bool]) -> list[str]:
        end = time.monotonic() + PATIENCE
        while not until(text := run("capture-pane", "-p", "-S", "-")):
            assert time.monotonic() < end, text
            time.sleep(0.1)
        return [row.rstrip() for row in text.splitlines() if row.strip()]

    (folder / "view.py").write_text(_IN_TMUX)
    command = (
        f"PYTHONPATH={shlex.quote(str(REPOSITORY))} {shlex.quote(sys.executable)} {shlex.quote(str(folder))}/view.py"
    )
    run("new-session", "-d", "-x", "100", "-y", "20", command)
    try:
        wide = wait(lambda text: "Shop-1.0 -> test Shop-1.0, about" in text)
        run("resize-window", "-x", "45", "-y", "20")
        narrow = wait(lambda text: "critical path: about" in text)
        run("resize-window", "-x", "100", "-y", "20")
        again = wait(lambda text: "Shop-1.0 -> test Shop-1.0, about" in text)
    finally:
        run("kill-server")
        shutil.rmtree(folder)
    assert wide[:2] == again[:2] == STORY_LINES
    assert [sum("critical path" in row for row in rows) for rows in (wide, narrow, again)] == [1, 1, 1]
    assert [sum("build Money" in row for row in rows) for rows in (wide, narrow, again)] == [1, 1, 1]
