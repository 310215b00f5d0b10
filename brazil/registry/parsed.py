"""Remembers parsed pins and results by the git tree they were parsed from.

A git tree never changes its content, so what is remembered is never stale; a damaged or foreign file is passed
over. Values are kept as plain tuples with one table of interfaces, and become model values when somebody asks
for them: opening 10,000 pins costs one read, not 10,000 objects.
"""

import hashlib
import marshal
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import uuid4

from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.package import Dependency, Kind, Manifest
from brazil.model.versionset import PackageRecord, Result

V = TypeVar("V")
Plain = tuple[Any, ...]  # nested tuples of text and numbers, only ever seen by the codec that made them

_MAGIC = b"brazil parsed 1\n"
_TREES_KEPT = 32  # of each kind; 10,000 pins are 5 MB
_KINDS = tuple(Kind)
_KIND_INDEX = {kind: index for index, kind in enumerate(Kind)}


class Table:
    """Numbers for interfaces, given in the order of first use."""

    __slots__ = ("ids", "interfaces")

    def __init__(self, interfaces: list[Interface]) -> None:
        self.interfaces = interfaces
        self.ids = {interface: index for index, interface in enumerate(interfaces)}

    def id(self, interface: Interface) -> int:
        """Return the number of an interface."""
        found = self.ids.get(interface)
        if found is None:
            found = self.ids[interface] = len(self.interfaces)
            self.interfaces.append(interface)
        return found


class Codec(NamedTuple, Generic[V]):
    """How one kind of value becomes plain and comes back."""

    kind: str  # part of the file name
    plain: Callable[[V, Table], Plain]
    value: Callable[[Plain, list[Interface]], V]


class Values(Mapping[Interface, V]):
    """Values by interface, sorted; each made when first asked for."""

    __slots__ = ("_codec", "_made", "_plain", "_table")

    def __init__(self, codec: Codec[V], table: Table, plain: Mapping[Interface, Plain]) -> None:
        self._codec = codec
        self._table = table
        self._plain = plain
        self._made: dict[Interface, V] = {}

    def __getitem__(self, interface: Interface) -> V:
        made = self._made.get(interface)
        if made is None:
            made = self._made[interface] = self._codec.value(self._plain[interface], self._table.interfaces)
        return made

    def __iter__(self) -> Iterator[Interface]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def __contains__(self, interface: object) -> bool:
        return interface in self._plain

    def __repr__(self) -> str:
        return f"Values({dict(self)!r})"


class Parsed(NamedTuple):
    """A parsed tree."""

    table: Table
    blobs: dict[str, tuple[int, Plain]]  # blob id -> (interface number, plain value)


def values(codec: Codec[V], parsed: Parsed) -> Values[V]:
    """Return the values of a parsed tree, sorted by interface."""
    interfaces = parsed.table.interfaces
    found = {interfaces[id_]: plain for id_, plain in parsed.blobs.values()}
    return Values(codec, parsed.table, {interface: found[interface] for interface in sorted(found)})


def load(folder: Path, name: str) -> Parsed | None:
    """Return a remembered tree, or None."""
    match load_plain(folder, name):
        case (list(interfaces), dict(blobs)):
            return Parsed(Table([Interface(PackageName(n), v) for n, v in interfaces]), blobs)
    return None


def save(folder: Path, name: str, parsed: Parsed) -> None:
    """Remember a tree; when that fails, it is only slower next time."""
    save_plain(folder, name, ([tuple(i) for i in parsed.table.interfaces], parsed.blobs))
    with suppress(OSError):
        trees = sorted(folder.glob(f"{name.partition('-')[0]}-*"), key=lambda path: path.stat().st_mtime_ns)
        for path in trees[:-_TREES_KEPT]:
            path.unlink()


def load_plain(folder: Path, name: str) -> object:
    """Return what `save_plain` kept, or None."""
    try:
        data = (folder / name).read_bytes()
    except OSError:
        return None
    head, payload = data[: len(_MAGIC) + 32], memoryview(data)[len(_MAGIC) + 32 :]
    # marshal trusts its input, so nothing reaches it that is not exactly what was written.
    if head != _MAGIC + hashlib.sha256(payload).digest():
        return None
    try:
        found: object = marshal.loads(payload)
    except (ValueError, EOFError, TypeError):
        return None
    return found


def save_plain(folder: Path, name: str, value: Any) -> None:
    """Keep nested tuples, lists and dicts of text and numbers; when that fails, nothing is kept."""
    payload = marshal.dumps(value)
    write_quietly(folder / name, _MAGIC + hashlib.sha256(payload).digest() + payload)


def write_quietly(path: Path, data: bytes) -> None:
    """Write a file of a cache in one step, or not at all."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        os.replace(temporary, path)  # noqa: PTH105 - the same either way
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _plain_record(record: PackageRecord, table: Table) -> Plain:
    against = [x for version in record.against for x in (table.id(version.interface), version.number)]
    return (
        table.id(record.version.interface),
        record.version.number,
        record.commit,
        *record.source,
        _plain_manifest(record.manifest, table),
        tuple(against),
    )


def _plain_manifest(manifest: Manifest, table: Table) -> Plain:
    return (
        manifest.build_system,
        manifest.description,
        tuple((table.id(d.interface), _KIND_INDEX[d.kind], d.at_least, d.line) for d in manifest.dependencies),
        tuple(map(table.id, manifest.winners)),
        tuple(map(table.id, manifest.removed)),
        manifest.closure,
        manifest.timeout,
        manifest.options,
        manifest.outputs,
    )


def _record(plain: Plain, interfaces: list[Interface]) -> PackageRecord:
    id_, number, commit, hash_, size, manifest, against = plain
    interface = interfaces[id_]
    versions = (PackageVersion(interfaces[i], n) for i, n in zip(against[::2], against[1::2], strict=True))
    return PackageRecord(
        PackageVersion(interface, number),
        commit,
        Digest(hash_, size),
        _manifest(interface, manifest, interfaces),
        tuple(versions),
    )


def _manifest(interface: Interface, plain: Plain, interfaces: list[Interface]) -> Manifest:
    build_system, description, dependencies, winners, removed, closure, timeout, options, outputs = plain
    return Manifest(
        interface,
        build_system,
        description,
        tuple(Dependency(interfaces[i], _KINDS[k], at_least, line) for i, k, at_least, line in dependencies),
        tuple(interfaces[i] for i in winners),
        tuple(interfaces[i] for i in removed),
        closure,
        timeout,
        options,
        outputs,
    )


def _plain_result(result: Result, _: Table) -> Plain:
    test = tuple(result.test) if result.test is not None else ()
    return (result.platform, *result.build, *result.artifact, *result.snapshot, *test)


def _result(plain: Plain, _: list[Interface]) -> Result:
    platform, *rest = plain
    return Result(
        platform,
        Digest(rest[0], rest[1]),
        Digest(rest[2], rest[3]),
        Digest(rest[4], rest[5]),
        Digest(rest[6], rest[7]) if len(rest) > 6 else None,
    )


RECORDS: Codec[PackageRecord] = Codec("pins", _plain_record, _record)
RESULTS: Codec[Result] = Codec("results", _plain_result, _result)
