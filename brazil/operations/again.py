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
from brazil.model.digest import Digest
from brazil.model.names import PackageName
from brazil.operations.in_use import built, captured, kept_failures, leave_trace, link_artifacts, plan_path, rows_of
from brazil.plan.state import GOOD_ENDS
from brazil.ports import Checkouts
from brazil.workspace.folder import WorkspaceFolder
from brazil.workspace.record_file import RecordFile
from brazil.workspace.trace import NOTHING_STALE, Look, Stale


class BuildAgain(NamedTuple):
    """What building again came to."""

    outcomes: Mapping[StepId, Outcome]  # of the Steps that a changed source may affect
    untouched: int  # Steps that nothing which changed can affect: remembered without a look
    stale: Stale  # as the build before told it; nothing when it failed
    kept: tuple[StepId, ...] = ()  # failed Steps whose tree was kept

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
    records = RecordFile.open(plan_path(workspace, look.key), look.trace.plan)
    if records is None:
        return None
    before = {row[0]: Digest(row[1], row[2]) for row in look.trace.checkouts if row[0] in look.changed}
    now = captured(workspace, map(PackageName, before), checkouts, {})
    changed = {name: new.root for name, new in now.items() if new.root != before[name]}
    plan = RememberedPlan(records.read)
    try:
        if not all(plan.fits(name, machine.store.read_directory(root)) for name, root in changed.items()):
            return None
        part = plan.part(changed)
        # A link that somebody changed, for another request or by hand, can be any.
        suspects = () if look.links_hold else [PackageName(row[0]) for row in look.trace.checkouts]
        unsure = plan.in_use(suspects)
    except KeyError:  # damaged
        return None
    execution = Execution(
        part.plan,
        machine,
        previous=part.snapshots,
        earlier_outputs=part.outputs,
        keep_going=keep_going,
        emit=emit,
        keep_for=str(workspace.root),
    )
    outcomes = execution.run()
    artifacts = built(outcomes)
    mine = plan.in_use(interface.name for interface in artifacts)  # a Step may be of a pinned line of the package
    link_artifacts(workspace, {i: artifacts[i] for i in mine if i in artifacts}, machine)
    again = BuildAgain(
        outcomes, look.trace.results - len(outcomes), NOTHING_STALE, kept_failures(workspace, outcomes, machine)
    )
    if again.succeeded:
        again = again._replace(stale=look.trace.stale)
        link_artifacts(workspace, {i: digest for i, digest in unsure.items() if i not in artifacts}, machine)
        state = records.change(plan.changed(part, outcomes)) if outcomes else look.trace.plan
        rows = {row[0]: row for row in (*look.trace.checkouts, *rows_of(now))}  # keeps the order of the first
        leave_trace(workspace, look.key, list(rows.values()), look.trace.results, again.stale, state)
    return again
