"""Catalog: the whole outside world of the solver, as three questions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from brazil.model.names import Interface, PackageName
from brazil.model.package import Manifest


class Catalog(Protocol):
    """Which package versions exist and what each declares. Every answer is the same for a whole resolution."""

    def versions(self, interface: Interface) -> Sequence[int]:
        """Return the build numbers there are, rising; empty when there is none."""
        ...

    def manifest(self, interface: Interface, number: int) -> Manifest:
        """Return what one package version declares; asked only for numbers of `versions` and for base pins."""
        ...

    def interfaces(self, name: PackageName) -> Sequence[Interface]:
        """Return the interfaces of a package that have versions, sorted; only for suggestions."""
        ...


class MemoryCatalog:
    """A catalog of given manifests, for tests and for sets that are whole in memory."""

    def __init__(self, manifests: Iterable[tuple[int, Manifest]]) -> None:
        found: dict[Interface, dict[int, Manifest]] = {}
        for number, manifest in manifests:
            found.setdefault(manifest.interface, {})[number] = manifest
        self._manifests: Mapping[Interface, Mapping[int, Manifest]] = found

    def versions(self, interface: Interface) -> Sequence[int]:
        """See `Catalog`."""
        return sorted(self._manifests.get(interface, ()))

    def manifest(self, interface: Interface, number: int) -> Manifest:
        """See `Catalog`."""
        return self._manifests[interface][number]

    def interfaces(self, name: PackageName) -> Sequence[Interface]:
        """See `Catalog`."""
        return sorted(interface for interface in self._manifests if interface.name == name)
