"""Search for versions that fit together: decide one package after the other, learn a nogood at each dead end.

Complete: each turn either decides a package or learns a nogood that rules the present decisions out for good, so
it ends, with an answer if there is one. The order of decisions depends on names alone. Nothing recurses.
The closures and cycles of a choice are looked at only when it is complete; in the ordinary case that is once.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

from brazil.model.conflict import ConflictKind
from brazil.model.names import Interface
from brazil.model.package import Dependency
from brazil.resolve.coherence import violations
from brazil.resolve.question import Atom, Condition, Failure, Nogood, Pick, Question


def search(question: Question) -> Mapping[Interface, Pick] | Nogood:
    """Return the picks of everything the targets need, and of nothing else, or the nogood without conditions."""
    return _Search(question).run()


class _Search:
    """The decisions made so far and what was learned."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.targets = frozenset(question.targets)
        self.picks: dict[Interface, Pick] = {}  # in order of decision: the last item is the newest decision
        self.level: dict[Interface, int] = {}  # place in `picks`
        # Both in order of decision, so that what is undone stands last.
        self.needers: dict[Interface, list[Interface]] = {}  # the decided packages that need it, once per need
        self.floors: dict[
            Interface, list[tuple[Interface, Dependency]]
        ] = {}  # of them, those that ask for a lowest number
        self.pending: list[tuple[int, Interface]] = []  # heap; may hold what is decided or needed no more
        self.nogoods: dict[Interface, list[Nogood]] = {}
        for target in question.targets:
            self._await(target)

    def run(self) -> Mapping[Interface, Pick] | Nogood:
        while True:
            interface = self._next()
            if interface is not None:
                dead_end = self._decide(interface)
                found = [dead_end] if dead_end else []
            else:
                found = violations(self.picks)
                if not found:
                    return self.picks
            for nogood in found:
                if not nogood.conditions:
                    return nogood
                for package in nogood.conditions:
                    self.nogoods.setdefault(package, []).append(nogood)
            if found:
                self._undo_to(min(max(self.level[p] for p in nogood.conditions) for nogood in found))

    def _await(self, interface: Interface) -> None:
        heappush(self.pending, (self.question.rank(interface), interface))

    def _next(self) -> Interface | None:
        while self.pending:
            interface = heappop(self.pending)[1]
            if interface not in self.picks and (interface in self.targets or self.needers.get(interface)):
                return interface
        return None

    def _decide(self, interface: Interface) -> Nogood | None:
        """Take the first version that fits to the decisions made; else say why none does."""
        vetoes: list[Nogood] = []
        for number in self.question.numbers(interface):
            pick = self.question.pick(interface, number)
            veto = self._veto(interface, pick)
            if veto is None:
                self._take(interface, pick)
                return None
            vetoes.append(veto)
        self._await(interface)  # what comes of going back may still need it
        return self._exhausted(interface, vetoes)

    def _veto(self, interface: Interface, pick: Pick) -> Nogood | None:
        """Say why a version does not fit to the decisions made, as conditions on those."""
        for needer, d in self.floors.get(interface, ()):
            if pick.below(d.at_least):
                return self._too_low(interface, pick, needer, d)
        for d in pick.needs:
            if not d.at_least:
                continue
            known = pick if d.interface == interface else self.picks.get(d.interface)
            if known is not None and known.below(d.at_least):
                conditions = {} if known is pick else {d.interface: Condition({}, below=d.at_least)}
                failure = Failure(ConflictKind.AT_LEAST, (d.interface,))
                return Nogood(conditions, frozenset({(interface, d.interface, d.kind)}), failure)
        for nogood in self.nogoods.get(interface, ()):
            if nogood.conditions[interface].holds(pick) and self._rest_holds(nogood, interface):
                rest = {p: condition for p, condition in nogood.conditions.items() if p != interface}
                return nogood._replace(conditions=rest)
        return None

    @staticmethod
    def _too_low(interface: Interface, pick: Pick, needer: Interface, d: Dependency) -> Nogood:
        assert pick.number is not None
        condition = Condition({(interface, d.kind): pick.number + 1})
        atoms = frozenset({(needer, interface, d.kind)})
        return Nogood({needer: condition}, atoms, Failure(ConflictKind.AT_LEAST, (interface,)))

    def _rest_holds(self, nogood: Nogood, but: Interface) -> bool:
        for package, condition in nogood.conditions.items():
            if package != but and (package not in self.picks or not condition.holds(self.picks[package])):
                return False
        return True

    def _exhausted(self, interface: Interface, vetoes: list[Nogood]) -> Nogood:
        """Join the vetoes against all versions with one reason why there has to be a version."""
        conditions: dict[Interface, Condition] = {}
        atoms: set[Atom] = set()
        for veto in vetoes:
            atoms |= veto.atoms
            for package, condition in veto.conditions.items():
                known = conditions.get(package)
                conditions[package] = known.both(condition) if known else condition
        if interface not in self.targets:
            # One that is blamed already makes the nogood no narrower; else the earliest lets us go back furthest.
            needer = min(self.needers[interface], key=lambda p: (p not in conditions, self.level[p]))
            kinds = [d.kind for d in self.picks[needer].needs if d.interface == interface]
            kind = next((kind for kind in kinds if (needer, interface, kind) in atoms), kinds[0])
            reason = Condition({(interface, kind): 0})
            conditions[needer] = conditions[needer].both(reason) if needer in conditions else reason
            atoms.add((needer, interface, kind))
        failure = vetoes[0].failure if vetoes else Failure(ConflictKind.MISSING, (interface,))
        return Nogood(conditions, frozenset(atoms), failure)

    def _take(self, interface: Interface, pick: Pick) -> None:
        self.level[interface] = len(self.picks)
        self.picks[interface] = pick
        for d in pick.needs:
            needers = self.needers.get(d.interface)
            if needers:
                needers.append(interface)
            else:
                self.needers[d.interface] = [interface]
                if d.interface not in self.picks:
                    self._await(d.interface)
            if d.at_least:
                self.floors.setdefault(d.interface, []).append((interface, d))

    def _undo_to(self, level: int) -> None:
        undone: list[Interface] = []
        while len(self.picks) > level:
            interface, pick = self.picks.popitem()
            undone.append(interface)
            for d in pick.needs:
                self.needers[d.interface].pop()
                if d.at_least:
                    self.floors[d.interface].pop()
        for interface in undone:
            if interface in self.targets or self.needers.get(interface):
                self._await(interface)
