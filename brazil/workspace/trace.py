"""The trace of a build: what it saw, so that the same build later need only look at what has changed.

A trace holds the Stamps of everything in the checkouts that decided their content, and a key over everything else
that decided the build: this program, the platform, the workspace file, the request, and what the store has lost
since. When the key is the same and every Stamp is, so is the result: no git, no graph and no store is asked. When
some Stamps differ, the other checkouts need no second look.

Only a build that succeeded leaves a trace, and only when no Stamp was too fresh to be trusted. The file may be lost
or damaged at any time. This module is on the quickest path there is: it imports next to nothing.
"""

import hashlib
import marshal
import os
import sys
from array import array
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from brazil import __version__
from brazil.model.digest import Digest
from brazil.model.names import PackageName
from brazil.model.workspace import FILE_NAME, Captured, Stamp

_MAGIC = f"brazil trace 2 {sys.hexversion:x}\n".encode()
_CHECK = 32  # bytes of the SHA-256 behind the magic
_KEPT = 16  # files of traces in one workspace


class Trace(NamedTuple):
    """What a build saw and what it came to."""

    checkouts: Mapping[PackageName, Captured]  # by package; every one has paths
    links: Stamp  # of the folder of links to artifacts, when they were made
    results: int  # Steps that would be remembered
    stale: tuple[str, ...]  # interfaces, as the build told them


class Look(NamedTuple):
    """A trace held against the workspace as it is now."""

    key: str
    trace: Trace
    changed: tuple[PackageName, ...]  # packages whose checkouts may have changed, in the order of the trace
    links_hold: bool

    @property
    def nothing_changed(self) -> bool:
        """Whether the result is known without doing anything."""
        return self.links_hold and not self.changed


def trace_key(root: str, kind: str, names: Sequence[str], *, platform: str, store: str) -> str:
    """Name a build by everything that decides it beside the content of the checkouts.

    Args:
        root: the workspace.
        kind: of the request: "build", "test" or "exec".
        names: what is asked for.
        platform: its digest.
        store: its mark, which changes when something may be gone from it.

    Raises:
        OSError: the workspace file cannot be read.
    """
    with open(f"{root}/{FILE_NAME}", "rb", buffering=0) as file:
        content = file.read()
    rest = (__version__, os.path.realpath(root), kind, sorted(names), platform, store)
    return hashlib.sha256(repr(rest).encode("utf-8", "surrogateescape") + content).hexdigest()


def look(root: str, key: str) -> Look | None:
    """Hold the trace of a build against the workspace as it is now; None when there is no trace that can be used."""
    payload = load(root, key, "trace")
    if payload is None:
        return None
    try:
        rows, *rest = marshal.loads(payload)
        checkouts = {PackageName(name): Captured(Digest(*root_), paths, stamps) for name, root_, paths, stamps in rows}
        trace = Trace(checkouts, *rest)
    except (ValueError, TypeError, EOFError):  # written by another brazil, whose traces were made otherwise
        return None
    changed = tuple(name for name, captured in checkouts.items() if not _holds(f"{root}/src/{name}", captured))
    try:
        links_hold = stamp_of(f"{root}/build") == trace.links
    except OSError:
        links_hold = False
    return Look(key, trace, changed, links_hold)


def save_trace(root: str, key: str, trace: Trace) -> None:
    """Keep the trace of a build."""
    rows = [(n, (c.root.hash, c.root.size), c.paths, c.stamps) for n, c in trace.checkouts.items()]
    save(root, key, "trace", marshal.dumps((rows, trace.links, trace.results, trace.stale)))


def stamp_of(path: str) -> Stamp:
    """Take the Stamp of one file or folder."""
    found = os.lstat(path)
    return (found.st_ctime_ns, found.st_ino, found.st_size)


def load(root: str, key: str, kind: str) -> memoryview | None:
    """Return what `save` wrote, whole and by this very Python; else None.

    marshal trusts its input, so nothing may reach it that is not exactly what was written.
    """
    try:
        with open(_path(root, key, kind), "rb", buffering=0) as file:
            data = file.read()
    except OSError:
        return None
    start = len(_MAGIC) + _CHECK
    payload = memoryview(data)[start:]
    return payload if data[:start] == _MAGIC + hashlib.sha256(payload).digest() else None


def save(root: str, key: str, kind: str, payload: bytes) -> None:
    """Keep something about a build, in one step; what cannot be kept is done without."""
    path = _path(root, key, kind)
    staged = f"{path}.{os.getpid()}"
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _drop_many(os.path.dirname(path))
        with open(staged, "wb", buffering=0) as file:
            file.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
        os.rename(staged, path)


def _holds(folder: str, captured: Captured) -> bool:
    stat = os.stat
    found: list[int] = []
    try:
        # Names are looked up below one open folder: a third less time than with whole paths.
        place = os.open(folder, os.O_PATH | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        for path in captured.paths or ():
            status = stat(path or ".", dir_fd=place, follow_symlinks=False)
            found += (status.st_ctime_ns, status.st_ino, status.st_size)
    except OSError:
        return False
    finally:
        os.close(place)
    return array("q", found).tobytes() == captured.stamps


def _drop_many(folder: str) -> None:
    names = os.listdir(folder)
    if len(names) >= _KEPT:
        for name in names:
            os.unlink(f"{folder}/{name}")


def _path(root: str, key: str, kind: str) -> str:
    return f"{root}/.brazil/traces/{key[:32]}.{kind}"
