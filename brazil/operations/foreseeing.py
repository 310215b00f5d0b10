"""What a build in a workspace would do: the dry run."""

from collections.abc import Mapping
from typing import NamedTuple

from brazil.build.forecast import Foreseen, MachineOracle, Verdict, forecast, span
from brazil.events import Emit
from brazil.model.action import StepId
from brazil.model.conflict import Conflict
from brazil.model.names import Interface
from brazil.model.versionset import RevisionInfo
from brazil.operations.building import BuildPorts, BuildRequest, known_steps, plan_workspace
from brazil.workspace.folder import WorkspaceFolder


class DryRun(NamedTuple):
    """What a build would do."""

    steps: Mapping[StepId, Foreseen]  # in an order in which they could run one by one
    unchanged: tuple[Interface, ...]  # taken as the base has them, sorted
    base: RevisionInfo
    seconds: float  # from begin to end, when only what runs for certain does, as far as it is known
    at_most: float  # the same, when everything runs that may
    unknown: int  # Steps that run or may run, of which no earlier run is known


def foresee_build(
    workspace: WorkspaceFolder, request: BuildRequest, ports: BuildPorts, emit: Emit
) -> DryRun | Conflict:
    """Say what `build_workspace` would do.

    Nothing runs, and neither the workspace nor a remembered result is changed. What the checkouts hold is put into
    the store, because its digest is part of the answer.

    Raises:
        UsageError: as `build_workspace`.
    """
    planned = plan_workspace(workspace, request, ports, emit, None)
    if isinstance(planned, Conflict):
        return planned
    plan, machine = planned.plan, ports.machine
    previous, outputs = known_steps(workspace, planned.candidate, plan, machine)
    steps = forecast(plan, MachineOracle(machine), previous=previous, earlier_outputs=outputs)
    running = {step: f for step, f in steps.items() if f.verdict is not Verdict.REMEMBERED}
    most = {step: f.seconds for step, f in running.items() if f.seconds is not None}
    certain = {step: seconds for step, seconds in most.items() if running[step].verdict is Verdict.RUNS}
    return DryRun(
        steps,
        tuple(sorted(plan.artifacts)),
        planned.candidate.base.info,
        span(plan, certain, machine.jobs),
        span(plan, most, machine.jobs),
        len(running) - len(most),
    )
