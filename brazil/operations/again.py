"""Build again: what has not changed since the same build before is neither read nor planned.

This is the quick way for a change to a few sources. Whatever it cannot be sure of, it leaves to
`building.build_workspace`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from brazil.build.executor import Execution, Machine, Outcome
from brazil.build.remembered import RememberedPlan
from brazil.events import Emit
from brazil.model.action import StepId
from brazil.operations.in_use import PLAN, built, captured, leave_trace, link_artifacts
from brazil.plan.state import GOOD_ENDS
from brazil.ports import Checkouts
from brazil.workspace.folder import WorkspaceFolder
from brazil.workspace.trace import Look, load


class BuildAgain(NamedTuple):
    """What building again came to."""

    outcomes: Mapping[StepId, Outcome]  # of the Steps that a changed source may affect
    untouched: int  # Steps that nothing which changed can affect: remembered without a look
    stale: tuple[str, ...]  # as the build before told them; none when it failed

    @property
    def succeeded(self) -> bool:
        """Whether every Step did."""
        return all(outcome.state in GOOD_ENDS for outcome in self.outcomes.values())


def build_again(
    workspace: WorkspaceFolder, look: Look, checkouts: Checkouts, machine: Machine, emit: Emit, *, keep_going: bool
) -> BuildAgain | None:
    """Build what changed sources may affect; None when the Plan may be another one now.

    Raises:
        UsageError: a checkout is not what it should be.
    """
    payload = load(str(workspace.root), look.key, PLAN)
    if payload is None:
        return None
    plan = RememberedPlan.load(payload)
    before = look.trace.checkouts
    now = captured(workspace, before, checkouts, look)
    changed = {name: now[name].root for name in look.changed if now[name].root != before[name].root}
    if not all(plan.fits(name, machine.store.read_directory(root)) for name, root in changed.items()):
        return None
    part = plan.part(changed)
    execution = Execution(
        part.plan,
        machine,
        previous=part.snapshots,
        earlier_outputs=part.outputs,
        keep_going=keep_going,
        emit=emit,
    )
    outcomes = execution.run()
    artifacts = built(outcomes)
    link_artifacts(workspace, {i: d for i, d in artifacts.items() if i.name in now}, machine)
    again = BuildAgain(outcomes, plan.steps - len(outcomes), ())
    if again.succeeded:
        again = again._replace(stale=look.trace.stale)
        plan.update(part, outcomes)
        leave_trace(workspace, look.key, now, plan.steps, again.stale, plan)
    return again
