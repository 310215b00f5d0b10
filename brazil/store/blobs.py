"""Blobs as read-only files named by their digest.

Invariants: a file under its final name is complete when it appears (staged, then renamed); it is never
changed afterwards; nothing writable is ever linked to it; what is read is checked against its name, and
what fails the check is moved to `quarantine/`. There is one file per content and mode, because all links to
a file share its mode: `<hash>` (0444) and `<hash>.x` (0555). Either one serves for the content.

Files carry the one modification time that every build sees, so links to them need no touch of their own.
A write is not synced: a blob torn by a power cut fails its check and counts as missing. What must survive is
synced when a revision is committed.
"""

import hashlib
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from brazil.errors import IntegrityError, Problem, UnavailableError
from brazil.model.digest import EMPTY, Digest, digest_of

INPUT_TIME = 315_532_800  # 1980-01-01 UTC, the earliest time a zip file can hold; seconds
CHUNK = 1 << 20  # bytes read at a time from large files

_MODES = {False: 0o444, True: 0o555}


class BlobFiles:
    """A folder of blobs; any number of threads and processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._staging = f"{folder}/tmp"
        self._counter = count()
        # Hashes known to be whole: written or checked by this process. Content never changes under its name, so
        # a blob is checked once per process, not once per use.
        self._checked: set[str] = set()
        if not Path(self._staging, "ready").exists():
            self._create(folder)

    def _create(self, folder: Path) -> None:
        try:
            for shard in range(256):
                (folder / f"{shard:02x}").mkdir(parents=True, exist_ok=True)
            (folder / "quarantine").mkdir(exist_ok=True)
            Path(self._staging).mkdir(exist_ok=True)
            Path(self._staging, "ready").touch()  # last, so that an interrupted set-up is done again
        except OSError as error:
            raise cannot_write(str(folder), error) from error

    def path(self, hash_: str, executable: bool = False) -> str:
        """Where the blob of this mode is, or would be."""
        return f"{self._folder}/{hash_[:2]}/{hash_}{'.x' if executable else ''}"

    def has(self, digest: Digest) -> bool:
        """Say whether the content is there in either mode, with the right size."""
        if digest.hash in self._checked or digest == EMPTY:
            return True
        return any(os.stat(path).st_size == digest.size for path in self._existing(digest.hash))

    def read(self, digest: Digest) -> bytes:
        """Return the content, checked.

        Raises:
            IntegrityError: missing or damaged.
        """
        if digest == EMPTY:
            return b""
        for path in self._existing(digest.hash):
            try:
                with open(path, "rb", buffering=0) as file:
                    data = file.read()
            except FileNotFoundError:
                continue  # set aside by another process just now
            if digest_of(data) == digest:
                self._checked.add(digest.hash)
                return data
            self._set_aside(path)
            raise self._damaged(digest)
        raise _missing(digest)

    def write(self, data: bytes) -> Digest:
        """Keep the content."""
        digest = digest_of(data)
        if not self.has(digest) or digest == EMPTY:
            self._place(data, self.path(digest.hash), 0o444)
            self._checked.add(digest.hash)
        return digest

    def take(self, path: str, executable: bool, size: int) -> Digest:
        """Keep a file by moving it here; nobody else may have it open or know it by another name.

        Args:
            path: a regular file on the disk of the store.
            executable: which mode it gets.
            size: bytes, as its owner saw it; a file that has another length is a bug.
        """
        digest = hash_file(path)
        if digest.size != size:
            raise ValueError(f"{path} changed while it was taken")
        target = self.path(digest.hash, executable)
        if digest.hash in self._checked and os.path.exists(target):
            return digest
        try:
            os.chmod(path, _MODES[executable])
            os.utime(path, (INPUT_TIME, INPUT_TIME))
            os.rename(path, target)
        except OSError as error:
            raise cannot_write(target, error) from error
        self._checked.add(digest.hash)
        return digest

    def checked_file(self, digest: Digest, executable: bool) -> str:
        """Return the path of a file with this content and mode that is safe to link to.

        Raises:
            IntegrityError: missing or damaged.
        """
        path = self.path(digest.hash, executable)
        if digest.hash in self._checked and os.path.exists(path):
            return path
        if os.path.exists(path) and hash_file(path) == digest:
            self._checked.add(digest.hash)
            return path
        self._place(self.read(digest), path, _MODES[executable])
        return path

    def copy(self, digest: Digest, target: str, mode: int) -> None:
        """Write a private copy to the new file `target`, checked on the way.

        Raises:
            IntegrityError: missing or damaged; the partial copy is left for the owner of the folder to remove.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with open(target, "wb", buffering=0, opener=lambda p, _: os.open(p, flags, mode)) as file:
                if digest.size <= CHUNK:
                    file.write(self.read(digest))
                else:
                    hasher = hashlib.sha256()
                    for chunk in self._chunks(digest):
                        hasher.update(chunk)
                        file.write(chunk)
                    if hasher.hexdigest() != digest.hash:
                        raise self._damaged(digest)
                os.fchmod(file.fileno(), mode)  # whatever the umask
            os.utime(target, (INPUT_TIME, INPUT_TIME))
        except OSError as error:
            raise cannot_write(target, error) from error

    def _chunks(self, digest: Digest) -> Iterator[bytes]:
        for path in self._existing(digest.hash):
            with open(path, "rb", buffering=0) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
            return
        raise _missing(digest)

    def _existing(self, hash_: str) -> list[str]:
        return [p for p in (self.path(hash_), self.path(hash_, True)) if os.path.exists(p)]

    def _place(self, data: bytes, path: str, mode: int) -> None:
        staged = f"{self._staging}/{os.getpid()}-{next(self._counter)}"
        try:
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fchmod(descriptor, mode)
                os.utime(descriptor, (INPUT_TIME, INPUT_TIME))
            finally:
                os.close(descriptor)
            os.rename(staged, path)
        except OSError as error:
            Path(staged).unlink(missing_ok=True)
            raise cannot_write(path, error) from error

    def _set_aside(self, path: str) -> None:
        try:
            os.rename(path, f"{self._folder}/quarantine/{os.path.basename(path)}-{os.getpid()}-{next(self._counter)}")
        except FileNotFoundError:
            pass  # another process was faster
        except OSError as error:
            raise cannot_write(path, error) from error

    def _damaged(self, digest: Digest) -> IntegrityError:
        self._checked.discard(digest.hash)
        for path in self._existing(digest.hash):
            if hash_file(path) != digest:
                self._set_aside(path)
        return IntegrityError(
            Problem(
                "store.damaged",
                f"the stored content {digest} is damaged",
                "its bytes do not match its digest; it was set aside in quarantine/",
                "run the command again: it is built or fetched anew",
            )
        )


def hash_file(path: str) -> Digest:
    """Name the content of a file, read in chunks."""
    hasher = hashlib.sha256()
    size = 0
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
            size += len(chunk)
    return Digest(hasher.hexdigest(), size)


def cannot_write(path: str, error: OSError) -> UnavailableError:
    """Say that the disk refused."""
    return UnavailableError(
        Problem(
            "store.cannot-write",
            f"cannot write {path}",
            error.strerror or str(error),
            "free space or fix its permissions",
        )
    )


def _missing(digest: Digest) -> IntegrityError:
    return IntegrityError(
        Problem(
            "store.missing",
            f"the content {digest} is not in the store",
            hint="run the command again: it is built or fetched anew",
        )
    )
