"""Workspaces as text and JSON."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from brazil.model.workspace import WorkspaceFile
from brazil.operations.housekeeping import Listed
from brazil.operations.workspaces import InUse, WorkspaceView
from brazil.report.printable import printable
from brazil.report.table import columns, counted


def workspace_lines(view: WorkspaceView) -> list[str]:
    """Write what a workspace is made of."""
    behind = view.newest.number - view.base.number
    newer = f"  ({counted(behind, 'newer revision')}: brazil ws sync)" if behind > 0 else ""
    lines = [str(view.root), f"  set       {view.file.set} revision {view.base.number}{newer}"]
    lines.append(f"  registry  {view.file.registry}")
    lines.append(f"  in use    {counted(len(view.in_use), 'package')}")
    return lines + in_use_lines(view.in_use, indent="    ")


def workspace_data(view: WorkspaceView) -> dict[str, Any]:
    """Give a workspace its documented JSON shape."""
    return {
        "root": str(view.root),
        "set": view.file.set,
        "revision": view.base.number,
        "newest": view.newest.number,
        "registry": view.file.registry,
        "in-use": in_use_data(view.in_use),
    }


def listed_lines(items: Iterable[Listed]) -> list[str]:
    """Write where workspaces are."""
    rows = []
    for item in items:
        base = f"{item.file.set} revision {item.file.revision}" if item.file else "not there"
        rows.append((str(item.root), base, counted(len(item.file.packages), "package") if item.file else item.fault))
    return [printable(line) for line in columns(rows)] if rows else ["no workspace: 'brazil ws create' makes one"]


def listed_data(items: Iterable[Listed]) -> list[dict[str, Any]]:
    """Give workspaces of a list their documented JSON shape."""
    return [
        {
            "root": str(item.root),
            "set": item.file.set if item.file else None,
            "revision": item.file.revision if item.file else None,
            "in-use": list(item.file.packages) if item.file else None,
            "fault": item.fault or None,
        }
        for item in items
    ]


def created_data(root: Path, file: WorkspaceFile) -> dict[str, Any]:
    """Give a workspace that was just made its documented JSON shape."""
    return {"root": str(root), "set": file.set, "revision": file.revision, "registry": file.registry}


def in_use_data(items: Iterable[InUse]) -> list[dict[str, Any]]:
    """Give packages in use their documented JSON shape."""
    return [_in_use_data(item) for item in items]


def in_use_lines(items: Iterable[InUse], indent: str = "") -> list[str]:
    """Write where checkouts stand."""
    return [printable(line) for line in columns([_in_use_row(item) for item in items], indent)]


def _in_use_row(item: InUse) -> tuple[str, ...]:
    pinned = ", ".join(map(str, item.pinned)) or "not pinned"
    if item.status is None:
        return (item.name, pinned, "", item.fault)
    status = item.status
    where = f"{status.branch or 'detached'} at {status.commit[:12] or 'no commit yet'}"
    notes = []
    if status.busy:
        notes.append(f"{status.busy} in progress")
    if status.changed:
        notes.append(f"{counted(len(status.changed), 'path')} changed")
    return (item.name, pinned, where, ", ".join(notes) or "clean")


def _in_use_data(item: InUse) -> dict[str, Any]:
    data: dict[str, Any] = {
        "package": item.name,
        "folder": str(item.folder),
        "pinned": [str(interface) for interface in item.pinned],
    }
    if item.status is None:
        return {**data, "fault": item.fault}
    status = item.status
    return {
        **data,
        "commit": status.commit or None,
        "branch": status.branch or None,
        "changed": list(status.changed),
        "busy": status.busy or None,
    }
