"""FailedFolders: the trees of runs that failed, kept for whoever wants to stand in them.

`<root>/<workspace>/<label>/` is the folder of a run as the command left it, moved there in one step, with `log` and
`failure.json`; `<workspace>` is made of the path. All is in folders open to nobody else, since what is in them is
hostile: a build that root has started may have left a program that runs as root.

Garbage cannot pile up: a failure takes the place of the one before it under the same label, there is a largest
number of them per workspace, what was larger than an output may be is not kept, and with every failure go those of
workspaces that are not there any more. What goes is first given a hidden name. A tree that somebody stands in is
locked and keeps that name until the next one goes.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from brazil.errors import IntegrityError
from brazil.formats.failed_run import decode_failed_run, encode_failed_run
from brazil.model.action import FailedRun, SandboxRequest
from brazil.sandbox.folders import measure, remove_tree
from brazil.sandbox.launch import Ending

_MOST = 20  # of one workspace
_RECORD, _LOG = "failure.json", "log"
_ATTEMPTS = 5  # at taking a place that others take as well
_GOING = ".going-"


class FailedFolders:
    """The FailedRuns of this machine, below one folder on the disk of the folders of runs."""

    def __init__(self, root: Path) -> None:
        self._root = str(root.absolute())

    def keep(self, folder: str, request: SandboxRequest, ending: Ending, log: bytes, cause: str = "") -> None:
        """Take the folder of a run that failed; one that is not to be kept, or cannot be, stays where it is.

        Args:
            folder: holds `src` and `out-<n>`; nothing that is alive writes there.
            request: what was run, with the workspace to keep it for.
            ending: how it ended.
            log: what it said.
            cause: why what it left could not be kept as its output.
        """
        if ending.ended_by == "interrupt":
            return
        workspace = request.keep_for
        home, final = self._home(workspace), self._place(workspace, request.label)
        writable = [f"{folder}/src", *(f"{folder}/out-{n}" for n in range(len(request.command.output_paths)))]
        with suppress(OSError):  # no disk space, say: the failure itself is told in any case
            if ending.ended_by == "output" or measure(writable, request.largest_output) > request.largest_output:
                _set_aside(final)  # it was the failure before this one
                _sweep(home)
                return
            run = FailedRun(request, ending.exit_code, ending.ended_by, cause, time.time_ns(), folder)
            for name, data in ((_LOG, log), (_RECORD, encode_failed_run(run))):
                with open(f"{folder}/{name}", "xb") as file:
                    file.write(data)
            for _ in range(_ATTEMPTS):
                for path in (self._root, home):  # an empty one may be removed by another process at any time
                    with suppress(FileExistsError):
                        os.mkdir(path, 0o700)
                _set_aside(final)
                with suppress(OSError):
                    os.rename(folder, final)
                    break
            self._keep_few(home)
            self._forget_what_is_gone()

    def kept(self, workspace: Path) -> frozenset[str]:
        """See `FailedRuns.kept`."""
        return frozenset(name.replace("-", " ", 1) for name in _names(self._home(str(workspace))))

    def runs(self, workspace: Path) -> Sequence[FailedRun]:
        """See `FailedRuns.runs`."""
        home = self._home(str(workspace))
        found = (_read(f"{home}/{name}") for name in _names(home))
        mine = (run for run in found if run and run.request.keep_for == str(workspace))
        return sorted(mine, key=lambda run: run.finished, reverse=True)

    def forget(self, workspace: Path, labels: Iterable[str]) -> None:
        """See `FailedRuns.forget`."""
        places = [self._place(str(workspace), label) for label in labels]
        for place in places:
            with suppress(OSError):
                _set_aside(place)
        if places:
            _sweep(self._home(str(workspace)))

    def forget_all(self, workspace: Path) -> int:
        """See `FailedRuns.forget_all`."""
        return _forget_home(self._home(str(workspace)))

    def _home(self, workspace: str) -> str:
        path = os.path.realpath(workspace).encode("utf-8", "surrogateescape")
        return f"{self._root}/{hashlib.sha256(path).hexdigest()[:16]}"

    def _place(self, workspace: str, label: str) -> str:
        return f"{self._home(workspace)}/{label.replace(' ', '-', 1)}"

    def _keep_few(self, home: str) -> None:
        runs = [(run.finished if run else 0, name) for name in _names(home) for run in [_read(f"{home}/{name}")]]
        for _, name in sorted(runs)[:-_MOST]:
            _set_aside(f"{home}/{name}")
        _sweep(home)

    def _forget_what_is_gone(self) -> None:
        for name in os.listdir(self._root):
            home = f"{self._root}/{name}"
            run = next((run for name in _names(home) if (run := _read(f"{home}/{name}"))), None)
            if run is None or not os.path.isdir(run.request.keep_for):
                _forget_home(home)


@contextmanager
def standing_in(run: FailedRun) -> Iterator[bool]:
    """Keep the tree of a failed run from being removed; yields whether it is still there."""
    try:
        lock = os.open(f"{run.folder}/{_RECORD}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield os.path.isdir(f"{run.folder}/src")
    finally:
        os.close(lock)


def _names(home: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(home) if not name.startswith("."))
    except OSError:
        return []


def _read(folder: str) -> FailedRun | None:
    try:
        with open(f"{folder}/{_RECORD}", "rb") as file:
            return decode_failed_run(file.read(), folder)
    except (OSError, IntegrityError):
        return None


def _set_aside(place: str) -> None:
    """Give what is at a place a hidden name; nothing there is well."""
    parent = os.path.dirname(place)
    with suppress(FileNotFoundError):
        os.rename(place, f"{parent}/{_GOING}{os.getpid()}-{os.urandom(8).hex()}")


def _sweep(home: str) -> None:
    """Remove what was set aside, but what somebody stands in."""
    with suppress(OSError):
        for name in os.listdir(home):
            if name.startswith(_GOING):
                with suppress(OSError):  # another process may remove it too
                    _remove(f"{home}/{name}")


def _remove(folder: str) -> None:
    try:
        lock = os.open(f"{folder}/{_RECORD}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        remove_tree(folder)  # half removed
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(folder)
    finally:
        os.close(lock)


def _forget_home(home: str) -> int:
    size = 0
    for name in _names(home):
        size += measure([f"{home}/{name}"], 1 << 62)
        with suppress(OSError):
            _set_aside(f"{home}/{name}")
    _sweep(home)
    with suppress(OSError):
        os.rmdir(home)  # unless somebody stands in one
    return size
