from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from brazil.model.names import Interface, PackageName, PackageVersion, parse_interface
from brazil.model.package import Dependency, Kind, Manifest
from brazil.resolve.catalog import MemoryCatalog
from brazil.resolve.solver import Request


def dependency_order(dependency: Dependency) -> tuple[int, Interface]:
    """Sort key of `Manifest.dependencies`."""
    return (list(Kind).index(dependency.kind), dependency.interface)


def iface(text: str) -> Interface:
    return parse_interface(text)


def manifest(
    interface: str,
    normal: str = "",
    runtime: str = "",
    test: str = "",
    tool: str = "",
    winners: str = "",
    removed: str = "",
    closure: str = "transitive",
) -> Manifest:
    """Write a manifest in words: `normal="A-1 B-1>=3@7"` needs A, and B from build 3 on, said in line 7."""
    kinds = {Kind.NORMAL: normal, Kind.RUNTIME: runtime, Kind.TEST: test, Kind.TOOL: tool}
    needs = [_dependency(word, kind) for kind, words in kinds.items() for word in words.split()]
    return Manifest(
        iface(interface),
        "make",
        dependencies=tuple(sorted(needs, key=dependency_order)),
        winners=tuple(sorted(map(iface, winners.split()))),
        removed=tuple(sorted(map(iface, removed.split()))),
        closure=closure,
    )


def _dependency(word: str, kind: Kind) -> Dependency:
    word, _, line = word.partition("@")
    name, _, number = word.partition(">=")
    return Dependency(iface(name), kind, int(number or 0), int(line or 0))


INTERFACES = tuple(Interface(PackageName(name), version) for name, version in ("A1", "B1", "C1", "C2", "D1", "D2"))


class World(NamedTuple):
    """Something to resolve, small enough to try everything."""

    catalog: Mapping[Interface, Mapping[int, Manifest]]
    base: Mapping[Interface, PackageVersion]
    request: Request

    def memory(self) -> MemoryCatalog:
        return MemoryCatalog([(number, m) for versions in self.catalog.values() for number, m in versions.items()])


KINDS = (Kind.NORMAL, Kind.NORMAL, Kind.RUNTIME, Kind.TEST, Kind.TOOL)


@st.composite
def manifests(draw: st.DrawFn, interface: Interface) -> Manifest:
    """A manifest that needs interfaces after its own in the list; now and then an earlier one."""
    place = INTERFACES.index(interface)
    later = [i for i in INTERFACES[place + 1 :] if i.name != interface.name]
    needs = draw(st.lists(_needs(later), min_size=min(2, len(later)), max_size=3)) if later else []
    if not draw(st.integers(0, 7)):
        needs.append(draw(_needs(INTERFACES)))
    overridden = st.lists(st.sampled_from(INTERFACES[2:]), max_size=1) if not draw(st.integers(0, 7)) else st.just([])
    return Manifest(
        interface,
        "make",
        dependencies=tuple(sorted({(d.interface, d.kind): d for d in needs}.values(), key=dependency_order)),
        winners=tuple(draw(overridden)),
        removed=tuple(draw(overridden)),
        closure=draw(st.sampled_from(["transitive", "transitive", "direct"])),
    )


def _needs(pool: Sequence[Interface]) -> st.SearchStrategy[Dependency]:
    at_least = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 2, 3])
    return st.builds(Dependency, st.sampled_from(pool), st.sampled_from(KINDS), at_least, st.just(0))


@st.composite
def pinned(draw: st.DrawFn) -> dict[Interface, Manifest]:
    """Manifests of all interfaces, closed under dependencies and without cycles."""
    found = {i: draw(manifests(i)) for i in INTERFACES}
    for place, interface in enumerate(INTERFACES):
        later = INTERFACES[place + 1 :]
        kept = (d for d in found[interface].dependencies if d.interface in later or d.kind is Kind.TEST)
        found[interface] = found[interface]._replace(dependencies=tuple(kept))
    return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Catalogs in which most things exist, so that versions have to be weighed against each other."""
    numbers = st.sampled_from([(1, 2, 3), (1, 3), (2, 3), (1, 2), (2,), (1, 2, 3), (2, 3), ()])
    catalog = {i: {number: draw(manifests(i)) for number in draw(numbers)} for i in INTERFACES}
    base = {
        i: PackageVersion(i, draw(st.sampled_from(sorted(versions))))
        for i, versions in catalog.items()
        if versions and draw(st.booleans())
    }
    new = {i: draw(manifests(i)) for i in INTERFACES if not draw(st.integers(0, 7))}
    targets = draw(st.sampled_from([INTERFACES[:1], INTERFACES[:1], INTERFACES[:2], INTERFACES[1:3]]))
    return World(catalog, base, Request(targets, new))
