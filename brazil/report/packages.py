"""Packages of the registry as text and JSON."""

from collections.abc import Iterable
from typing import Any

from brazil.model.versionset import RegisteredPackage
from brazil.operations.packages import PackageView
from brazil.report.printable import printable
from brazil.report.sets import record_data
from brazil.report.table import columns


def package_lines(views: Iterable[PackageView]) -> list[str]:
    """Write packages with the newest version of each of their interfaces."""
    rows = []
    for view in views:
        newest = ", ".join(str(line.newest.version) for line in view.lines) or "nothing published"
        rows.append((view.package.name, newest, view.package.repository))
    return [printable(line) for line in columns(rows)]


def registered_data(package: RegisteredPackage) -> dict[str, Any]:
    """Give what the registry knows of a package its documented JSON shape."""
    return {"package": package.name, "repository": package.repository, "owners": list(package.owners)}


def package_data(view: PackageView) -> dict[str, Any]:
    """Give a package its documented JSON shape."""
    interfaces = {str(line.interface): record_data(line.newest) for line in view.lines}
    return {**registered_data(view.package), "interfaces": interfaces}
