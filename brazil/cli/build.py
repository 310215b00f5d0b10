"""`brazil build` and `brazil test`, inside a workspace.

What a build takes is imported only when there is something to do: when nothing changed, the answer costs little more
than a look at the files.
"""

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
from brazil.workspace.trace import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import NoReturn

    from brazil.build.executor import Outcome
    from brazil.model.action import StepId
    from brazil.model.conflict import Conflict
    from brazil.model.tested import Tested
    from brazil.operations.building import BuildRequest
    from brazil.ports import ContentStore
    from brazil.workspace.trace import Look

_FAILED, _NO_SOLUTION = 1, 3


class _Asked(NamedTuple):
    """The words of a command line."""

    kind: str  # "build" or "test"
    packages: tuple[str, ...]
    everything: bool
    explain: bool
    dry_run: bool
    watch: bool
    jobs: int | None
    keep_going: bool
    as_json: bool
    events: bool
    junit: Path | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What is asked for, as a trace names it."""
        return words_of(self.packages, everything=self.everything)


_all_option = click.option(
    "-a", "--all", "everything", is_flag=True, help="Every package of the set, instead of names."
)
_explain_option = click.option(
    "--explain", is_flag=True, help="Say of every build and test run why it ran, or that its result was there."
)
_dry_run_option = click.option(
    "-n", "--dry-run", is_flag=True, help="Run nothing: say what would run, why, and how long that took before."
)
_watch_option = click.option(
    "-w", "--watch", is_flag=True, help="Build again whenever packages in use have changed, until Ctrl-C."
)


@click.command()
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@_all_option
@_explain_option
@_dry_run_option
@_watch_option
@jobs_option
@keep_going_option
@json_option
@events_option
@pass_session
def build(
    session: Session,
    packages: tuple[str, ...],
    everything: bool,
    explain: bool,
    dry_run: bool,
    watch: bool,
    jobs: int | None,
    keep_going: bool,
    as_json: bool,
    events: bool,
) -> int:
    """Build packages, by default everything in use; what they need comes from the cache or is built too.

    \b
    Examples:
      brazil build
      brazil build PaymentService --explain
      brazil build --all --keep-going --jobs 4
      brazil build --dry-run
      brazil build --watch

    \b
    Exit codes:
      1  a build failed
      3  the packages cannot be together
    """
    return _build(
        session, _Asked("build", packages, everything, explain, dry_run, watch, jobs, keep_going, as_json, events)
    )


@click.command()
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@_all_option
@_explain_option
@_dry_run_option
@_watch_option
@junit_option
@jobs_option
@keep_going_option
@json_option
@events_option
@pass_session
def test(
    session: Session,
    packages: tuple[str, ...],
    everything: bool,
    explain: bool,
    dry_run: bool,
    watch: bool,
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
      brazil test --all --dry-run
      brazil test LedgerKit --watch
      brazil test --junit results

    \b
    Exit codes:
      1  a build or a test run failed
      3  the packages cannot be together
    """
    return _build(
        session, _Asked("test", packages, everything, explain, dry_run, watch, jobs, keep_going, as_json, events, junit)
    )


def _build(session: Session, asked: _Asked) -> int:
    _refuse_contradictions(asked)
    if asked.dry_run:
        return _foresee(session, asked)
    if asked.watch:
        _watch(session, asked)
    return _build_once(session, asked, session.look)


def _refuse_contradictions(asked: _Asked) -> None:
    if asked.everything and asked.packages:
        raise click.UsageError(f"Say --all or name packages: {' '.join(asked.packages)} would be built anyway.")
    if asked.dry_run and (asked.events or asked.junit):
        option = "--events" if asked.events else "--junit"
        raise click.UsageError(f"With --dry-run nothing runs that {option} could tell about.")
    if asked.watch and (asked.dry_run or asked.as_json):
        other, because = "--json", "--events tells a program of every build"
        if asked.dry_run:
            other, because = "--dry-run", "nothing would be built"
        raise click.UsageError(f"--watch and {other} do not go together: {because}.")


