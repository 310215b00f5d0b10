"""What every build in a workspace does with the packages in use: capture them before, link and remember them after."""

from collections.abc import Iterable, Mapping, Sequence

from brazil.build.executor import Machine, Outcome
from brazil.model.action import StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName
from brazil.model.workspace import Captured
from brazil.plan.state import GOOD_ENDS
from brazil.ports import Checkouts
from brazil.workspace.folder import WorkspaceFolder
from brazil.workspace.record_file import State
from brazil.workspace.trace import UNTRUSTED, Look, Row, Stale, Trace, save_trace, stamp_of, trace_path

_PLAN = "plan"  # the kind of file beside a trace that holds the remembered Plan


def unchanged(look: Look) -> dict[PackageName, Captured]:
    """Return the checkouts whose Stamps hold, as they were captured."""
    return {
        PackageName(name): Captured(Digest(hash_, size), paths, stamps)
        for name, hash_, size, paths, stamps in look.trace.checkouts
        if name not in look.changed
    }


def captured(
    workspace: WorkspaceFolder,
    names: Iterable[PackageName],
    checkouts: Checkouts,
    known: Mapping[PackageName, Captured],
) -> dict[PackageName, Captured]:
    """Capture checkouts, but those that are known.

    Raises:
        UsageError: checkouts are not what they should be; every problem of every one.
    """
    order = tuple(names)
    folders = {name: workspace.checkout(name) for name in order if name not in known}
    found = checkouts.capture_all(tuple(folders.values()))
    return {name: found[folders[name]] if name in folders else known[name] for name in order}


def built(outcomes: Mapping[StepId, Outcome]) -> dict[Interface, Digest]:
    """Return the artifacts that Steps gave."""
    return {s.interface: o.output for s, o in outcomes.items() if s.kind is StepKind.BUILD and o.output}


def link_artifacts(workspace: WorkspaceFolder, artifacts: Mapping[Interface, Digest], machine: Machine) -> None:
    """Let `build/<Package>` lead to the artifacts of packages in use."""
    for interface, artifact in artifacts.items():
        workspace.link_artifact(interface.name, machine.store.tree_path(artifact))


def kept_failures(
    workspace: WorkspaceFolder, outcomes: Mapping[StepId, Outcome], machine: Machine
) -> tuple[StepId, ...]:
    """Forget the failures of Steps that have succeeded now; return the failed ones whose tree was kept."""
    kept = machine.failed.kept(workspace.root)
    if not kept:
        return ()
    good = [str(step) for step, outcome in outcomes.items() if outcome.state in GOOD_ENDS]
    machine.failed.forget(workspace.root, [label for label in good if label in kept])
    return tuple(step for step, outcome in outcomes.items() if outcome.cause and str(step) in kept)


def plan_path(workspace: WorkspaceFolder, key: str) -> str:
    """Where the remembered Plan of a build is."""
    return trace_path(str(workspace.root), key, _PLAN)


def rows_of(checkouts: Mapping[PackageName, Captured]) -> list[Row]:
    """Return captured checkouts as a trace has them; one whose Stamps cannot be trusted will be captured again."""
    return [
        (str(name), root.hash, root.size, paths or (), UNTRUSTED if paths is None else stamps)
        for name, (root, paths, stamps) in checkouts.items()
    ]


def leave_trace(
    workspace: WorkspaceFolder, key: str, rows: Sequence[Row], results: int, stale: Stale, plan: State
) -> None:
    """Remember a build that succeeded.

    Args:
        workspace: where.
        key: names the build.
        rows: what it was made from.
        results: how many Steps it had.
        stale: what it told as stale.
        plan: the state of the remembered Plan.
    """
    root = str(workspace.root)
    save_trace(root, key, Trace(rows, stamp_of(f"{root}/build"), results, stale, plan))
