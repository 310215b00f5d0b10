"""A Plan that is remembered with its results, so that a change to a few sources plans only what it may affect.

A Plan depends on the base, the request and the manifests, not on the rest of a source. While the manifests and the
names at the top of the sources (from which recipes are made) are what they were, the Plan of a build is the one
before with some sources replaced; of it, only the Steps of those sources and of their consumers have to be looked at.

The bytes are for this machine and this Python alone, and are only read back when they are whole.
"""

import marshal
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from brazil.build.executor import Outcome
from brazil.build.sources import MANIFEST
from brazil.formats.snapshot import decode_snapshot, encode_snapshot
from brazil.model.action import Snapshot, StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName
from brazil.model.tree import Directory
from brazil.plan.planner import Plan, Step

_Name = tuple[str, str]  # an Interface
_Row = tuple[bytes, list[tuple[str, str, str]]]  # a marshalled Step with its results; the Steps that need it


class Part(NamedTuple):
    """The part of a remembered Plan that changed sources may affect."""

    plan: Plan
    snapshots: dict[StepId, Snapshot]  # what each of its Steps read before
    outputs: dict[StepId, Digest]  # what each gave before


class RememberedPlan:
    """Every Step of a Plan with its Snapshot and output, decoded when it is needed."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._rows: dict[tuple[str, str, str], _Row] = data["rows"]
        self._artifacts: dict[_Name, tuple[str, int]] = data["artifacts"]
        self._tops: dict[str, tuple[str, tuple[str, ...]]] = data["tops"]

    @classmethod
    def of(
        cls,
        plan: Plan,
        outcomes: Mapping[StepId, Outcome],
        artifacts: Mapping[Interface, Digest],
        tops: Mapping[PackageName, Directory],
    ) -> "RememberedPlan":
        """Remember a Plan whose every Step succeeded.

        Args:
            plan: the Plan.
            outcomes: of every Step.
            artifacts: of everything that a Step read or made.
            tops: the top Directory of every source in use.
        """
        rows: dict[tuple[str, str, str], _Row] = {}
        for step in plan.steps.values():
            rows[_step_key(step.id)] = (_encode(step, outcomes[step.id]), [])
        for step in plan.steps.values():
            for need in step.needs:
                rows[_step_key(need)][1].append(_step_key(step.id))
        return cls(
            {
                "rows": rows,
                "artifacts": {_plain(i): (digest.hash, digest.size) for i, digest in artifacts.items()},
                "tops": {name: _top(directory) for name, directory in tops.items()},
            }
        )

    @classmethod
    def load(cls, payload: "memoryview | bytes") -> "RememberedPlan":
        """Read what `dump` wrote."""
        return cls(marshal.loads(payload))

    def dump(self) -> bytes:
        """Write the whole for later."""
        return marshal.dumps({"rows": self._rows, "artifacts": self._artifacts, "tops": self._tops})

    @property
    def steps(self) -> int:
        """How many Steps there are."""
        return len(self._rows)

    def fits(self, name: PackageName, top: Directory) -> bool:
        """Say whether a changed source leaves the Plan as it is."""
        return self._tops.get(name) == _top(top)

    def part(self, sources: Mapping[PackageName, Digest]) -> Part:
        """Return the Steps that changed sources may affect.

        Args:
            sources: package -> root of its source now; only packages of which `fits` holds.
        """
        stack = [key for key in self._rows if key[1] in sources]
        affected = set(stack)
        while stack:
            for dependant in self._rows[stack.pop()][1]:
                if dependant not in affected:
                    affected.add(dependant)
                    stack.append(dependant)
        part = Part(Plan({}, {}), {}, {})
        steps: dict[StepId, Step] = {}
        for key in self._rows:  # keeps the order of the Plan
            if key in affected:
                step, snapshot, output = _decode(key, self._rows[key][0])
                needs = tuple(need for need in step.needs if _step_key(need) in affected)
                source = sources.get(step.id.interface.name, step.source)
                steps[step.id] = step._replace(needs=needs, source=source)
                part.snapshots[step.id], part.outputs[step.id] = snapshot, output
        members = {member for step in steps.values() for member in step.members}
        known = {m: Digest(*self._artifacts[_plain(m)]) for m in members}
        return part._replace(plan=Plan(steps, known))

    def update(self, part: Part, outcomes: Mapping[StepId, Outcome]) -> None:
        """Take over what a part came to; every Step of it succeeded."""
        for step in part.plan.steps.values():
            key = _step_key(step.id)
            whole = step._replace(needs=_decode(key, self._rows[key][0])[0].needs)
            self._rows[key] = (_encode(whole, outcomes[step.id]), self._rows[key][1])
            output = outcomes[step.id].output
            if step.id.kind is StepKind.BUILD and output:
                self._artifacts[_plain(step.id.interface)] = (output.hash, output.size)


def _top(directory: Directory) -> tuple[str, tuple[str, ...]]:
    manifest = next((str(node.digest) for node in directory.files if node.name == MANIFEST), "")
    return manifest, tuple(sorted(node.name for nodes in directory for node in nodes))


def _step_key(step: StepId) -> tuple[str, str, str]:
    return (str(step.kind), step.interface.name, step.interface.version)


def _encode(step: Step, outcome: Outcome) -> bytes:
    if outcome.snapshot is None or outcome.output is None:
        raise ValueError(f"{step.id} did not succeed")
    plain = (
        step.script,
        step.environment,
        step.timeout,
        (step.source.hash, step.source.size),
        tuple(map(_plain, step.closure)),
        tuple((_plain(tool), tuple(map(_plain, closure))) for tool, closure in step.tools),
        tuple(map(_step_key, step.needs)),
        encode_snapshot(outcome.snapshot),
        (outcome.output.hash, outcome.output.size),
    )
    return marshal.dumps(plain)


def _decode(key: tuple[str, str, str], row: bytes) -> tuple[Step, Snapshot, Digest]:
    script, environment, timeout, source, closure, tools, needs, snapshot, output = marshal.loads(row)
    step = Step(
        id=_step(key),
        script=script,
        environment=environment,
        timeout=timeout,
        source=Digest(*source),
        closure=_interfaces(closure),
        tools=tuple((_interface(tool), _interfaces(members)) for tool, members in tools),
        needs=tuple(map(_step, needs)),
    )
    return step, decode_snapshot(snapshot), Digest(*output)


def _step(key: tuple[str, str, str]) -> StepId:
    return StepId(Interface(PackageName(key[1]), key[2]), StepKind(key[0]))


def _plain(interface: Interface) -> _Name:
    return (interface.name, interface.version)  # marshal knows no subclass of tuple


def _interface(name: _Name) -> Interface:
    return Interface(PackageName(name[0]), name[1])


def _interfaces(names: Iterable[_Name]) -> tuple[Interface, ...]:
    return tuple(map(_interface, names))
