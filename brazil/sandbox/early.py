"""A value that is worked out before it is asked for, beside whatever else there is to do."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Early(Generic[T]):
    """Begins at once, in a thread of its own; nobody waits for it but who asks for the value."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._value: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def __call__(self) -> T:
        """Wait for the value, or raise what the work raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set, because the work has ended without an error

    def wait(self) -> None:
        """Wait for the end of the work, however it ends; in its own thread it has come to that."""
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self, work: Callable[[], T]) -> None:
        try:
            self._value = work()
        except BaseException as error:  # raised where the value is asked for
            self._error = error
