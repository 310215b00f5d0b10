"""The folder of a workspace: where it is, what it is made of, what its last builds read and gave.

`brazil-workspace.toml` is the only file that matters; everything below `.brazil/` can be recomputed and `build/`
holds links. Files are replaced in one step, so a kill leaves the old or the new one. Who changes which packages
are in use, or the base, holds the lock; a dead holder never blocks.
"""

import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from brazil.errors import IntegrityError, Problem, UnavailableError, UsageError
from brazil.formats.snapshot import decode_snapshot, encode_snapshot
from brazil.formats.workspace_file import read_workspace_file, write_workspace_file
from brazil.model.action import Snapshot, StepId
from brazil.model.digest import Digest, parse_digest
from brazil.model.names import PackageName
from brazil.model.workspace import WorkspaceFile
from brazil.workspace.place import FILE_NAME, find_root

_STATE_SCHEMA = 1
_FOLDERS = ("src", "build", ".brazil")
_STAGED = ("link", ".steps.json")  # names below .brazil/ that end with the process that staged them
_ABANDONED = 600  # seconds after which what a dead process staged is removed; it is staged for milliseconds
_LOCK = "lock"
_DROPPED = ".dropped"  # ends the hidden names of checkouts that are to be deleted


class WorkspaceFolder:
    """One workspace on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def find(cls, start: Path) -> "WorkspaceFolder":
        """Return the workspace that `start` is in.

        Raises:
            UsageError: it is in none.
        """
        root = find_root(str(start))
        if root is None:
            raise UsageError(
                Problem(
                    "workspace.none",
                    f"{start} is not inside a workspace",
                    f"there is no {FILE_NAME} here or above",
                    "run 'brazil ws create NAME --set SET', or change into a workspace",
                )
            )
        return cls(Path(root))

    @classmethod
    def create(cls, root: Path, file: WorkspaceFile) -> "WorkspaceFolder":
        """Make a new workspace.

        Raises:
            UsageError: something is there already, the place is inside another workspace, or it cannot be a folder.
            UnavailableError: the disk refuses.
        """
        workspace = cls(root)
        try:
            for folder in (root, *root.parents):
                if (folder / FILE_NAME).exists():
                    where = "is a workspace already" if folder == root else f"is inside the workspace {folder}"
                    raise UsageError(Problem("workspace.exists", f"{root} {where}", hint="choose another folder"))
            if root.exists() and not (root.is_dir() and all(_is_of_creation(path) for path in root.iterdir())):
                raise UsageError(
                    Problem("workspace.occupied", f"{root} is there and not empty", hint="choose another folder")
                )
            for name in _FOLDERS:
                (root / name).mkdir(parents=True, exist_ok=True)
            for staged in root.glob(f".{FILE_NAME}-*"):
                staged.unlink(missing_ok=True)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                because = "a name in it is too long, or the whole is"
                raise UsageError(Problem("workspace.long-name", f"{root} cannot be a folder", because)) from error
            raise _cannot_write(root, error) from error
        workspace.save(file)  # last: only now it is a workspace
        return workspace

    def read(self) -> WorkspaceFile:
        """Return what the workspace is made of.

        Raises:
            UsageError: its file is wrong.
        """
        path = self.root / FILE_NAME
        try:
            return read_workspace_file(path.read_bytes(), file=str(path))
        except OSError as error:
            raise UsageError(Problem("workspace.unreadable", f"cannot read {path}", error.strerror or "")) from error

    def save(self, file: WorkspaceFile) -> None:
        """Replace what the workspace is made of, in one step."""
        self._replace(self.root / FILE_NAME, write_workspace_file(file))

    def checkout(self, name: PackageName) -> Path:
        """Where the checkout of a package is."""
        return self.root / "src" / name

    def occupied(self, name: PackageName) -> bool:
        """Say whether anything is where the checkout of a package belongs."""
        return os.path.lexists(self.checkout(name))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to change the workspace; waits for whoever holds it, and clears what dead holders left."""
        path = self.root / ".brazil" / _LOCK
        with ExitStack() as held:
            try:
                path.parent.mkdir(exist_ok=True)
                file = held.enter_context(path.open("w"))
                fcntl.flock(file, fcntl.LOCK_EX)
                self._delete_dropped()
                for staged in self.root.glob(f".{FILE_NAME}-*"):
                    staged.unlink(missing_ok=True)
                self._sweep()
            except OSError as error:
                raise _cannot_write(path, error) from error
            yield

    def last_steps(self) -> dict[StepId, tuple[Snapshot, Digest]]:
        """Return what each Step read and gave when it last succeeded here; empty when that is not known."""
        try:
            value = json.loads((self.root / ".brazil" / "steps.json").read_bytes())
            if value["schema"] != _STATE_SCHEMA:
                return {}
            found = {}
            for text, output in value["steps"]:
                snapshot = decode_snapshot(text.encode())
                digest = parse_digest(output)
                if digest:
                    found[snapshot.step] = (snapshot, digest)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IntegrityError):
            return {}  # it only serves explanations
        return found

    def remember_steps(self, steps: Mapping[StepId, tuple[Snapshot, Digest]]) -> None:
        """Add what Steps read and gave."""
        self._sweep()
        every = {**self.last_steps(), **steps}
        rows = [[encode_snapshot(snapshot).decode(), str(output)] for _, (snapshot, output) in sorted(every.items())]
        value = {"schema": _STATE_SCHEMA, "steps": rows}
        self._replace(self.root / ".brazil" / "steps.json", json.dumps(value, ensure_ascii=False).encode())

    def link_artifact(self, name: PackageName, folder: Path) -> None:
        """Let `build/<Package>` lead to an artifact."""
        link = self.root / "build" / name
        try:
            try:
                link.symlink_to(folder)  # most often there is none
            except FileExistsError:
                if not link.is_symlink() or link.readlink() != folder:
                    self._replace_link(link, folder)
            except FileNotFoundError:
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(folder)
        except OSError as error:
            raise _cannot_write(link, error) from error

    def _replace_link(self, link: Path, folder: Path) -> None:
        staged = self.root / ".brazil" / f"link-{os.getpid()}"
        staged.parent.mkdir(exist_ok=True)
        staged.unlink(missing_ok=True)
        staged.symlink_to(folder)
        staged.replace(link)

    def set_checkout_aside(self, name: PackageName) -> None:
        """Take away the link to an artifact, and give the checkout the name of what is to be deleted; holds the lock.

        Raises:
            UnavailableError: the disk refuses.
        """
        folder = self.checkout(name)
        try:
            (self.root / "build" / name).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                folder.rename(folder.with_name(f".{name}{_DROPPED}"))
        except OSError as error:
            raise _cannot_delete(folder, error) from error

    def put_checkout_back(self, name: PackageName) -> None:
        """Undo that a checkout was set aside; holds the lock.

        Raises:
            UnavailableError: the disk refuses.
        """
        folder = self.checkout(name)
        try:
            with suppress(FileNotFoundError):
                folder.with_name(f".{name}{_DROPPED}").rename(folder)
        except OSError as error:
            raise _cannot_write(folder, error) from error

    def delete_set_aside(self) -> None:
        """Delete the checkouts that were set aside; holds the lock.

        Raises:
            UnavailableError: the disk refuses.
        """
        try:
            self._delete_dropped()
        except OSError as error:
            raise _cannot_delete(self.root / "src", error) from error

    def foreign(self, file: WorkspaceFile) -> list[Path]:
        """Return what is in the workspace and was not put there by us, sorted."""
        ours = {*_FOLDERS, FILE_NAME}
        found = [path for path in self.root.iterdir() if path.name not in ours]
        if (self.root / "src").is_dir():
            found += [path for path in (self.root / "src").iterdir() if path.name not in file.packages]
        if (self.root / "build").is_dir():
            found += [path for path in (self.root / "build").iterdir() if not path.is_symlink()]
        return sorted(path for path in found if not path.name.startswith(f".{FILE_NAME}-"))

    def clean(self) -> int:
        """Delete what can be made again, but the lock; holds the lock. Returns how many bytes it held.

        Raises:
            UnavailableError: the disk refuses.
        """
        size = 0
        lock = self.root / ".brazil" / _LOCK
        try:
            for path in sorted(self.root.glob("build/*")):
                if path.is_symlink():
                    path.unlink(missing_ok=True)
            for path in sorted((self.root / ".brazil").rglob("*"), reverse=True):
                with suppress(FileNotFoundError):  # a build, which takes no lock, renames what it stages
                    if path.is_dir() and not path.is_symlink():
                        path.rmdir()
                    elif path != lock:
                        freed = path.lstat().st_size
                        path.unlink()
                        size += freed
        except OSError as error:
            raise _cannot_delete(self.root, error) from error
        return size

    def delete(self) -> None:
        """Delete everything; holds the lock. What is left when it is cut off is still a workspace.

        Raises:
            UnavailableError: the disk refuses.
        """
        try:
            for path in self.root.iterdir():
                if path.name not in (FILE_NAME, ".brazil"):
                    _delete(path)
            (self.root / FILE_NAME).unlink()
            shutil.rmtree(self.root)
        except OSError as error:
            raise _cannot_delete(self.root, error) from error

    def _delete_dropped(self) -> None:
        for path in sorted((self.root / "src").glob(f".*{_DROPPED}")):
            _delete(path)

    def _sweep(self) -> None:
        """Remove what dead processes staged below `.brazil/`; whoever may only seem dead, elsewhere, has time."""
        with suppress(OSError):
            for path in (self.root / ".brazil").iterdir():
                name, _, owner = path.name.rpartition("-")
                if (
                    name in _STAGED
                    and owner.isdigit()
                    and not Path(f"/proc/{owner}").exists()
                    and path.lstat().st_ctime < time.time() - _ABANDONED
                ):
                    path.unlink(missing_ok=True)

    def _replace(self, path: Path, data: bytes) -> None:
        staged = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            path.parent.mkdir(exist_ok=True)
            with staged.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            staged.replace(path)
        except OSError as error:
            raise _cannot_write(path, error) from error
        finally:
            with suppress(OSError):
                staged.unlink(missing_ok=True)  # whatever stopped it, Ctrl-C too


def _delete(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    else:
        shutil.rmtree(path)


def _is_of_creation(path: Path) -> bool:
    """Say whether a creation that was cut off may have left this: an empty folder or the staged file."""
    if path.name in _FOLDERS:
        return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
    return path.name.startswith(f".{FILE_NAME}-")


def _cannot_delete(folder: Path, error: OSError) -> UnavailableError:
    because = error.strerror or str(error)
    return UnavailableError(Problem("workspace.cannot-write", f"cannot delete {folder}", because, "delete it by hand"))


def _cannot_write(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        Problem(
            "workspace.cannot-write",
            f"cannot write {path}",
            error.strerror or str(error),
            "free space or fix its permissions",
        )
    )
