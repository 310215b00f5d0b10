"""`brazil log`: what a build or a test run said."""

import sys

import click

from brazil.cli.context import Session, json_option, pass_session, tell, tell_json


@click.command()
@click.argument("package", required=False, metavar="[PACKAGE]")
@click.option("--test", is_flag=True, help="Of its tests instead of its build.")
@click.option("--failed", is_flag=True, help="Of the newest run that failed, build or test.")
@json_option
@pass_session
def log(session: Session, package: str | None, test: bool, failed: bool, as_json: bool) -> None:
    """Print the whole log of the newest build of PACKAGE, or of its newest test run.

    It is the newest run on this machine, in whichever workspace or publication, and whether it failed or not. Without
    PACKAGE it is the newest run of all. What a log is of is told on standard error, so the log itself can be piped.

    \b
    Examples:
      brazil log LedgerKit
      brazil log LedgerKit-1.0 --test
      brazil log --failed
    """
    from brazil.model.action import StepKind
    from brazil.operations.logs import newest_log
    from brazil.report.logs import log_data, log_text, log_title

    kind = StepKind.TEST if test else StepKind.BUILD if package and not failed else None
    wiring = session.wiring()
    found = newest_log(package or "", kind, wiring.records, wiring.store, failed=failed)
    if as_json:
        tell_json(log_data(found))
        return
    tell([log_title(found)], err=True)
    if sys.stdout.isatty():
        click.echo(log_text(found), nl=False)
    else:
        sys.stdout.buffer.write(found.text)  # as it came: nothing to harm there
