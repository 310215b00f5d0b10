"""`brazil package`: packages of the registry."""

from pathlib import Path

import click

from brazil.cli.context import Session, json_option, pass_session, tell, tell_json
from brazil.model.names import package_name
from brazil.model.versionset import RegisteredPackage
from brazil.operations import packages
from brazil.report.packages import package_data, package_lines, registered_data


@click.group()
def package() -> None:
    """Packages of the registry: each is one repository with a brazil.toml at its top."""


@package.command()
@click.argument("name")
@click.option("--repository", required=True, metavar="PLACE", help="URL or path of the package's git repository.")
@click.option("--owner", "owners", multiple=True, metavar="NAME", help="Who answers for the package.")
@json_option
@pass_session
def register(session: Session, name: str, repository: str, owners: tuple[str, ...], as_json: bool) -> None:
    """Make a package known to the registry, or change where it is.

    \b
    Example:
      brazil package register MoneyKit --repository https://git.example.com/MoneyKit.git
    """
    wiring = session.wiring()
    wiring.registry.refresh()
    place = repository if ":" in repository else str(Path(repository).absolute())
    entry = RegisteredPackage(package_name(name), place, tuple(sorted(set(owners))))
    changed = packages.register_package(entry, wiring.registry, wiring.sources)
    if as_json:
        tell_json({**registered_data(entry), "changed": changed})
    else:
        told = f"registered {entry.name} at {entry.repository}" if changed else f"{entry.name} was registered so before"
        tell([told])


@package.command("list")
@json_option
@pass_session
def list_(session: Session, as_json: bool) -> None:
    """List the packages of the registry."""
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
    """Show a package: its repository and the newest version of each of its interfaces."""
    registry = session.wiring().registry
    registry.refresh()
    view = packages.show_package(package_name(name), registry)
    if as_json:
        tell_json(package_data(view))
    else:
        tell(package_lines([view]))
