"""Temporary folders of runs: made, measured, removed on every path, and swept when their process was killed.

Each process owns one folder below the run root, guarded by a lock file beside it that is held as long as the
process or one of its runs lives; a folder whose lock is free belongs to nobody and is removed. Runs that have
outlived their process, which takes a kill in the first milliseconds of a run, are ended first. What a build left
behind is hostile: links are never followed, permissions are restored before removing, and no depth of folders is
too deep.
"""

import errno
import fcntl
import itertools
import os
import select
import signal
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from brazil.errors import Problem, UnavailableError

_DEEPEST = 40  # folders that are open at once while removing; deeper ones are first moved up
_END = 5  # seconds that the end of a killed process may take
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class RunFolders:
    """Makes a folder for each run of this process."""

    def __init__(self, root: Path) -> None:
        try:
            root.mkdir(parents=True, exist_ok=True)
            _sweep(str(root))
            self.lock, self._own = _own_folder(str(root))  # what is started holds the descriptor as well
        except OSError as error:
            raise UnavailableError(
                Problem(
                    "sandbox.folder",
                    f"{root} cannot hold the folders of runs",
                    error.strerror or str(error),
                    "free space or fix its permissions",
                )
            ) from error
        self._numbers = itertools.count()
        weakref.finalize(self, _give_back, self._own, self.lock, os.getpid())

    def make(self) -> str:
        """Make a new empty folder, open to nobody else.

        Raises:
            UnavailableError: the disk is full, or the like.
        """
        folder = f"{self._own}/{next(self._numbers)}"
        try:
            os.mkdir(folder, 0o700)
        except OSError as error:
            because, hint = error.strerror or str(error), "free space or fix its permissions"
            raise UnavailableError(Problem("sandbox.folder", f"{folder} cannot be made", because, hint)) from error
        return folder


def remove_tree(folder: str) -> None:
    """Remove a folder with everything in it, whatever its permissions, depth and links; missing is well."""
    parent, _, name = folder.rpartition("/")
    try:
        top = os.open(parent or "/", _DIRECTORY)
    except FileNotFoundError:
        return
    try:
        _remove(top, name, top, _DEEPEST)
    finally:
        os.close(top)


def measure(folders: Iterable[str], enough: int) -> int:
    """Return the bytes of all files below the folders, stopping once there are more than `enough`.

    A file that several names share counts once per name, as it would in an artifact; a folder that cannot be read
    counts nothing; one whose path is longer than the system allows counts as too much.
    """
    total = 0
    waiting = list(folders)
    while waiting and total <= enough:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        elif entry.is_file(follow_symlinks=False):
                            total += entry.stat(follow_symlinks=False).st_size
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return enough + 1
    return total


def _remove(parent: int, name: str, top: int, depth: int) -> None:
    """Remove the folder `name` of `parent`; what lies deeper than `depth` is moved into `top` and removed there."""
    try:
        folder = _open(parent, name)
    except (FileNotFoundError, NotADirectoryError):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=parent)
        return
    try:
        for entry in os.listdir(folder):
            try:
                os.unlink(entry, dir_fd=folder)
                continue
            except IsADirectoryError:
                pass
            except PermissionError:  # what some file systems say of a folder
                if not _is_folder(folder, entry):
                    raise
            if depth:
                _remove(folder, entry, top, depth - 1)
            else:
                _open_up(folder, entry)  # moving a folder changes its "..", which needs write permission
                moved = f".moved-{os.getpid()}-{os.urandom(8).hex()}"
                os.rename(entry, moved, src_dir_fd=folder, dst_dir_fd=top)
                _remove(top, moved, top, _DEEPEST)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parent)


def _open(parent: int, name: str) -> int:
    """Open a folder so that it can be read and emptied."""
    try:
        folder = os.open(name, _DIRECTORY, dir_fd=parent)
    except PermissionError:
        _open_up(parent, name)
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link, under O_NOFOLLOW
            raise NotADirectoryError(error.errno, "a link", name) from error
        raise
    if os.fstat(folder).st_mode & 0o700 != 0o700:
        os.fchmod(folder, 0o700)
    return folder


def _open_up(parent: int, name: str) -> None:
    # Nothing of the build is alive that could put a link here between looking and changing.
    if _is_folder(parent, name):
        os.chmod(name, 0o700, dir_fd=parent)


def _is_folder(parent: int, name: str) -> bool:
    return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode & 0o170000 == 0o040000


def _own_folder(root: str) -> tuple[int, str]:
    while True:
        own = f"{root}/{os.getpid()}-{os.urandom(4).hex()}"
        lock = os.open(f"{own}.lock", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            # A sweep may have locked and removed the file before we locked it.
            if os.stat(f"{own}.lock").st_ino == os.fstat(lock).st_ino:
                os.mkdir(own, 0o700)
                return lock, own
        except FileNotFoundError:
            pass
        os.close(lock)


def _sweep(root: str) -> None:
    for name in sorted(os.listdir(root)):
        if not name.endswith(".lock"):
            continue
        path = f"{root}/{name}"
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # removed in the meantime, or another user's
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _end_orphans(path)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_tree(path.removesuffix(".lock"))
            os.unlink(path)
        except OSError:
            pass  # its process lives, or another sweep works on it
        finally:
            os.close(lock)


def _end_orphans(lock: str) -> None:
    """End the runs that hold a lock when the process that started them does not any more."""
    file = os.stat(lock)
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):  # it has ended, or is not ours
            handle = os.pidfd_open(int(process))
            try:
                # Another sweep holds the file as well, for a moment; only bubblewrap is ever left behind.
                if _program_and_parent(process)[0] == "bwrap" and _holds(process, file) and _is_orphan(process, file):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    gone = select.poll()
                    gone.register(handle, select.POLLIN)
                    gone.poll(_END * 1000)
            finally:
                os.close(handle)


def _program_and_parent(process: str) -> tuple[str, str]:
    with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
        name, _, rest = file.read().partition("(")[2].rpartition(")")
    return name, rest.split()[1]


def _is_orphan(process: str, file: os.stat_result) -> bool:
    """Say whether no process that this one comes from has a file open."""
    while (process := _program_and_parent(process)[1]) not in ("0", "1"):
        if _holds(process, file):
            return False
    return True


def _holds(process: str, file: os.stat_result) -> bool:
    """Say whether a process has a file open.

    Raises:
        OSError: there is no such process, or we may not know.
    """
    folder = f"/proc/{process}/fd"
    for number in os.listdir(folder):
        with suppress(FileNotFoundError):  # closed meanwhile
            if os.path.samestat(os.stat(f"{folder}/{number}"), file):
                return True
    return False


def _give_back(own: str, lock: int, pid: int) -> None:
    if os.getpid() == pid:  # not in a forked child
        with suppress(OSError):
            remove_tree(own)
            os.unlink(f"{own}.lock")
    os.close(lock)
