"""Names that may come next on a command line."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from brazil.model.workspace import WorkspaceFile
from brazil.ports import Registry


def members(file: WorkspaceFile, registry: Callable[[], Registry], cache: Path) -> list[str]:
    """Return the interfaces that the base of a workspace pins, sorted.

    A key is pressed often, and a revision of 10,000 pins takes a third of a second to read; its names are remembered
    by its commit, of which they never change.

    Args:
        file: of the workspace.
        registry: makes the registry, which is asked when they are not remembered.
        cache: a folder for that; may be deleted at any time.
    """
    remembered = cache / file.revision_commit
    with suppress(OSError, UnicodeDecodeError):
        return remembered.read_text("ascii").splitlines()
    found = [str(interface) for interface in sorted(registry().revision(file.set, file.revision).records)]
    staged = cache / f".{file.revision_commit}-{os.getpid()}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        staged.write_text("".join(f"{interface}\n" for interface in found), "ascii")
        staged.replace(remembered)
    except OSError:
        with suppress(OSError):  # it is asked again the next time
            staged.unlink(missing_ok=True)
    return found
