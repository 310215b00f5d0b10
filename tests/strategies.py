from collections.abc import Mapping
from typing import NamedTuple

from hypothesis import strategies as st

from brazil.model.names import Interface, PackageName, PackageVersion, parse_interface
from brazil.model.package import Dependency, Kind, Manifest, dependency_order
from brazil.resolve.catalog import MemoryCatalog
from brazil.resolve.solver import Request


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


@st.composite
def manifests(draw: st.DrawFn, interface: Interface, downward: bool = True) -> Manifest:
    """A manifest that needs interfaces after its own in the list; now and then any."""
    place = INTERFACES.index(interface)
    later = [i for i in INTERFACES[place + 1 :] if i.name != interface.name]
    pool = later if downward and draw(st.integers(0, 9)) else list(INTERFACES)
    needs: dict[tuple[Interface, Kind], Dependency] = {}
    for _ in range(draw(st.integers(0, 3)) if pool else 0):
        d = Dependency(
            draw(st.sampled_from(pool)),
            draw(st.sampled_from([Kind.NORMAL, Kind.NORMAL, Kind.RUNTIME, Kind.TEST, Kind.TOOL])),
            draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
        )
        needs[d.interface, d.kind] = d
    some = st.lists(st.sampled_from(INTERFACES), max_size=1) if not draw(st.integers(0, 3)) else st.just([])
    return Manifest(
        interface,
        "make",
        dependencies=tuple(sorted(needs.values(), key=dependency_order)),
        winners=tuple(draw(some)),
        removed=tuple(draw(some)),
        closure=draw(st.sampled_from(["transitive", "transitive", "direct"])),
    )


@st.composite
def pinned(draw: st.DrawFn) -> dict[Interface, Manifest]:
    """Manifests of all interfaces, closed under dependencies and without cycles."""
    found = {i: draw(manifests(i)) for i in INTERFACES}
    for place, interface in enumerate(INTERFACES):
        kept = (
            d for d in found[interface].dependencies if d.interface in INTERFACES[place + 1 :] or d.kind is Kind.TEST
        )
        found[interface] = found[interface]._replace(dependencies=tuple(kept))
    return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    catalog: dict[Interface, dict[int, Manifest]] = {}
    for interface in INTERFACES:
        numbers = draw(st.lists(st.integers(1, 3), unique=True, max_size=3))
        catalog[interface] = {number: draw(manifests(interface)) for number in sorted(numbers)}
    base = {}
    for interface, versions in catalog.items():
        if versions and draw(st.booleans()):
            base[interface] = PackageVersion(interface, draw(st.sampled_from(sorted(versions))))
    new = {i: draw(manifests(i)) for i in INTERFACES if not draw(st.integers(0, 4))}
    targets = tuple(draw(st.lists(st.sampled_from(INTERFACES), unique=True, min_size=1, max_size=2)))
    return World(catalog, base, Request(targets, new))
