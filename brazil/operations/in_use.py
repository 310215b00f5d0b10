"""What every build in a workspace does with the packages in use: capture them before, link and remember them after."""

from collections.abc import Iterable, Mapping

from brazil.build.executor import Machine, Outcome
from brazil.build.remembered import RememberedPlan
from brazil.errors import Problem, UsageError
from brazil.model.action import StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName
from brazil.model.tree import Directory
from brazil.model.workspace import Captured
from brazil.ports import Checkouts
from brazil.workspace.folder import WorkspaceFolder
from brazil.workspace.trace import Look, Trace, save, save_trace, stamp_of

PLAN = "plan"  # the kind of file beside a trace that holds the remembered Plan


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
        save(root, key, PLAN, plan.dump())
    save_trace(root, key, Trace(checkouts, stamp_of(f"{root}/build"), results, stale))
