"""Packages of the registry."""

from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.formats.manifest import declared_name
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.nearest import did_you_mean
from brazil.model.package import MANIFEST
from brazil.model.versionset import PackageRecord, RegisteredPackage
from brazil.ports import Registry, SourceProvider


class PackageLine(NamedTuple):
    """One interface of a package and its newest version."""

    interface: Interface
    newest: PackageRecord


class PackageView(NamedTuple):
    """A package with its interfaces, sorted."""

    package: RegisteredPackage
    lines: tuple[PackageLine, ...]


class Registered(NamedTuple):
    """A package that was made known, or whose entry was changed."""

    package: RegisteredPackage
    changed: bool  # false: it was known just so
    moved_from: str  # the repository that it had before; empty: none, or the same


def register_package(package: RegisteredPackage, registry: Registry, sources: SourceProvider) -> Registered:
    """Make a package known, after a look at its repository.

    A repository without a manifest will do: it may get one yet. One whose manifest says another name will not.

    Raises:
        UsageError: the repository is none or another package's, or another package has the name but for case.
        UnavailableError: the repository or the registry cannot be reached.
    """
    commit = sources.resolve(package, "HEAD")
    known = registry.package(package.name)
    before = known.repository if known else ""
    if before != package.repository:
        _refuse_another(package, sources.file(package, commit, MANIFEST), commit)
    changed = registry.register(package)
    return Registered(package, changed, before if changed and before != package.repository else "")


def _refuse_another(package: RegisteredPackage, manifest: bytes | None, commit: str) -> None:
    """Refuse the repository of another package, which could be registered, and never published."""
    file = f"{MANIFEST} of {package.repository} at {commit[:12]}"
    found = declared_name(manifest, file=file) if manifest is not None else None
    if found is not None and found != package.name:
        own = f"brazil package register {found} --repository {package.repository}"
        raise UsageError(
            Problem(
                "package.other-name",
                f"{package.name} cannot be registered at {package.repository}",
                f"it holds the package {found}",
                f"take its own name: {own}; or the repository of {package.name}",
                file=file,
                key="package.name",
            )
        )


def known_package(name: PackageName, registry: Registry) -> RegisteredPackage:
    """Return a registered package.

    Raises:
        UsageError: there is none of this name; suggests the nearest.
    """
    package = registry.package(name)
    if package is None:
        hint = did_you_mean(name, [p.name for p in registry.packages()])
        raise UsageError(
            Problem(
                "package.unknown",
                f"the registry knows no package {name}",
                hint=hint or f"register it: brazil package register {name} --repository URL",
            )
        )
    return package


def show_package(name: PackageName, registry: Registry) -> PackageView:
    """Return a package with the newest version of each of its interfaces."""
    return _view(known_package(name, registry), registry)


def package_versions(name: PackageName, registry: Registry, limit: int | None) -> tuple[PackageRecord, ...]:
    """Return the versions of a package: interface by interface, newest first.

    Args:
        name: of the package.
        registry: knows them.
        limit: how many of each interface; None: all.
    """
    known_package(name, registry)
    return tuple(
        registry.record(PackageVersion(interface, number))
        for interface in registry.interfaces(name)
        for number in list(reversed(registry.versions(interface)))[:limit]
    )


def list_packages(registry: Registry) -> tuple[PackageView, ...]:
    """Return every package, sorted by name."""
    return tuple(_view(package, registry) for package in registry.packages())


def _view(package: RegisteredPackage, registry: Registry) -> PackageView:
    lines = [
        PackageLine(interface, registry.record(PackageVersion(interface, registry.versions(interface)[-1])))
        for interface in registry.interfaces(package.name)
    ]
    return PackageView(package, tuple(lines))