def _build_once(session: Session, asked: _Asked, look: "Look | None") -> int:
    # What is told in full takes the complete way, so only a person who asks for no more gets the quick answers.
    if asked.as_json or asked.events or asked.junit or asked.explain:
        look = None
    else:
        look = look or look_at(asked.kind, asked.words, session.environment)
    if look and told(look):
        return 0

    workspace = session.workspace()
    wiring = session.wiring(jobs=asked.jobs, workspace=workspace)
    if look:
        from brazil.operations.again import build_again
        from brazil.report.summary import again_lines

        with listening(asked.events) as emit:
            again = build_again(workspace, look, wiring.checkouts, wiring.machine, emit, keep_going=asked.keep_going)
        if again:
            tell(again_lines(again, _tested(asked.kind, again.outcomes, wiring.store)), err=not again.succeeded)
            return 0 if again.succeeded else _FAILED

    from brazil.model.conflict import Conflict
    from brazil.operations.building import build_workspace
    from brazil.report.builds import build_data, build_lines, explain_lines

    if asked.junit:
        from brazil.operations.testing import prepare_reports

        prepare_reports(asked.junit)
    with listening(asked.events) as emit:
        done = build_workspace(workspace, _request(asked), wiring.build_ports, emit, look)
    if isinstance(done, Conflict):
        return _conflict(done, asked)
    found = _tested(asked.kind, done.outcomes, wiring.store)
    if asked.junit:
        from brazil.operations.testing import write_reports

        write_reports(asked.junit, done.outcomes, found)
    if asked.as_json:
        tell_json(build_data(done, found))
    elif not asked.events:
        if asked.explain:
            tell(explain_lines(done))
        tell(build_lines(done, found), err=not done.succeeded)
    return 0 if done.succeeded else _FAILED


def _watch(session: Session, asked: _Asked) -> "NoReturn":
    from brazil.errors import BrazilError, InternalError
    from brazil.operations.watching import build_on_changes
    from brazil.report.event_data import json_to
    from brazil.report.problems import problem_lines
    from brazil.report.progress import lines_to

    # Not the live view: each build opens its own.
    emit = json_to(sys.stdout) if asked.events else lines_to(sys.stderr)

    def build() -> bool:
        gc.collect()  # what the build before held open: it is collected rarely else, see main
        try:
            return _build_once(session, asked, None) == 0
        except InternalError:
            raise
        except BrazilError as error:
            lines = problem_lines(error)
            if asked.events:
                _tell_error(lines)
            tell(lines, err=True)
            return False

    workspace = session.workspace()
    wiring = session.wiring(workspace=workspace)
    with wiring.folders() as folders:
        build_on_changes(workspace, wiring.checkouts, folders, wiring.clock, build, emit)


def _foresee(session: Session, asked: _Asked) -> int:
    from brazil.model.conflict import Conflict
    from brazil.operations.foreseeing import foresee_build
    from brazil.report.forecasts import dry_run_data, dry_run_lines

    workspace = session.workspace()
    wiring = session.wiring(jobs=asked.jobs, workspace=workspace)
    with listening(events=False) as emit:
        foreseen = foresee_build(workspace, _request(asked), wiring.build_ports, emit)
    if isinstance(foreseen, Conflict):
        return _conflict(foreseen, asked)
    if asked.as_json:
        tell_json(dry_run_data(foreseen))
    else:
        tell(dry_run_lines(foreseen, every=asked.explain))
    return 0


def _request(asked: _Asked) -> "BuildRequest":
    from brazil.operations.building import BuildRequest

    return BuildRequest(
        asked.packages, tests=asked.kind == "test", keep_going=asked.keep_going, everything=asked.everything
    )


def _conflict(conflict: "Conflict", asked: _Asked) -> int:
    from brazil.report.builds import conflict_data, conflict_text

    if asked.as_json:
        tell_json(conflict_data(conflict))
    else:
        lines = conflict_text(conflict)
        if asked.events:
            _tell_error(lines)
        tell(lines, err=True)
    return _NO_SOLUTION


def _tell_error(lines: "Iterable[str]") -> None:
    """Say among the events why there could be no build."""
    from brazil.events import Note
    from brazil.report.event_data import json_to

    emit = json_to(sys.stdout)
    for line in lines:
        emit(Note("error", line.removeprefix("error: ")))


def _tested(kind: str, outcomes: "Mapping[StepId, Outcome]", store: "ContentStore") -> "Mapping[StepId, Tested]":
    """Read what tests found, where there were any to run."""
    if kind != "test":
        return {}
    from brazil.operations.testing import tested

    return tested(outcomes, store)
