"""Git tree -> Tree, without a checkout; attributes and filters play no part.

What was converted once is remembered by its git tree id in a file that may be deleted at any time; what is
remembered counts only while the store has the Tree.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from brazil.errors import IntegrityError, Problem, UsageError
from brazil.gitrepo.objects import DIRECTORY, GITLINK, SYMLINK, ObjectReader, TreeEntry, parse_tree
from brazil.model.digest import Digest
from brazil.model.tree import Directory
from brazil.ports import ContentStore
from brazil.source.assembling import (
    Entry,
    File,
    Link,
    decoded,
    is_lfs_pointer,
    lfs_problem,
    link_target,
    name_problem,
    submodule_problem,
    write_level,
)

_BLOBS_AT_ONCE = 64


class TreeMemory:
    """Git tree id -> root of the Tree; losing it costs only time."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "trees.sqlite"
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def get(self, tree: str) -> Digest | None:
        """Return what a git tree became, or None."""
        with self._lock, suppress(sqlite3.Error, OSError):
            rows = self._open().execute("SELECT hash, size FROM trees WHERE id = ?", (tree,)).fetchall()
            return Digest(str(rows[0][0]), int(rows[0][1])) if rows else None
        self._discard()
        return None

    def put(self, tree: str, root: Digest) -> None:
        """Remember what a git tree became."""
        with self._lock, suppress(sqlite3.Error, OSError):
            self._open().execute("INSERT OR REPLACE INTO trees VALUES (?, ?, ?)", (tree, *root))

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False, timeout=5)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS trees (id TEXT PRIMARY KEY, hash TEXT, size INTEGER) WITHOUT ROWID"
            )
            self._connection = connection
        return self._connection

    def _discard(self) -> None:
        """Begin anew after damage."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self._file.with_name(self._file.name + suffix).unlink()


class TreeConverter:
    """Puts git trees into the store."""

    def __init__(self, objects: ObjectReader, store: ContentStore, memory: TreeMemory) -> None:
        self._objects = objects
        self._store = store
        self._memory = memory

    def convert(self, tree: str) -> Digest:
        """Put one git tree into the store and return its root.

        Raises:
            UsageError: it holds something that is not supported; every path is named.
        """
        known = self._memory.get(tree)
        if known is not None and self._store.has_tree(known):
            return known
        problems: list[Problem] = []
        root = self._folder(tree, "", problems)
        if problems:
            raise UsageError(*sorted(problems))
        root = root or self._store.write_directory(Directory())
        self._memory.put(tree, root)
        return root

    def _folder(self, tree: str, prefix: str, problems: list[Problem]) -> Digest | None:
        entries: dict[str, Entry] = {}
        blobs: list[tuple[str, TreeEntry]] = []
        seen: set[str] = set()
        for item in self._entries(tree, prefix):
            name = decoded(item.name)
            if name is None or name in seen:
                because = "its name is reserved, no valid UTF-8, or there twice"
                problems.append(name_problem(prefix.encode() + item.name, because))
                continue
            seen.add(name)
            if item.mode == GITLINK:
                problems.append(submodule_problem(prefix + name))
            elif item.mode == DIRECTORY:
                digest = self._folder(item.id, f"{prefix}{name}/", problems)
                if digest is not None:
                    entries[name] = digest
            else:
                blobs.append((name, item))
        for name, item, data in self._contents(blobs, prefix):
            if (entry := self._leaf(prefix + name, item, data, problems)) is not None:
                entries[name] = entry
        return None if problems else write_level(self._store, entries)

    def _leaf(self, path: str, item: TreeEntry, data: bytes, problems: list[Problem]) -> File | Link | None:
        if item.mode == SYMLINK:
            target = link_target(data)
            if target is None:
                problems.append(name_problem(path, "the target of the link is no valid text"))
                return None
            return Link(target)
        if is_lfs_pointer(data):
            problems.append(lfs_problem(path))
            return None
        return File(self._store.write(data), bool(item.mode & 0o100))

    def _entries(self, tree: str, prefix: str) -> list[TreeEntry]:
        found = self._objects.read(tree)
        try:
            if found is None or found.type != "tree":
                raise ValueError("it is missing")
            return parse_tree(found.data)
        except ValueError as error:
            raise _damaged(f"the tree {tree} of {prefix or '/'}", str(error)) from error

    def _contents(self, blobs: Sequence[tuple[str, TreeEntry]], prefix: str) -> Iterator[tuple[str, TreeEntry, bytes]]:
        # A few at a time: their content is in memory together.
        for at in range(0, len(blobs), _BLOBS_AT_ONCE):
            some = blobs[at : at + _BLOBS_AT_ONCE]
            for (name, item), found in zip(some, self._objects.read_many(i.id for _, i in some), strict=True):
                if found is None or found.type != "blob":
                    raise _damaged(f"the blob {item.id} of {prefix}{name}", "it is missing")
                yield name, item, found.data


def _damaged(what: str, because: str) -> IntegrityError:
    return IntegrityError(
        Problem("source.damaged", f"{what} cannot be read", because, "delete the mirror of sources and try again")
    )
