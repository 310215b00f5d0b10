"""Closures of pinned packages, per kind of dependency, and what a change affects.

For a package p: runtime R(p) is p and everything along normal and runtime dependencies; build B(p) is the union
of R(d) over its normal dependencies; test T(p) is R(p) and the R(t) of its test dependencies; each tool has R(t)
of its own. `[resolves-conflict-dependencies]` and `[remove-dependencies]` act on R, B and T of the package that
declares them and on nothing else: a losing or removed interface is not entered.

Only what was asked for is remembered, as one integer with a bit per pinned package in order of names: asking in
build order costs a few unions each, asking for one package visits what it reaches and keeps one integer.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from brazil.graph.dependency import DependencyGraph
from brazil.model.names import Interface
from brazil.model.package import Kind, Manifest

_RUN = (Kind.NORMAL, Kind.RUNTIME)


class ClosureKind(StrEnum):
    """The closures of a package that a user can ask for by name."""

    RUNTIME = "runtime"
    BUILD = "build"
    TEST = "test"


class Affected(NamedTuple):
    """What has to be done after a change; the two do not overlap."""

    rebuild: frozenset[Interface]  # the changed ones and consumers through build or tool closures: built and tested
    retest: frozenset[Interface]  # consumers through test or runtime closures only: just tested


class Closures:
    """The closures of one graph, computed when asked for."""

    def __init__(self, graph: DependencyGraph) -> None:
        self.graph = graph
        self._names = tuple(graph.manifests)
        self._position = {name: i for i, name in enumerate(self._names)}
        self._plain: dict[Interface, int] = {}  # R without overrides, of what was asked for
        self._restricted: dict[tuple[Interface, frozenset[Kind], bool], int] = {}

    def runtime(self, package: Interface) -> tuple[Interface, ...]:
        """Return R(p): what has to be there to run it, with itself, sorted."""
        return self._members(self._closure(package, _RUN, itself=True))

    def build(self, package: Interface) -> tuple[Interface, ...]:
        """Return B(p): what compiling it sees, without itself, sorted."""
        return self._members(self._build(package))

    def test(self, package: Interface) -> tuple[Interface, ...]:
        """Return T(p): what its tests see, with itself, sorted."""
        return self._members(self._closure(package, (*_RUN, Kind.TEST), itself=True))

    def tools(self, package: Interface) -> tuple[tuple[Interface, tuple[Interface, ...]], ...]:
        """Return each declared tool with its own runtime closure, sorted by tool."""
        return tuple((tool, self.runtime(tool)) for tool in self.graph.needs(package, Kind.TOOL))

    def of(self, kind: ClosureKind, package: Interface) -> tuple[Interface, ...]:
        """Return the closure of one kind, sorted."""
        return {ClosureKind.RUNTIME: self.runtime, ClosureKind.BUILD: self.build, ClosureKind.TEST: self.test}[kind](
            package
        )

    def inputs(self, package: Interface) -> tuple[Interface, ...]:
        """Return build closure and tool closures in one, sorted: what a package version is built against."""
        bits = self._build(package)
        for tool in self.graph.needs(package, Kind.TOOL):
            bits |= self._closure(tool, _RUN, itself=True)
        return self._members(bits)

    def reachable(self, targets: Iterable[Interface]) -> frozenset[Interface]:
        """Return everything any of the targets needs by any kind, with what that needs in turn."""
        seen = set(targets)
        todo = sorted(seen)
        while todo:
            fresh = {d.interface for d in self.graph.manifest(todo.pop()).dependencies} - seen
            seen |= fresh
            todo.extend(fresh)
        return frozenset(seen)

    def affected(self, changed: Iterable[Interface]) -> Affected:
        """Tell what has to be rebuilt and what has to be tested again when these packages change.

        Raises:
            UsageError: a changed package is not pinned, or there is a cycle.
        """
        rebuild = set(changed)
        for package in sorted(rebuild):
            self.graph.manifest(package)
        suspects = self._all_consumers(rebuild)
        touched: set[Interface] = set()  # packages whose R, without overrides, holds something rebuilt
        for package in self.graph.build_order():
            if package not in suspects:
                continue
            manifest = self.graph.manifests[package]
            if package not in rebuild and self._sees(manifest, rebuild, touched):
                rebuild.add(package)
            if package in rebuild or not touched.isdisjoint(manifest.of_kind(*_RUN)):
                touched.add(package)
        retest = (p for p in suspects - rebuild if self._tests_see(self.graph.manifests[p], rebuild, touched))
        return Affected(frozenset(rebuild), frozenset(retest))

    def _sees(self, manifest: Manifest, rebuild: set[Interface], touched: set[Interface]) -> bool:
        """Tell whether the build or a tool closure of a package holds something that is rebuilt."""
        for tool in manifest.of_kind(Kind.TOOL):
            if tool in touched and (
                not _overrides(self.graph.manifests[tool]) or not rebuild.isdisjoint(self.runtime(tool))
            ):
                return True
        if touched.isdisjoint(manifest.of_kind(Kind.NORMAL)):
            return False
        if _overrides(manifest) or manifest.closure == "direct":
            return not rebuild.isdisjoint(self.build(manifest.interface))
        return True

    def _tests_see(self, manifest: Manifest, rebuild: set[Interface], touched: set[Interface]) -> bool:
        if touched.isdisjoint(manifest.of_kind(*_RUN, Kind.TEST)):
            return False
        return not _overrides(manifest) or not rebuild.isdisjoint(self.test(manifest.interface))

    def _all_consumers(self, packages: Iterable[Interface]) -> set[Interface]:
        seen = set(packages)
        todo = list(seen)
        while todo:
            fresh = set(self.graph.consumers(todo.pop())) - seen
            seen |= fresh
            todo.extend(fresh)
        return seen

    def _build(self, package: Interface) -> int:
        manifest = self.graph.manifest(package)
        if manifest.closure == "direct":
            allowed = [d for d in manifest.of_kind(Kind.NORMAL) if _allows(manifest, d)]
            return self._bits(self.graph.manifest(d).interface for d in allowed)
        return self._closure(package, (Kind.NORMAL,), itself=False)

    def _closure(self, package: Interface, first: tuple[Kind, ...], *, itself: bool) -> int:
        """Return the union of R over what `package` needs by the kinds `first`, under its own overrides."""
        manifest = self.graph.manifest(package)
        if not _overrides(manifest):
            if first == _RUN:
                return self._reach(package)
            bits = self._reach(package) if itself else 0
            for need in set(manifest.of_kind(*(k for k in first if not itself or k not in _RUN))):
                bits |= self._reach(need)
            return bits
        key = (package, frozenset(first), itself)
        if key not in self._restricted:
            self._restricted[key] = self._walk(manifest, first, itself)
        return self._restricted[key]

    def _reach(self, package: Interface) -> int:
        """R without overrides: a walk that stops at what is remembered."""
        if package in self._plain:
            return self._plain[package]
        known = 0
        seen = {package}
        todo = [package]
        while todo:
            for d in self.graph.manifest(todo.pop()).dependencies:
                need = d.interface
                if d.kind not in _RUN or need in seen:
                    continue
                seen.add(need)
                if need in self._plain:
                    known |= self._plain[need]
                else:
                    todo.append(need)
        self._plain[package] = known | self._bits(seen)
        return self._plain[package]

    def _walk(self, root: Manifest, first: tuple[Kind, ...], itself: bool) -> int:
        seen = {root.interface}
        entered: set[Interface] = {root.interface} if itself else set()
        todo = [d for d in root.of_kind(*first) if _allows(root, d)]
        while todo:
            here = todo.pop()
            entered.add(here)
            if here in seen:
                continue
            seen.add(here)
            todo.extend(d for d in self.graph.manifest(here).of_kind(*_RUN) if d not in seen and _allows(root, d))
        return self._bits(entered)

    def _bits(self, packages: Iterable[Interface]) -> int:
        positions = [self._position[p] for p in packages]
        if not positions:
            return 0
        data = bytearray(max(positions) // 8 + 1)
        for i in positions:
            data[i >> 3] |= 1 << (i & 7)
        return int.from_bytes(data, "little")

    def _members(self, bits: int) -> tuple[Interface, ...]:
        digits = bin(bits)[:1:-1]  # lowest bit first
        members: list[Interface] = []
        i = digits.find("1")
        while i >= 0:
            members.append(self._names[i])
            i = digits.find("1", i + 1)
        return tuple(members)


def _overrides(manifest: Manifest) -> bool:
    return bool(manifest.winners or manifest.removed)


def _allows(root: Manifest, interface: Interface) -> bool:
    """Tell whether closures rooted at `root` enter an interface."""
    if interface in root.removed:
        return False
    return interface in root.winners or all(w.name != interface.name for w in root.winners)
