"""The workspaces of a user, wherever they are: one small file for each, which holds its path.

A workspace that was moved or copied is added when something is done in it; the old place stays known until somebody
deletes it, because a disk that is not mounted now may be there again tomorrow.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from brazil.errors import Problem, UnavailableError


class KnownWorkspaces:
    """A folder of paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, root: Path) -> None:
        """Know a workspace; nothing to do when it is known.

        Raises:
            UnavailableError: the disk refuses.
        """
        file = self._file(root)
        if self._read(file) == root:
            return
        staged = file.with_name(f".{file.name}-{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(os.fsencode(root) + b"\n")
            staged.replace(file)
        except OSError as error:
            raise UnavailableError(
                Problem(
                    "workspace.not-listed", f"{root} cannot be listed in {self._folder}", error.strerror or str(error)
                )
            ) from error
        finally:
            with suppress(OSError):
                staged.unlink(missing_ok=True)

    def remove(self, root: Path) -> bool:
        """Forget a workspace; False when it was not known.

        Raises:
            UnavailableError: the disk refuses.
        """
        file = self._file(root)
        try:
            file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise UnavailableError(
                Problem(
                    "workspace.cannot-write", f"cannot delete {file}", error.strerror or str(error), "delete it by hand"
                )
            ) from error
        return True

    def roots(self) -> list[Path]:
        """Return every known place, sorted; some may be gone."""
        try:
            files = [path for path in self._folder.iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        return sorted(root for root in map(self._read, files) if root)

    @staticmethod
    def _read(file: Path) -> Path | None:
        """Return the path in a file; None when it is gone meanwhile, unreadable, or empty after a loss of power."""
        with suppress(OSError):  # one bad entry hides no other
            if path := file.read_bytes().removesuffix(b"\n"):
                return Path(os.fsdecode(path))
        return None

    def _file(self, root: Path) -> Path:
        return self._folder / sha256(os.fsencode(root)).hexdigest()[:32]
