"""Checks a revision against the invariants from the recorded data alone.

It must not trust what made the revision: it shares no code with the solver or with `closure.py` and follows the
definitions word by word, with plain sets. Only packages that can reach two interfaces of one package have their
closures walked.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from brazil.errors import Problem
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageVersion
from brazil.model.package import TABLES, Kind, Manifest
from brazil.model.versionset import PackageRecord, Result

Manifests = Mapping[Interface, Manifest]

_RUN = (Kind.NORMAL, Kind.RUNTIME)


def check(
    records: Mapping[Interface, PackageRecord],
    results: Mapping[Interface, Result] | None = None,
    artifacts: Mapping[PackageVersion, Digest] | None = None,
    valid: Mapping[Interface, PackageRecord] | None = None,
) -> tuple[Problem, ...]:
    """Return every way in which pins break I1 to I5, sorted by invariant; empty: a valid revision.

    Args:
        records: what the revision pins.
        results: what it records of one platform; None: nothing was built yet, so that I3 is not looked at.
        artifacts: artifacts, on that platform, of package versions that are pinned no more. What was built
            against a version that is missing here is not compared: its artifact may well have been the same.
        valid: pins of a revision that is known to be valid. What is pinned there just so, and was built against
            nothing but what is pinned now, is consistent without another walk of its closures.
    """
    manifests = {interface: records[interface].manifest for interface in sorted(records)}
    problems = [*_unique(records), *_closed(records, manifests)]
    if not problems:  # what follows walks closures, and those have to exist
        cycle = _cycle(manifests)
        problems += cycle
        if results is not None and not cycle:
            problems += _consistent(records, manifests, results, artifacts or {}, valid or {})
        problems += _coherent(manifests)
    return tuple(sorted(problems, key=lambda p: p.code))


def unused_overrides(manifests: Manifests, packages: Iterable[Interface]) -> tuple[Problem, ...]:
    """Return a warning for each winner or removed interface that no closure of its package would hold anyway.

    Args:
        manifests: of the whole set.
        packages: whose overrides are looked at.
    """
    problems: list[Problem] = []
    for package in sorted(packages):
        manifest = manifests[package]
        if not (manifest.winners or manifest.removed):
            continue
        plain = manifest._replace(winners=(), removed=())
        members = _runtime(plain, manifests) | _tests(plain, manifests)
        for table, named in (
            ("resolves-conflict-dependencies", manifest.winners),
            ("remove-dependencies", manifest.removed),
        ):
            problems += [
                Problem(
                    "manifest.unused-override",
                    f"{package} names {interface} in {table}",
                    "no closure of it holds that interface",
                    f"remove the line from [{table}]",
                    key=f"{table}.{interface.name}",
                )
                for interface in named
                if interface not in members
            ]
    return tuple(problems)


def _unique(records: Mapping[Interface, PackageRecord]) -> Iterable[Problem]:
    for interface, record in sorted(records.items()):
        for said in sorted({record.version.interface, record.manifest.interface} - {interface}):
            yield Problem(
                "invariant.unique", f"the pin of {interface} holds {said}", "a pin is one build of its interface"
            )


def _closed(records: Mapping[Interface, PackageRecord], manifests: Manifests) -> Iterable[Problem]:
    for package, manifest in manifests.items():
        for d in manifest.dependencies:
            pinned = records.get(d.interface)
            if pinned is None:
                because = f"{package} names it in {TABLES[d.kind]}"
                yield Problem("invariant.closed", f"{d.interface} is not pinned", because, line=d.line)
            elif pinned.version.number < d.at_least:
                because = f"{package} needs build {d.at_least} or newer ({TABLES[d.kind]})"
                yield Problem("invariant.closed", f"{pinned.version} is pinned", because, line=d.line)


def _consistent(
    records: Mapping[Interface, PackageRecord],
    manifests: Manifests,
    results: Mapping[Interface, Result],
    artifacts: Mapping[PackageVersion, Digest],
    valid: Mapping[Interface, PackageRecord],
) -> Iterable[Problem]:
    for stray in sorted(results.keys() - records.keys()):
        yield Problem("invariant.consistent", f"a result of {stray} is recorded", "it is not pinned")
    pinned = {record.version for record in records.values()}
    for package, record in sorted(records.items()):
        if package not in results:
            yield Problem("invariant.consistent", f"no result of {record.version} is recorded", "it was not built")
        if valid.get(package) == record and pinned.issuperset(record.against):
            continue
        seen = _builds(manifests[package], manifests)
        for tool in manifests[package].of_kind(Kind.TOOL):
            seen |= _runtime(manifests[tool], manifests)
        then = {version.interface for version in record.against}
        for other in sorted(seen ^ then):
            because = f"{other} {'is' if other in seen else 'is not'} in its build and tool closures now"
            yield Problem("invariant.consistent", f"{record.version} was built with other packages", because)
        for old in record.against:
            now = results.get(old.interface)
            if now and old in artifacts and old != records[old.interface].version and artifacts[old] != now.artifact:
                because = f"the artifact of {records[old.interface].version} is another"
                yield Problem("invariant.consistent", f"{record.version} was built against {old}", because)


def _coherent(manifests: Manifests) -> Iterable[Problem]:
    for package in _suspects(manifests):
        manifest = manifests[package]
        closures = {
            "build": _builds(manifest, manifests),
            "runtime": _runtime(manifest, manifests),
            "test": _tests(manifest, manifests),
        }
        closures |= {f"tool {t}": _runtime(manifests[t], manifests) for t in manifest.of_kind(Kind.TOOL)}
        meetings: dict[tuple[Interface, ...], list[str]] = {}
        for kind, members in closures.items():
            for pair in _doubles(members):
                meetings.setdefault(pair, []).append(kind)
        for pair, kinds in sorted(meetings.items()):
            what = f"{pair[0].name}, interfaces {' and '.join(i.version for i in pair)}, in closures of {package}"
            yield Problem("invariant.coherent", what, f"they meet in: {', '.join(kinds)}")


def _doubles(members: Iterable[Interface]) -> list[tuple[Interface, ...]]:
    by_name: dict[str, list[Interface]] = {}
    for interface in sorted(members):
        by_name.setdefault(interface.name, []).append(interface)
    return [tuple(lines) for lines in by_name.values() if len(lines) > 1]


def _suspects(manifests: Manifests) -> list[Interface]:
    """Return packages that reach, by any kind, two interfaces of one package; nobody else can break I4."""
    users: dict[Interface, set[Interface]] = {}
    for package, manifest in manifests.items():
        for d in manifest.dependencies:
            users.setdefault(d.interface, set()).add(package)
    suspects: set[Interface] = set()
    for lines in _doubles(manifests):
        once: set[Interface] = set()
        for line in lines:
            seen = {line}
            todo = [line]
            while todo:
                fresh = users.get(todo.pop(), set()) - seen
                seen |= fresh
                todo.extend(fresh)
            suspects |= once & seen
            once |= seen
    return sorted(suspects)


def _cycle(manifests: Manifests) -> list[Problem]:
    """Peel off what needs nothing that is left; what stays stands on cycles or below one."""
    left = {p: {d.interface for d in m.dependencies if d.kind is not Kind.TEST} for p, m in manifests.items()}
    users: dict[Interface, list[Interface]] = {}
    for package, needs in left.items():
        for need in needs:
            users.setdefault(need, []).append(package)
    free = [package for package, needs in left.items() if not needs]
    while free:
        package = free.pop()
        del left[package]
        for user in users.get(package, ()):
            left[user].discard(package)
            if not left[user]:
                free.append(user)
    if not left:
        return []
    walk = [min(left)]
    while (need := min(left[walk[-1]])) not in walk:
        walk.append(need)
    circle = walk[walk.index(need) :]
    start = circle.index(min(circle))
    circle = [*circle[start:], *circle[:start], circle[start]]
    return [Problem("invariant.acyclic", "packages need each other", " -> ".join(map(str, circle)))]


def _runtime(root: Manifest, manifests: Manifests) -> set[Interface]:
    return {root.interface} | _along(root, root.of_kind(*_RUN), manifests)


def _tests(root: Manifest, manifests: Manifests) -> set[Interface]:
    return {root.interface} | _along(root, root.of_kind(*_RUN, Kind.TEST), manifests)


def _builds(root: Manifest, manifests: Manifests) -> set[Interface]:
    direct = root.of_kind(Kind.NORMAL)
    if root.closure == "direct":
        return {d for d in direct if _enters(root, d)}
    return _along(root, direct, manifests)


def _along(root: Manifest, starts: Iterable[Interface], manifests: Manifests) -> set[Interface]:
    """Return what the closures rooted at `root` hold of these and of all they need to run."""
    members: set[Interface] = set()
    queue = deque(starts)
    while queue:
        here = queue.popleft()
        if here not in members and _enters(root, here):
            members.add(here)
            queue.extend(manifests[here].of_kind(*_RUN))
    return members


def _enters(root: Manifest, interface: Interface) -> bool:
    beaten = {w.name for w in root.winners} - {w.name for w in root.winners if w == interface}
    return interface not in root.removed and interface.name not in beaten
