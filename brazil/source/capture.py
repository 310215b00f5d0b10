"""From the files of a checkout to a Tree: what git would track, at this moment.

Invariants: a file's bytes belong to one state of it (its stat is the same before and after reading); nothing
outside the checkout is read, whatever links are in the way; a stat is trusted only when it is older than what a
file system can tell apart. What is remembered may be lost at any time.
"""

# Names are bytes here, as git and the kernel have them.
# ruff: noqa: PTH115, PTH118

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.model.digest import Digest
from brazil.model.workspace import Captured, Stamp, packed
from brazil.ports import ContentStore
from brazil.source.assembling import (
    File,
    Link,
    decoded,
    is_lfs_pointer,
    kind_problem,
    lfs_problem,
    link_target,
    name_problem,
    write_paths,
)
from brazil.source.listing import inode_stamp, list_checkout, walk_checkout

_FRESH = 2_000_000_000  # nanoseconds; the coarsest times in use are those of FAT
_TRIES = 3

State = tuple[int, int, int, int, int]  # size, mtime, ctime (nanoseconds), inode, mode
Remembered = dict[str, tuple[State, str, int, bool]]  # path -> state, hash, size, executable


class Capture(NamedTuple):
    """A captured checkout, and what makes the next capture of it quick."""

    captured: Captured
    remembered: Remembered


def capture(
    folder: Path, store: ContentStore, remembered: Mapping[str, tuple[State, str, int, bool]], now: Callable[[], int]
) -> Capture:
    """Put what git would track into the store.

    Args:
        folder: the checkout.
        store: where it goes.
        remembered: of an earlier capture; only for content that the store still has.
        now: nanoseconds since 1970.

    Raises:
        UsageError: something cannot be part of a source; every path is named.
        GitFailedError: git cannot read the checkout.
    """
    started = now()
    walk = walk_checkout(os.fsencode(folder), started)
    listing = list_checkout(folder, walk)
    reader = _Reader(folder, store, remembered, started)
    entries = reader.read(listing.paths)
    problems = [*listing.problems, *reader.problems]
    if problems:
        raise UsageError(*sorted(p._replace(what=f"{p.what} in {folder}") for p in problems))
    stamps = dict(sorted((walk.stamps | reader.seen).items()))
    settled = all(changed < started - _FRESH for changed, _, _ in stamps.values())
    captured = Captured(write_paths(store, entries), tuple(stamps) if settled else None, packed(stamps.values()))
    return Capture(captured, reader.kept)


class _Reader:
    """Reads the listed paths of one checkout."""

    def __init__(
        self,
        folder: Path,
        store: ContentStore,
        remembered: Mapping[str, tuple[State, str, int, bool]],
        started: int,
    ) -> None:
        self._root = os.fsencode(folder)
        self._store = store
        self._remembered = remembered
        self._started = started
        self._real: dict[bytes, bool] = {b"": True}
        self.problems: list[Problem] = []
        self.kept: Remembered = {}
        self.seen: dict[str, Stamp] = {}

    def read(self, paths: Iterable[bytes]) -> dict[str, File | Link]:
        entries: dict[str, File | Link] = {}
        for raw in paths:
            if not self._is_real(raw.rpartition(b"/")[0]):
                continue
            if any(decoded(part) is None for part in raw.split(b"/")):
                self.problems.append(name_problem(raw, "its name is reserved or no valid UTF-8"))
                continue
            path = raw.decode("utf-8")
            if (entry := self._entry(path, os.path.join(self._root, raw))) is not None:
                entries[path] = entry
        return entries

    def _is_real(self, folder: bytes) -> bool:
        # A tracked directory may have become a link to somewhere else; its files are then deleted to git.
        known = self._real.get(folder)
        if known is None:
            known = self._is_real(folder.rpartition(b"/")[0])
            if known:
                try:
                    known = stat.S_ISDIR(os.lstat(os.path.join(self._root, folder)).st_mode)
                except OSError:
                    known = False
            self._real[folder] = known
        return known

    def _entry(self, path: str, full: bytes) -> File | Link | None:
        try:
            found = os.lstat(full)
            if stat.S_ISREG(found.st_mode):
                return self._file(path, full, found)
            if stat.S_ISLNK(found.st_mode):
                target = link_target(os.readlink(full))
                if target is None:
                    self.problems.append(name_problem(path, "the target of the link is no valid text"))
                    return None
                self.seen[path] = inode_stamp(found)
                return Link(target)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.problems.append(kind_problem(path, (error.strerror or "it cannot be read").lower()))
            return None
        if not stat.S_ISDIR(found.st_mode):
            self.problems.append(kind_problem(path, "it is no file, directory or link"))
        return None

    def _file(self, path: str, full: bytes, found: os.stat_result) -> File | None:
        known = self._remembered.get(path)
        if known is not None and known[0] == _state(found):
            self.kept[path] = known
            self.seen[path] = inode_stamp(found)
            return File(Digest(known[1], known[2]), known[3])
        for _ in range(_TRIES):
            data, before, after = _read(full)
            if before == after and len(data) == after[0]:
                return self._keep(path, data, after)
        self.problems.append(
            Problem(
                "source.changing", f"{path} cannot be read", "it changes while it is read", "try again when it is done"
            )
        )
        return None

    def _keep(self, path: str, data: bytes, state: State) -> File | None:
        if is_lfs_pointer(data):
            self.problems.append(lfs_problem(path))
            return None
        self.seen[path] = (state[2], state[3], state[0])
        file = File(self._store.write(data), bool(state[4] & 0o100))
        if max(state[1], state[2]) < self._started - _FRESH:
            self.kept[path] = (state, file.digest.hash, file.digest.size, file.executable)
        return file


def _read(full: bytes) -> tuple[bytes, State, State]:
    handle = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        before = _state(os.fstat(handle))
        data = file.read()
        return data, before, _state(os.fstat(handle))


def _state(found: os.stat_result) -> State:
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode)
