"""Keep workspaces in order: list them, clean them, delete them."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from brazil.errors import BrazilError, Problem, UnavailableError, UsageError
from brazil.model.workspace import WorkspaceFile
from brazil.operations.workspaces import refuse_unsaved
from brazil.ports import Checkouts, FailedRuns, Registry, SourceProvider
from brazil.workspace.folder import WorkspaceFolder
from brazil.workspace.known import KnownWorkspaces


class Listed(NamedTuple):
    """A workspace as `brazil ws list` tells of it."""

    root: Path
    file: WorkspaceFile | None  # None: it is gone, or its file is wrong
    fault: str = ""  # why, in a line


def list_workspaces(known: KnownWorkspaces) -> tuple[Listed, ...]:
    """Return every workspace of this user, sorted by place."""
    return tuple(_listed(root) for root in known.roots())


def clean_workspace(workspace: WorkspaceFolder, failed: FailedRuns) -> int:
    """Delete what can be made again: links, what earlier builds are remembered by, and the trees of failed ones.

    Returns:
        How many bytes it held.

    Raises:
        UnavailableError: the disk refuses.
    """
    workspace.read()  # only what is a workspace is cleaned
    with workspace.lock():
        return workspace.clean() + failed.forget_all(workspace.root)


def delete_workspace(
    workspace: WorkspaceFolder,
    known: KnownWorkspaces,
    registry: Registry,
    sources: SourceProvider,
    checkouts: Checkouts,
    failed: FailedRuns,
    *,
    force: bool,
) -> None:
    """Delete a workspace with its checkouts.

    Raises:
        UsageError: unless forced, it holds work or files that are nowhere else; every one is told, nothing is deleted.
        UnavailableError: the disk refuses.
    """
    with workspace.lock():
        file = workspace.read()
        if not force:
            _refuse_unsaved_anywhere(workspace, file, registry, sources, checkouts)
        workspace.delete()
    failed.forget_all(workspace.root)
    with suppress(UnavailableError):  # it is deleted; at worst it is listed as gone
        known.remove(workspace.root)


def forget_workspace(root: Path, known: KnownWorkspaces, failed: FailedRuns) -> None:
    """Forget a workspace that is gone.

    Raises:
        UsageError: none was known there.
        UnavailableError: the disk refuses.
    """
    failed.forget_all(root)
    if not known.remove(root):
        raise UsageError(Problem("workspace.none", f"{root} is no workspace", hint="'brazil ws list' lists yours"))


def _refuse_unsaved_anywhere(
    workspace: WorkspaceFolder, file: WorkspaceFile, registry: Registry, sources: SourceProvider, checkouts: Checkouts
) -> None:
    problems: list[Problem] = []
    for name in file.packages:
        if not workspace.occupied(name):
            continue
        try:
            refuse_unsaved(name, workspace.checkout(name), registry, sources, checkouts)
        except UsageError as error:
            problems += error.problems
    problems += [
        Problem("workspace.foreign", f"{path} is not of the workspace", hint="move it away, or add --force")
        for path in workspace.foreign(file)
    ]
    if problems:
        raise UsageError(*problems)


def _listed(root: Path) -> Listed:
    try:
        return Listed(root, WorkspaceFolder(root).read())
    except BrazilError as error:
        first: Iterable[Problem] = error.problems[:1]
        return Listed(root, None, "".join(p.because or p.what for p in first))
