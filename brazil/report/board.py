"""What a live view shows, and when: counts, what runs, how much is left, the longest chain ahead.

Times come as arguments and texts go out as pieces with the name of a style, so that every picture can be tested with
literals. `report/live.py` puts it on a terminal. Names of Steps are ASCII: every character here is one column wide.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from brazil.events import Event, PlanReady, StepCached, StepFailed, StepFinished, StepSkipped, StepStarted
from brazil.model.action import StepId, StepKind
from brazil.plan.ahead import Ahead, critical_path
from brazil.report.printable import printable
from brazil.report.progress import event_line
from brazil.report.table import counted


class Piece(NamedTuple):
    """A text in one style."""

    text: str
    style: str = ""  # "remembered", "ran", "failed", "skipped", "running", "rest"; empty: none


Row = Sequence[Piece]

_STYLES = {StepStarted: "running", StepFinished: "ran", StepFailed: "failed", StepSkipped: "skipped"}
_SHOWN = 8  # running Steps that get a row of their own, where the terminal is high enough
_NAMED = 12  # Steps of a chain that are named at most
_PATH = "critical path: "
_BAR = "\N{BOX DRAWINGS HEAVY HORIZONTAL}"
_SIGNS = {"remembered": "=", "ran": "#", "failed": "!", "skipped": ".", "rest": "-"}  # of a bar without colours


class _Walk:
    """What is known of the walk over one Plan."""

    def __init__(self, plan: PlanReady, began: float) -> None:
        self.plan = plan
        self.began = began
        self.begun = False  # whether anything has run
        self.counts = {"remembered": 0, "ran": 0, "failed": 0, "skipped": 0}
        self.running: dict[StepId, float] = {}  # since when
        self.most = 1  # Steps that ran at once
        self.ended: dict[StepId, float | None] = {}  # seconds; None: nothing ran
        self.earlier: dict[StepId, float] = {}  # seconds that Steps took before
        self.unasked = iter(plan.steps)
        self.ahead: Ahead | None = None  # until all of that is known

    def begin(self, step: StepId, at: float) -> None:
        self.begun = True
        self.running[step] = at
        self.most = max(self.most, len(self.running))
        if self.ahead:
            self.ahead.begin(step)

    def end(self, step: StepId, how: str, seconds: float | None = None) -> None:
        self.counts[how] += 1
        self.running.pop(step, None)
        self.ended[step] = seconds
        if self.ahead:
            self.ahead.end(step, seconds)

    def learn(self, go_on: Callable[[], bool]) -> None:
        for step in self.unasked:
            if step not in self.ended and (seconds := self.plan.earlier(step)) is not None:
                self.earlier[step] = seconds
            if not go_on():
                return
        self.ahead = Ahead(self.plan.steps, self.plan.needs, self.earlier)
        for step, ran in self.ended.items():
            self.ahead.end(step, ran)
        for step in self.running:
            self.ahead.begin(step)

    def since(self, now: float) -> dict[StepId, float]:
        return {step: now - since for step, since in self.running.items()}


class Board:
    """The state of a live view. Not safe for threads: one thread owns it."""

    def __init__(self) -> None:
        self._lines: list[Row] = []
        self._walk = _Walk(PlanReady((), ()), 0.0)

    def take(self, event: Event, at: float) -> None:
        """Take in what happened at this time, in seconds of any clock that never goes back."""
        if not isinstance(event, StepCached | PlanReady) and (line := event_line(event)):
            first, *rest = printable(line).split("\n")
            self._lines += [[Piece(first, _STYLES.get(type(event), ""))], *([Piece(text)] for text in rest)]
        match event:
            case PlanReady():
                self._walk = _Walk(event, at)
            case StepCached(step):
                self._walk.end(step, "remembered")
            case StepStarted(step):
                self._walk.begin(step, at)
            case StepFinished(step, _, seconds):
                self._walk.end(step, "ran", seconds)
            case StepFailed(step, _, seconds):
                self._walk.end(step, "failed", seconds)
            case StepSkipped(step):
                self._walk.end(step, "skipped")
            case _:
                pass

    def lines(self) -> list[Row]:
        """Return the lines that stay, those since this was asked before."""
        lines, self._lines = self._lines, []
        return lines

    def learn(self, go_on: Callable[[], bool]) -> None:
        """Ask how long Steps took before, as long as `go_on` says so; nothing is asked while everything is remembered.

        What was not asked in the end is asked at the next call.
        """
        if self._walk.begun and not self._walk.ahead:
            self._walk.learn(go_on)

    def rows(self, now: float, width: int, height: int, *, colour: bool) -> list[Row]:
        """Return the rows that are there only for now, low ones last.

        Args:
            now: of the same clock as for `take`.
            width: columns that may be used.
            height: rows that may be used, at least 1.
            colour: whether styles can be seen; else the bar has a sign for each.
        """
        total = len(self._walk.plan.steps)
        if len(self._walk.ended) == total:
            return []
        chain = self._chain_row(now, width)
        bottom = [self._bar_row(now, width, colour), *([chain] if chain else [])][:height]
        return [*self._running_rows(now, width, min(_SHOWN, height - len(bottom))), *bottom]

    def summary(self, now: float) -> list[Row]:
        """Sum up what was remembered, and what could not have been quicker with any number of workers."""
        walk = self._walk
        ran = {step: seconds for step, seconds in walk.ended.items() if seconds is not None}
        if len(ran) < 2:
            return []  # the lines that stay say it all
        total = len(walk.plan.steps)
        times = f"{counted(len(ran), 'step')} ran in {span(now - walk.began)}"
        chain = critical_path(walk.plan.steps, walk.plan.needs, ran)
        return [
            [Piece(f"{'summary':<9} {times}, {walk.counts['remembered']} of {total} remembered")],
            [Piece(f"{'':<9} {_chain_text(chain.steps, _NAMED)}, {span(chain.seconds)}")],
        ]

    def _running_rows(self, now: float, width: int, most: int) -> list[Row]:
        steps = list(self._walk.running.items())
        shown = steps if len(steps) <= most else steps[: max(most - 1, 0)]
        rows: list[Row] = []
        names = [f"  {step}" for step, _ in shown]
        times = [self._running_time(step, now - since) for step, since in shown]
        if max(map(len, names), default=0) + 2 + max(map(len, times), default=0) > width:
            times = [span(now - since) for _, since in shown]
        room = max(width - max(map(len, times), default=0) - 2, 8)
        column = min(max(map(len, names), default=0), room)
        for name, text in zip(names, times, strict=True):
            rows.append([Piece(f"{clip(name, column):<{column}}  {text}"[:width], "running")])
        if len(shown) < len(steps) and most > 0:
            rows.append([Piece(f"  and {len(steps) - len(shown)} more"[:width], "rest")])
        return rows

    def _running_time(self, step: StepId, seconds: float) -> str:
        if step in self._walk.earlier:
            return f"{span(seconds)} of about {span(self._walk.earlier[step])}"
        return span(seconds)

    def _bar_row(self, now: float, width: int, colour: bool) -> Row:
        walk = self._walk
        listed = [Piece(f"{n} {how}", how) for how, n in walk.counts.items() if n or how == "ran"]
        counts = [Piece("  "), *(piece for count in listed for piece in (count, Piece(", ")))][:-1]
        spent = Piece(f"  {span(now - walk.began)}", "rest")
        left = Piece(self._left(now), "rest")
        done = Piece(f" {len(walk.ended)}/{len(walk.plan.steps)}")
        # The first that fits is taken.
        tails: tuple[list[Piece], ...] = ([*counts, spent, left], [*counts, spent], [spent, left], [spent], [])
        for bar, tail in ((30, tails[0]), (20, tails[0]), *((10, tail) for tail in tails)):
            row = [*self._bar(bar, colour), done, *tail]
            if sum(len(piece.text) for piece in row) <= width:
                return row
        return [Piece(done.text.strip()[:width])]

    def _bar(self, width: int, colour: bool) -> Row:
        walk = self._walk
        total = len(walk.plan.steps)
        pieces, number, at = [], 0, 0
        for style, count in (*walk.counts.items(), ("rest", total - len(walk.ended))):
            number += count
            end = width * number // total
            pieces.append(Piece((_BAR if colour else _SIGNS[style]) * (end - at), style))
            at = end
        return pieces

    def _left(self, now: float) -> str:
        """How long it will take: no less than the longest chain, no less than all work shared among the workers."""
        ahead = self._walk.ahead
        if not ahead or not ahead.known:
            return ""
        since = self._walk.since(now)
        left = max(ahead.chain(since).seconds, ahead.work(since) / self._walk.most)
        return f", about {span(left)} left"

    def _chain_row(self, now: float, width: int) -> Row | None:
        ahead = self._walk.ahead
        chain = ahead.chain(self._walk.since(now)) if ahead else None
        if not ahead or not chain or len(chain.steps) < 2:
            return None  # what runs says it
        time = f"about {span(chain.seconds)}" if ahead.known else counted(len(chain.steps), "step")
        texts = [f"{_chain_text(chain.steps, most)}, {time}" for most in range(min(len(chain.steps), _NAMED), 1, -1)]
        texts += [f"{_PATH}{_short(chain.steps[0])} -> {len(chain.steps) - 1} more, {time}", f"{_PATH}{time}"]
        return [Piece(next((text for text in texts if len(text) <= width), texts[-1][:width]), "rest")]


def span(seconds: float) -> str:
    """Write a time for a reader: "12 s", "2 min 05 s", "1 h 02 min"."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def clip(text: str, width: int) -> str:
    """Cut a text to a width; its end tells more than its middle."""
    if len(text) <= width:
        return text
    if width < 5:
        return text[:width]
    tail = (width - 1) // 2
    return f"{text[: width - tail - 2]}..{text[-tail:]}"


def _chain_text(steps: Sequence[StepId], most: int) -> str:
    """Name the Steps of a chain, or its first ones and the last."""
    if len(steps) <= most:
        names = [_short(step) for step in steps]
    else:
        names = [*map(_short, steps[: most - 1]), f"{len(steps) - most} more", _short(steps[-1])]
    return f"{_PATH}{' -> '.join(names)}"


def _short(step: StepId) -> str:
    return str(step.interface) if step.kind is StepKind.BUILD else str(step)
