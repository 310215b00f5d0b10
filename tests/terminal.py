"""A terminal to look at: the far end of a pseudo-terminal, drawn by an emulator."""

import fcntl
import os
import select
import struct
import termios
import time
from collections.abc import Callable

import pyte

PATIENCE = 60  # seconds after which a test that waits has failed
_MARK = bytes(8)  # which no terminal draws


def is_ready(descriptor: int, seconds: float) -> bool:
    """Wait at most so long for something to read; any number of a descriptor will do, unlike with select."""
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    return bool(ready.poll(1000 * seconds))


class Terminal:
    """A pseudo-terminal and what would be seen on it; a context manager."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self._ours, self.theirs = os.openpty()
        self._screen = pyte.HistoryScreen(columns, lines, history=1000)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        self._set_size(columns, lines)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        os.close(self.theirs)

    def leave(self) -> None:
        """Close the window: nobody reads any more what programs write."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def resize(self, columns: int, lines: int) -> None:
        """Change the size, as a person does who drags a corner of the window."""
        self._screen.resize(lines, columns)
        self._set_size(columns, lines)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def read(self, seconds: float = 0.0) -> bool:
        """Draw what was written, after waiting for it at most so long; False when there was nothing."""
        found = False
        while is_ready(self._ours, 0.0 if found else seconds):
            try:
                data = os.read(self._ours, 1 << 16)
            except OSError:  # what Linux says when the other side has left
                break
            if not data:
                break
            self.written += data
            self._stream.feed(data)
            found = True
        return found

    def settle(self) -> None:
        """Draw all that was written before: the kernel hands it over when it comes to it, but in its order."""
        end = time.monotonic() + PATIENCE
        os.write(self.theirs, _MARK)
        while _MARK not in self.written:
            assert time.monotonic() < end, "the terminal hands nothing over"
            self.read(0.05)
        self.written = self.written.replace(_MARK, b"")

    def wait(self, until: Callable[["Terminal"], bool]) -> None:
        """Draw until something can be seen."""
        end = time.monotonic() + PATIENCE
        while not until(self):
            assert time.monotonic() < end, f"this stays on the screen:\n{self.text}"
            self.read(0.05)

    @property
    def rows(self) -> list[str]:
        """What can be seen, without empty rows at the end."""
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def text(self) -> str:
        """What can be seen, and what has moved out at the top."""
        above = ("".join(line[x].data for x in range(self._screen.columns)) for line in self._screen.history.top)
        return "\n".join([*(row.rstrip() for row in above), *self.rows])

    def colour_of(self, text: str) -> str:
        """The colour that a text on the screen begins with."""
        for y, row in enumerate(self._screen.display):
            if (x := row.find(text)) >= 0:
                return str(self._screen.buffer[y][x].fg)
        raise AssertionError(f"{text!r} is not on the screen:\n{self.text}")

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
