"""Remembers parsed pins and results by the git tree they were parsed from.

A git tree never changes its content, so what is remembered is never stale; a damaged or foreign file is passed
over. A value is kept as packed bytes, with numbers for interfaces, and becomes a model value when somebody asks for
it: opening 10,000 pins costs one read, not 10,000 objects. A tree that differs little from one that is kept whole is
kept as the difference: a revision that changes 50 pins writes these.
"""

import hashlib
import marshal
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from brazil.model.names import Interface, PackageName
from brazil.model.versionset import Stamped

V = TypeVar("V")
Plain = tuple[Any, ...]  # nested tuples of text, bytes and numbers, only ever seen by the codec that made them
Entries = dict[Interface, tuple[str, bytes]]  # sorted; blob id, packed value

_MAGIC = b"brazil parsed 3\n"
_HEAD = len(_MAGIC) + 32
_TREES_KEPT = 32  # of each kind; 10,000 pins are 5 MB
_WHOLE = 8  # a tree is kept whole when more than one of so many values differ from the one that was


class Table:
    """Numbers for interfaces, given in the order of first use."""

    __slots__ = ("_ids", "interfaces")

    def __init__(self, interfaces: list[Interface]) -> None:
        self.interfaces = interfaces
        self._ids: dict[Interface, int] = {}  # of the first so many; the rest when a number is asked for

    def id(self, interface: Interface) -> int:
        """Return the number of an interface."""
        for known in range(len(self._ids), len(self.interfaces)):
            self._ids[self.interfaces[known]] = known
        found = self._ids.setdefault(interface, len(self._ids))
        if found == len(self.interfaces):
            self.interfaces.append(interface)
        return found


class Codec(NamedTuple, Generic[V]):
    """How one kind of value is packed, with numbers for interfaces, and comes back."""

    kind: str  # part of the file name
    pack: Callable[[V, Table], bytes]
    value: Callable[[bytes, Interface, list[Interface]], V]


class Values(Stamped[V]):
    """Values by interface, sorted; each made when first asked for."""

    __slots__ = ("_entries", "_interfaces", "_made", "_value")

    def __init__(self, value: Callable[[bytes, Interface, list[Interface]], V], parsed: "Parsed") -> None:
        self._value = value
        self._entries = parsed.entries
        self._interfaces = parsed.table.interfaces
        self._made: dict[Interface, V] = {}

    @property
    def stamps(self) -> Mapping[Interface, str]:
        """See `Stamped.stamps`: the ids of the blobs."""
        return {interface: blob for interface, (blob, _) in self._entries.items()}

    def __getitem__(self, interface: Interface) -> V:
        made = self._made.get(interface)
        if made is None:
            made = self._made[interface] = self._value(self._entries[interface][1], interface, self._interfaces)
        return made

    def __iter__(self) -> Iterator[Interface]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, interface: object) -> bool:
        return interface in self._entries

    def __repr__(self) -> str:
        return f"Values({dict(self)!r})"


class Whole(NamedTuple):
    """The file of a tree that is kept whole."""

    name: str
    check: bytes  # of its content: another file of this name has other numbers
    interfaces: int  # how many it numbers


class Parsed(NamedTuple):
    """A parsed tree."""

    table: Table
    entries: Entries
    whole: Whole | None = None  # None: nothing like it is kept
    differs: frozenset[Interface] = frozenset()  # in what it differs from that

    def changed(self, codec: Codec[V], changes: Mapping[Interface, tuple[str, V] | None]) -> "Parsed":
        """Return this tree with some values, and the ids of their blobs, put in or (None) taken out."""
        entries = self.entries.copy()
        for interface, change in changes.items():
            if change is None:
                del entries[interface]
            else:
                self.table.id(interface)
                entries[interface] = (change[0], codec.pack(change[1], self.table))
        if not entries.keys() <= self.entries.keys():
            entries = dict(sorted(entries.items()))
        return Parsed(self.table, entries, self.whole, self.differs | changes.keys())


def load(folder: Path, name: str) -> Parsed | None:
    """Return a remembered tree, or None."""
    kept = _kept_in(folder, name)
    if kept is None or not kept.base:
        return _whole(name, kept) if kept else None
    base = _kept_in(folder, kept.base)
    if base is None or base.base or base.check != kept.base_check:
        return None
    table, entries, whole, _ = _whole(kept.base, base)
    table.interfaces.extend(kept.interfaces())
    removed = [table.interfaces[number] for number in kept.removed]
    for interface in removed:
        del entries[interface]
    changed = kept.entries(table)
    grows = not changed.keys() <= entries.keys()
    entries |= changed
    return Parsed(
        table, dict(sorted(entries.items())) if grows else entries, whole, frozenset(removed) | changed.keys()
    )


