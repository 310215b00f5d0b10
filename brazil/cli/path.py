"""`brazil path`: where things of a closure are on this machine."""

import click

from brazil.cli.context import Session, jobs_option, json_option, pass_session, tell, tell_json
from brazil.cli.enter import CLOSURES, build_closures

_FAILED = 1


@click.command()
@click.argument("recipe")
@click.argument("package")
@click.option(
    "--closure", type=click.Choice(CLOSURES), help="Of which closure; not for root and editor.  [default: build]"
)
@jobs_option
@json_option
@pass_session
def path(session: Session, recipe: str, package: str, closure: str | None, jobs: int | None, as_json: bool) -> int:
    """Build what is needed and print where it is on this machine: one line, for scripts and editors.

    \b
    RECIPE is one of:
      root                     the artifact of the package
      include, library         headers and libraries of C
      pkg-config, cmake        what these two search
      python, class, node      modules of Python, classes of Java, packages of JavaScript
      bin                      programs
      farm                     one folder that links all that the closure brings
      editor                   a JSON document with all of it
    Several paths are parted by colons. All are read-only, and may be gone when brazil's cache was deleted: ask again.

    \b
    Examples:
      brazil path include LedgerKit
      brazil path python --closure test LedgerKit
      brazil path editor LedgerKit
    """
    from brazil.graph.closure import ClosureKind
    from brazil.operations import paths
    from brazil.report.paths import clash_lines, editor_data, located_data, located_line

    paths.check_recipe(recipe)
    if closure and recipe in (paths.ROOT, paths.EDITOR):
        raise click.UsageError(f"'{recipe}' is not about one closure: leave --closure out.")
    kind = ClosureKind(closure or "build")
    workspace = session.workspace()
    wiring = session.wiring(jobs=jobs, workspace=workspace)
    done = build_closures(
        workspace,
        wiring,
        package,
        paths.closures_for(recipe, kind),
        as_json=as_json,
        partly=recipe == paths.EDITOR,
    )
    if isinstance(done, int):
        return done
    if recipe == paths.EDITOR:
        facts = paths.editor(workspace, done, package, wiring.build_ports)
        tell_json(editor_data(facts))
        return 0 if facts.closures[ClosureKind.BUILD] else _FAILED
    found = paths.locate(workspace, done, package, recipe, kind, wiring.store)
    tell(clash_lines(found), err=True)
    if as_json:
        tell_json(located_data(found))
    else:
        tell([located_line(found)])
    return 0
