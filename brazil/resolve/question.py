"""What the solver is asked, and the words of its reasoning: picks, conditions, nogoods.

A nogood is a set of conditions on picks that cannot all hold in any answer. Conditions speak of what a package
needs, not of its number, so one nogood rules out all versions of a package that need the same.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from brazil.model.conflict import ConflictKind
from brazil.model.names import Interface, PackageVersion
from brazil.model.package import Dependency, Kind, Manifest
from brazil.resolve.catalog import Catalog

RUN = (Kind.NORMAL, Kind.RUNTIME)

Edge = tuple[Interface, Kind]
Atom = tuple[Interface, Interface, Kind]  # a package, what it needs, how: of all its versions
Overrides = tuple[tuple[Interface, ...], tuple[Interface, ...]]  # winners, removed


class Pick(NamedTuple):
    """One package version, as far as the solver cares."""

    number: int | None  # None: the new one, higher than every number
    needs: tuple[Dependency, ...]
    overrides: Overrides

    def lowest(self, edge: Edge) -> int:
        """Return the lowest number that will do of something it needs; -1: it does not need that."""
        interface, kind = edge
        return next((d.at_least for d in self.needs if d.kind is kind and d.interface == interface), -1)

    def below(self, number: int) -> bool:
        """Tell whether this version is too low for somebody."""
        return self.number is not None and self.number < number


class Condition(NamedTuple):
    """What a nogood says of one package's pick."""

    edges: Mapping[Edge, int]  # it needs these, with at least these numbers
    overrides: Overrides | None = None  # it declares exactly these; None: no matter
    below: int | None = None  # its number is lower; None: no matter

    def holds(self, pick: Pick) -> bool:
        """Tell whether a pick is meant by this."""
        if self.below is not None and not pick.below(self.below):
            return False
        if self.overrides is not None and self.overrides != pick.overrides:
            return False
        return all(pick.lowest(edge) >= number for edge, number in self.edges.items())

    def both(self, other: "Condition") -> "Condition":
        """Join two conditions that hold of the same pick."""
        edges = dict(self.edges)
        for edge, number in other.edges.items():
            edges[edge] = max(number, edges.get(edge, 0))
        bounds = [c.below for c in (self, other) if c.below is not None]
        overrides = other.overrides if self.overrides is None else self.overrides
        return Condition(edges, overrides, min(bounds, default=None))


class Failure(NamedTuple):
    """What first went wrong behind a nogood."""

    kind: ConflictKind
    subject: tuple[Interface, ...]
    root: Interface | None = None  # of the closure in which two interfaces meet
    closure: str = ""


class Nogood(NamedTuple):
    """Conditions that no answer fulfils all at once; without conditions there is no answer."""

    conditions: Mapping[Interface, Condition]
    atoms: frozenset[Atom]  # the dependencies that make it so, directly or through other nogoods
    failure: Failure


class Question:
    """Targets, new versions, base pins and a catalog; or a part of that, for explanations."""

    def __init__(
        self,
        targets: tuple[Interface, ...],
        new: Mapping[Interface, Manifest],
        base: Mapping[Interface, PackageVersion],
        catalog: Catalog,
    ) -> None:
        self.targets = tuple(sorted(set(targets)))
        self.new = new
        self.base = base
        self.catalog = catalog
        self._only: frozenset[Atom] = frozenset()  # of a part
        self._winner: tuple[Interface, Interface] | None = None
        self._picks: dict[tuple[Interface, int | None], Pick] = {}
        self._whole = self  # what this one is a part of

    def restricted(
        self, targets: tuple[Interface, ...], only: frozenset[Atom], winner: tuple[Interface, Interface] | None = None
    ) -> "Question":
        """Ask again, with other targets, as if only these dependencies were declared.

        Args:
            targets: what the answer has to hold.
            only: the dependencies that count.
            winner: (package, interface): as if the package declared this winner, too.
        """
        part = Question(targets, self.new, self.base, self.catalog)
        part._only = only
        part._winner = winner
        part._whole = self._whole
        return part

    def rank(self, interface: Interface) -> int:
        """Return when to decide: what is given first, then what is pinned, so that the rest fits to it."""
        if interface in self.new:
            return 0
        return 1 if interface in self.base else 2

    def numbers(self, interface: Interface) -> Iterator[int | None]:
        """Yield the versions to try, the preferred first: the new one alone; else the base pin, then newest first."""
        if interface in self.new:
            yield None
            return
        pinned = self.base[interface].number if interface in self.base else None
        if pinned is not None:
            yield pinned
        for number in reversed(self.catalog.versions(interface)):
            if number != pinned:
                yield number

    def pick(self, interface: Interface, number: int | None) -> Pick:
        """Return one version."""
        key = (interface, number)
        pick = self._picks.get(key)
        if pick is None:
            pick = self._picks[key] = self._make_pick(interface, number)
        return pick

    def _make_pick(self, interface: Interface, number: int | None) -> Pick:
        if self._whole is not self:
            return self._part_of(interface, self._whole.pick(interface, number))
        manifest = self.new[interface] if number is None else self.catalog.manifest(interface, number)
        return Pick(number, manifest.dependencies, (manifest.winners, manifest.removed))

    def _part_of(self, interface: Interface, pick: Pick) -> Pick:
        needs = tuple(d for d in pick.needs if (interface, d.interface, d.kind) in self._only)
        winners, removed = pick.overrides
        if self._winner is not None and self._winner[0] == interface:
            others = (w for w in winners if w.name != self._winner[1].name)
            winners = tuple(sorted((*others, self._winner[1])))
        return Pick(pick.number, needs, (winners, removed))
