"""Reads and writes `brazil-workspace.toml`: the base revision of a workspace and the packages in use.

A machine writes it and people read it. Schema 1 is read strictly; a file of the next schema may hold keys that
are not known here, which are passed over; what is newer still is refused with the brazil that it needs.
"""

import re

from brazil import __version__
from brazil.formats.toml_reader import MAX_INTEGER, Table, number, read_toml, shown, text_fault
from brazil.formats.toml_writer import dump
from brazil.model.names import PackageName, VersionSetName, package_name_fault, version_set_name_fault
from brazil.model.workspace import WorkspaceFile

SCHEMA = 1

_KEYS = ("schema", "registry", "set", "revision", "revision-commit", "packages")
COMMIT = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")  # git would run git-remote-<helper>


def write_workspace_file(value: WorkspaceFile) -> bytes:
    """Return the text of the file.

    Raises:
        UsageError: the registry's location holds a control character.
    """
    return dump(
        {
            "schema": SCHEMA,
            "registry": value.registry,
            "set": value.set,
            "revision": value.revision,
            "revision-commit": value.revision_commit,
            "packages": sorted(value.packages),
        }
    )


def read_workspace_file(data: bytes, *, file: str) -> WorkspaceFile:
    """Read the file.

    Args:
        data: the whole file.
        file: its name, for messages.

    Raises:
        UsageError: it is wrong, with every problem, or it needs a newer brazil.
    """
    top = read_toml(data, file=file, topic="workspace-file")
    schema = _schema(top)
    if schema == SCHEMA:
        top.refuse_unknown(_KEYS)
    value = WorkspaceFile(
        registry=_registry(top),
        set=_set(top),
        revision=_revision(top),
        revision_commit=_commit(top),
        packages=_packages(top),
    )
    top.findings.raise_any()
    return value


def _schema(top: Table) -> int:
    if "schema" not in top.data:
        top.missing("schema", f"a file of this brazil begins with 'schema = {SCHEMA}'")
    schema = top.integer("schema", SCHEMA)
    if schema < 1:
        top.note("schema", "wrong-value", "schema is out of range", f"{number(schema)} is less than 1")
    elif schema > SCHEMA + 1:
        needs = top.data.get("needs")
        version = f"{needs} or newer" if isinstance(needs, str) and not text_fault(needs) else f"after {__version__}"
        because = f"it has schema {number(schema)}, this brazil reads up to {SCHEMA + 1}"
        top.note("schema", "newer", "the file was written by a newer brazil", because, f"use brazil {version[:50]}")
        top.findings.raise_any()  # what follows may mean something else
    return schema


def _registry(top: Table) -> str:
    registry = top.string("registry") or ""
    fault = text_fault(registry)
    if not fault and "registry" in top.data and isinstance(top.data["registry"], str):
        if not registry:
            fault = "it is empty"
        elif registry.startswith("-"):
            fault = "it begins with '-'"
        elif _HELPER.match(registry):
            fault = "it names a git remote helper"
    if fault:
        top.note("registry", "wrong-value", f"{shown(registry)} is no place of a registry", fault, "give a URL or path")
    return registry


def _set(top: Table) -> VersionSetName:
    name = top.string("set")
    if name is not None and (fault := version_set_name_fault(name)):
        top.note("set", "wrong-value", f"{shown(name)} is not a version set name", fault)
    return VersionSetName(name or "")


def _revision(top: Table) -> int:
    if "revision" not in top.data:
        top.missing("revision")
    revision = top.integer("revision", 0)
    if not 0 <= revision <= MAX_INTEGER:
        top.note("revision", "wrong-value", "revision is out of range", f"{number(revision)} is no revision number")
    return revision


def _commit(top: Table) -> str:
    commit = top.string("revision-commit")
    if commit is not None and not re.fullmatch(COMMIT, commit):
        because = "it must be 40 or 64 lower-case hexadecimal digits"
        top.note("revision-commit", "wrong-value", f"{shown(commit)} is not a commit id", because)
    return commit or ""


def _packages(top: Table) -> tuple[PackageName, ...]:
    names = top.data.get("packages", [])
    if not isinstance(names, list):
        top.wrong_type("packages", "an array of strings")
        return ()
    seen: dict[str, str] = {}
    for position, name in enumerate(names):
        path = ("packages", position)
        if not isinstance(name, str):
            top.findings.add("wrong-type", path, f"packages[{position}] must be a string")
        elif fault := package_name_fault(name):
            top.findings.add("wrong-value", path, f"{shown(name)} is not a package name", fault)
        elif name.lower() in seen:
            because = "" if seen[name.lower()] == name else f"it differs from {shown(seen[name.lower()])} only in case"
            top.findings.add("conflict", path, f"{shown(name)} is there twice in packages", because)
        else:
            seen[name.lower()] = name
    return tuple(sorted(PackageName(name) for name in seen.values()))
