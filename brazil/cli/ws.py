"""`brazil ws`: workspaces."""

import os
from pathlib import Path

import click

from brazil.cli.context import Session, json_option, pass_session, set_and_revision, tell, tell_json
from brazil.model.names import package_name
from brazil.workspace.place import FILE_NAME


def _absolute(folder: str | Path) -> Path:
    return Path(os.path.abspath(folder))  # noqa: PTH100 - links in the way stay as they are


@click.group()
def ws() -> None:
    """Workspaces: a revision of a version set, plus the packages you are editing."""


@ws.command()
@click.argument("name")
@click.option("--set", "base", required=True, metavar="SET[@N]", help="The version set to stand on.")
@click.option("--revision", type=click.IntRange(0), metavar="N", help="Stand on this revision. [default: the newest]")
@json_option
@pass_session
def create(session: Session, name: str, base: str, revision: int | None, as_json: bool) -> None:
    """Make a workspace in the new folder NAME.

    \b
    Examples:
      brazil ws create work --set shop/dev
      brazil ws create before --set shop/dev@41
    """
    from brazil.operations import workspaces
    from brazil.report.workspaces import created_data

    set_name, number = set_and_revision(base)
    if number is not None and revision is not None:
        raise click.UsageError("Name the revision once: in --set or in --revision.")
    wiring = session.wiring()
    workspace = workspaces.create_workspace(
        _absolute(name), set_name, revision if number is None else number, wiring.registry
    )
    wiring.known_workspaces.add(workspace.root)
    file = workspace.read()
    if as_json:
        tell_json(created_data(workspace.root, file))
    else:
        tell([f"created {workspace.root} on {file.set} revision {file.revision}"])


@ws.command()
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE...")
@click.option("--head", is_flag=True, help="Check out the tip of the default branch instead of the pinned commit.")
@click.option("--commit", metavar="REF", help="Check out this branch, tag or commit.")
@json_option
@pass_session
def use(session: Session, packages: tuple[str, ...], head: bool, commit: str | None, as_json: bool) -> None:
    """Check packages out into src/, so that builds take them from there.

    \b
    Examples:
      brazil ws use MoneyKit
      brazil ws use MoneyKit --head
    """
    from brazil.operations import workspaces
    from brazil.report.workspaces import in_use_data, in_use_lines

    if head and commit:
        raise click.UsageError("--head and --commit cannot be used together.")
    workspace = session.workspace()
    wiring = session.wiring(workspace=workspace)
    done = workspaces.use_packages(
        workspace,
        [package_name(name) for name in packages],
        "HEAD" if head else commit or "",
        wiring.registry,
        wiring.sources,
        wiring.checkouts,
    )
    if as_json:
        tell_json({"used": in_use_data(done)})
    else:
        tell(in_use_lines(done))


@ws.command()
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE...")
@click.option("--force", is_flag=True, help="Delete the checkout even if it holds work that is nowhere else.")
@json_option
@pass_session
def drop(session: Session, packages: tuple[str, ...], force: bool, as_json: bool) -> None:
    """Take packages out of use and delete their checkouts.

    \b
    Example:
      brazil ws drop MoneyKit
    """
    from brazil.operations import workspaces

    workspace = session.workspace()
    wiring = session.wiring(workspace=workspace)
    done = workspaces.drop_packages(
        workspace,
        [package_name(name) for name in packages],
        wiring.registry,
        wiring.sources,
        wiring.checkouts,
        force=force,
    )
    if as_json:
        tell_json({"dropped": list(done)})
    else:
        tell([f"dropped {name}" for name in done])


@ws.command()
@json_option
@pass_session
def show(session: Session, as_json: bool) -> None:
    """Say what the workspace stands on, and which packages are in use.

    \b
    Example:
      brazil ws show
    """
    from brazil.operations import workspaces
    from brazil.report.workspaces import workspace_data, workspace_lines

    workspace = session.workspace()
    wiring = session.wiring(workspace=workspace)
    view = workspaces.show_workspace(workspace, wiring.registry, wiring.checkouts)
    if as_json:
        tell_json(workspace_data(view))
    else:
        tell(workspace_lines(view))


@ws.command()
@click.option("--revision", type=click.IntRange(0), metavar="N", help="Move to this revision. [default: the newest]")
@json_option
@pass_session
def sync(session: Session, revision: int | None, as_json: bool) -> None:
    """Move the workspace to a newer revision and print what changed; packages in use stay.

    \b
    Example:
      brazil ws sync
    """
    from brazil.operations import workspaces
    from brazil.report.sets import diff_data, diff_lines

    workspace = session.workspace()
    wiring = session.wiring(workspace=workspace)
    report = workspaces.sync_workspace(workspace, revision, wiring.registry, wiring.sources)
    if as_json:
        tell_json(diff_data(report))
    elif report.diff.before.commit == report.diff.after.commit:
        tell([f"{report.diff.after.set} revision {report.diff.after.number} is the base already"])
    else:
        tell(diff_lines(report))


@ws.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List your workspaces, wherever they are.

    \b
    Example:
      brazil ws list
    """
    from brazil.operations import housekeeping
    from brazil.report.workspaces import listed_data, listed_lines

    found = housekeeping.list_workspaces(session.wiring().known_workspaces)
    if as_json:
        tell_json({"workspaces": listed_data(found)})
    else:
        tell(listed_lines(found))


@ws.command()
@json_option
@pass_session
def clean(session: Session, as_json: bool) -> None:
    """Delete what can be made again: links, what earlier builds are remembered by, and the trees of failed ones.

    \b
    Example:
      brazil ws clean
    """
    from brazil.operations import housekeeping
    from brazil.report.table import size_text

    workspace = session.workspace()
    size = housekeeping.clean_workspace(workspace, session.wiring().failed_runs)
    if as_json:
        tell_json({"root": str(workspace.root), "bytes": size})
    else:
        tell([f"cleaned {workspace.root}: {size_text(size)}"])


@ws.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Delete it even if it holds work or files that are nowhere else.")
@json_option
@pass_session
def delete(session: Session, folder: Path, force: bool, as_json: bool) -> None:
    """Delete the workspace in FOLDER with its checkouts; one that is gone is only forgotten.

    \b
    Example:
      brazil ws delete work
    """
    from brazil.operations import housekeeping
    from brazil.workspace.folder import WorkspaceFolder

    root = _absolute(folder)
    if root.is_symlink():
        root = root.resolve()
    known = session.wiring().known_workspaces
    if os.path.lexists(root / FILE_NAME):
        workspace = WorkspaceFolder(root)
        wiring = session.wiring(workspace=workspace)
        housekeeping.delete_workspace(
            workspace, known, wiring.registry, wiring.sources, wiring.checkouts, wiring.failed_runs, force=force
        )
    else:
        housekeeping.forget_workspace(root, known, session.wiring().failed_runs)
    if as_json:
        tell_json({"deleted": str(root)})
    else:
        tell([f"deleted {root}"])
