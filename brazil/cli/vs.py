"""`brazil vs`: version sets."""

from typing import TYPE_CHECKING

import click

from brazil.cli.context import Session, json_option, pass_session, set_and_revision, tell, tell_json
from brazil.model.names import parse_interface, version_set_name

if TYPE_CHECKING:
    from brazil.model.versionset import Revision
    from brazil.ports import Registry


@click.group()
def vs() -> None:
    """Version sets: named lines of revisions, each pinning every package it needs."""


@vs.command()
@click.argument("name")
@click.option("--target", "targets", multiple=True, metavar="INTERFACE", help="What the set is for, such as MyApp-1.0.")
@click.option("--owner", "owners", multiple=True, metavar="NAME", help="Who answers for the set.")
@click.option("--from", "origin", metavar="SET[@N]", help="Begin with this revision's content.")
@json_option
@pass_session
def create(
    session: Session, name: str, targets: tuple[str, ...], owners: tuple[str, ...], origin: str | None, as_json: bool
) -> None:
    """Begin a version set.

    \b
    Examples:
      brazil vs create shop/dev --target PaymentService-1.0
      brazil vs create shop/try --from shop/dev@2
    """
    from brazil.model.versionset import Policy
    from brazil.operations import version_sets
    from brazil.report.sets import revision_data

    registry = session.wiring().registry
    registry.refresh()
    begin = _revision(origin, registry) if origin else None
    platforms = begin.policy.platforms if begin else ()
    policy = Policy(tuple(sorted({parse_interface(t) for t in targets})), platforms, tuple(sorted(set(owners))))
    revision = version_sets.create_set(version_set_name(name), policy, registry, origin=begin)
    if as_json:
        tell_json(revision_data(revision))
    else:
        tell([f"created {revision.info.set} at revision {revision.info.number}"])


@vs.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the version sets of the registry.

    \b
    Example:
      brazil vs list
    """
    from brazil.report.sets import info_data
    from brazil.report.table import columns, counted

    registry = session.wiring().registry
    registry.refresh()
    revisions = [registry.revision(name) for name in registry.sets()]
    if as_json:
        tell_json({"sets": [info_data(revision.info) for revision in revisions]})
    else:
        rows = [(r.info.set, f"revision {r.info.number}", counted(len(r.records), "pin")) for r in revisions]
        tell(columns(rows))


@vs.command()
@click.argument("revision", metavar="SET[@N]")
@json_option
@pass_session
def show(session: Session, revision: str, as_json: bool) -> None:
    """Show what a revision pins.

    \b
    Examples:
      brazil vs show shop/dev
      brazil vs show shop/dev@1 --json
    """
    from brazil.report.sets import revision_data, revision_lines

    registry = session.wiring().registry
    registry.refresh()
    found = _revision(revision, registry)
    if as_json:
        tell_json(revision_data(found))
    else:
        tell(revision_lines(found))


@vs.command()
@click.argument("name", metavar="SET")
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="Only the newest N revisions.")
@json_option
@pass_session
def log(session: Session, name: str, limit: int | None, as_json: bool) -> None:
    """List the revisions of a set, newest first.

    \b
    Example:
      brazil vs log shop/dev -n 10
    """
    from brazil.operations import version_sets
    from brazil.report.sets import info_data, log_lines

    infos = version_sets.set_log(version_set_name(name), session.wiring().registry, limit)
    if as_json:
        tell_json({"revisions": [info_data(info) for info in infos]})
    else:
        tell(log_lines(infos))


@vs.command()
@click.argument("before", metavar="SET[@N]")
@click.argument("after", metavar="[SET[@N] | N]...", nargs=-1)
@json_option
@pass_session
def diff(session: Session, before: str, after: tuple[str, ...], as_json: bool) -> None:
    """Compare two revisions: of one set by their numbers, or of two sets.

    \b
    Examples:
      brazil vs diff shop/dev 1 2
      brazil vs diff shop/dev@2 shop/live@7
      brazil vs diff shop/dev  # its newest revision and the one before
      brazil vs diff shop/dev 1  # revision 1 and the newest
    """
    from brazil.operations import version_sets
    from brazil.report.sets import diff_data, diff_lines

    wiring = session.wiring()
    registry = wiring.registry
    registry.refresh()
    old, new = _two_revisions(before, after, registry)
    report = version_sets.diff_sets(old, new, registry, wiring.sources)
    if as_json:
        tell_json(diff_data(report))
    else:
        tell(diff_lines(report))


def _two_revisions(before: str, after: tuple[str, ...], registry: "Registry") -> "tuple[Revision, Revision]":
    if len(after) == 2 and "@" not in before:
        return _revision(f"{before}@{after[0]}", registry), _revision(f"{before}@{after[1]}", registry)
    if len(after) == 1:
        other = after[0]
        if other.isdigit() and "@" not in before:  # what has changed since
            return _revision(f"{before}@{other}", registry), _revision(before, registry)
        if other.isdigit():
            other = f"{before.partition('@')[0]}@{other}"
        return _revision(before, registry), _revision(other, registry)
    if not after:
        from brazil.operations.version_sets import revision_before

        newest = _revision(before, registry)
        return revision_before(newest, registry), newest
    raise click.UsageError("Write 'SET [N [M]]', or 'SET[@N] SET[@M]'.")


def _revision(text: str, registry: "Registry") -> "Revision":
    """Read `shop/dev` or `shop/dev@3`."""
    name, number = set_and_revision(text)
    return registry.revision(name, number)
