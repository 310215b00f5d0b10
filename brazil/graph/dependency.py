"""DependencyGraph: which pinned package needs which, in plain dicts.

Everything is in order of names or of dependencies, never of mappings. No function recurses. networkx is
reached for only where nothing hot happens: cycles that are known to exist, paths and drawing.
"""

from collections import deque
from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from brazil.errors import Problem, UsageError
from brazil.model.names import Interface
from brazil.model.nearest import did_you_mean
from brazil.model.package import Kind, Manifest

if TYPE_CHECKING:
    from networkx import DiGraph

ORDERING = (Kind.NORMAL, Kind.RUNTIME, Kind.TOOL)  # kinds that must form a DAG (I5)


class DependencyGraph:
    """Pinned packages and what they declare to need."""

    def __init__(self, manifests: Mapping[Interface, Manifest]) -> None:
        self.manifests: Mapping[Interface, Manifest] = dict(sorted(manifests.items()))
        self._consumers: dict[Interface, list[tuple[Interface, Kind]]] | None = None
        self._order: tuple[Interface, ...] | None = None

    def manifest(self, interface: Interface) -> Manifest:
        """Return the manifest of a pinned interface.

        Raises:
            UsageError: it is not pinned.
        """
        try:
            return self.manifests[interface]
        except KeyError:
            hint = did_you_mean(str(interface), map(str, self.manifests))
            raise UsageError(Problem("graph.not-pinned", f"{interface} is not pinned", hint=hint)) from None

    def needs(self, interface: Interface, *kinds: Kind) -> tuple[Interface, ...]:
        """Return what a package declares to need by any of these kinds (all when none is given), sorted."""
        declared = self.manifest(interface).dependencies
        return tuple(sorted({d.interface for d in declared if not kinds or d.kind in kinds}))

    def consumers(self, interface: Interface, *kinds: Kind) -> tuple[Interface, ...]:
        """Return which packages need this one directly by any of these kinds (all when none is given), sorted."""
        if self._consumers is None:
            self._consumers = {}
            for package, manifest in self.manifests.items():
                for d in manifest.dependencies:
                    self._consumers.setdefault(d.interface, []).append((package, d.kind))
        users = self._consumers.get(interface, ())
        return tuple(sorted({package for package, kind in users if not kinds or kind in kinds}))

    def build_order(self) -> tuple[Interface, ...]:
        """Return all packages, dependencies first; among those that could come next the smallest comes first.

        Raises:
            UsageError: there is a cycle.
        """
        if self._order is None:
            order = self._sorted_until_stuck()
            if len(order) < len(self.manifests):
                circle = " needs ".join(map(str, (*(cycle := self.cycle() or ()), *cycle[:1])))
                raise UsageError(Problem("graph.cycle", "the packages have no build order", circle))
            self._order = order
        return self._order

    def cycle(self) -> tuple[Interface, ...] | None:
        """Return a shortest cycle over normal, runtime and tool dependencies, from its smallest member on."""
        if self._order is not None:
            return None
        order = self._sorted_until_stuck()
        if len(order) == len(self.manifests):
            self._order = order
            return None
        from networkx import strongly_connected_components

        stuck = self.digraph(*ORDERING)
        stuck.remove_nodes_from(order)
        best: tuple[Interface, ...] = ()
        for start, component in sorted((min(c), c) for c in strongly_connected_components(stuck)):
            for member in sorted(component) if len(component) > 1 else [start]:
                found = self._cycle_from(member, component, len(best))
                best = found or best
        return best

    def why(self, root: Interface, member: Interface, *kinds: Kind) -> tuple[Interface, ...]:
        """Return a shortest path along these kinds (all when none is given); empty when there is none.

        Raises:
            UsageError: one of the two is not pinned.
        """
        from networkx import NetworkXNoPath, shortest_path

        self.manifest(root)
        self.manifest(member)
        try:
            return tuple(shortest_path(self.digraph(*kinds), root, member))
        except NetworkXNoPath:
            return ()

    def digraph(self, *kinds: Kind) -> "DiGraph[Interface]":
        """Return the graph for drawing and paths: an edge from each package to each one it needs."""
        from networkx import DiGraph

        graph: DiGraph[Interface] = DiGraph()
        graph.add_nodes_from(self.manifests)
        graph.add_edges_from((package, need) for package in self.manifests for need in self.needs(package, *kinds))
        return graph

    def _sorted_until_stuck(self) -> tuple[Interface, ...]:
        """Kahn's algorithm with a heap of positions: integers compare much faster than names."""
        names = list(self.manifests)
        position = {name: i for i, name in enumerate(names)}
        waiting: list[int] = []
        users: list[list[int]] = [[] for _ in names]
        for i, manifest in enumerate(self.manifests.values()):
            needs = {position[d.interface] for d in manifest.dependencies if _orders(d.kind, d.interface, position)}
            waiting.append(len(needs))
            for need in needs:
                users[need].append(i)
        ready = [i for i, count in enumerate(waiting) if not count]
        heapify(ready)
        order: list[Interface] = []
        while ready:
            i = heappop(ready)
            order.append(names[i])
            for user in users[i]:
                waiting[user] -= 1
                if not waiting[user]:
                    heappush(ready, user)
        return tuple(order)

    def _cycle_from(self, start: Interface, within: Collection[Interface], shorter: int) -> tuple[Interface, ...]:
        """Find the shortest cycle whose smallest member is `start` and that beats `shorter` packages (0: any)."""
        parent: dict[Interface, Interface | None] = {start: None}
        depth = {start: 1}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            if shorter and depth[here] >= shorter:
                return ()
            for need in self.needs(here, *ORDERING):
                if need == start:
                    return _path(parent, here)
                if need > start and need in within and need not in parent:
                    parent[need] = here
                    depth[need] = depth[here] + 1
                    queue.append(need)
        return ()


def _orders(kind: Kind, interface: Interface, pinned: Collection[Interface]) -> bool:
    return kind is not Kind.TEST and interface in pinned


def _path(parent: Mapping[Interface, Interface | None], end: Interface) -> tuple[Interface, ...]:
    path: list[Interface] = []
    step: Interface | None = end
    while step is not None:
        path.append(step)
        step = parent[step]
    return tuple(reversed(path))
