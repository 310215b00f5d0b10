"""Where the workspace is; light, because every command inside one begins here."""

import os

FILE_NAME = "brazil-workspace.toml"


def find_root(start: str) -> str | None:
    """Return the folder of the workspace that the absolute path `start` is in; None when it is in none."""
    folder = start
    while not os.path.isfile(f"{folder}/{FILE_NAME}"):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder
