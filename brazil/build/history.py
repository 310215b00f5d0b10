"""What the Steps of a Plan read and gave when the base was published, as far as this machine knows.

It only serves explanations: why a Step runs, and that it gave the same as before.
"""

from contextlib import suppress

from brazil.build.candidate import Candidate
from brazil.build.executor import Machine
from brazil.errors import IntegrityError
from brazil.formats.snapshot import decode_snapshot
from brazil.model.action import Snapshot, StepId, StepKind
from brazil.model.digest import Digest
from brazil.plan.planner import Plan


def history(candidate: Candidate, plan: Plan, machine: Machine) -> tuple[dict[StepId, Snapshot], dict[StepId, Digest]]:
    """Return the Snapshot and the output of each Step at the base.

    Returns:
        Mapping Step -> Snapshot, and mapping build Step -> artifact; both without what is not known.
    """
    recorded = candidate.base.results.get(machine.sandbox.platform.name, {})
    snapshots: dict[StepId, Snapshot] = {}
    outputs: dict[StepId, Digest] = {}
    for step in plan.steps:
        result = recorded.get(step.interface)
        if result is None:
            continue
        if step.kind is StepKind.BUILD:
            outputs[step] = result.artifact
            with suppress(IntegrityError):  # gone or damaged: as if it was never known
                snapshots[step] = decode_snapshot(machine.store.read(result.snapshot))
        elif result.test and (runs := machine.records.runs(result.test)):
            snapshots[step] = runs[-1].snapshot
    return snapshots, outputs
