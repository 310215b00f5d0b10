"""Change the dependencies that a package's own `brazil.toml` declares."""

import os
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from brazil.build_systems import option_specs
from brazil.errors import Problem, UnavailableError, UsageError
from brazil.formats.manifest import parse_manifest
from brazil.formats.manifest_edit import with_dependency, without_dependency
from brazil.model.names import Interface, PackageName, package_name, parse_interface
from brazil.model.nearest import did_you_mean
from brazil.model.package import MANIFEST, TABLES, Kind, Manifest
from brazil.operations.packages import known_package
from brazil.ports import Registry


class Edit(NamedTuple):
    """What was changed in a manifest."""

    file: Path
    changed: tuple[tuple[str, Interface], ...]  # (table, dependency) added or removed; empty: it was so before


def find_manifest(start: Path) -> Path:
    """Return the manifest of the package that a folder is in.

    Raises:
        UsageError: it is in none.
    """
    for folder in (start, *start.parents):
        if (folder / MANIFEST).is_file():
            return folder / MANIFEST
    raise UsageError(
        Problem(
            "package.no-manifest", f"{start} is in no package", f"there is no {MANIFEST} here or above", "go to one"
        )
    )


def meant_interfaces(texts: Sequence[str], registry: Registry) -> list[Interface]:
    """Return what a user means by PACKAGE (its newest interface) or PACKAGE-INTERFACE.

    A name may have dashes itself, so what the registry knows as a package is one.

    Raises:
        UsageError: a text is neither, or of a package nothing was published.
    """
    names = {package.name for package in registry.packages()}
    return [
        _newest_interface(package_name(text), registry) if text in names or "-" not in text else parse_interface(text)
        for text in texts
    ]


def _newest_interface(name: PackageName, registry: Registry) -> Interface:
    """Return the interface of a package that has the newest version, by the number in its text.

    Raises:
        UsageError: the registry knows no such package, or nothing of it was published.
    """
    known_package(name, registry)
    interfaces = registry.interfaces(name)
    if not interfaces:
        hint = f"say which interface you mean: {name}-1.0"
        raise UsageError(Problem("package.unpublished", f"no version of {name} was published yet", hint=hint))
    return max(interfaces, key=_version_order)


def add_dependencies(file: Path, wanted: Sequence[Interface], kind: Kind, at_least: int, registry: Registry) -> Edit:
    """Let the package depend on interfaces; one that it has with another version is changed.

    Raises:
        UsageError: the manifest is wrong, or would be; the registry knows no such package. Nothing is changed then.
        UnavailableError: the file cannot be written.
    """
    text, before = _read(file)
    for interface in wanted:
        known_package(interface.name, registry)
        text = with_dependency(text, interface, kind, at_least)
    after = _parsed(text, file)
    known = {dependency._replace(line=0) for dependency in before.dependencies}
    changed = [(TABLES[d.kind], d.interface) for d in after.dependencies if d._replace(line=0) not in known]
    if changed:
        _replace(file, text)
    return Edit(file, tuple(changed))


def remove_dependencies(file: Path, names: Sequence[PackageName], kinds: tuple[Kind, ...]) -> Edit:
    """Take packages out of the tables of dependencies.

    Args:
        file: the manifest.
        names: packages to take out.
        kinds: out of which tables.

    Raises:
        UsageError: a package is in none of the tables. Nothing is changed then.
        UnavailableError: the file cannot be written.
    """
    text, before = _read(file)
    have = {d.interface.name for d in before.dependencies if d.kind in kinds}
    missing = [name for name in names if name not in have]
    if missing:
        raise UsageError(
            *(
                Problem(
                    "package.no-dependency",
                    f"{before.name} does not depend on {name}",
                    hint=did_you_mean(name, have) or (f"there are {', '.join(sorted(have))}" if have else ""),
                    file=str(file),
                )
                for name in missing
            )
        )
    for name in names:
        text = without_dependency(text, name, kinds)
    _parsed(text, file)
    removed = [
        (TABLES[d.kind], d.interface) for d in before.dependencies if d.interface.name in names and d.kind in kinds
    ]
    _replace(file, text)
    return Edit(file, tuple(removed))


def _read(file: Path) -> tuple[str, Manifest]:
    try:
        data = file.read_bytes()
    except OSError as error:
        problem = Problem("package.manifest", f"{file} cannot be read", error.strerror or str(error))
        raise UnavailableError(problem) from error
    manifest = parse_manifest(data, file=str(file), systems=option_specs())
    return data.decode(), manifest


def _parsed(text: str, file: Path) -> Manifest:
    return parse_manifest(text.encode(), file=f"{file} (as it would be)", systems=option_specs())


def _replace(file: Path, text: str) -> None:
    """Put the text in place of the file in one step, with the mode that it had."""
    file = file.resolve()
    staged = file.with_name(f".{file.name}-{os.getpid()}")
    try:
        try:
            staged.write_bytes(text.encode())
            staged.chmod(file.stat().st_mode & 0o777)
            staged.replace(file)
        finally:
            staged.unlink(missing_ok=True)
    except OSError as error:
        problem = Problem("package.manifest", f"{file} cannot be written", error.strerror or str(error))
        raise UnavailableError(problem) from error


def _version_order(interface: Interface) -> list[tuple[int, int, str]]:
    parts = interface.version.replace("_", ".").replace("+", ".").split(".")
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]


def declared(folder: Path) -> list[str]:
    """Return the names of what the package of a folder depends on; of a manifest with faults what can be read.

    Raises:
        UsageError: there is no manifest.
    """
    with suppress(OSError, ValueError, RecursionError):
        content = tomllib.loads(find_manifest(folder).read_text("utf-8"))
        tables = [content.get(table) for table in TABLES.values()]
        return sorted({name for table in tables if isinstance(table, dict) for name in table})
    return []
