"""Packages of the registry as text and JSON."""

from collections.abc import Iterable
from typing import Any

from brazil.model.versionset import PackageRecord, RegisteredPackage
from brazil.operations.manifest_edits import Edit
from brazil.operations.packages import PackageView, Registered
from brazil.operations.starting import NewPackage
from brazil.report.printable import printable
from brazil.report.sets import record_data
from brazil.report.table import columns, counted


def package_lines(views: Iterable[PackageView]) -> list[str]:
    """Write packages with the newest version of each of their interfaces."""
    rows = []
    for view in views:
        newest = ", ".join(str(line.newest.version) for line in view.lines) or "nothing published"
        rows.append((view.package.name, newest, view.package.repository))
    return [printable(line) for line in columns(rows)]


def version_lines(records: Iterable[PackageRecord]) -> list[str]:
    """Write versions of a package."""
    rows = [
        (
            str(record.version),
            f"commit {record.commit[:12]}",
            f"built against {counted(len(record.against), 'version')}",
        )
        for record in records
    ]
    return columns(rows) if rows else ["nothing published"]


def new_package_lines(new: NewPackage) -> list[str]:
    """Write what a package was begun with."""
    place = printable(str(new.folder))
    if not new.commit:
        files = ", ".join(f"{place}/{file}" for file in new.files)
        return [f"wrote {files}: {new.name} is built by {new.build_system}"]
    return [f"created {place}: {new.name}, built by {new.build_system}", *(f"  {file}" for file in new.files)]


def new_package_data(new: NewPackage) -> dict[str, Any]:
    """Give a package that was just begun its documented JSON shape."""
    return {
        "package": new.name,
        "folder": str(new.folder),
        "build-system": new.build_system,
        "files": list(new.files),
        "commit": new.commit or None,
    }


def edit_lines(edit: Edit, done: str) -> list[str]:
    """Write what was changed in a manifest."""
    if not edit.changed:
        return [f"nothing to change in {printable(str(edit.file))}"]
    place = "from" if done == "removed" else "to"
    return [f"{done} {interface} {place} [{table}]" for table, interface in edit.changed]


def edit_data(edit: Edit) -> dict[str, Any]:
    """Give an edit of a manifest its documented JSON shape."""
    changed = [{"table": table, "dependency": str(interface)} for table, interface in edit.changed]
    return {"file": str(edit.file), "changed": changed}


def register_lines(registered: Registered) -> list[str]:
    """Write what was made known."""
    name, repository, _ = registered.package
    if registered.moved_from:
        return [printable(f"{name} moved from {registered.moved_from} to {repository}")]
    told = f"registered {name} at {repository}" if registered.changed else f"{name} was registered so before"
    return [printable(told)]


def register_data(registered: Registered) -> dict[str, Any]:
    """Give what was made known its documented JSON shape."""
    moved = registered.moved_from or None
    return {**registered_data(registered.package), "changed": registered.changed, "moved-from": moved}


def registered_data(package: RegisteredPackage) -> dict[str, Any]:
    """Give what the registry knows of a package its documented JSON shape."""
    return {"package": package.name, "repository": package.repository, "owners": list(package.owners)}


def package_data(view: PackageView) -> dict[str, Any]:
    """Give a package its documented JSON shape."""
    interfaces = {str(line.interface): record_data(line.newest) for line in view.lines}
    return {**registered_data(view.package), "interfaces": interfaces}
