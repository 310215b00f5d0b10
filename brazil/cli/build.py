"""`brazil build` and `brazil test`, inside a workspace.

What a build takes is imported only when there is something to do: when nothing changed, the answer costs little more
than a look at the files.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from brazil.cli.context import (
    Session,
    events_option,
    jobs_option,
    json_option,
    junit_option,
    keep_going_option,
    listening,
    pass_session,
    tell,
    tell_json,
)
from brazil.cli.unchanged import look_at, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from brazil.build.executor import Outcome
    from brazil.model.action import StepId
    from brazil.model.tested import Tested
    from brazil.ports import ContentStore

_FAILED, _NO_SOLUTION = 1, 3


@click.command()
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@jobs_option
@keep_going_option
@json_option
@events_option
@pass_session
def build(
    session: Session, packages: tuple[str, ...], jobs: int | None, keep_going: bool, as_json: bool, events: bool
) -> int:
    """Build packages, by default everything in use; what they need comes from the cache or is built too.

    \b
    Examples:
      brazil build
      brazil build PaymentService
    """
    return _build(session, "build", packages, jobs, keep_going, as_json, events, None)


@click.command()
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@junit_option
@jobs_option
@keep_going_option
@json_option
@events_option
@pass_session
def test(
    session: Session,
    packages: tuple[str, ...],
    junit: Path | None,
    jobs: int | None,
    keep_going: bool,
    as_json: bool,
    events: bool,
) -> int:
    """Build packages and run their tests; a test run that passed with the same inputs is remembered.

    \b
    Examples:
      brazil test
      brazil test LedgerKit --keep-going
      brazil test --junit results
    """
    return _build(session, "test", packages, jobs, keep_going, as_json, events, junit)


def _build(
    session: Session,
    kind: str,
    packages: tuple[str, ...],
    jobs: int | None,
    keep_going: bool,
    as_json: bool,
    events: bool,
    junit: Path | None,
) -> int:
    # What is told to a program is told in full, so only a person gets the quick answers.
    look = None if as_json or events or junit else session.look or look_at(kind, packages, session.environment)
    if look and told(look):
        return 0

    workspace = session.workspace()
    wiring = session.wiring(jobs=jobs, workspace=workspace)
    if look:
        from brazil.operations.again import build_again
        from brazil.report.summary import again_lines

        with listening(events) as emit:
            again = build_again(workspace, look, wiring.checkouts, wiring.machine, emit, keep_going=keep_going)
        if again:
            tell(again_lines(again, _tested(kind, again.outcomes, wiring.store)), err=not again.succeeded)
            return 0 if again.succeeded else _FAILED

    from brazil.model.conflict import Conflict
    from brazil.operations.building import BuildRequest, build_workspace
    from brazil.report.builds import build_data, build_lines, conflict_data, conflict_text

    if junit:
        from brazil.operations.testing import prepare_reports

        prepare_reports(junit)
    request = BuildRequest(packages, tests=kind == "test", keep_going=keep_going)
    with listening(events) as emit:
        done = build_workspace(workspace, request, wiring.build_ports, emit, look)
    if isinstance(done, Conflict):
        if as_json:
            tell_json(conflict_data(done))
        else:
            tell(conflict_text(done), err=True)
        return _NO_SOLUTION
    found = _tested(kind, done.outcomes, wiring.store)
    if junit:
        from brazil.operations.testing import write_reports

        write_reports(junit, done.outcomes, found)
    if as_json:
        tell_json(build_data(done, found))
    elif not events:
        tell(build_lines(done, found), err=not done.succeeded)
    return 0 if done.succeeded else _FAILED


def _tested(kind: str, outcomes: "Mapping[StepId, Outcome]", store: "ContentStore") -> "Mapping[StepId, Tested]":
    """Read what tests found, where there were any to run."""
    if kind != "test":
        return {}
    from brazil.operations.testing import tested

    return tested(outcomes, store)
