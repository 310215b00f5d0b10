"""Results remembered by Key, and the right to run a Key.

A result file is a check, a line end, and the payload: its name says what was run, so nothing but the check, which
covers name and payload, tells a damaged or misplaced result from a whole one. A damaged one is deleted and counts as
never remembered.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brazil.errors import IntegrityError
from brazil.formats.reapi import decode_action_result, encode_action_result
from brazil.model.action import ActionResult
from brazil.model.digest import Digest
from brazil.store.blobs import abandoned, cannot_write, unique_name, write_all

_FIRST_WAIT, _LONGEST_WAIT = 0.005, 0.1  # seconds between looks at a claim that another holds
_OWNER = 300  # bytes of an owner's text that are kept


class ActionFiles:
    """A folder of remembered results and one of claims; any number of threads and processes may use it."""

    def __init__(self, folder: Path, claims: Path) -> None:
        self._folder = str(folder)
        self._claims = str(claims)
        try:
            (folder / "tmp").mkdir(parents=True, exist_ok=True)
            claims.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        for path in abandoned(f"{folder}/tmp"):
            with suppress(OSError):
                os.unlink(path)

    def get(self, action: Digest) -> ActionResult | None:
        """Return the remembered result, or None."""
        path = self._path(action)
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.read()
        except OSError:
            return None  # not there, or not readable, which the next `put` heals
        check, _, payload = data.partition(b"\n")
        with suppress(IntegrityError):
            if check == _check(action, payload):
                return decode_action_result(payload)
        with suppress(OSError):
            os.unlink(path)
        return None

    def put(self, action: Digest, result: ActionResult) -> None:
        """Remember a success."""
        if result.exit_code != 0:
            raise ValueError("only successes are remembered")
        payload = encode_action_result(result)
        staged = f"{self._folder}/tmp/{unique_name()}"
        path = self._path(action)
        try:
            with open(staged, "wb", buffering=0) as file:
                write_all(file.fileno(), _check(action, payload) + b"\n" + payload)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.rename(staged, path)
        except OSError as error:
            with suppress(OSError):
                os.unlink(staged)
            raise cannot_write(path, error) from error

    @contextmanager
    def claim(self, action: Digest, owner: str, waiting: Callable[[str], None]) -> Iterator[None]:
        """Hold the only right to run an Action; see `ActionCache.claim`."""
        path = f"{self._claims}/{action.hash}"
        descriptor = self._lock(path, waiting)
        try:
            with suppress(OSError):  # a full disk: those who wait are told nothing, and wait all the same
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, owner.encode(errors="replace")[:_OWNER], 0)
            yield
        finally:
            # Removed while still held: whoever waits on the old file sees that its name is gone and starts over.
            # A name that is no longer this file belongs to somebody else.
            try:
                with suppress(OSError):  # a file that stays is free to be claimed once it is closed
                    if _names(path, descriptor):
                        os.unlink(path)
            finally:
                os.close(descriptor)

    def _lock(self, path: str, waiting: Callable[[str], None]) -> int:
        pause = _FIRST_WAIT
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise cannot_write(path, error) from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _names(path, descriptor):
                    return descriptor
                os.close(descriptor)
            except BlockingIOError:
                holder = b""
                with suppress(OSError):  # it only serves those who watch
                    holder = os.pread(descriptor, _OWNER, 0)
                os.close(descriptor)
                waiting(holder.decode(errors="replace"))
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_WAIT)
            except OSError as error:
                os.close(descriptor)
                raise cannot_write(path, error) from error

    def _path(self, action: Digest) -> str:
        return f"{self._folder}/{action.hash[:2]}/{action.hash}"


def _check(action: Digest, payload: bytes) -> bytes:
    return hashlib.sha256(str(action).encode() + b"\n" + payload).hexdigest().encode()


def _names(path: str, descriptor: int) -> bool:
    """Say whether `path` still names the open file."""
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
