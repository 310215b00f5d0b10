"""`brazil exec`: to be inside a closure."""

import click

from brazil.cli.context import Session, jobs_option, listening, pass_session, tell

_FAILED, _NO_SOLUTION = 1, 3


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("package")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@jobs_option
@pass_session
def exec_(session: Session, package: str, command: tuple[str, ...], jobs: int | None) -> int:
    """Run a command with the runtime closure of a package at its paths, after building it; its exit code is passed on.

    \b
    Example:
      brazil exec PaymentService -- pay balance --ledger ledger.db
    """
    from brazil.model.conflict import Conflict
    from brazil.operations.building import BuildRequest, build_workspace, find_interfaces
    from brazil.operations.entering import run_in_closure
    from brazil.report.builds import build_lines, conflict_text

    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("Name the command to run after '--'.")
    workspace = session.workspace()
    wiring = session.wiring(jobs=jobs, workspace=workspace)
    request = BuildRequest((package,), tests=False, runtime=True)
    with listening(events=False) as emit:
        done = build_workspace(workspace, request, wiring.build_ports, emit)
    if isinstance(done, Conflict):
        tell(conflict_text(done), err=True)
        return _NO_SOLUTION
    if not done.succeeded:
        tell(build_lines(done, {}), err=True)
        return _FAILED
    roots = find_interfaces(package, done.candidate)
    if len(roots) > 1:
        raise click.UsageError(f"{package} has several lines here: {', '.join(map(str, roots))}. Name one of them.")
    return run_in_closure(done, roots[0], words, session.environment, wiring.machine, wiring.runner)
