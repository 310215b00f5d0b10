"""Many checkouts captured in two processes, because of one process Python runs one thread at a time.

The second process is this program once more. It is asked for a few checkouts at a time, so that both are busy until
the end. It answers with what it captured; what it could not capture, for whatever reason, is captured here, so errors
are told as if it did not exist.
"""

import marshal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from brazil.errors import BrazilError, UsageError
from brazil.model.digest import Digest
from brazil.model.workspace import Captured

_MANY = 150  # checkouts from which the second process is worth its start, which takes as long as to capture 80
_AT_ONCE = 8
_LOOK = 0.2  # seconds; a signal that comes right before a wait does not end it

_Process = subprocess.Popen[bytes]


def capture_side_by_side(
    folders: Sequence[Path], capture: Callable[[Path], Captured], program: Sequence[str]
) -> dict[Path, Captured]:
    """Capture checkouts; of many, some in a second process.

    Args:
        folders: absolute.
        capture: captures one.
        program: command of a process that calls `serve` with the same.

    Raises:
        UsageError: with the problems of all checkouts, in the order of the folders.
    """
    found: dict[Path, Captured] = {}
    refused: dict[Path, UsageError] = {}

    def capture_here(folder: Path) -> None:
        try:
            found[folder] = capture(folder)
        except UsageError as error:
            refused[folder] = error

    if len(folders) >= _MANY:
        _share(folders, capture_here, found, program)
    for folder in folders:
        if folder not in found and folder not in refused:
            capture_here(folder)
    if refused:
        raise UsageError(*(problem for folder in folders if folder in refused for problem in refused[folder].problems))
    return found


def serve(capture: Callable[[Path], Captured], requests: BinaryIO, answers: BinaryIO) -> None:
    """Capture what is asked for until nothing more is: the work of the second process."""

    def answer(folder: str) -> tuple[str, int, tuple[str, ...] | None, bytes] | None:
        try:
            root, paths, stamps = capture(Path(folder))
        except BrazilError:
            return None
        return (root.hash, root.size, paths, stamps)

    with suppress(EOFError):
        while True:
            answers.write(marshal.dumps([answer(folder) for folder in marshal.load(requests)]))
            answers.flush()


def _share(
    folders: Sequence[Path],
    capture_here: Callable[[Path], None],
    found: dict[Path, Captured],
    program: Sequence[str],
) -> None:
    """Capture in both processes until nothing is left that neither has begun with."""
    try:
        process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's signals are for us
        )
    except OSError:
        return
    left = deque(folders)
    asking = threading.Thread(target=_ask, args=(process, left, found), daemon=True)
    asking.start()
    try:
        with suppress(IndexError):
            while True:
                capture_here(left.popleft())
        while asking.is_alive():
            asking.join(_LOOK)
    except BaseException:
        left.clear()
        process.kill()
        raise
    finally:
        asking.join()
        process.wait()


def _ask(process: _Process, left: "deque[Path]", found: dict[Path, Captured]) -> None:
    """Let the second process capture a few, again and again; its death ends that, and so does anything unexpected."""
    requests, answers = process.stdin, process.stdout
    assert requests
    assert answers
    with suppress(OSError), requests, answers, suppress(EOFError, ValueError, TypeError):
        while folders := _some(left):
            requests.write(marshal.dumps([str(folder) for folder in folders]))
            requests.flush()
            for folder, answer in zip(folders, marshal.load(answers), strict=True):
                if answer is not None:
                    hash_, size, paths, stamps = answer
                    found[folder] = Captured(Digest(hash_, size), paths, stamps)


def _some(left: "deque[Path]") -> list[Path]:
    folders: list[Path] = []
    with suppress(IndexError):
        while len(folders) < _AT_ONCE:
            folders.append(left.popleft())
    return folders
