"""The trace of a build: what it saw, so that the same build later is known to have nothing to do.

A trace holds the Stamps of everything in the checkouts that decided their content, and a key over everything else
that decided the build: this program, the platform, the workspace file, the request, and what the store has lost
since. When the key is the same and every Stamp is, so is the result: no git, no graph and no store is asked.

Only a build that succeeded leaves a trace, and only when no Stamp was too fresh to be trusted. The file may be lost
or damaged at any time. This module is on the quickest path there is: it imports next to nothing.
"""

import hashlib
import marshal
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from brazil import __version__
from brazil.model.workspace import FILE_NAME, Stamp

_MAGIC = f"brazil trace 1 {sys.hexversion:x}\n".encode()
_CHECK = 32  # bytes of the SHA-256 behind the magic


class Trace(NamedTuple):
    """What a build saw and what it came to."""

    # Folder of the workspace -> path inside it -> Stamp: the checkouts, and the folder of links to artifacts.
    folders: tuple[tuple[str, tuple[tuple[str, Stamp], ...]], ...]
    results: int  # Steps that would be remembered
    stale: tuple[str, ...]  # interfaces, as the build told them


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


def load_trace(root: str, key: str) -> Trace | None:
    """Return the trace of a build, or None when there is none that can be used."""
    try:
        with open(_path(root, key), "rb", buffering=0) as file:
            data = file.read()
    except OSError:
        return None
    start = len(_MAGIC) + _CHECK
    payload = memoryview(data)[start:]
    # marshal trusts its input, so nothing reaches it that is not exactly what was written.
    if data[:start] != _MAGIC + hashlib.sha256(payload).digest():
        return None
    return Trace(*marshal.loads(payload))


def save_trace(root: str, key: str, trace: Trace) -> None:
    """Keep the trace of a build; other builds' traces of this workspace are dropped when they are many."""
    payload = marshal.dumps(tuple(trace))
    path = _path(root, key)
    staged = f"{path}.{os.getpid()}"
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _drop_old(os.path.dirname(path))
        with open(staged, "wb", buffering=0) as file:
            file.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
        os.rename(staged, path)


def holds(root: str, trace: Trace) -> bool:
    """Say whether everything the build saw in the checkouts is as it was."""
    stat = os.stat
    for inside, stamps in trace.folders:
        try:
            # From here on names are looked up below one folder: a third less time than with whole paths.
            folder = os.open(f"{root}/{inside}", os.O_PATH | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            for path, (changed, number, size) in stamps:
                found = stat(path or ".", dir_fd=folder, follow_symlinks=False)
                if found.st_ctime_ns != changed or found.st_ino != number or found.st_size != size:
                    return False
        except OSError:
            return False
        finally:
            os.close(folder)
    return True


def stamp_of(path: "os.PathLike[str]") -> Stamp:
    """Take the Stamp of one file or folder."""
    found = os.lstat(path)
    return (found.st_ctime_ns, found.st_ino, found.st_size)


_KEPT = 8  # traces of one workspace


def _drop_old(folder: str) -> None:
    names = os.listdir(folder)
    if len(names) >= _KEPT:
        for name in names:
            os.unlink(f"{folder}/{name}")


def _path(root: str, key: str) -> str:
    return f"{root}/.brazil/traces/{key[:32]}"
