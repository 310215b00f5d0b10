"""Makes commits without an index or a working tree, and moves refs by compare-and-swap.

A stream lists only the files that change on top of a parent. What it makes hangs on a private ref until a
real ref is moved to it; all objects are on disk before that.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from brazil.gitrepo.locking import PENDING
from brazil.gitrepo.process import GitFailedError, in_repository, run

ZERO = "0" * 40


class RefMovedError(Exception):
    """A ref was not what it was expected to be; for our own code only."""


class NewCommit(NamedTuple):
    """A commit to be made: its parent's content with some files changed."""

    parent: str  # commit id; empty: a first commit
    actor: str  # "Name <mail>", author and committer
    time: int  # seconds since 1970
    message: str
    files: Sequence[tuple[str, bytes | str | None]]  # (path, bytes | id of a known blob | None to remove)


class RefUpdate(NamedTuple):
    """A ref to be moved."""

    name: str
    new: str
    old: str  # what it must be now; empty: it must not exist


def write_commits(repository: Path, commits: Sequence[NewCommit]) -> list[tuple[str, str]]:
    """Make commits in one process; return for each its private ref and its id.

    Raises:
        GitFailedError: git refused; nothing refers to what was made.
    """
    refs = [f"{PENDING}/{os.urandom(16).hex()}" for _ in commits]
    blobs: dict[bytes, int] = {}
    stream: list[bytes] = []
    for commit in commits:
        for _, content in commit.files:
            if isinstance(content, bytes) and content not in blobs:
                blobs[content] = len(blobs) + 1
                stream.append(b"blob\nmark :%d\ndata %d\n%s\n" % (blobs[content], len(content), content))
    for index, (ref, commit) in enumerate(zip(refs, commits, strict=True)):
        mark = len(blobs) + 1 + index
        stream.append(_commit(ref, mark, commit, blobs))
        stream.append(b"get-mark :%d\n" % mark)
    stream.append(b"done\n")
    output = run(in_repository(repository), ["fast-import", "--quiet", "--done", "--force"], b"".join(stream))
    _settle(repository / "objects" / "pack")
    return list(zip(refs, output.decode("ascii").split(), strict=True))


def _commit(ref: str, mark: int, commit: NewCommit, blobs: dict[bytes, int]) -> bytes:
    who = f"{commit.actor} {commit.time} +0000".encode()
    message = commit.message.encode()
    lines = [b"commit %s\nmark :%d\nauthor %s\ncommitter %s\n" % (ref.encode(), mark, who, who)]
    lines.append(b"data %d\n%s\n" % (len(message), message))
    if commit.parent:
        lines.append(b"from %s\n" % commit.parent.encode())
    for path, content in sorted(commit.files, key=lambda f: (f[1] is not None, f[0])):
        if content is None:
            lines.append(b"D %s\n" % path.encode())
        else:
            blob = b":%d" % blobs[content] if isinstance(content, bytes) else content.encode()
            lines.append(b"M 100644 %s %s\n" % (blob, path.encode()))
    return b"".join(lines) + b"\n"


def _settle(folder: Path) -> None:
    # git syncs the pack but not the folder that names it.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move_refs(repository: Path, updates: Sequence[RefUpdate], drop: Sequence[str] = ()) -> None:
    """Move refs and delete others in one transaction.

    Raises:
        RefMovedError: a ref is not at its old value; none was moved.
        GitFailedError: git failed otherwise.
    """
    lines = [f"update {u.name}\0{u.new}\0{u.old or ZERO}\0" for u in updates]
    lines += [f"delete {name}\0\0" for name in drop]
    try:
        run(in_repository(repository), ["update-ref", "--stdin", "-z"], "".join(lines).encode())
    except GitFailedError as failure:
        if any(phrase in failure.text for phrase in ("but expected", "already exists", "unable to resolve reference")):
            raise RefMovedError(failure.text) from failure
        raise


def refs_below(repository: Path, *prefixes: str) -> dict[str, str]:
    """Return the refs under some prefixes and what they name, sorted."""
    arguments = ["for-each-ref", "--format=%(refname)%00%(objectname)", "--", *prefixes]
    lines = run(in_repository(repository), arguments).decode("utf-8", "surrogateescape").splitlines()
    return dict(sorted((name, id_) for name, _, id_ in (line.partition("\0") for line in lines)))
