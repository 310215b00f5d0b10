"""`brazil package`: packages of the registry."""

import os
from pathlib import Path

import click

from brazil.cli.context import Session, json_option, pass_session, tell, tell_json
from brazil.model.names import package_name
from brazil.model.package import Kind
from brazil.model.versionset import RegisteredPackage


@click.group()
def package() -> None:
    """Packages: each is one git repository with a brazil.toml at its top."""


@package.command()
@click.argument("name")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--build-system",
    "system",
    default="",
    metavar="NAME",
    help="How it is built. [default: what the source looks made for]",
)
@json_option
@pass_session
def new(session: Session, name: str, folder: Path | None, system: str, as_json: bool) -> None:
    """Begin a package in the new or empty FOLDER, by default one of its name: a git repository that builds as it is.

    A folder that holds a source already gets a brazil.toml only, for the build system that the source looks made for.
    One that holds nothing but a .git gets the files of a new package, to be committed by you. What a package holds is
    called after it; where that is a word of the language or of its tools, `_` is put behind: Import holds import_.

    \b
    Examples:
      brazil package new JsonKit --build-system cmake
      brazil package new ZLib zlib-1.3
    """
    from brazil.operations import starting
    from brazil.report.packages import new_package_data, new_package_lines

    wiring = session.wiring()
    place = Path(os.path.abspath(folder or name))  # noqa: PTH100 - links in the way stay as they are
    begun = starting.new_package(package_name(name), place, system, wiring.checkouts, wiring.actor)
    if as_json:
        tell_json(new_package_data(begun))
    else:
        tell(new_package_lines(begun))


@package.command()
@click.argument("name")
@click.option("--repository", required=True, metavar="PLACE", help="URL or path of the package's git repository.")
@click.option("--owner", "owners", multiple=True, metavar="NAME", help="Who answers for the package.")
@json_option
@pass_session
def register(session: Session, name: str, repository: str, owners: tuple[str, ...], as_json: bool) -> None:
    """Make a package known to the registry, or change where it is.

    A repository whose brazil.toml, at the tip of its default branch, says another name is refused.

    \b
    Example:
      brazil package register MoneyKit --repository https://git.example.com/MoneyKit.git
    """
    from brazil.operations import packages
    from brazil.report.packages import register_data, register_lines

    wiring = session.wiring()
    wiring.registry.refresh()
    place = repository if ":" in repository else os.path.abspath(repository)  # noqa: PTH100 - links stay as they are
    entry = RegisteredPackage(package_name(name), place, tuple(sorted(set(owners))))
    registered = packages.register_package(entry, wiring.registry, wiring.sources)
    if as_json:
        tell_json(register_data(registered))
    else:
        tell(register_lines(registered))


@package.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the packages of the registry.

    \b
    Example:
      brazil package list --json
    """
    from brazil.operations import packages
    from brazil.report.packages import package_data, package_lines

    registry = session.wiring().registry
    registry.refresh()
    views = packages.list_packages(registry)
    if as_json:
        tell_json({"packages": [package_data(view) for view in views]})
    else:
        tell(package_lines(views))


@package.command()
@click.argument("name")
@json_option
@pass_session
def show(session: Session, name: str, as_json: bool) -> None:
    """Show a package: its repository and the newest version of each of its interfaces.

    \b
    Example:
      brazil package show MoneyKit
    """
    from brazil.operations import packages
    from brazil.report.packages import package_data, package_lines

    registry = session.wiring().registry
    registry.refresh()
    view = packages.show_package(package_name(name), registry)
    if as_json:
        tell_json(package_data(view))
    else:
        tell(package_lines([view]))


@package.command()
@click.argument("name")
@click.option("-n", "limit", type=click.IntRange(1), metavar="N", help="Only the newest N of each interface.")
@json_option
@pass_session
def versions(session: Session, name: str, limit: int | None, as_json: bool) -> None:
    """List the versions of a package: interface by interface, newest first.

    \b
    Example:
      brazil package versions MoneyKit -n 5
    """
    from brazil.operations import packages
    from brazil.report.packages import version_lines
    from brazil.report.sets import record_data

    registry = session.wiring().registry
    registry.refresh()
    records = packages.package_versions(package_name(name), registry, limit)
    if as_json:
        tell_json({"package": name, "versions": [record_data(record) for record in records]})
    else:
        tell(version_lines(records))


@package.command()
def schema() -> None:
    """Print the JSON Schema of brazil.toml, with which an editor checks and completes it.

    \b
    Example:
      brazil package schema > brazil.toml.json
    """
    import json

    from brazil.build_systems import option_specs
    from brazil.formats.file_schemas import manifest_schema

    click.echo(json.dumps(manifest_schema(option_specs()), indent=2))


@package.group()
def dependencies() -> None:
    """Dependencies that a package's own brazil.toml declares; its comments and layout are kept."""


_kind_option = click.option(
    "--kind", type=click.Choice([str(kind) for kind in Kind]), help="Which kind of dependency. [default: normal]"
)


@dependencies.command()
@click.argument("wanted", nargs=-1, required=True, metavar="DEPENDENCY...")
@_kind_option
@click.option("--at-least", type=click.IntRange(1), metavar="N", help="The lowest build number that will do.")
@json_option
@pass_session
def add(session: Session, wanted: tuple[str, ...], kind: str | None, at_least: int | None, as_json: bool) -> None:
    """Let the package in this folder depend on others: PACKAGE for its newest interface, or PACKAGE-INTERFACE.

    \b
    Examples:
      brazil package dependencies add JsonKit
      brazil package dependencies add TestKit-2.0 --kind test
    """
    from brazil.operations import manifest_edits
    from brazil.report.packages import edit_data, edit_lines

    file = manifest_edits.find_manifest(Path.cwd())
    registry = session.wiring().registry
    registry.refresh()
    interfaces = manifest_edits.meant_interfaces(wanted, registry)
    edit = manifest_edits.add_dependencies(file, interfaces, Kind(kind or Kind.NORMAL), at_least or 0, registry)
    if as_json:
        tell_json(edit_data(edit))
    else:
        tell(edit_lines(edit, "added"))


@dependencies.command()
@click.argument("names", nargs=-1, required=True, metavar="PACKAGE...")
@_kind_option
@json_option
@pass_session
def remove(session: Session, names: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """Take packages out of the dependencies of the package in this folder, whichever kind they are of.

    \b
    Example:
      brazil package dependencies remove JsonKit
    """
    from brazil.operations import manifest_edits
    from brazil.report.packages import edit_data, edit_lines

    file = manifest_edits.find_manifest(Path.cwd())
    kinds = (Kind(kind),) if kind else tuple(Kind)
    edit = manifest_edits.remove_dependencies(file, [package_name(name) for name in names], kinds)
    if as_json:
        tell_json(edit_data(edit))
    else:
        tell(edit_lines(edit, "removed"))
