"""Blobs as read-only files named by their digest.

Invariants: a file under its final name is complete when it appears (staged, then renamed); it is never
changed afterwards; nothing writable is ever linked to it; what is read is checked against its name, and
what fails the check is moved to `quarantine/`. There is one file per content and mode, because all links to
a file share its mode: `<hash>` (0444) and `<hash>.x` (0555). Either one serves for the content.

Files carry the one modification time that every build sees, so links to them need no touch of their own, and
whoever changes one is noticed: a file whose size, mode or time is not what we gave it is hashed again wherever it
is met, then mended or set aside. Decay that leaves all three as they were is found when the content is next read
or first linked by a process.

A write is not synced: a blob torn by a power cut fails its check and counts as missing. What must survive is
synced when a revision is committed.
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Protocol

from brazil.errors import IntegrityError, Problem, UnavailableError
from brazil.model.digest import EMPTY, Digest, digest_of

INPUT_TIME = 315_532_800  # 1980-01-01 UTC, the earliest time a zip file can hold; seconds
CHUNK = 1 << 20  # bytes read at a time from large files

MODES = {False: 0o444, True: 0o555}  # executable -> the mode of a stored file

_ABANDONED = 600  # seconds after which what a dead process staged is removed; a blob is staged for milliseconds
_TIME = INPUT_TIME * 1_000_000_000
_TIMES = (_TIME, _TIME)
# What a damaged disk or foreign permissions say on reading; anything else (too many open files) is no damage.
_UNREADABLE = frozenset({errno.EACCES, errno.EPERM, errno.EIO, errno.EISDIR, errno.ELOOP})

_counter = count()
# A process id alone comes again: in another container, or after a crash left a staged file behind.
_token = os.urandom(6).hex()


def unique_name() -> str:
    """Return a file name that no process has used or will use in a shared folder."""
    return f"{os.getpid()}-{_token}-{next(_counter)}"


def abandoned(folder: str) -> list[str]:
    """Return what dead processes staged in a folder; whoever may only seem dead, from another container, has time."""
    found = []
    with suppress(OSError):
        for entry in os.scandir(folder):
            owner = entry.name.partition("-")[0]
            if owner.isdigit() and not os.path.exists(f"/proc/{owner}"):
                with suppress(FileNotFoundError):
                    # Not the time of modification, which is that of every stored file.
                    if entry.stat(follow_symlinks=False).st_ctime < time.time() - _ABANDONED:
                        found.append(entry.path)
    return sorted(found)


class Blobs(Protocol):
    """What Trees are made from: blobs that can be linked to."""

    losses: int  # grows whenever something that was there is found missing or damaged

    def has(self, digest: Digest) -> bool:
        """Say whether the content is there."""
        ...

    def read(self, digest: Digest) -> bytes:
        """Return the content, checked."""
        ...

    def write(self, data: bytes) -> Digest:
        """Keep the content."""
        ...

    def take(self, path: str, executable: bool, size: int) -> Digest:
        """Keep a file by moving it."""
        ...

    def checked_file(self, digest: Digest, executable: bool) -> str:
        """Return the path of a file with this content and mode that is safe to link to."""
        ...

    def copy(self, digest: Digest, target: str, mode: int) -> None:
        """Write a private copy to a new file."""
        ...


class BlobFiles:
    """A folder of blobs; any number of threads and processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._staging = f"{folder}/tmp"
        # Paths whose content was written or checked by this process: content never changes under its name, so a
        # file is hashed once per process, not once per use.
        self._checked: set[str] = set()
        self.losses = 0
        if not Path(self._staging, "ready").exists():
            self._create(folder)
        for path in abandoned(self._staging):
            with suppress(OSError):
                os.unlink(path)

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
        """Say whether the content is there in either mode, untouched since it was written."""
        return digest == EMPTY or self._is_sound(digest, False) or self._is_sound(digest, True)

    def read(self, digest: Digest) -> bytes:
        """Return the content, checked.

        Raises:
            IntegrityError: missing or damaged.
        """
        if digest == EMPTY:
            return b""
        damaged = False
        for executable in (False, True):
            path = self.path(digest.hash, executable)
            try:
                data = _read_file(path, digest.size)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in _UNREADABLE:
                    raise
            else:
                found = digest_of(data)
                if found == digest:
                    self._checked.add(path)
                    return data
                if found.hash == digest.hash:
                    continue  # the digest that was asked for names nothing
            self._set_aside(path)
            damaged = True
        self.losses += 1
        raise _damaged(digest) if damaged else missing(digest)

    def write(self, data: bytes) -> Digest:
        """Keep the content."""
        digest = digest_of(data)
        if digest != EMPTY and not self._is_sound(digest, False):
            self._place(data, self.path(digest.hash), 0o444)
        return digest

    def take(self, path: str, executable: bool, size: int) -> Digest:
        """Keep a file by moving it here; nobody else may have it open or know it by another name.

        Args:
            path: a regular file on the disk of the store.
            executable: which mode it gets.
            size: bytes, as its owner saw it; a file that has another length is a bug.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                digest = _hash_descriptor(descriptor, size)
                if digest.size != size:
                    raise ValueError(f"{path} changed while it was taken")
                target = self.path(digest.hash, executable)
                if target in self._checked and self._is_sound(digest, executable):
                    return digest
                os.fchmod(descriptor, MODES[executable])
                os.utime(descriptor, ns=_TIMES)
            finally:
                os.close(descriptor)
            try:
                os.rename(path, target)
            except IsADirectoryError:  # somebody's damage
                self._set_aside(target)
                os.rename(path, target)
        except OSError as error:
            raise cannot_write(path, error) from error
        self._checked.add(target)
        return digest

    def checked_file(self, digest: Digest, executable: bool) -> str:
        """Return the path of a file with this content and mode that is safe to link to.

        Raises:
            IntegrityError: missing or damaged.
        """
        path = self.path(digest.hash, executable)
        if self._is_sound(digest, executable) and (path in self._checked or self._mend(digest, executable)):
            return path
        self._place(self.read(digest), path, MODES[executable])
        return path

    def copy(self, digest: Digest, target: str, mode: int) -> None:
        """Write a private copy to the new file `target`, checked on the way.

        Raises:
            IntegrityError: missing or damaged; the partial copy is left for the owner of the folder to remove.
        """
        try:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            try:
                chunks = (self.read(digest),) if digest.size <= CHUNK else self._chunks(digest)
                for chunk in chunks:
                    write_all(descriptor, chunk)
                os.fchmod(descriptor, mode)  # whatever the umask
                os.utime(descriptor, (INPUT_TIME, INPUT_TIME))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise cannot_write(target, error) from error

    def _chunks(self, digest: Digest) -> Iterator[bytes]:
        executable = not self._is_sound(digest, False)
        path = self.path(digest.hash, executable)
        if executable and not self._is_sound(digest, True):
            self.losses += 1
            raise missing(digest)
        hasher = hashlib.sha256()
        try:
            with open(path, "rb", buffering=0) as file:
                while chunk := file.read(CHUNK):
                    hasher.update(chunk)
                    yield chunk
        except FileNotFoundError as error:
            self.losses += 1
            raise missing(digest) from error
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise
        if hasher.hexdigest() != digest.hash:
            self._set_aside(path)
            raise _damaged(digest)

    def _is_sound(self, digest: Digest, executable: bool) -> bool:
        """Say whether the file is there and nobody has touched it; what was touched is mended or set aside."""
        path = self.path(digest.hash, executable)
        try:
            status = os.stat(path)
        except FileNotFoundError:
            if path in self._checked:
                self._checked.discard(path)
                self.losses += 1
            return False
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise
            return False
        return is_untouched(status, digest.size, executable) or self._mend(digest, executable)

    def _mend(self, digest: Digest, executable: bool) -> bool:
        """Hash a file; give it its mode and time back, or set it aside when its content is another."""
        path = self.path(digest.hash, executable)
        try:
            found = hash_file(path)
            if found.hash == digest.hash:
                os.chmod(path, MODES[executable])
                os.utime(path, (INPUT_TIME, INPUT_TIME))
                self._checked.add(path)
                return found.size == digest.size  # else the digest that was asked for names nothing
        except FileNotFoundError:
            return False  # set aside by another process just now
        except OSError as error:
            if error.errno not in _UNREADABLE:
                raise
        self._set_aside(path)
        return False

    def _place(self, data: bytes, path: str, mode: int) -> None:
        staged = f"{self._staging}/{unique_name()}"
        try:
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            try:
                write_all(descriptor, data)
                os.fchmod(descriptor, mode)
                os.utime(descriptor, (INPUT_TIME, INPUT_TIME))
            finally:
                os.close(descriptor)
            os.rename(staged, path)
        except OSError as error:
            with suppress(OSError):
                os.unlink(staged)
            raise cannot_write(path, error) from error
        self._checked.add(path)

    def _set_aside(self, path: str) -> None:
        self._checked.discard(path)
        self.losses += 1
        with suppress(OSError):
            os.utime(path, (0, 0))  # seen through every link to it, so no materialised Tree with it is used again
        try:
            os.rename(path, f"{self._folder}/quarantine/{os.path.basename(path)}-{unique_name()}")
        except FileNotFoundError:
            pass  # another process was faster
        except OSError as error:
            raise cannot_write(path, error) from error


def is_untouched(status: os.stat_result, size: int, executable: bool) -> bool:
    """Say whether a file has the size, mode and time that a stored file has."""
    return status.st_size == size and status.st_mtime_ns == _TIME and status.st_mode == stat.S_IFREG | MODES[executable]


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: one call may write less, at most 2 GiB."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_file(path: str, likely: int) -> bytes:
    """Return what a file holds, in one call when it has the likely size; a Python file object takes three more."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = os.read(descriptor, min(likely, CHUNK) + 1)
        if len(data) == likely:
            return data
        chunks = [data]
        while chunk := os.read(descriptor, CHUNK):
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def hash_file(path: str) -> Digest:
    """Name the content of a file, read in chunks."""
    with open(path, "rb", buffering=0) as file:
        return _hash_descriptor(file.fileno(), CHUNK)


def _hash_descriptor(descriptor: int, likely: int) -> Digest:
    """Name what is left to read; one call reads all of a small file of the likely size, and sees that it ends."""
    data = os.read(descriptor, min(likely, CHUNK) + 1)
    size = len(data)
    if size == likely:
        return Digest(hashlib.sha256(data).hexdigest(), size)
    hasher = hashlib.sha256(data)
    while chunk := os.read(descriptor, CHUNK):
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


def missing(digest: Digest) -> IntegrityError:
    """Say that content is not there."""
    return IntegrityError(
        Problem(
            "store.missing",
            f"the content {digest} is not in the store",
            hint="run the command again: it is built or fetched anew",
        )
    )


def _damaged(digest: Digest) -> IntegrityError:
    return IntegrityError(
        Problem(
            "store.damaged",
            f"the stored content {digest} is damaged",
            "its bytes do not match its digest; it was set aside in quarantine/",
            "run the command again: it is built or fetched anew",
        )
    )
