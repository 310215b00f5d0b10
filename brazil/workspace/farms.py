"""The farms of a workspace: trees of links below `.brazil/farms/`.

`.brazil/farms/<name>` leads to the newest state of a farm, in one step, and its path stays the same. Whoever changes
one holds the lock of the workspace, so every other state that is there was left behind.
"""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from brazil.errors import Problem, UnavailableError
from brazil.workspace.folder import WorkspaceFolder

_HASH = 16  # hex digits of a state


def keep_farm(workspace: WorkspaceFolder, name: str, folders: Iterable[str], links: Iterable[tuple[str, str]]) -> Path:
    """Make a farm what it should be, if it is not, and return its path.

    Args:
        workspace: where.
        name: of the farm.
        folders: relative paths, each after those that it is in.
        links: (relative path, absolute target).

    Raises:
        UnavailableError: the disk refuses.
    """
    folders, links = list(folders), list(links)
    state = hashlib.sha256(repr((folders, links)).encode("utf-8", "surrogateescape")).hexdigest()[:_HASH]
    place = workspace.root / ".brazil" / "farms" / name

    def is_made() -> bool:
        return place.is_symlink() and place.readlink() == Path(f".{name}@{state}") and place.is_dir()

    try:
        if is_made():
            return place
        with workspace.lock():
            if not is_made():  # by somebody else meanwhile
                _make(place, f".{name}@{state}", folders, links)
    except OSError as error:
        because = error.strerror or str(error)
        raise UnavailableError(
            Problem("workspace.cannot-write", f"cannot write {place}", because, "free space or fix its permissions")
        ) from error
    return place


def _make(place: Path, state: str, folders: list[str], links: list[tuple[str, str]]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    made, staged = place.with_name(state), place.with_name(f".{place.name}@new")
    if staged.exists():
        shutil.rmtree(staged)
    staged.mkdir()
    for folder in folders:
        (staged / folder).mkdir()
    for path, target in links:
        (staged / path).symlink_to(target)
    if made.exists():
        shutil.rmtree(made)
    staged.rename(made)
    link = place.with_name(f".{place.name}@link")
    link.unlink(missing_ok=True)
    link.symlink_to(state)
    link.replace(place)
    for old in place.parent.glob(f".{place.name}@*"):
        if old != made:
            shutil.rmtree(old)
