"""`brazil exec` and `brazil shell`: to be inside a closure, or inside the sandbox of a build or test."""

import os
from typing import TYPE_CHECKING

import click

from brazil.cli.context import Session, jobs_option, listening, pass_session, tell, tell_json

if TYPE_CHECKING:
    from brazil.graph.closure import ClosureKind
    from brazil.operations.building import WorkspaceBuild
    from brazil.wiring import Wiring
    from brazil.workspace.folder import WorkspaceFolder

_FAILED, _NO_SOLUTION = 1, 3
CLOSURES = ("runtime", "build", "test")


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("package")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option(
    "--closure", type=click.Choice(CLOSURES), default="runtime", show_default=True, help="What is at its paths."
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
    found = _enter(session, package, closure, jobs)
    if isinstance(found, int):
        return found
    from brazil.graph.closure import ClosureKind
    from brazil.operations.entering import inside, run_inside

    build, wiring = found
    place = inside(build, package, ClosureKind(closure), wiring.store)
    return run_inside(place, words, session.environment, wiring.store, wiring.runner)


class _Shell(click.Command):
    """A command line with another one behind `--`, so that PACKAGE can be left out before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what is behind `--` away."""
        at = args.index("--") if "--" in args else len(args)
        ctx.params["command"] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Say so."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.command(cls=_Shell)
@click.argument("package", required=False)
@click.option("--closure", type=click.Choice(CLOSURES), help="What is at its paths.  [default: build]")
@click.option("--sandbox", is_flag=True, help="Stand where its build would run, and see only what that sees.")
@click.option("--failed", is_flag=True, help="Stand where its build or test failed, in the tree that was left.")
@click.option("--test", is_flag=True, help="With --sandbox or --failed: where its tests run.")
@jobs_option
@pass_session
def shell(
    session: Session,
    package: str | None,
    command: tuple[str, ...],
    closure: str | None,
    sandbox: bool,
    failed: bool,
    test: bool,
    jobs: int | None,
) -> int:
    """Open your shell with a closure of a package at its paths; its exit code is passed on.

    Folder, files, network and user stay yours. The build closure needs only what the package depends on, so this
    works while the package itself does not build. With a command, run it instead.

    With --sandbox or --failed the shell is where a build or test runs: private source in /brazil/src, its environment,
    nothing else of the machine, no network. Without PACKAGE, --failed takes the newest failure of the workspace.

    \b
    Examples:
      brazil shell LedgerKit
      brazil shell --sandbox LedgerKit
      brazil shell --failed
    """
    if sandbox and failed:
        raise click.UsageError("--sandbox and --failed cannot be used together.")
    if closure and (sandbox or failed):
        raise click.UsageError("--closure says what is around you on your own machine; a sandbox has its own.")
    if test and not (sandbox or failed):
        raise click.UsageError("--test goes with --sandbox or --failed; else say --closure test.")
    if package is None and not failed:
        raise click.UsageError("Missing argument 'PACKAGE'.")
    if failed:
        return _shell_failed(session, package or "", command, test)
    if sandbox:
        return _shell_sandbox(session, package or "", command, test, jobs)
    found = _enter(session, package or "", closure or "build", jobs)
    if isinstance(found, int):
        return found
    from brazil.graph.closure import ClosureKind
    from brazil.operations.entering import inside, own_shell, run_inside
    from brazil.report.entering import inside_lines

    build, wiring = found
    place = inside(build, package or "", ClosureKind(closure or "build"), wiring.store)
    environment = session.environment
    if not command:
        command, environment = own_shell(place, environment)
        if os.isatty(0):
            tell(inside_lines(place), err=True)
    return run_inside(place, command, environment, wiring.store, wiring.runner)


def _shell_sandbox(session: Session, package: str, command: tuple[str, ...], test: bool, jobs: int | None) -> int:
    from brazil.model.action import StepKind
    from brazil.operations.standing import closure_of, sandbox_shell, would_run
    from brazil.report.entering import sandbox_lines

    kind = StepKind.TEST if test else StepKind.BUILD
    found = _enter(session, package, closure_of(kind), jobs)
    if isinstance(found, int):
        return found
    build, wiring = found
    request = would_run(build, package, kind, wiring.build_ports)
    if not command and os.isatty(0):
        tell(sandbox_lines(request), err=True)
    return wiring.entrance.enter(request, *sandbox_shell(request, command, session.environment))


def _shell_failed(session: Session, package: str, command: tuple[str, ...], test: bool) -> int:
    from brazil.model.action import StepKind
    from brazil.operations.standing import find_failure, sandbox_shell
    from brazil.report.entering import failure_lines

    workspace = session.workspace()
    wiring = session.wiring(workspace=workspace)
    failure = find_failure(workspace, package, StepKind.TEST if test else None, wiring.failed_runs)
    if not command and os.isatty(0):
        tell(failure_lines(failure), err=True)
    request = failure.run.request
    return wiring.entrance.enter_failed(failure.run, *sandbox_shell(request, command, session.environment))


def _enter(session: Session, package: str, kind: str, jobs: int | None) -> "tuple[WorkspaceBuild, Wiring] | int":
    """Build a closure; where that failed, tell it and return the exit code."""
    from brazil.graph.closure import ClosureKind

    workspace = session.workspace()
    wiring = session.wiring(jobs=jobs, workspace=workspace)
    done = build_closures(workspace, wiring, package, (ClosureKind(kind),))
    return done if isinstance(done, int) else (done, wiring)


def build_closures(
    workspace: "WorkspaceFolder",
    wiring: "Wiring",
    package: str,
    kinds: "tuple[ClosureKind, ...]",
    *,
    as_json: bool = False,
    partly: bool = False,
) -> "WorkspaceBuild | int":
    """Build closures of a package, or the package itself when there are none.

    Args:
        workspace: where.
        wiring: of it.
        package: its name.
        kinds: which closures.
        as_json: tell also what failed as JSON.
        partly: what was built is of use when something failed; all is built that can be.

    Returns:
        What was built; when that is of no use, which is told, the exit code.
    """
    from brazil.model.conflict import Conflict
    from brazil.operations.building import BuildRequest, build_workspace
    from brazil.report.builds import build_data, build_lines, conflict_data, conflict_text

    request = BuildRequest((package,), tests=False, closures=kinds, keep_going=partly)
    with listening(events=False) as emit:
        done = build_workspace(workspace, request, wiring.build_ports, emit)
    if isinstance(done, Conflict):
        if as_json:
            tell_json(conflict_data(done))
        else:
            tell(conflict_text(done), err=True)
        return _NO_SOLUTION
    if done.succeeded:
        return done
    tell(build_lines(done, {}), err=True)
    if partly:
        return done
    if as_json:
        tell_json(build_data(done, {}))
    return _FAILED
