"""The trace of a build: what it saw, so that the same build later need only look at what has changed.

A trace holds the Stamps of everything in the checkouts that decided their content, and a key over everything else
that decided the build: this program, the platform, the workspace file, the request, and what the store has lost
since. When the key is the same and every Stamp is, so is the result: no git, no graph and no store is asked. When
some Stamps differ, the other checkouts need no second look.

Only a build that succeeded leaves a trace. A checkout of which a Stamp was too fresh to be trusted is in it without
Stamps, and so counts as changed. The file may be lost or damaged at any time. This module is on the quickest path there
is: it imports next to nothing, and hands the rows of a trace on as they are.
"""

import gc
import marshal
import os
import sys
from _blake2 import blake2b  # as hashlib hands it on; hashlib itself loads OpenSSL, a tenth of the quickest answer
from struct import pack

from brazil import __version__
from brazil.workspace.place import FILE_NAME

TYPE_CHECKING = False  # as every checker knows it; importing it takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Sequence

    from brazil.model.workspace import Stamp

_MAGIC = f"brazil trace 5 {sys.hexversion:x}\n".encode()
_CHECK = 32  # bytes of the check behind the magic
_SHARED = 200  # checkouts from which a second process does half of a look: it costs as much as to look at 60 of them
_KEPT = 16  # files of traces in one workspace
_WHOLE = "."  # ends the answer of a second process; no name of a package
UNTRUSTED = b"?"  # no Stamps, and unlike any

# A checkout: its package, hash and size of its source, the paths that decided it, and their Stamps as `packed`.
Row = tuple[str, str, int, tuple[str, ...], bytes]

# What a build told as stale: interfaces; and the builds, test runs, seconds and Steps without an estimate that bring
# them up to date. Both are empty when nothing is.
Stale = tuple[tuple[str, ...], tuple[float, ...]]
NOTHING_STALE: Stale = ((), ())


class Trace:
    """What a build saw and what it came to."""

    __slots__ = ("checkouts", "links", "plan", "results", "stale")

    def __init__(
        self, checkouts: "Sequence[Row]", links: "Stamp", results: int, stale: Stale, plan: tuple[bytes, int]
    ) -> None:
        self.checkouts = checkouts  # sorted by package
        self.links = links  # of the folder of links to artifacts, when they were made
        self.results = results  # Steps that would be remembered
        self.stale = stale  # as the build told it
        self.plan = plan  # which state of the remembered Plan belongs to it, see `record_file`; (b"", 0): none


class Look:
    """A trace held against the workspace as it is now."""

    __slots__ = ("changed", "key", "links_hold", "trace")

    def __init__(self, key: str, trace: Trace, changed: frozenset[str], links_hold: bool) -> None:
        self.key = key
        self.trace = trace
        self.changed = changed  # packages whose checkouts may have changed
        self.links_hold = links_hold

    @property
    def nothing_changed(self) -> bool:
        """Whether the result is known without doing anything."""
        return self.links_hold and not self.changed


def read_file(root: str) -> bytes:
    """Read the workspace's own file, which says what it stands on.

    Raises:
        OSError: it cannot be read.
    """
    with open(f"{root}/{FILE_NAME}", "rb", buffering=0) as file:
        return file.read()


def words_of(names: "tuple[str, ...]", *, everything: bool) -> "tuple[str, ...]":
    """Say what is asked for: some packages, those in use when none is named, or everything."""
    return ("--all",) if everything else names  # which is no name of a package


def trace_key(root: str, content: bytes, kind: str, names: "Sequence[str]", *, platform: str, store: str) -> str:
    """Name a build by everything that decides it beside the content of the checkouts.

    Args:
        root: the workspace.
        content: of its file, read before anything else.
        kind: of the request: "build" or "test".
        names: what is asked for, as `words_of` says.
        platform: its digest.
        store: its mark before, which changes when something may be gone from it.
    """
    rest = (__version__, os.path.realpath(root), kind, sorted(names), platform, store)
    return _check(repr(rest).encode("utf-8", "surrogateescape") + content).hex()


