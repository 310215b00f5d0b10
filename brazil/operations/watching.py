"""Build again whenever the packages in use have changed.

Whether something has changed is said by the sources themselves, as git would track them: what git ignores, what lies in
`.git` and what was only touched leads to no build. The state is taken before a build begins, so an edit while it runs
differs from it and leads to another build after it.
"""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from brazil.errors import BrazilError, InternalError, Problem, UsageError
from brazil.events import Emit, Note
from brazil.model.digest import Digest
from brazil.model.names import PackageName
from brazil.ports import Checkouts, Clock, FolderWatch
from brazil.workspace.folder import WorkspaceFolder

_BETWEEN = 5.0  # seconds between two looks when nothing is told: not every file system tells of changes
_SHARE = 50  # a look that takes a second comes every 50 seconds at most


class _State(NamedTuple):
    """What a build in the workspace is made from."""

    base: tuple[str, ...]  # the revision; of a workspace file that is wrong, its problems
    sources: Mapping[PackageName, Digest | tuple[Problem, ...]]  # of each package in use, or why there is none

    def since(self, before: "_State") -> str:
        """Say what is not as it was."""
        names = sorted(self.sources.keys() | before.sources.keys())
        changed = [str(name) for name in names if self.sources.get(name) != before.sources.get(name)]
        return ", ".join([*(["the base"] if self.base != before.base else []), *changed])


def build_on_changes(
    workspace: WorkspaceFolder,
    checkouts: Checkouts,
    folders: FolderWatch,
    clock: Clock,
    build: Callable[[], bool],
    emit: Emit,
) -> NoReturn:
    """Build now and after every change, until a signal ends it.

    Args:
        workspace: whose checkouts are watched.
        checkouts: says what they hold.
        folders: notices changes.
        clock: tells how long a look takes.
        build: tells its own errors; returns whether all went well.
        emit: listener.

    Raises:
        UsageError: the workspace is gone.
        UnavailableError: its folders cannot be watched.
    """
    seen: _State | None = None
    suspects: Collection[Path] | None = None  # None: anything may have changed
    while True:
        base, names = _read(workspace)
        places = {name: _place(workspace.checkout(name)) for name in names}
        links = [place for name, place in places.items() if place != workspace.checkout(name)]
        folders.watch([workspace.root / "src", *links], [workspace.root])
        began = clock.now()
        known = {} if seen is None or suspects is None else seen.sources
        touched = {entry for path in suspects or () for entry in (path, path.parent)}
        sources = {
            name: known[name]
            if name in known and touched.isdisjoint((workspace.checkout(name), place))
            else _source(workspace, name, checkouts)
            for name, place in places.items()
        }
        now = _State(base, sources)
        took = (clock.now() - began) / 1e9
        if now != seen:
            if seen:
                emit(Note("change", now.since(seen)))
            seen = now
            end = "done" if build() else "failed"
            where = ", ".join(sorted(now.sources)) or "the workspace"
            emit(Note("watch", f"{end}, waiting for changes in {where}"))
        suspects = folders.wait(max(_BETWEEN, _SHARE * took))


def _read(workspace: WorkspaceFolder) -> tuple[tuple[str, ...], tuple[PackageName, ...]]:
    """Return the base and the packages in use; of a workspace file that is wrong, its problems and none."""
    try:
        file = workspace.read()
    except UsageError as error:
        if not workspace.root.is_dir():
            raise
        return tuple(map(str, error.problems)), ()
    return (file.registry, file.set, file.revision_commit), file.packages


def _place(checkout: Path) -> Path:
    """Where the files of a checkout really are: it may be a link to a clone somewhere else."""
    return Path(os.path.realpath(checkout)) if checkout.is_symlink() else checkout


def _source(workspace: WorkspaceFolder, name: PackageName, checkouts: Checkouts) -> Digest | tuple[Problem, ...]:
    try:
        return checkouts.capture(workspace.checkout(name)).root
    except InternalError:
        raise
    except BrazilError as error:  # a full disk, say, which may be well at the next look
        return error.problems
