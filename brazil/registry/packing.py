"""Packs records and results for the cache of parsed trees, and makes them again; pure.

The manifest and the closures of a record are packed apart, because a graph of many pins needs the manifests alone.
"""

import marshal

from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageVersion
from brazil.model.package import Dependency, Kind, Manifest, OptionSpec, Provided
from brazil.model.versionset import PackageRecord, Result
from brazil.registry.parsed import Codec, Plain, Table

_KINDS = tuple(Kind)
_KIND_INDEX = {kind: index for index, kind in enumerate(Kind)}


def _pack_record(record: PackageRecord, table: Table) -> bytes:
    against = [x for version in record.against for x in (table.id(version.interface), version.number)]
    manifest = marshal.dumps(_plain_manifest(record.manifest, table))
    return marshal.dumps((record.version.number, record.commit, *record.source, manifest, marshal.dumps(against)))


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
        _plain_provided(manifest.provides) if manifest.provides else (),
    )


def _plain_provided(provided: Provided) -> Plain:
    # A record holds no form: none can be said in a manifest.
    return (provided.program, provided.tests, tuple(tuple(spec[:6]) for spec in provided.options))


def _record(packed: bytes, interface: Interface, interfaces: list[Interface]) -> PackageRecord:
    number, commit, hash_, size, manifest, packed_against = marshal.loads(packed)
    against = marshal.loads(packed_against)
    return PackageRecord(
        PackageVersion(interface, number),
        commit,
        Digest(hash_, size),
        _unpacked_manifest(manifest, interface, interfaces),
        tuple(map(PackageVersion, map(interfaces.__getitem__, against[::2]), against[1::2])),
    )


def manifest_value(packed: bytes, interface: Interface, interfaces: list[Interface]) -> Manifest:
    """Return the manifest of a packed record without making the rest of it."""
    return _unpacked_manifest(marshal.loads(packed)[4], interface, interfaces)


def _unpacked_manifest(packed: bytes, interface: Interface, interfaces: list[Interface]) -> Manifest:
    (build_system, description, dependencies, winners, removed, closure, timeout, options, outputs, provides) = (
        marshal.loads(packed)
    )
    return Manifest(
        interface,
        build_system,
        description,
        tuple([Dependency(interfaces[i], _KINDS[k], at_least, line) for i, k, at_least, line in dependencies]),
        tuple([interfaces[i] for i in winners]),
        tuple([interfaces[i] for i in removed]),
        closure,
        timeout,
        options,
        outputs,
        _provided(*provides) if provides else None,
    )


def _provided(program: str, tests: bool, options: tuple[Plain, ...]) -> Provided:
    return Provided(program, tests, tuple([OptionSpec(*spec) for spec in options]))


def _pack_result(result: Result, _: Table) -> bytes:
    plain: Plain = (result.platform, *result.build, *result.artifact, *result.snapshot, *(result.test or ()))
    return marshal.dumps(plain)


def _result(packed: bytes, _: Interface, __: list[Interface]) -> Result:
    platform, *rest = marshal.loads(packed)
    return Result(
        platform,
        Digest(rest[0], rest[1]),
        Digest(rest[2], rest[3]),
        Digest(rest[4], rest[5]),
        Digest(rest[6], rest[7]) if len(rest) > 6 else None,
    )


RECORDS: Codec[PackageRecord] = Codec("pins", _pack_record, _record)
RESULTS: Codec[Result] = Codec("results", _pack_result, _result)
