"""Build again: what has not changed since the same build before is neither read nor planned.

`build_again` is the quick way for a change to a few sources; whatever it cannot be sure of, it leaves to
`building.build_workspace`, which shares the other functions here.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from brazil.build.executor import Execution, Machine, Outcome
from brazil.build.remembered import RememberedPlan
from brazil.errors import Problem, UsageError
from brazil.events import Emit
from brazil.model.action import StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName
from brazil.model.tree import Directory
from brazil.model.workspace import Captured
from brazil.plan.state import GOOD_ENDS
from brazil.ports import Checkouts
from brazil.workspace.folder import WorkspaceFolder
from brazil.workspace.trace import Look, Trace, load, save, save_trace, stamp_of

_PLAN = "plan"


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
    payload = load(str(workspace.root), look.key, _PLAN)
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


def captured(
    workspace: WorkspaceFolder, names: Iterable[PackageName], checkouts: Checkouts, look: Look | None
) -> dict[PackageName, Captured]:
    """Capture checkouts; one whose Stamps hold is what it was.

    Raises:
        UsageError: checkouts are not what they should be; every problem of every one.
    """
    known = {n: c for n, c in look.trace.checkouts.items() if n not in look.changed} if look else {}
    found: dict[PackageName, Captured] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            found[name] = known[name] if name in known else checkouts.capture(workspace.checkout(name))
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(*problems)
    return found


def tops(checkouts: Mapping[PackageName, Captured], machine: Machine) -> dict[PackageName, Directory]:
    """Return the top Directory of every source in use."""
    return {name: machine.store.read_directory(checkout.root) for name, checkout in checkouts.items()}


def built(outcomes: Mapping[StepId, Outcome]) -> dict[Interface, Digest]:
    """Return the artifacts that Steps gave."""
    return {s.interface: o.output for s, o in outcomes.items() if s.kind is StepKind.BUILD and o.output}


def link_artifacts(workspace: WorkspaceFolder, artifacts: Mapping[Interface, Digest], machine: Machine) -> None:
    """Let `build/<Package>` lead to the artifacts of packages in use."""
    for interface, artifact in artifacts.items():
        workspace.link_artifact(interface.name, machine.store.tree_path(artifact))


def leave_trace(
    workspace: WorkspaceFolder,
    key: str,
    checkouts: Mapping[PackageName, Captured],
    results: int,
    stale: tuple[str, ...],
    plan: RememberedPlan | None,
) -> None:
    """Remember a build that succeeded, if every Stamp it saw can be trusted.

    Args:
        workspace: where.
        key: names the build.
        checkouts: what it was made from.
        results: how many Steps it had.
        stale: what it told as stale.
        plan: what it did; None: a change to one source may make more stale than this.
    """
    root = str(workspace.root)
    if any(captured.paths is None for captured in checkouts.values()):
        return
    if plan:
        save(root, key, _PLAN, plan.dump())
    save_trace(root, key, Trace(checkouts, stamp_of(f"{root}/build"), results, stale))
