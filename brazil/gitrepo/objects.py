"""Reads git objects, as many as are wanted, through one long-lived process.

Invariants: requests are pipelined in batches smaller than a pipe holds, so neither side waits for ever;
replies are matched in order. Safe to use from several threads.
"""

import hashlib
import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from brazil.errors import IntegrityError, Problem
from brazil.gitrepo.process import in_repository, start

# Linux pipes hold 64 KiB; a batch of requests must fit even if git reads nothing before it writes.
_BATCH_BYTES = 32_000
_BATCH_COUNT = 400

DIRECTORY = 0o40000
SYMLINK = 0o120000
GITLINK = 0o160000


class GitObject(NamedTuple):
    """One object as git keeps it."""

    id: str
    type: str  # "blob", "tree", "commit" or "tag"
    data: bytes


class TreeEntry(NamedTuple):
    """One line of a git tree."""

    mode: int
    name: bytes
    id: str


class Commit(NamedTuple):
    """What we use of a commit."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str  # "Name <mail>"
    time: int  # seconds since 1970
    message: str


class ObjectReader:
    """Reads objects of one repository by id or by revision syntax such as `refs/heads/x:path`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, name: str) -> GitObject | None:
        """Return one object, or None when there is none of this name."""
        return next(self.read_many([name]))

    def read_many(self, names: Iterable[str]) -> Iterator[GitObject | None]:
        """Yield an object for each name, in their order; None where there is none."""
        pending = iter(names)
        while batch := _batch(pending):
            with self._lock:
                answers = self._exchange(batch)
            yield from answers

    def _exchange(self, batch: Sequence[bytes]) -> list[GitObject | None]:
        try:
            process = self._running()
            assert process.stdin is not None
            process.stdin.write(b"".join(batch))
            process.stdin.flush()
            return [self._answer(process) for _ in batch]
        except BaseException as error:
            # Half a reply may be left in the pipe, also when the user interrupts.
            self._end()
            if isinstance(error, OSError):
                raise _died(self._folder) from error
            raise

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = start(in_repository(self._folder), ["cat-file", "--batch"])
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> GitObject | None:
        assert process.stdout is not None
        head = process.stdout.readline()
        if not head.endswith(b"\n"):
            raise _died(self._folder)
        words = head.rsplit(b" ", 2)
        if len(words) != 3 or not words[2].strip().isdigit():
            if head.endswith((b" missing\n", b" ambiguous\n")):
                return None
            raise _died(self._folder)
        try:
            size = int(words[2])
            data = process.stdout.read(size)
            if len(data) != size or process.stdout.read(1) != b"\n":
                raise _died(self._folder)
            return GitObject(words[0].decode("ascii"), words[1].decode("ascii"), data)
        except (ValueError, OverflowError, MemoryError) as error:
            raise _died(self._folder) from error

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue

    def __del__(self) -> None:
        self._end()


def _batch(names: Iterator[str]) -> list[bytes]:
    batch: list[bytes] = []
    size = 0
    for name in islice(names, _BATCH_COUNT):
        if "\n" in name or "\0" in name:
            raise ValueError("an object name cannot hold a line end")
        line = name.encode("utf-8", "surrogateescape") + b"\n"
        batch.append(line)
        size += len(line)
        if size > _BATCH_BYTES:
            break
    return batch


def _died(folder: Path) -> IntegrityError:
    return IntegrityError(
        Problem(
            "git.damaged",
            f"objects of {folder} cannot be read",
            "git cat-file ended or answered nonsense",
            f"look with 'git --git-dir={folder} fsck'",
        )
    )


def blob_id(content: bytes) -> str:
    """Return the id that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(content), content), usedforsecurity=False).hexdigest()


def parse_tree(data: bytes, id_bytes: int = 20) -> list[TreeEntry]:
    """Read the bytes of a git tree.

    Raises:
        ValueError: they are no tree.
    """
    entries = []
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        null = data.index(b"\0", space)
        end = null + 1 + id_bytes
        if end > len(data):
            raise ValueError("a tree is cut off")
        entries.append(TreeEntry(int(data[at:space], 8), data[space + 1 : null], data[null + 1 : end].hex()))
        at = end
    return entries


def parse_commit(found: GitObject) -> Commit:
    """Read the bytes of a commit.

    Raises:
        ValueError: they are no commit.
    """
    if found.type != "commit":
        raise ValueError(f"{found.id} is a {found.type}")
    head, _, message = found.data.partition(b"\n\n")
    tree, author, parents = "", b"", []
    for line in head.split(b"\n"):
        word, _, rest = line.partition(b" ")
        if word == b"tree" and not tree:
            tree = rest.decode("ascii")
        elif word == b"parent":
            parents.append(rest.decode("ascii"))
        elif word == b"author" and not author:
            author = rest
    who, _, when = author.rpartition(b"> ")
    return Commit(
        found.id,
        tree,
        tuple(parents),
        (who + b">").decode("utf-8", "replace"),
        int(when.split(b" ")[0]),
        message.decode("utf-8", "replace"),
    )
