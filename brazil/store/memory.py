"""MemoryStore: the ContentStore and ActionCache of one process, for tests.

Blobs and results live in dictionaries; only Trees that somebody wants as folders are files, in a temporary folder
that goes with the store.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from brazil.model.action import ActionResult
from brazil.model.digest import EMPTY, Digest, digest_of
from brazil.store.blobs import INPUT_TIME, MODES, missing
from brazil.store.content import StoredContent
from brazil.store.trees import TreeFolders

_LOOK = 0.05  # seconds between looks at a claim that another holds


class MemoryStore(StoredContent):
    """See `ContentStore` and `ActionCache`; safe for threads."""

    def __init__(self) -> None:
        self._temporary = TemporaryDirectory(prefix="brazil-store-")
        self._blobs = MemoryBlobs(self._temporary.name)
        super().__init__(self._blobs, TreeFolders(self._blobs, Path(self._temporary.name, "trees")))
        self._results: dict[Digest, ActionResult] = {}
        self._owners: dict[Digest, str] = {}
        self._released = threading.Condition()

    def mark(self) -> str:
        """See `ContentStore.mark`."""
        return f"{id(self)} {self._blobs.losses}"

    def get(self, action: Digest) -> ActionResult | None:
        """See `ActionCache.get`."""
        return self._results.get(action)

    def put(self, action: Digest, result: ActionResult) -> None:
        """See `ActionCache.put`."""
        if result.exit_code != 0:
            raise ValueError("only successes are remembered")
        self._results[action] = result

    @contextmanager
    def claim(self, action: Digest, owner: str, waiting: Callable[[str], None]) -> Iterator[None]:
        """See `ActionCache.claim`."""
        with self._released:
            while action in self._owners:
                waiting(self._owners[action])
                self._released.wait(_LOOK)
            self._owners[action] = owner
        try:
            yield
        finally:
            with self._released:
                del self._owners[action]
                self._released.notify_all()

    def forget(self, digest: Digest) -> None:
        """Lose a blob, as a garbage collector or a broken disk would."""
        self._blobs.forget(digest)


class MemoryBlobs:
    """Blobs in a dictionary; those that are to be linked to are written into a folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._content: dict[Digest, bytes] = {}
        self._writing = threading.Lock()
        self.losses = 0

    def has(self, digest: Digest) -> bool:
        """Say whether the content is there."""
        return digest in self._content or digest == EMPTY

    def read(self, digest: Digest) -> bytes:
        """Return the content."""
        if digest == EMPTY:
            return b""
        try:
            return self._content[digest]
        except KeyError:
            self.losses += 1
            raise missing(digest) from None

    def write(self, data: bytes) -> Digest:
        """Keep the content."""
        digest = digest_of(data)
        self._content[digest] = data
        return digest

    def take(self, path: str, executable: bool, size: int) -> Digest:
        """Keep a file."""
        data = Path(path).read_bytes()
        if len(data) != size:
            raise ValueError(f"{path} changed while it was taken")
        os.unlink(path)
        return self.write(data)

    def checked_file(self, digest: Digest, executable: bool) -> str:
        """Return the path of a file with this content and mode."""
        path = f"{self._folder}/{digest.hash}{'.x' if executable else ''}"
        data = self.read(digest)
        with self._writing:
            if not os.path.exists(path):
                _new_file(path, data, MODES[executable])
        return path

    def copy(self, digest: Digest, target: str, mode: int) -> None:
        """Write a private copy to a new file."""
        _new_file(target, self.read(digest), mode)

    def forget(self, digest: Digest) -> None:
        """Lose a blob."""
        del self._content[digest]
        self.losses += 1


def _new_file(path: str, data: bytes, mode: int) -> None:
    with open(path, "xb") as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
    os.utime(path, (INPUT_TIME, INPUT_TIME))
