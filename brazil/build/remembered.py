"""A Plan that is remembered with its results, so that a change to a few sources plans only what it may affect.

A Plan depends on the base, the request and the manifests, not on the rest of a source. While the manifests and the
names at the top of the sources (from which recipes are made) are what they were, the Plan of a build is the one
before with some sources replaced; of it, only the Steps of those sources and of their consumers have to be looked at.

It is kept as one record per package, so that only those records are read and written. Their bytes are for this
Python alone, and are only read back when they are whole.
"""

import marshal
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from brazil.build.executor import Outcome
from brazil.formats.snapshot import decode_snapshot, encode_snapshot
from brazil.model.action import Snapshot, StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName
from brazil.model.package import MANIFEST
from brazil.model.tree import Directory
from brazil.plan.planner import Plan, Step

_Name = tuple[str, str]  # an Interface
_Key = tuple[str, str, str]  # a StepId
_Source = tuple[str, str, tuple[str, ...]]  # interface version, digest of the manifest, names at the top


class Part(NamedTuple):
    """The part of a remembered Plan that changed sources may affect."""

    plan: Plan
    snapshots: dict[StepId, Snapshot]  # what each of its Steps read before
    outputs: dict[StepId, Digest]  # what each gave before


class _Row(NamedTuple):
    """A Step with its results."""

    key: _Key
    rank: int  # its place in the order of the Plan
    needs: tuple[_Key, ...]
    needed_by: tuple[_Key, ...]
    recipe: tuple[Any, ...]  # the fields of the Step that no source changes
    results: tuple[Any, ...]  # its source, Snapshot and output


class _Package(NamedTuple):
    """What is remembered of a package."""

    source: _Source | None  # of the checkout; None: it is not in use
    artifacts: dict[str, tuple[str, int]]  # interface version -> digest of what a Step reads or made
    rows: tuple[_Row, ...]

    def encode(self) -> bytes:
        """Write the record."""
        return marshal.dumps((self.source, self.artifacts, [tuple(row) for row in self.rows]))


def remember(
    plan: Plan,
    outcomes: Mapping[StepId, Outcome],
    artifacts: Mapping[Interface, Digest],
    tops: Mapping[Interface, Directory],
) -> dict[str, bytes]:
    """Return the records of a Plan whose every Step succeeded, by package.

    Args:
        plan: the Plan.
        outcomes: of every Step.
        artifacts: of everything that a Step read or made.
        tops: the top Directory of every source in use.
    """
    needed_by: dict[StepId, list[_Key]] = {step: [] for step in plan.steps}
    for step in plan.steps.values():
        for need in step.needs:
            needed_by[need].append(_key(step.id))
    packages: dict[str, _Package] = {}
    for interface, digest in artifacts.items():
        packages.setdefault(interface.name, _Package(None, {}, ())).artifacts[interface.version] = (
            digest.hash,
            digest.size,
        )
    for interface, top in tops.items():
        package = packages.get(interface.name, _Package(None, {}, ()))
        packages[interface.name] = package._replace(source=(interface.version, *_top(top)))
    for rank, step in enumerate(plan.steps.values()):
        needs, consumers = tuple(map(_key, step.needs)), tuple(needed_by[step.id])
        row = _Row(_key(step.id), rank, needs, consumers, _recipe(step), _results(step, outcomes[step.id]))
        package = packages.get(row.key[1], _Package(None, {}, ()))
        packages[row.key[1]] = package._replace(rows=(*package.rows, row))
    return {name: package.encode() for name, package in packages.items()}


