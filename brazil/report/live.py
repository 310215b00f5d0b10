"""A live view of a build on a terminal: what is done stands above, what runs and how far it is below.

Whoever emits an event only puts it into a queue. A thread of the view takes them out eight times a second and writes
once for all of them, so neither a remembered Step nor one that ran costs a builder anything worth naming.

Only four control sequences are used, which every terminal but a dumb one knows: back to the first column, up, erase
a row, and colours. The cursor is never hidden, so there is nothing to put right after a kill.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO

from brazil.events import Event
from brazil.report.board import Board, Row

_PERIOD = 1 / 8  # seconds between pictures: what an eye follows
_LEARNING = 0.03  # seconds of a period for reading how long Steps took before
_COLOURS = {"remembered": "34", "ran": "32", "failed": "31", "skipped": "33", "running": "36", "rest": "2"}


class LiveView:
    """Shows events on a terminal; a context manager."""

    def __init__(self, stream: IO[str], *, colour: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare.

        Args:
            stream: leads to a terminal that knows control sequences.
            colour: whether to use colours.
            clock: seconds that never go back.
        """
        self._clock = clock
        self._stream = stream
        self._colour = colour
        self._inbox: deque[tuple[float, Event]] = deque()
        self._board = Board()
        self._drawn: list[Row] = []  # rows on the screen that the next picture replaces
        self._stopping = threading.Event()
        self._gone = False  # the terminal takes no more
        self._drawer = threading.Thread(target=self._draw_on, name="live view", daemon=True)

    def __enter__(self) -> "LiveView":
        self._drawer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._drawer.join()
        self.draw(last=True, summary=kind is None)

    def __call__(self, event: Event) -> None:
        """Take an event in; safe for threads."""
        self._inbox.append((self._clock(), event))

    def _draw_on(self) -> None:
        while not self._stopping.wait(_PERIOD):
            self.draw()

    def draw(self, *, last: bool = False, summary: bool = False) -> None:
        """Bring the screen up to date; called by one thread at a time.

        Args:
            last: leave only what stays.
            summary: say what it came to.
        """
        while self._inbox:
            at, event = self._inbox.popleft()
            self._board.take(event, at)
        now = self._clock()
        columns, lines = _size(self._stream)
        rows: list[Row] = []
        if not last:
            self._board.learn(lambda: self._clock() - now < _LEARNING and not self._stopping.is_set())
            # The last column stays free: what a full row does to the cursor differs among terminals.
            rows = self._board.rows(now, max(columns - 1, 1), max(lines - 2, 1), colour=self._colour)
        kept = self._board.lines() + (self._board.summary(now) if summary else [])
        if kept or rows != self._drawn:
            stay = "".join(f"{self._paint(row)}\n" for row in kept)
            self._write(_erase(self._drawn, columns) + stay + "\n".join(map(self._paint, rows)))
            self._drawn = rows

    def _write(self, text: str) -> None:
        try:
            if not self._gone:
                self._stream.write(text)
                self._stream.flush()
        except OSError:
            self._gone = True  # the work goes on; what it comes to is told by its exit code

    def _paint(self, row: Row) -> str:
        if not self._colour:
            return "".join(piece.text for piece in row)
        return "".join(
            f"\x1b[{_COLOURS[piece.style]}m{piece.text}\x1b[0m" if piece.style and piece.text else piece.text
            for piece in row
        )


def _erase(rows: Sequence[Row], columns: int) -> str:
    """Erase the rows, and be where they began; where the terminal has become narrower, they were wrapped.

    Row by row: tmux keeps what is erased from the first row to the end of the screen, as if it had scrolled away.
    """
    if not rows:
        return ""
    high = sum(max(-(-sum(len(piece.text) for piece in row) // columns), 1) for row in rows)
    return "\r\x1b[2K" + "\x1b[A\x1b[2K" * (high - 1)


def _size(stream: IO[str]) -> tuple[int, int]:
    """Columns and rows of the terminal now; what is usual where it does not say."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24
