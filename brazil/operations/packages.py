"""Packages of the registry."""

from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.nearest import did_you_mean
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


def register_package(package: RegisteredPackage, registry: Registry, sources: SourceProvider) -> bool:
    """Make a package known, after a look at its repository.

    Returns:
        False when it was known just so.

    Raises:
        UsageError: the repository is none, or another package has the name but for case.
        UnavailableError: the repository or the registry cannot be reached.
    """
    sources.resolve(package, "HEAD")
    return registry.register(package)


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