class RememberedPlan:
    """What is remembered of a Plan, read when it is needed."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        """Know where the records are.

        Args:
            read: returns the record of a package; None when there is none.
        """
        self._read = read
        self._packages: dict[str, _Package] = {}

    def fits(self, name: PackageName, top: Directory) -> bool:
        """Say whether a changed source leaves the Plan as it is.

        Raises:
            KeyError: a record is missing.
        """
        source = self._package(name).source
        return source is not None and source[1:] == _top(top)

    def in_use(self, names: Iterable[PackageName]) -> dict[Interface, Digest]:
        """Return what packages in use came to, before any change.

        Raises:
            KeyError: a record is missing.
        """
        found = {}
        for name in names:
            package = self._package(name)
            if package.source:
                version = package.source[0]
                found[Interface(name, version)] = Digest(*package.artifacts[version])
        return found

    def part(self, sources: Mapping[PackageName, Digest]) -> Part:
        """Return the Steps that changed sources may affect.

        Args:
            sources: package -> root of its source now; only packages of which `fits` holds.

        Raises:
            KeyError: a record is missing.
        """
        affected: dict[_Key, _Row] = {}
        stack = [row for name in sources for row in self._package(name).rows]
        while stack:
            row = stack.pop()
            if row.key not in affected:
                affected[row.key] = row
                stack += map(self._row, row.needed_by)
        part = Part(Plan({}, {}), {}, {})
        steps: dict[StepId, Step] = {}
        for row in sorted(affected.values(), key=lambda row: row.rank):
            step, snapshot, output = _decode(row)
            needs = tuple(need for need in step.needs if _key(need) in affected)
            source = sources.get(step.id.interface.name, step.source)
            steps[step.id] = step._replace(needs=needs, source=source)
            part.snapshots[step.id], part.outputs[step.id] = snapshot, output
        members = {member for step in steps.values() for member in step.members}
        known = {m: Digest(*self._package(m.name).artifacts[m.version]) for m in members}
        return part._replace(plan=Plan(steps, known))

    def changed(self, part: Part, outcomes: Mapping[StepId, Outcome]) -> dict[str, bytes]:
        """Return the records that differ after a part was carried out; every Step of it succeeded."""
        packages: dict[str, _Package] = {}
        for step in part.plan.steps.values():
            key, outcome = _key(step.id), outcomes[step.id]
            package = packages.get(key[1]) or self._package(key[1])
            results = _results(step, outcome)
            rows = tuple(row._replace(results=results) if row.key == key else row for row in package.rows)
            artifacts = dict(package.artifacts)
            if step.id.kind is StepKind.BUILD:
                artifacts[key[2]] = results[2]
            packages[key[1]] = package._replace(rows=rows, artifacts=artifacts)
        return {name: package.encode() for name, package in packages.items()}

    def _package(self, name: str) -> _Package:
        if name not in self._packages:
            record = self._read(name)
            if record is None:
                raise KeyError(name)
            source, artifacts, rows = marshal.loads(record)
            self._packages[name] = _Package(source, artifacts, tuple(_Row(*row) for row in rows))
        return self._packages[name]

    def _row(self, key: _Key) -> _Row:
        for row in self._package(key[1]).rows:
            if row.key == key:
                return row
        raise KeyError(key)


def _top(directory: Directory) -> tuple[str, tuple[str, ...]]:
    manifest = next((str(node.digest) for node in directory.files if node.name == MANIFEST), "")
    return manifest, tuple(sorted(node.name for nodes in directory for node in nodes))


# marshal knows no subclass of tuple, so everything below is made of plain values.


def _key(step: StepId) -> _Key:
    return (str(step.kind), step.interface.name, step.interface.version)


def _recipe(step: Step) -> tuple[Any, ...]:
    closure = tuple(map(tuple, step.closure))
    tools = tuple((tuple(tool), tuple(map(tuple, members))) for tool, members in step.tools)
    return (step.script, step.environment, step.timeout, closure, tools)


def _results(step: Step, outcome: Outcome) -> tuple[Any, ...]:
    if outcome.snapshot is None or outcome.output is None:
        raise ValueError(f"{step.id} did not succeed")
    return (tuple(step.source), encode_snapshot(outcome.snapshot), tuple(outcome.output))


def _decode(row: _Row) -> tuple[Step, Snapshot, Digest]:
    script, environment, timeout, closure, tools = row.recipe
    source, snapshot, output = row.results
    step = Step(
        id=_step(row.key),
        script=script,
        environment=environment,
        timeout=timeout,
        source=Digest(*source),
        closure=_interfaces(closure),
        tools=tuple((_interface(tool), _interfaces(members)) for tool, members in tools),
        needs=tuple(map(_step, row.needs)),
    )
    return step, decode_snapshot(snapshot), Digest(*output)


def _step(key: _Key) -> StepId:
    return StepId(Interface(PackageName(key[1]), key[2]), StepKind(key[0]))


def _interface(name: _Name) -> Interface:
    return Interface(PackageName(name[0]), name[1])


def _interfaces(names: Iterable[_Name]) -> tuple[Interface, ...]:
    return tuple(map(_interface, names))
