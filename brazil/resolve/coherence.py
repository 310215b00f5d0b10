"""What is wrong with a complete choice of versions: cycles (I5), two interfaces of one package in a closure (I4).

A cheap pass over all packages finds whether anything is wrong: one integer per package, with a bit for each
interface whose package has more than one in the choice. Only where bits meet is a closure walked.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping

from brazil.model.conflict import ConflictKind
from brazil.model.names import Interface, PackageName
from brazil.model.package import Dependency, Kind
from brazil.resolve.question import RUN, Atom, Condition, Edge, Failure, Nogood, Overrides, Pick

Picks = Mapping[Interface, Pick]
Steps = dict[Interface, tuple[Interface, Kind] | None]  # how each member of a closure was reached; None: the root


def violations(picks: Picks) -> list[Nogood]:
    """Return reasons why a complete choice keeps I4 or I5 not; empty exactly when it keeps both."""
    order = _order(picks)
    if order is None:
        return [_cycle(picks, _stuck(picks))]
    bits, planes = _contested(picks)
    return _meetings(picks, order, bits, planes) if bits else []


def _order(picks: Picks) -> list[Interface] | None:
    """Return the packages, dependencies first; None when some need each other."""
    order: list[Interface] = []
    ended: dict[Interface, bool] = {}  # False: it waits for what it needs, which is above it on the path
    path = list(picks)
    while path:
        here = path[-1]
        state = ended.get(here)
        if state is None:
            ended[here] = False
            for d in picks[here].needs:
                if d.interface not in ended:
                    if d.kind is not Kind.TEST:
                        path.append(d.interface)
                elif not ended[d.interface] and d.kind is not Kind.TEST:
                    return None
            continue
        path.pop()
        if not state:
            ended[here] = True
            order.append(here)
    return order


def _stuck(picks: Picks) -> set[Interface]:
    """Return the packages on cycles and all that need them."""
    users: dict[Interface, list[Interface]] = {}
    waiting: dict[Interface, int] = {}
    free: list[Interface] = []
    for package, pick in picks.items():
        needs = {d.interface for d in pick.needs if d.kind is not Kind.TEST}
        waiting[package] = len(needs)
        if not needs:
            free.append(package)
        for need in needs:
            users.setdefault(need, []).append(package)
    for package in free:  # grows while it is walked
        for user in users.get(package, ()):
            waiting[user] -= 1
            if not waiting[user]:
                free.append(user)
    return set(picks).difference(free)


def _cycle(picks: Picks, stuck: Collection[Interface]) -> Nogood:
    """Name a short cycle among packages of which each needs another one of them."""
    here = min(stuck)
    seen: dict[Interface, None] = {}
    while here not in seen:
        seen[here] = None
        here = min(d.interface for d in _ordering(picks[here]) if d.interface in stuck)
    walked = list(seen)
    loop = set(walked[walked.index(here) :])
    cycle = min((_shortest_loop(picks, start, loop) for start in sorted(loop)), key=len)
    start = cycle.index(min(cycle))
    cycle = cycle[start:] + cycle[:start]
    atoms: list[Atom] = []
    for package, need in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        atoms.append((package, need, next(d.kind for d in _ordering(picks[package]) if d.interface == need)))
    return Nogood(_conditions(atoms), frozenset(atoms), Failure(ConflictKind.CYCLE, tuple(cycle)))


def _ordering(pick: Pick) -> Iterable[Dependency]:
    return (d for d in pick.needs if d.kind is not Kind.TEST)


def _shortest_loop(picks: Picks, start: Interface, within: Collection[Interface]) -> list[Interface]:
    parent: dict[Interface, Interface | None] = {start: None}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for need in sorted({d.interface for d in _ordering(picks[here])}):
            if need == start:
                path = [here]
                while (before := parent[path[-1]]) is not None:
                    path.append(before)
                return path[::-1]
            if need in within and need not in parent:
                parent[need] = here
                queue.append(need)
    raise AssertionError(f"{start} is on no loop")  # every package of `within` is on one


def _contested(picks: Picks) -> tuple[dict[Interface, int], list[int]]:
    """Give a bit to each interface whose package has several, and a mask to each package's bits."""
    lines = Counter(interface.name for interface in picks)
    by_name: dict[PackageName, list[Interface]] = {}
    if len(lines) < len(picks):
        for interface in picks:
            if lines[interface.name] > 1:
                by_name.setdefault(interface.name, []).append(interface)
    bits: dict[Interface, int] = {}
    groups: list[int] = []
    for name in sorted(by_name):
        group = 0
        for interface in sorted(by_name[name]):
            bits[interface] = 1 << len(bits)
            group |= bits[interface]
        groups.append(group)
    return bits, groups


