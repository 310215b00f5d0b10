"""Workspaces: create, look at, take packages into use and out of it, move to another base."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.model.names import Interface, PackageName, VersionSetName
from brazil.model.nearest import did_you_mean
from brazil.model.versionset import RegisteredPackage, Revision, RevisionInfo
from brazil.model.workspace import WorkspaceFile
from brazil.operations.building import base_revision
from brazil.operations.packages import known_package
from brazil.operations.version_sets import DiffReport, diff_sets
from brazil.ports import Checkouts, CheckoutStatus, Registry, SourceProvider
from brazil.workspace.folder import WorkspaceFolder

_NAMED = 5  # paths of a checkout in a message


class InUse(NamedTuple):
    """A package in use and where its checkout stands."""

    name: PackageName
    folder: Path
    pinned: tuple[Interface, ...]  # lines of it that the base pins, sorted
    status: CheckoutStatus | None  # None: the checkout is gone or damaged
    fault: str = ""  # what is wrong with it


class WorkspaceView(NamedTuple):
    """What `brazil ws show` tells."""

    root: Path
    file: WorkspaceFile
    base: RevisionInfo
    newest: RevisionInfo  # of the set, as far as the registry was looked at
    in_use: tuple[InUse, ...]


def create_workspace(root: Path, name: VersionSetName, number: int | None, registry: Registry) -> WorkspaceFolder:
    """Make a workspace on a revision of a set, the newest when no number is given."""
    registry.refresh()
    base = registry.revision(name, number)
    return WorkspaceFolder.create(root, WorkspaceFile(registry.location, name, base.info.number, base.info.commit))


def show_workspace(workspace: WorkspaceFolder, registry: Registry, checkouts: Checkouts) -> WorkspaceView:
    """Return what a workspace is made of and where its checkouts stand."""
    file = workspace.read()
    base = base_revision(file, registry)
    newest = registry.revision(file.set).info
    in_use = tuple(_in_use(workspace, name, base, checkouts) for name in file.packages)
    return WorkspaceView(workspace.root, file, base.info, newest, in_use)


def use_packages(
    workspace: WorkspaceFolder,
    names: Iterable[PackageName],
    ref: str,
    registry: Registry,
    sources: SourceProvider,
    checkouts: Checkouts,
) -> tuple[InUse, ...]:
    """Check packages out, so that they shadow their pins; all that are named, or none.

    Args:
        workspace: where.
        names: registered packages.
        ref: branch, tag or commit to check out; empty: the pinned commit, else the default branch.
        registry: knows the packages.
        sources: has their commits.
        checkouts: makes the working trees.

    Raises:
        UsageError: a package is unknown or in use, or the ref does not exist.
    """
    with workspace.lock():
        base = base_revision(workspace.read(), registry)
        problems: list[Problem] = []
        wanted: list[tuple[RegisteredPackage, str]] = []
        for name in dict.fromkeys(names):
            try:
                package = known_package(name, registry)
                wanted.append((package, _commit_to_use(workspace, package, ref, base, sources, checkouts)))
            except UsageError as error:
                problems += error.problems
        if problems:
            raise UsageError(*problems)
        with _all_or_none(workspace) as made:
            for package, commit in wanted:
                if not workspace.occupied(package.name):
                    checkouts.create(package, commit, workspace.checkout(package.name))
                    made.append(package.name)
            file = workspace.read()
            used = [package.name for package, _ in wanted]
            workspace.save(file._replace(packages=tuple(sorted({*file.packages, *used}))))
        return tuple(_in_use(workspace, name, base, checkouts) for name in used)


@contextmanager
def _all_or_none(workspace: WorkspaceFolder) -> Iterator[list[PackageName]]:
    """Delete the checkouts in the list when something stops what makes more, Ctrl-C too."""
    made: list[PackageName] = []
    try:
        yield made
    except BaseException:
        with suppress(UnavailableError):  # a checkout that stays can be used or moved away
            for name in made:
                workspace.set_checkout_aside(name)
            workspace.delete_set_aside()
        raise


def _commit_to_use(
    workspace: WorkspaceFolder,
    package: RegisteredPackage,
    ref: str,
    base: Revision,
    sources: SourceProvider,
    checkouts: Checkouts,
) -> str:
    """Return the commit that is to be checked out.

    Raises:
        UsageError: the package is in use, something is in its way, or it is not clear which commit is meant.
    """
    folder = workspace.checkout(package.name)
    if package.name in workspace.read().packages and workspace.occupied(package.name):
        raise UsageError(Problem("workspace.in-use", f"{package.name} is in use already", hint=f"it is in {folder}"))
    pinned = sorted({r.commit for i, r in base.records.items() if i.name == package.name})
    if not ref and len(pinned) > 1:
        lines = ", ".join(str(i) for i in base.records if i.name == package.name)
        raise UsageError(
            Problem(
                "workspace.which-line",
                f"{base.info.set} pins several lines of {package.name}: {lines}",
                hint="choose one with --commit, or the newest source with --head",
            )
        )
    commit = sources.resolve(package, ref or (pinned[0] if pinned else "HEAD"))
    if workspace.occupied(package.name):
        _refuse_other(commit, folder, checkouts)
    return commit


def _refuse_other(commit: str, folder: Path, checkouts: Checkouts) -> None:
    """Refuse what is in the way, unless it is just the checkout that is wanted: its making was cut off at the very end.

    Raises:
        UsageError: something else is there.
    """
    with suppress(UsageError):
        status = checkouts.status(folder)
        if not folder.is_symlink() and status == CheckoutStatus(commit, "", (), ""):
            return
    raise UsageError(
        Problem("workspace.occupied", f"{folder} is in the way", hint="move it away, it is no checkout of ours")
    )


def drop_packages(
    workspace: WorkspaceFolder,
    names: Iterable[PackageName],
    registry: Registry,
    sources: SourceProvider,
    checkouts: Checkouts,
    *,
    force: bool,
) -> tuple[PackageName, ...]:
    """Take packages out of use and delete their checkouts; all that are named, or none.

    Raises:
        UsageError: a package is not in use; or, unless forced, its checkout holds work that is nowhere else.
    """
    with workspace.lock():
        dropped = tuple(dict.fromkeys(names))
        used = workspace.read().packages
        problems: list[Problem] = []
        for name in dropped:
            folder = workspace.checkout(name)
            if name not in used:
                hint = did_you_mean(name, used) or f"in use: {', '.join(used) or 'nothing'}"
                problems.append(Problem("workspace.not-in-use", f"{name} is not in use", hint=hint))
            elif not force and folder.exists():
                try:
                    refuse_unsaved(name, folder, registry, sources, checkouts)
                except UsageError as error:
                    problems += error.problems
        if problems:
            raise UsageError(*problems)
        file = workspace.read()
        # A kill leaves packages in use without a checkout, which can be used or dropped again; or what has no name any
        # more, which the next drop deletes.
        try:
            for name in dropped:
                workspace.set_checkout_aside(name)
            workspace.save(file._replace(packages=tuple(p for p in file.packages if p not in dropped)))
        except BaseException:  # Ctrl-C too: all or none
            with suppress(UnavailableError):
                for name in dropped:
                    workspace.put_checkout_back(name)
            raise
        workspace.delete_set_aside()
    return dropped


def refuse_unsaved(
    name: PackageName, folder: Path, registry: Registry, sources: SourceProvider, checkouts: Checkouts
) -> None:
    """Refuse to lose what only a checkout holds.

    Raises:
        UsageError: it holds something that is not committed or not finished, or commits that the package's repository
            has not.
    """
    if because := _unsaved(name, folder, registry, sources, checkouts):
        raise UsageError(
            Problem(
                "workspace.unsaved",
                f"the checkout of {name} holds work that is nowhere else",
                because,
                "push or publish it, or add --force",
            )
        )


def _unsaved(name: PackageName, folder: Path, registry: Registry, sources: SourceProvider, checkouts: Checkouts) -> str:
    status = checkouts.status(folder)
    if status.busy:
        return f"a {status.busy} is in progress"
    if status.changed:
        return f"not committed: {_first(status.changed)}"
    package = known_package(name, registry)
    known = {commit: sources.known(package, commit) for commit in filter(None, [status.commit])}
    if not all(known.values()):
        return f"its commit {status.commit[:12]} is only there"
    for branch, commit in sorted(checkouts.branches(folder).items()):
        if commit not in known:
            known[commit] = sources.known(package, commit)
        if not known[commit]:
            return "something is stashed" if branch == "stash" else f"its branch {branch} is only there"
    return ""


def _first(paths: Sequence[str]) -> str:
    """Name the first paths in one line, whatever characters they have."""
    shown = ", ".join(path if path.isprintable() else ascii(path) for path in paths[:_NAMED])
    return f"{shown} ..." if len(paths) > _NAMED else shown


def sync_workspace(
    workspace: WorkspaceFolder, number: int | None, registry: Registry, sources: SourceProvider
) -> DiffReport:
    """Move a workspace to another revision of its set, the newest when no number is given; shadows stay."""
    registry.refresh()
    with workspace.lock():
        file = workspace.read()
        after = registry.revision(file.set, number)
        before = _revision_before(file, after, registry)
        diff = diff_sets(before, after, registry, sources)  # first: its failure must not hide that the workspace moved
        workspace.save(file._replace(revision=after.info.number, revision_commit=after.info.commit))
    return diff


def commits_to_publish(
    workspace: WorkspaceFolder,
    names: Iterable[PackageName],
    registry: Registry,
    sources: SourceProvider,
    checkouts: Checkouts,
    *,
    into_own_set: bool,
) -> dict[PackageName, str]:
    """Return the commit that each named checkout stands on, taken into the mirror.

    What goes into the workspace's own set is without the packages that stand on what the base pins: nothing was done
    to them here, and somebody else may have moved their pins.

    Args:
        workspace: where the checkouts are.
        names: packages in use; empty: all of them.
        registry: knows the packages.
        sources: takes the commits.
        checkouts: says where each stands.
        into_own_set: whether they are to go into the set of the workspace.

    Raises:
        UsageError: a checkout has changes that are not committed or not finished, or nothing is in use.
    """
    file = workspace.read()
    problems: list[Problem] = []
    commits: dict[PackageName, str] = {}
    chosen = sorted(names) or file.packages
    if not chosen:
        raise UsageError(
            Problem(
                "publish.nothing", "no package is in use in this workspace", hint="name what to publish: -p PACKAGE=REF"
            )
        )
    for name in chosen:
        status = checkouts.status(workspace.checkout(name))
        if status.busy:
            problems.append(
                Problem(
                    "publish.busy-checkout",
                    f"a {status.busy} is in progress in {name}",
                    hint=_give_up(name, status.busy),
                )
            )
        elif status.changed and status.commit:
            problems.append(
                Problem(
                    "publish.uncommitted",
                    f"{name} has changes that are not committed",
                    _first(status.changed),
                    "commit them, or set them aside",
                )
            )
        elif not status.commit:
            hint = f"commit what is to be published: git -C src/{name} commit"
            problems.append(Problem("publish.no-commit", f"nothing is committed in {name} yet", hint=hint))
        else:
            commits[name] = status.commit
    if problems:
        raise UsageError(*problems)
    if into_own_set:
        pinned = {(i.name, record.commit) for i, record in base_revision(file, registry).records.items()}
        commits = {name: commit for name, commit in commits.items() if (name, commit) not in pinned}
    for name, commit in commits.items():
        sources.adopt(known_package(name, registry), workspace.checkout(name), commit)
    return commits


def _give_up(name: PackageName, busy: str) -> str:
    return f"finish it, or give it up: git -C src/{name} {busy} {'reset' if busy == 'bisect' else '--abort'}"


def _in_use(workspace: WorkspaceFolder, name: PackageName, base: Revision, checkouts: Checkouts) -> InUse:
    folder = workspace.checkout(name)
    pinned = tuple(interface for interface in base.records if interface.name == name)
    try:
        return InUse(name, folder, pinned, checkouts.status(folder))
    except UsageError as error:
        return InUse(name, folder, pinned, None, str(error))


def _revision_before(file: WorkspaceFile, after: Revision, registry: Registry) -> Revision:
    """Return the present base; when the registry no longer has it under its number, compare with nothing."""
    if file.revision <= after.info.number or registry.revision(file.set).info.number >= file.revision:
        before = registry.revision(file.set, file.revision)
        if before.info.commit == file.revision_commit:
            return before
    return after._replace(records={}, results={}, info=after.info._replace(number=file.revision))
