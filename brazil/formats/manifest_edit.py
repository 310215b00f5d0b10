"""Edits a person's `brazil.toml` in place: what is not changed stays as it is, comments and layout too."""

from collections.abc import Iterable

import tomlkit

from brazil.model.names import Interface, PackageName
from brazil.model.package import TABLES, Kind


def with_dependency(text: str, interface: Interface, kind: Kind, at_least: int = 0) -> str:
    """Return the text of a manifest with a dependency added, or changed where the package is in the table already.

    Args:
        text: a manifest that was read without complaint.
        interface: what to depend on.
        kind: which table it goes to.
        at_least: lowest build number that will do; 0: any.
    """
    document = tomlkit.parse(text)
    title = TABLES[kind]
    table = document.get(title)
    if table is None:
        # Behind the other tables of dependencies, where a reader looks for it.
        table = tomlkit.table()
        document.add(tomlkit.nl())
        document.add(title, table)
    if at_least:
        value = tomlkit.inline_table()
        value.update({"interface": interface.version, "at-least": at_least})
        table[interface.name] = value
    else:
        table[interface.name] = interface.version
    return tomlkit.dumps(document)


def without_dependency(text: str, name: PackageName, kinds: Iterable[Kind]) -> str:
    """Return the text of a manifest without a package in some of its tables."""
    document = tomlkit.parse(text)
    for kind in kinds:
        table = document.get(TABLES[kind])
        if table is not None and name in table:
            del table[name]
    return tomlkit.dumps(document)
