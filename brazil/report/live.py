"""A live view of a build on a terminal: what is done stands above, what runs and how far it is below."""

import time
from types import TracebackType
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from brazil.events import Event, PlanReady, StepCached, StepFailed, StepFinished, StepSkipped, StepStarted
from brazil.model.action import StepId
from brazil.report.printable import printable
from brazil.report.progress import event_line

_STYLES = {StepStarted: "cyan", StepFinished: "green", StepFailed: "red", StepSkipped: "yellow"}
_SHOWN = 8  # running Steps that get a line of their own


class LiveView:
    """Shows events on a terminal; a context manager."""

    def __init__(self, stream: IO[str]) -> None:
        self._console = Console(file=stream, highlight=False)
        self._running: dict[StepId, float] = {}
        self._total = self._cached = self._ran = self._failed = self._skipped = 0
        self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=8, transient=True)

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, traceback)

    def __call__(self, event: Event) -> None:
        """Take an event in."""
        self._count(event)
        line = event_line(event)
        if line and not isinstance(event, StepCached | PlanReady):
            self._console.print(Text(printable(line), style=_STYLES.get(type(event), "")))

    def _count(self, event: Event) -> None:
        match event:
            case PlanReady(steps):
                self._total = len(steps)
            case StepCached():
                self._cached += 1
            case StepStarted(step):
                self._running[step] = time.monotonic()
            case StepFinished(step):
                self._running.pop(step, None)
                self._ran += 1
            case StepFailed(step):
                self._running.pop(step, None)
                self._failed += 1
            case StepSkipped():
                self._skipped += 1
            case _:
                pass

    def _render(self) -> RenderableType:
        if not self._total:
            return Text("")
        done = self._cached + self._ran + self._failed + self._skipped
        width = 30
        filled = width * done // self._total
        bar = Text.assemble(
            ("━" * filled, "green"),
            ("━" * (width - filled), "dim"),
            f" {done}/{self._total}   {self._cached} cached, {self._ran} run, {self._failed} failed",
        )
        now = time.monotonic()
        rows = [
            Text(f"  {step}  {now - since:.0f} s", style="cyan") for step, since in list(self._running.items())[:_SHOWN]
        ]
        more = len(self._running) - _SHOWN
        if more > 0:
            rows.append(Text(f"  and {more} more", style="dim"))
        return Group(*rows, bar)
