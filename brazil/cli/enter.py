"""`brazil exec` and `brazil shell`: to be inside a closure."""

import os
from typing import TYPE_CHECKING

import click

from brazil.cli.context import Session, jobs_option, listening, pass_session, tell

if TYPE_CHECKING:
    from brazil.operations.entering import Inside
    from brazil.wiring import Wiring

_FAILED, _NO_SOLUTION = 1, 3
_CLOSURES = ("runtime", "build", "test")


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("package")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option(
    "--closure", type=click.Choice(_CLOSURES), default="runtime", show_default=True, help="What is at its paths."
)
@jobs_option
@pass_session
def exec_(session: Session, package: str, command: tuple[str, ...], closure: str, jobs: int | None) -> int:
    """Run a command with a closure of a package at its paths, after building it; its exit code is passed on.

    Folder, files, network and user stay yours.

    \b
    Examples:
      brazil exec PaymentService -- pay balance --ledger ledger.db
      brazil exec --closure test LedgerKit -- python3 -m unittest
    """
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("Name the command to run after '--'.")
    if words[0].startswith("-"):
        raise click.UsageError(f"Options of 'brazil exec' stand before PACKAGE: {words[0]}")
    _open_standard_descriptors()
    found = _enter(session, package, closure, jobs)
    if isinstance(found, int):
        return found
    from brazil.operations.entering import run_inside

    place, wiring = found
    return run_inside(place, words, session.environment, wiring.store, wiring.runner)


@click.command()
@click.argument("package")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@click.option(
    "--closure", type=click.Choice(_CLOSURES), default="build", show_default=True, help="What is at its paths."
)
@jobs_option
@pass_session
def shell(session: Session, package: str, command: tuple[str, ...], closure: str, jobs: int | None) -> int:
    """Open your shell with a closure of a package at its paths; its exit code is passed on.

    Folder, files, network and user stay yours. The build closure needs only what the package depends on, so this
    works while the package itself does not build. With a command, run it instead.

    \b
    Examples:
      brazil shell LedgerKit
      brazil shell --closure runtime PaymentService
    """
    _open_standard_descriptors()
    found = _enter(session, package, closure, jobs)
    if isinstance(found, int):
        return found
    from brazil.operations.entering import own_shell, run_inside
    from brazil.report.entering import inside_lines

    place, wiring = found
    environment = session.environment
    if not command:
        command, environment = own_shell(place, environment)
        if os.isatty(0):
            tell(inside_lines(place), err=True)
    return run_inside(place, command, environment, wiring.store, wiring.runner)


def _enter(session: Session, package: str, kind: str, jobs: int | None) -> "tuple[Inside, Wiring] | int":
    """Build a closure; where that failed, tell it and return the exit code."""
    from brazil.graph.closure import ClosureKind
    from brazil.model.conflict import Conflict
    from brazil.operations.building import BuildRequest, build_workspace
    from brazil.operations.entering import inside
    from brazil.report.builds import build_lines, conflict_text

    workspace = session.workspace()
    wiring = session.wiring(jobs=jobs, workspace=workspace)
    closure = ClosureKind(kind)
    with listening(events=False) as emit:
        done = build_workspace(
            workspace, BuildRequest((package,), tests=False, closures=(closure,)), wiring.build_ports, emit
        )
    if isinstance(done, Conflict):
        tell(conflict_text(done), err=True)
        return _NO_SOLUTION
    if not done.succeeded:
        tell(build_lines(done, {}), err=True)
        return _FAILED
    return inside(done, package, closure, wiring.store), wiring


def _open_standard_descriptors() -> None:
    """Give the empty device to what our caller has closed of input and output, before our own files get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
