"""Names that may come next on a command line."""

import os
import tomllib
from contextlib import suppress
from pathlib import Path

from brazil.errors import UsageError
from brazil.model.names import Interface, parse_interface
from brazil.model.package import TABLES
from brazil.model.workspace import WorkspaceFile
from brazil.operations.manifest_edits import find_manifest
from brazil.ports import Registry


def members(file: WorkspaceFile, registry: Registry, cache: Path) -> list[Interface]:
    """Return what the base of a workspace pins, sorted.

    A key is pressed often, and a revision of 10,000 pins takes a third of a second to read; its names are remembered
    by its commit, of which they never change.

    Args:
        file: of the workspace.
        registry: asked when they are not remembered.
        cache: a folder for that; may be deleted at any time.
    """
    remembered = cache / file.revision_commit
    with suppress(OSError, UnicodeDecodeError, UsageError):
        return [parse_interface(line) for line in remembered.read_text("ascii").splitlines()]
    found = sorted(registry.revision(file.set, file.revision).records)
    staged = cache / f".{file.revision_commit}-{os.getpid()}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        staged.write_text("".join(f"{interface}\n" for interface in found), "ascii")
        staged.replace(remembered)
    except OSError:
        with suppress(OSError):  # it is asked again the next time
            staged.unlink(missing_ok=True)
    return found


def declared(folder: Path) -> list[str]:
    """Return the names of what the package of a folder depends on; of a manifest with faults what can be read.

    Raises:
        UsageError: there is no manifest.
    """
    with suppress(OSError, ValueError, RecursionError):
        content = tomllib.loads(find_manifest(folder).read_text("utf-8"))
        tables = [content.get(table) for table in TABLES.values()]
        return sorted({name for table in tables if isinstance(table, dict) for name in table})
    return []
