"""Where the workspace is; light, because every command inside one begins here."""

from pathlib import Path

from brazil.errors import Problem, UsageError
from brazil.model.workspace import FILE_NAME


def workspace_root(start: Path) -> Path:
    """Return the folder of the workspace that `start` is in.

    Raises:
        UsageError: it is in none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise UsageError(
        Problem(
            "workspace.none",
            f"{start} is not inside a workspace",
            f"there is no {FILE_NAME} here or above",
            "run 'brazil ws create NAME --set SET', or change into a workspace",
        )
    )