def _kept_in(folder: Path, name: str) -> "_Kept | None":
    found = _load(folder, name)
    return _Kept(found[1], *found[0]) if found and type(found[0]) is tuple else None


def _whole(name: str, kept: "_Kept") -> Parsed:
    table = Table(kept.interfaces())
    return Parsed(table, kept.entries(table), Whole(name, kept.check, len(table.interfaces)))


class _Kept(NamedTuple):
    """What is in a file, beside its check."""

    check: bytes
    base: str  # file of the tree that this one differs from; empty: it is whole
    base_check: bytes
    texts: list[str]  # name and version of each interface that the base does not number
    numbers: list[int]  # of the interfaces of the values
    ids: list[str]  # of their blobs
    packed: list[bytes]
    removed: list[int]  # numbers of interfaces that the base has

    def interfaces(self) -> list[Interface]:
        return list(map(Interface, map(PackageName, self.texts[::2]), self.texts[1::2]))

    def entries(self, table: Table) -> Entries:
        found = map(table.interfaces.__getitem__, self.numbers)
        return dict(zip(found, zip(self.ids, self.packed, strict=True), strict=True))


def save(folder: Path, name: str, parsed: Parsed) -> Parsed:
    """Remember a tree; when that fails, it is only slower next time. Returns the tree with what is kept of it."""
    whole, table, entries = parsed.whole, parsed.table, parsed.entries
    if whole and whole.name == name:
        return parsed
    if whole is None or len(parsed.differs) * _WHOLE > len(entries):
        check = _save(folder, name, _plain(None, table, entries, []))
        parsed = parsed._replace(whole=Whole(name, check, len(table.interfaces)), differs=frozenset())
    else:
        changed = {i: entries[i] for i in sorted(parsed.differs & entries.keys())}
        _save(folder, name, _plain(whole, table, changed, sorted(parsed.differs - entries.keys())))
        with suppress(OSError):
            os.utime(folder / whole.name)  # what others differ from is dropped last
    with suppress(OSError):
        trees = sorted(folder.glob(f"{name.partition('-')[0]}-*"), key=lambda path: path.stat().st_mtime_ns)
        for path in trees[:-_TREES_KEPT]:
            path.unlink()
    return parsed


def _plain(whole: Whole | None, table: Table, entries: Entries, removed: list[Interface]) -> Plain:
    numbers, gone = list(map(table.id, entries)), list(map(table.id, removed))
    new = table.interfaces[whole.interfaces if whole else 0 :]
    ids, packed = [id_ for id_, _ in entries.values()], [packed for _, packed in entries.values()]
    texts = [text for interface in new for text in interface]
    return (whole.name if whole else "", whole.check if whole else b"", texts, numbers, ids, packed, gone)


def load_plain(folder: Path, name: str) -> object:
    """Return what `save_plain` kept, or None."""
    found = _load(folder, name)
    return found[0] if found else None


def save_plain(folder: Path, name: str, value: Any) -> None:
    """Keep nested tuples, lists and dicts of text and numbers; when that fails, nothing is kept."""
    _save(folder, name, value)


def _load(folder: Path, name: str) -> tuple[Any, bytes] | None:
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return None
    payload = memoryview(data)[_HEAD:]
    # marshal trusts its input, so nothing reaches it that is not exactly what was written.
    check = hashlib.sha256(payload).digest()
    if data[:_HEAD] != _MAGIC + check:
        return None
    try:
        return marshal.loads(payload), check
    except (ValueError, EOFError, TypeError):
        return None


def _save(folder: Path, name: str, value: Any) -> bytes:
    payload = marshal.dumps(value)
    check = hashlib.sha256(payload).digest()
    write_quietly(folder / name, _MAGIC + check + payload)
    return check


def write_quietly(path: Path, data: bytes) -> None:
    """Write a file of a cache in one step, or not at all."""
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        os.replace(temporary, path)  # noqa: PTH105 - the same either way
    except OSError:
        with suppress(OSError):
            temporary.unlink()
