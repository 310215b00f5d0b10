"""The same work for many things, in a few threads: for work that mostly waits, for the disk or for other processes."""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_THREADS = 2  # what is not waiting is Python, of which one runs at a time
_MANY = 16  # things from which a second thread is worth its start
_LOOK = 0.2  # seconds; a signal that comes right before a wait does not end it


def side_by_side(work: Callable[[T], None], things: Sequence[T]) -> None:
    """Do something with each thing, in no order; the first error ends it and is raised when all threads have ended."""
    if len(things) < _MANY:
        for thing in things:
            work(thing)
        return
    left: queue.SimpleQueue[T] = queue.SimpleQueue()
    for thing in things:
        left.put(thing)
    errors: list[BaseException] = []
    threads = [threading.Thread(target=_work_off, args=(work, left, errors), daemon=True) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(_LOOK)
    except BaseException:
        errors.append(KeyboardInterrupt())  # no thread begins with another thing
        for thread in threads:
            thread.join()
        raise
    if errors:
        raise errors[0]


def _work_off(work: Callable[[T], None], left: "queue.SimpleQueue[T]", errors: list[BaseException]) -> None:
    try:
        with suppress(queue.Empty):
            while not errors:
                work(left.get_nowait())
    except BaseException as error:  # raised by the thread that waits
        errors.append(error)
