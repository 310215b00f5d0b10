"""Keeps the writers of one repository apart and clears what a dead one left.

A git process that is killed between preparing and committing a change of refs leaves a `*.lock` file that
blocks everybody for ever. All our writers hold our own lock, which dies with its process; so whoever holds
it knows that git's lock files are stale, if they have not changed for a while (somebody may run git by hand). What a
killed git was writing objects into is removed then too; it blocks nobody, so it has more time.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brazil.errors import Problem, UnavailableError

LOCK = "brazil.lock"
PENDING = "refs/brazil/pending"
_IMPORTING = b"fast-import"  # what it writes into the `.keep` file of its pack
_SETTLED = 1.0  # seconds; a ref transaction takes milliseconds
_ABANDONED = 3600.0  # seconds; a push that is coming in writes to its file all the time


@contextmanager
def writing(repository: Path) -> Iterator[None]:
    """Hold the right to write to a repository on this machine; waits while another of our processes has it."""
    try:
        handle = os.open(repository / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        what = f"the repository {repository} cannot be written"
        raise UnavailableError(
            Problem("git.write", what, error.strerror or "", "free space or fix its permissions")
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _clear_stale(repository)
        _clear_abandoned(repository / "objects")
        yield
    finally:
        os.close(handle)


def _clear_stale(repository: Path) -> None:
    for path in _locks(repository):
        _remove_settled(path)
    # Nor is there a pack that `git fast-import` is finishing: it would refuse to make the same one again. What others
    # keep, such as a fetch or a push that is coming in, soon has another text.
    for path in sorted((repository / "objects" / "pack").glob("*.keep")):
        with suppress(FileNotFoundError):
            if _IMPORTING.startswith(path.read_bytes()):
                _remove_settled(path)


def _locks(repository: Path) -> list[Path]:
    """Find git's lock files; object folders are left out: they hold none that block, and there are many of them."""
    found = sorted([*repository.glob("*.lock"), *(repository / "refs").rglob("*.lock")])
    return [path for path in found if path != repository / LOCK]


def _clear_abandoned(objects: Path) -> None:
    """Remove the files `tmp_*`, and folders of a push, that git writes objects into before they have a name."""
    for folder in (objects, *objects.iterdir()):
        with suppress(OSError):  # no folder, or just removed
            for entry in os.scandir(folder):
                abandoned = entry.name.startswith("tmp_") and entry.stat().st_mtime < time.time() - _ABANDONED
                if abandoned and entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                elif abandoned:
                    os.unlink(entry.path)  # noqa: PTH108 - as the walk has it


def _remove_settled(path: Path) -> None:
    """Remove a file once it has not changed for a while."""
    with suppress(FileNotFoundError):
        while 0 <= (age := time.time() - path.lstat().st_mtime) < _SETTLED:  # of the future: the clock was set back
            time.sleep(min(0.05, max(0.01, _SETTLED - age)))
        path.unlink()


def is_settled(repository: Path) -> bool:
    """Say whether interrupted writers have left neither locks nor private refs; or somebody is writing."""
    return not _locks(repository) and not pending_refs(repository)


def pending_refs(repository: Path) -> list[str]:
    """Return the private refs that interrupted writers left, sorted; call it while `writing`."""
    with suppress(FileNotFoundError):
        names = os.listdir(repository / PENDING)  # noqa: PTH208 - names only
        return sorted(f"{PENDING}/{name}" for name in names if not name.endswith(".lock"))
    return []
