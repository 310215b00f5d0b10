"""Notices that files below folders change, with the kernel's inotify by way of watchdog.

It may say so without need, and may miss something: a watch that the kernel had no room for, a file system of another
machine. Whoever waits therefore gets the time between two looks of its own. Links are not followed, so nothing outside
the folders is watched.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import ObservedWatch
from watchdog.observers.inotify import InotifyObserver

from brazil.errors import Problem, UnavailableError

# What changes a file; not that somebody opened one, which a capture does with every file.
_CHANGES: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
_OF_GIT = ("index", "config", "info/exclude")  # all inside `.git` that decides what is part of a source
_QUIET = 0.1  # seconds without a change that end a burst: an editor or a git command changes files faster than this
_LONGEST_BURST = 3.0  # seconds
_LOOK = 0.2  # seconds; a signal that comes right before a wait does not end it


class InotifyFolders:
    """Watches folders until it is closed; a context manager."""

    def __init__(self) -> None:
        # What it warns of, the looks in between make up for.
        logging.getLogger("watchdog").addHandler(logging.NullHandler())
        self._changes = _Changes()
        self._observer = InotifyObserver()
        self._observer.daemon = True
        self._observer.start()
        self._watched: dict[tuple[Path, bool], ObservedWatch] = {}

    def __enter__(self) -> "InotifyFolders":
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.stop()
        self._observer.join()

    def watch(self, deep: Iterable[Path], flat: Iterable[Path]) -> None:
        """See `FolderWatch.watch`."""
        wanted = {(path, True) for path in deep} | {(path, False) for path in flat}
        for gone in self._watched.keys() - wanted:
            self._observer.unschedule(self._watched.pop(gone))
        for path, recursive in sorted(wanted - self._watched.keys()):
            try:
                self._watched[path, recursive] = self._observer.schedule(
                    _Handler(self._changes, path), str(path), recursive=recursive, event_filter=_CHANGES
                )
            except FileNotFoundError:
                continue  # it is tried again at the next call
            except OSError as error:
                raise _cannot_watch(path, error) from error

    def wait(self, longest: float) -> frozenset[Path] | None:
        """See `FolderWatch.wait`."""
        end = time.monotonic() + longest
        while not (found := self._changes.next(_LOOK)):
            if time.monotonic() > end:
                return None
        end = time.monotonic() + _LONGEST_BURST
        while time.monotonic() < end and (more := self._changes.next(_QUIET)):
            found |= more
        return frozenset(map(Path, found))


class _Changes:
    """What has changed and was not asked for yet: only the entries right in watched folders, so there are few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there = threading.Event()
        self._entries: set[str] = set()

    def add(self, entry: str) -> None:
        with self._lock:
            self._entries.add(entry)
            self._there.set()

    def next(self, seconds: float) -> set[str]:
        """Return what has changed since the last call, or does within the time; empty when nothing does."""
        self._there.wait(seconds)
        with self._lock:
            found, self._entries = self._entries, set()
            self._there.clear()
        return found


class _Handler(FileSystemEventHandler):
    """Tells of what changes below one folder."""

    def __init__(self, changes: _Changes, folder: Path) -> None:
        self._changes = changes
        self._folder = str(folder)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take an event in; one of a file that came under another name counts by both."""
        for name in (event.src_path, event.dest_path):
            path = os.fsdecode(name)
            inside = path.removeprefix(self._folder)
            if path and matters(inside):
                self._changes.add("/".join((self._folder, *inside.split("/")[1:2])))


def matters(path: str) -> bool:
    """Say whether a change of a file below a checkout may change its source, as far as its path tells."""
    _, found, inside = path.partition("/.git/")
    return not found or inside in _OF_GIT


def _cannot_watch(folder: Path, error: OSError) -> UnavailableError:
    because = (error.strerror or str(error)).lower()
    hint = "end other programs that watch files, or let the administrator raise fs.inotify.max_user_watches"
    return UnavailableError(Problem("workspace.cannot-watch", f"{folder} cannot be watched", because, hint))
