"""Which paths of a checkout are part of its source: what git tracks, and what it does not track and not ignore.

Where nothing is ignored and nothing is unusual, that is simply every file, and no git process is needed (3 ms each,
measured); everything else is left to git itself. The walk also takes the Stamps of what decides the answer.
"""

# Names are bytes here, as git and the kernel have them.
# ruff: noqa: PTH116, PTH118, PTH123

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem
from brazil.gitrepo.index import is_plain_index
from brazil.gitrepo.process import in_checkout, run
from brazil.model.workspace import Stamp
from brazil.source.assembling import kind_problem, printable, submodule_problem, unmerged_problem

_LISTS = (b".gitignore", b".gitattributes")  # what git reads in every folder
_OF_GIT = ("HEAD", "config", "index", "info/exclude", "info/attributes")  # and in its own


class Listing(NamedTuple):
    """The paths of a source."""

    paths: list[bytes]  # sorted, unique
    problems: list[Problem]


class Walk(NamedTuple):
    """Everything below a checkout but its `.git`."""

    stamps: dict[str, Stamp]  # of the checkout, its folders, and what of git's decides which files count
    files: list[bytes]  # files and links
    endless: list[bytes]  # lists of git's that are pipes or devices, which it would wait for
    plain: bool  # every one of them counts, as far as can be seen without git's index


def walk_checkout(root: bytes, started: int) -> Walk:
    """Look at every folder of a checkout.

    Args:
        root: the checkout.
        started: nanoseconds since 1970; Stamps of what cannot be looked at are as fresh as this.
    """
    # A folder's Stamp is taken before the folder is read, so that what appears meanwhile shows in the next Stamp.
    stamps = {"": inode_stamp(os.lstat(root))}
    files: list[bytes] = []
    endless: list[bytes] = []
    plain = True
    stack = [b""]
    while stack:
        inside = stack.pop()
        try:
            for entry, path in _entries(root, inside):
                if entry.is_dir(follow_symlinks=False):
                    stamps[os.fsdecode(path)] = inode_stamp(entry.stat(follow_symlinks=False))
                    stack.append(path)
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    files.append(path)
                elif entry.name in _LISTS:
                    endless.append(path)
                if entry.name == b".gitignore":  # also one that is itself ignored decides what counts
                    stamps[os.fsdecode(path)] = inode_stamp(entry.stat(follow_symlinks=False))
                # A repository inside, whatever its case, and ignore lists are git's to judge.
                plain = (
                    plain and entry.name.lower() != b".git" and (entry.name != b".gitignore" or _is_idle(root, path))
                )
        except OSError:
            stamps[os.fsdecode(inside)] = (started, 0, 0)
            plain = False
    # Git replaces its index, which changes the folder; it and editors may write the ignore list in place.
    for control in (".git", ".git/info", ".git/info/exclude"):
        with suppress(FileNotFoundError, NotADirectoryError):
            stamps[control] = inode_stamp(os.lstat(os.path.join(root, control.encode())))
    return Walk(stamps, files, endless, plain)


def list_checkout(folder: Path, walk: Walk) -> Listing:
    """List the paths that are part of the source.

    Raises:
        GitFailedError: git cannot read the checkout.
    """
    if problems := endless_problems(folder, walk):
        return Listing(sorted(walk.files), problems)
    git = folder / ".git"
    if (
        walk.plain
        and not git.is_symlink()
        and (git / "HEAD").is_file()
        and _is_idle(os.fsencode(git), b"info/exclude")
        and is_plain_index(git / "index")
    ):
        return Listing(sorted(walk.files), [])
    return _ask_git(folder)


def endless_problems(folder: Path, walk: Walk) -> list[Problem]:
    """Name what git must not be asked about a checkout for, because it would wait for ever."""
    paths = [os.fsdecode(path) for path in walk.endless]
    paths += [f".git/{name}" for name in _OF_GIT if _is_endless(f"{folder}/.git/{name}")]
    because = "it is a pipe or a device, which git would wait for"
    return [
        Problem("source.endless", f"{printable(path)} cannot be read", because, "remove it") for path in sorted(paths)
    ]


def _is_endless(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def inode_stamp(found: os.stat_result) -> Stamp:
    """Return the Stamp of what was found."""
    return (found.st_ctime_ns, found.st_ino, found.st_size)


def _entries(root: bytes, inside: bytes) -> Iterator[tuple["os.DirEntry[bytes]", bytes]]:
    with os.scandir(os.path.join(root, inside)) as entries:
        for entry in entries:
            if inside or entry.name != b".git":
                yield entry, os.path.join(inside, entry.name)


def _is_idle(root: bytes, path: bytes) -> bool:
    """Say whether a list of what to ignore names nothing; a link is git's to judge, and a pipe must not hold us up."""
    try:
        handle = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        return all(not line.strip() or line.startswith(b"#") for line in file)


def _ask_git(folder: Path) -> Listing:
    arguments = ["ls-files", "-z", "-t", "--stage", "--cached", "--others", "--exclude-standard"]
    output = run(in_checkout(folder), arguments)
    return read_listing(output, lambda path: os.path.lexists(os.path.join(os.fsencode(folder), path)))


def read_listing(output: bytes, exists: Callable[[bytes], bool]) -> Listing:
    """Read what `git ls-files -z -t --stage` says.

    Args:
        output: of git.
        exists: whether the checkout has a path that a sparse one may lack.
    """
    paths: set[bytes] = set()
    problems = []
    for line in output.split(b"\0"):
        tag, _, rest = line.partition(b" ")
        if not rest:
            continue
        mode, path = (b"", rest) if tag == b"?" else (rest[:6], rest.partition(b"\t")[2])
        if mode == b"160000" or path.endswith(b"/"):
            problems.append(submodule_problem(os.fsdecode(path).rstrip("/")))
        elif tag == b"M":
            problems.append(unmerged_problem(os.fsdecode(path)))
        elif tag == b"S" and not exists(path):
            problems.append(kind_problem(os.fsdecode(path), "the checkout is sparse and does not have it"))
        else:
            paths.add(path)
    return Listing(sorted(paths), sorted(set(problems)))
