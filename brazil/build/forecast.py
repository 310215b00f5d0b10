"""What carrying a Plan out would do, as far as that can be known before anything runs.

A Step whose inputs are all known is looked up under its exact Key. One that waits for another's artifact is looked up
as if that artifact came out as it did before: is its result remembered then, it runs only if the artifact changes; else
it runs in any case, because something else about it is new. Nothing here runs or writes.
"""

from collections.abc import Mapping
from enum import Enum
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from brazil.build.executor import Machine, newest_seconds, reasons, usable_output
from brazil.build.layout import Layouts
from brazil.errors import IntegrityError, UsageError
from brazil.model.action import Snapshot, StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface
from brazil.plan.key import key_step
from brazil.plan.planner import Plan, Step
from brazil.plan.state import Progress, State


class Verdict(Enum):
    """What will become of a Step."""

    REMEMBERED = "remembered"
    RUNS = "runs"
    MAY_RUN = "may-run"  # only if an artifact that it waits for is not what it was before


class Foreseen(NamedTuple):
    """What is known of one Step beforehand."""

    verdict: Verdict
    snapshot: Snapshot | None  # what it would read; None: that is not known before what it waits for has run
    reasons: tuple[str, ...]  # why it runs, as far as known; none unless it does
    waits: tuple[StepId, ...]  # build Steps whose artifact is not known yet, sorted
    seconds: float | None  # what it took the last time; None: unknown, or it does not run


class Oracle(Protocol):
    """What a forecast asks of the store and the records; the answers change nothing."""

    def snapshot(self, step: Step, artifacts: Mapping[Interface, Digest], *, exact: bool) -> Snapshot | None:
        """Return what a Step would read; None when one of the artifacts cannot be looked into.

        Args:
            step: with every member among `artifacts`.
            artifacts: what its inputs are, or are taken to be.
            exact: whether they are what it would really read.

        Raises:
            IntegrityError: one of the artifacts is missing or damaged, and they are exact.
            UsageError: the inputs do not go together, and are exact.
        """
        ...

    def remembered(self, step: Step, snapshot: Snapshot) -> Digest | None:
        """Return the output that is remembered for these inputs, or None."""
        ...

    def seconds(self, snapshot: Snapshot) -> float | None:
        """Return what the last run with these inputs took that succeeded; None when there was none."""
        ...


def forecast(
    plan: Plan, oracle: Oracle, *, previous: Mapping[StepId, Snapshot], earlier_outputs: Mapping[StepId, Digest]
) -> dict[StepId, Foreseen]:
    """Foresee what becomes of every Step, in the order of the Plan.

    Args:
        plan: what would be carried out.
        oracle: knows the store and the records.
        previous: what each Step read the time before.
        earlier_outputs: what each Step gave the time before.

    Raises:
        IntegrityError: an artifact that is to be used as it is is missing or damaged.
        UsageError: the known inputs of a Step do not go together.
    """
    found: dict[StepId, Foreseen] = {}
    assumed: dict[Interface, Digest] = dict(plan.artifacts)  # of what will run: what it gave before
    for step in plan.steps.values():
        before = previous.get(step.id)
        waits = tuple(need for need in step.needs if found[need].verdict is not Verdict.REMEMBERED)
        unknown = [need.interface for need in waits if need.interface not in assumed]
        snapshot = None if unknown else oracle.snapshot(step, assumed, exact=not waits)
        output = oracle.remembered(step, snapshot) if snapshot else None
        why: tuple[str, ...] = ()
        if output is not None:
            verdict = Verdict.MAY_RUN if waits else Verdict.REMEMBERED
        elif snapshot:
            verdict, why = Verdict.RUNS, reasons(snapshot, before)
        else:
            names = unknown or [need.interface for need in waits]
            verdict, why = Verdict.RUNS, tuple(f"what {name} came to before is not known here" for name in names)
        took = None
        if verdict is not Verdict.REMEMBERED:
            took = next((s for at in (snapshot, before) if at and (s := oracle.seconds(at)) is not None), None)
            output = output if output is not None else earlier_outputs.get(step.id)
        found[step.id] = Foreseen(verdict, None if waits else snapshot, why, waits, took)
        if output is not None and step.id.kind is StepKind.BUILD:
            assumed[step.id.interface] = output
    return found


def span(plan: Plan, seconds: Mapping[StepId, float], jobs: int) -> float:
    """Return how many seconds a walk takes when its Steps take those; others take none."""
    progress = Progress(plan, keep_going=False)
    running: list[tuple[float, int, StepId]] = []
    now, started = 0.0, 0
    while progress.unfinished:
        while len(running) < jobs and (step := progress.take()):
            heappush(running, (now + seconds.get(step, 0.0), started, step))
            started += 1
        now, _, ended = heappop(running)
        progress.end(ended, State.SUCCEEDED)
    return now


class MachineOracle:
    """Answers from the store and the records of a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._layouts = Layouts(machine.store)

    def snapshot(self, step: Step, artifacts: Mapping[Interface, Digest], *, exact: bool) -> Snapshot | None:
        """See `Oracle.snapshot`."""
        platform = self._machine.sandbox.platform
        try:
            layouts = {member: self._layouts.of(artifacts[member]) for member in step.members}
            keyed = key_step(step, artifacts, layouts, platform)
        except (IntegrityError, UsageError):
            if exact:
                raise
            return None
        return Snapshot(step.id, keyed.key, platform, keyed.inputs)

    def remembered(self, step: Step, snapshot: Snapshot) -> Digest | None:
        """See `Oracle.remembered`."""
        return usable_output(step, self._machine.actions.get(snapshot.action), self._machine.store)

    def seconds(self, snapshot: Snapshot) -> float | None:
        """See `Oracle.seconds`."""
        return newest_seconds(self._machine.records.runs(snapshot.action))