def _meetings(
    picks: Picks, order: Iterable[Interface], bits: Mapping[Interface, int], groups: list[int]
) -> list[Nogood]:
    """Return a reason for each closure in which interfaces meet, except where it only inherits that."""
    reach: dict[Interface, int] = {}
    for package in order:
        mask = bits.get(package, 0)
        for d in picks[package].needs:
            if d.kind in RUN:
                mask |= reach[d.interface]
        reach[package] = mask
    verdicts: dict[int, bool] = {}
    found: list[Nogood] = []
    broken: set[Interface] = set()  # packages whose runtime closure is one of `found`, or holds one
    for package in order:
        mask = reach[package]
        for d in picks[package].needs:
            if d.kind is Kind.TEST:
                mask |= reach[d.interface]
        if mask not in verdicts:
            verdicts[mask] = any((part := mask & group) & (part - 1) for group in groups)
        if not verdicts[mask]:
            continue
        inherited = {d.kind for d in picks[package].needs if d.interface in broken}
        if not inherited.isdisjoint(RUN):
            broken.add(package)
        elif not inherited and (nogood := _meeting(picks, package)):
            found.append(nogood)
            if nogood.failure.closure == "runtime":
                broken.add(package)
    return found


def _meeting(picks: Picks, root: Interface) -> Nogood | None:
    """Walk the closures of one package, under its overrides, until two interfaces of one package meet."""
    for closure, first in (("runtime", RUN), ("test", (*RUN, Kind.TEST))):
        steps: Steps = {root: None}
        pair = _walk(picks, root, first, steps)
        if pair:
            atoms = [*_path(steps, pair[0]), *_path(steps, pair[1])]
            conditions = _conditions(atoms)
            # Whether they meet depends on what the root overrides, and on nobody else's overrides.
            conditions[root] = conditions[root]._replace(overrides=picks[root].overrides)
            subject = tuple(sorted(pair))
            failure = Failure(ConflictKind.TWO_INTERFACES, subject, root, closure)
            return Nogood(conditions, frozenset(atoms), failure)
    return None


def _walk(picks: Picks, root: Interface, first: Collection[Kind], steps: Steps) -> tuple[Interface, Interface] | None:
    overrides = picks[root].overrides
    lines = {root.name: root}
    queue = deque([root])
    while queue:
        here = queue.popleft()
        kinds = first if here == root else RUN
        for d in picks[here].needs:
            if d.kind not in kinds or d.interface in steps or not _allowed(overrides, d.interface):
                continue
            steps[d.interface] = (here, d.kind)
            other = lines.setdefault(d.interface.name, d.interface)
            if other != d.interface:
                return other, d.interface
            queue.append(d.interface)
    return None


def _allowed(overrides: Overrides, interface: Interface) -> bool:
    winners, removed = overrides
    if interface in removed:
        return False
    return interface in winners or all(w.name != interface.name for w in winners)


def _path(steps: Steps, end: Interface) -> list[Atom]:
    path: list[Atom] = []
    while (step := steps[end]) is not None:
        path.append((step[0], end, step[1]))
        end = step[0]
    return path


def _conditions(atoms: Iterable[Atom]) -> dict[Interface, Condition]:
    edges: dict[Interface, dict[Edge, int]] = {}
    for package, need, kind in atoms:
        edges.setdefault(package, {})[need, kind] = 0
    return {package: Condition(wanted) for package, wanted in edges.items()}
