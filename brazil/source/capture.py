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
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.gitrepo.process import in_checkout, run
from brazil.model.digest import Digest
from brazil.model.workspace import Captured, Stamp
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
    submodule_problem,
    write_paths,
)

_FRESH = 2_000_000_000  # nanoseconds; the coarsest times in use are those of FAT
_TRIES = 3

State = tuple[int, int, int, int, int]  # size, mtime, ctime (nanoseconds), inode, mode
Remembered = dict[str, tuple[State, str, int, bool]]  # path -> state, hash, size, executable


class Listing(NamedTuple):
    """What git says is in a checkout."""

    paths: list[bytes]  # sorted, unique
    problems: list[Problem]


class Capture(NamedTuple):
    """A captured checkout, and what makes the next capture of it quick."""

    captured: Captured
    remembered: Remembered


def list_checkout(folder: Path) -> Listing:
    """Ask git for the tracked and the untracked, not ignored, paths of a checkout.

    Raises:
        GitFailedError: git cannot read it.
    """
    arguments = ["ls-files", "-z", "-t", "--stage", "--cached", "--others", "--exclude-standard"]
    output = run(in_checkout(folder), arguments)
    paths: set[bytes] = set()
    problems = []
    for line in output.split(b"\0"):
        tag, _, rest = line.partition(b" ")
        if not rest:
            continue
        mode, path = (b"", rest) if tag == b"?" else (rest[:6], rest.partition(b"\t")[2])
        if mode == b"160000" or path.endswith(b"/"):
            problems.append(submodule_problem(os.fsdecode(path).rstrip("/")))
        elif tag == b"S" and not os.path.lexists(os.path.join(os.fsencode(folder), path)):
            problems.append(kind_problem(os.fsdecode(path), "the checkout is sparse and does not have it"))
        else:
            paths.add(path)
    return Listing(sorted(paths), sorted(set(problems)))


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
    around = _stamps_around(
        os.fsencode(folder), started
    )  # before git looks, so that what appears meanwhile shows later
    listing = list_checkout(folder)
    reader = _Reader(folder, store, remembered, started)
    entries = reader.read(listing.paths)
    problems = [*listing.problems, *reader.problems]
    if problems:
        raise UsageError(*sorted(problems))
    stamps = tuple(sorted((around | reader.seen).items()))
    settled = all(changed < started - _FRESH for _, (changed, _, _) in stamps)
    return Capture(Captured(write_paths(store, entries), stamps if settled else None), reader.kept)


def _stamps_around(root: bytes, started: int) -> dict[str, Stamp]:
    """Take the Stamps of what decides which files a checkout has: its folders, git's index and its own ignore list."""
    found = {"": _inode_stamp(os.lstat(root))}
    stack = [b""]
    while stack:
        inside = stack.pop()
        try:
            with os.scandir(os.path.join(root, inside)) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False) and entry.name != b".git":
                        path = os.path.join(inside, entry.name)
                        found[os.fsdecode(path)] = _inode_stamp(entry.stat(follow_symlinks=False))
                        stack.append(path)
        except OSError:  # it cannot be looked into, or is gone: nothing about it is settled
            found[os.fsdecode(inside)] = (started, 0, 0)
    # Git replaces its index, which changes the folder; it and editors may write the ignore list in place.
    for control in (".git", ".git/info", ".git/info/exclude"):
        with suppress(FileNotFoundError, NotADirectoryError):
            found[control] = _inode_stamp(os.lstat(os.path.join(root, control.encode())))
    return found


def _inode_stamp(found: os.stat_result) -> Stamp:
    return (found.st_ctime_ns, found.st_ino, found.st_size)


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
                self.seen[path] = _inode_stamp(found)
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
            self.seen[path] = _inode_stamp(found)
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