def look(root: str, key: str) -> Look | None:
    """Hold the trace of a build against the workspace as it is now; None when there is no trace that can be used."""
    collecting = gc.isenabled()
    gc.disable()  # which would look again and again at 10,000 rows that stay: a tenth of the time
    try:
        payload = load(trace_path(root, key, "trace"))
        if payload is None:
            return None
        trace = Trace(*marshal.loads(payload))
        changed = frozenset(_changed(f"{root}/src", trace.checkouts))
    finally:
        if collecting:
            gc.enable()
    try:
        links_hold = stamp_of(f"{root}/build") == trace.links
    except OSError:
        links_hold = False
    return Look(key, trace, changed, links_hold)


def save_trace(root: str, key: str, trace: Trace) -> None:
    """Keep the trace of a build, in one step; one that cannot be kept is done without."""
    path = trace_path(root, key, "trace")
    payload = marshal.dumps((list(trace.checkouts), trace.links, trace.results, trace.stale, trace.plan))
    staged = f"{path}.{os.getpid()}"
    try:
        with open(staged, "wb", buffering=0) as file:
            file.write(_MAGIC + _check(payload) + payload)
        os.rename(staged, path)
    except OSError:
        pass


def load(path: str) -> memoryview | None:
    """Return the content of a trace, whole and by this very Python; else None.

    marshal trusts its input, so nothing may reach it that is not exactly what was written.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read()
    except OSError:
        return None
    start = len(_MAGIC) + _CHECK
    payload = memoryview(data)[start:]
    return payload if data[:start] == _MAGIC + _check(payload) else None


def make_room(root: str) -> None:
    """Make the folder of traces, and drop what is in it when that is too much."""
    folder = f"{root}/.brazil/traces"
    try:
        os.makedirs(folder, exist_ok=True)
        names = os.listdir(folder)
        if len(names) >= _KEPT:
            for name in names:
                os.unlink(f"{folder}/{name}")
    except OSError:
        pass


def stamp_of(path: str) -> "Stamp":
    """Take the Stamp of one file or folder."""
    found = os.lstat(path)
    return (found.st_ctime_ns, found.st_ino, found.st_size)


def trace_path(root: str, key: str, kind: str) -> str:
    """Where something about a build is kept."""
    return f"{root}/.brazil/traces/{key[:32]}.{kind}"


def _check(data: "bytes | memoryview") -> bytes:
    return blake2b(data, digest_size=_CHECK).digest()


def _changed(folder: str, rows: "Sequence[Row]") -> list[str]:
    """Name the checkouts that may have changed; when there are many, two processes look at half of them each."""
    half = len(rows) // 2 if len(rows) >= _SHARED else len(rows)
    theirs = _begin(folder, rows[half:]) if half < len(rows) else None
    found = _look_at(folder, rows[:half])
    rest = _end(*theirs) if theirs else None
    return found + (_look_at(folder, rows[half:]) if rest is None else rest)


def _begin(folder: str, rows: "Sequence[Row]") -> tuple[int, int] | None:
    """Look in a process of its own, of which nothing but its answer matters; return it and where it answers."""
    reader, writer = os.pipe()
    try:
        process = os.fork()
    except OSError:
        os.close(writer)
        os.close(reader)
        return None
    if process:
        os.close(writer)
        return process, reader
    try:
        with open(writer, "wb", buffering=0) as file:
            file.write("\n".join((*_look_at(folder, rows), _WHOLE)).encode())
    finally:
        os._exit(0)


def _end(process: int, reader: int) -> list[str] | None:
    """Return what the other process found; None when it did not come to its end."""
    with open(reader, "rb") as file:
        *found, last = file.read().decode().split("\n")
    os.waitpid(process, 0)
    return found if last == _WHOLE else None


def _look_at(folder: str, rows: "Sequence[Row]") -> list[str]:
    try:
        place = os.open(folder, os.O_PATH)  # names are looked up from here: a third less time than with whole paths
    except OSError:
        return [row[0] for row in rows]
    try:
        return [row[0] for row in rows if not _holds(place, row)]
    finally:
        os.close(place)


def _holds(place: int, row: Row) -> bool:
    lstat = os.lstat
    name, _, _, paths, stamps = row
    found: list[int] = []
    try:
        for path in paths:
            # A checkout is looked at as it is, and nothing below one that has become a link.
            status = lstat(f"{name}/{path}" if path else name, dir_fd=place)
            found += (status.st_ctime_ns, status.st_ino, status.st_size)
    except OSError:
        return False
    return pack(f"{len(found)}q", *found) == stamps
