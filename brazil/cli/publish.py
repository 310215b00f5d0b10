"""`brazil publish`: build commits into a version set."""

from collections.abc import Iterator
from contextlib import contextmanager
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
from brazil.errors import BrazilError, Problem, UsageError
from brazil.model.names import PackageName, package_name, parse_interface, version_set_name
from brazil.wiring import Wiring

if TYPE_CHECKING:
    from brazil.operations.publishing import PublishRequest


@click.command()
@click.option("--set", "set_name", metavar="SET", help="The version set. [default: that of the workspace]")
@click.option(
    "-p",
    "--package",
    "packages",
    multiple=True,
    metavar="PACKAGE[=REF]",
    help="A package, at a branch, tag or commit of its repository, the default branch when none is named. "
    "Inside a workspace, without REF, at the commit of its checkout. [default there: everything in use]",
)
@click.option("--target", "targets", multiple=True, metavar="INTERFACE", help="Make this a target of the set.")
@click.option("-m", "--message", default="", metavar="TEXT", help="Why; it stands in the log of the set.")
@click.option("--token", default="", metavar="TEXT", help="Asked again with the same token, the answer is the same.")
@click.option("-n", "--dry-run", is_flag=True, help="Build and test everything, and publish nothing.")
@junit_option
@jobs_option
@keep_going_option
@json_option
@events_option
@pass_session
def publish(
    session: Session,
    set_name: str | None,
    packages: tuple[str, ...],
    targets: tuple[str, ...],
    message: str,
    token: str,
    dry_run: bool,
    junit: Path | None,
    jobs: int | None,
    keep_going: bool,
    as_json: bool,
    events: bool,
) -> int:
    """Build commits and everything they affect, then make one new revision; or none when anything fails.

    \b
    Examples:
      brazil publish -m "escape control characters"
      brazil publish --set shop/dev -p MoneyKit -p LedgerKit=feature/audit
      brazil publish --dry-run

    \b
    Exit codes:
      1  a build or a test run failed
      3  the packages cannot be together
      6  what the change stands on is broken, not the change
      7  somebody else published the same packages meanwhile
    """
    from brazil.operations.publishing import BuildsFailed, Published
    from brazil.operations.publishing import publish as publish_commits
    from brazil.operations.testing import prepare_reports, tested, write_reports
    from brazil.operations.version_sets import diff_sets
    from brazil.report.builds import exit_code, publish_data, publish_lines
    from brazil.report.sets import diff_lines

    wiring, request = _what(session, set_name, packages, jobs)
    request = request._replace(
        targets=tuple(parse_interface(target) for target in targets),
        message=message,
        token=token,
        dry_run=dry_run,
        keep_going=keep_going,
    )
    if junit:
        prepare_reports(junit)
    with listening(events) as emit:
        outcome = publish_commits(request, wiring.build_ports, emit)
    outcomes = outcome.outcomes if isinstance(outcome, Published | BuildsFailed) else {}
    found, report = {}, None
    with _warning():
        found = tested(outcomes, wiring.store)
    if not (as_json or events):
        tell(publish_lines(outcome, found), err=exit_code(outcome) != 0)
    if isinstance(outcome, Published) and outcome.after:
        with _warning():
            before = wiring.registry.revision(request.set, outcome.before.number)
            report = diff_sets(before, outcome.after, wiring.registry, wiring.sources)
    if as_json:
        tell_json(publish_data(outcome, report, found))
    elif report and not events:
        tell(diff_lines(report))
    if junit:
        with _warning():
            write_reports(junit, outcomes, found)
    return exit_code(outcome)


@contextmanager
def _warning() -> Iterator[None]:
    """Tell what fails when a publication is over: that changes neither its outcome nor the exit code."""
    from brazil.report.problems import problem_lines

    try:
        yield
    except BrazilError as error:
        tell(problem_lines(error, kind="warning"), err=True)


def _what(
    session: Session, set_name: str | None, packages: tuple[str, ...], jobs: int | None
) -> "tuple[Wiring, PublishRequest]":
    """Work out the set and the commits, from the options, and from the workspace where they say nothing."""
    from brazil.operations.publishing import PublishRequest
    from brazil.operations.workspaces import commits_to_publish

    refs = _named(packages)
    if set_name and refs:
        wiring = session.wiring(jobs=jobs)
        wiring.registry.refresh()
        return wiring, PublishRequest(version_set_name(set_name), _resolved(wiring, refs))
    workspace = session.workspace()
    wiring = session.wiring(jobs=jobs, workspace=workspace)
    wiring.registry.refresh()
    file = workspace.read()
    name = version_set_name(set_name) if set_name else file.set
    own = name == file.set
    in_use = [package for package, ref in refs.items() if not ref and package in file.packages]
    commits: dict[PackageName, str] = {}
    if in_use or not refs:
        commits = commits_to_publish(
            workspace, in_use, wiring.registry, wiring.sources, wiring.checkouts, into_own_set=own
        )
    named = _resolved(wiring, {package: ref for package, ref in refs.items() if package not in in_use})
    since = file.revision if own else None
    return wiring, PublishRequest(name, commits | named, since=since, deliberate=frozenset(named))


def _resolved(wiring: Wiring, refs: dict[PackageName, str]) -> dict[PackageName, str]:
    from brazil.operations.packages import known_package

    return {
        name: wiring.sources.resolve(known_package(name, wiring.registry), ref or "HEAD")
        for name, ref in sorted(refs.items())
    }


def _named(packages: tuple[str, ...]) -> dict[PackageName, str]:
    refs: dict[PackageName, str] = {}
    for text in packages:
        word, _, ref = text.partition("=")
        name = package_name(word)
        if refs.setdefault(name, ref) != ref:
            places = " and ".join(place or "the checkout" for place in (refs[name], ref))
            raise UsageError(Problem("publish.two-refs", f"{name} is named twice", f"as {places}", "name one"))
    return refs
