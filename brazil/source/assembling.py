"""From named entries to a Tree in the store: the one place that both ways of reading sources go through.

Invariants: empty directories are left out; what is not supported is refused by path, every path at once; the
same content gives the same Digest, wherever it was read from.
"""

from collections.abc import Mapping
from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.model.digest import Digest
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode, directory_fault, entry_name_fault
from brazil.ports import ContentStore

_LFS = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_LARGEST = 1024  # bytes; a pointer is smaller, by its specification


class Link(NamedTuple):
    """A symbolic link."""

    target: str


class File(NamedTuple):
    """A regular file that the store has."""

    digest: Digest
    executable: bool


Entry = File | Link | Digest  # a Digest is a sub-directory that the store has


def is_lfs_pointer(data: bytes) -> bool:
    """Say whether a file only stands for another that Git LFS keeps."""
    return len(data) < _LFS_LARGEST and data.startswith(_LFS)


def lfs_problem(path: str) -> Problem:
    """Say that a file is a Git LFS pointer."""
    return _problem("source.lfs", path, "it is a Git LFS pointer", "keep the file itself in the repository")


def submodule_problem(path: str) -> Problem:
    """Say that a path is a repository of its own."""
    return _problem("source.submodule", path, "it is a submodule or a nested repository", "make it a package")


def unmerged_problem(path: str) -> Problem:
    """Say that a path holds what a merge could not bring together."""
    because = "it has conflicts of a merge, a rebase or the like"
    return _problem("source.unmerged", path, because, "resolve them, then tell git with 'git add'")


def name_problem(path: bytes | str, because: str) -> Problem:
    """Say that a path cannot be in a Tree."""
    text = path if isinstance(path, str) else path.decode("utf-8", "backslashreplace")
    return _problem("source.name", text, because, "rename it")


def kind_problem(path: str, because: str) -> Problem:
    """Say that something is no file, directory or link that can be read."""
    return _problem("source.unreadable", path, because, "")


def _problem(code: str, path: str, because: str, hint: str) -> Problem:
    return Problem(code, f"{printable(path)} cannot be part of the source", because, hint)


def printable(path: str) -> str:
    """Return a path as a message can show it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path)


def decoded(name: bytes) -> str | None:
    """Return the name of an entry as text, or None when it cannot be one."""
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if entry_name_fault(text) or text.lower() == ".git" else text


def link_target(data: bytes) -> str | None:
    """Return the target of a link as text, or None when it cannot be one."""
    try:
        return None if not data or b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def write_level(store: ContentStore, entries: Mapping[str, Entry]) -> Digest | None:
    """Keep one directory; None when it is empty."""
    if not entries:
        return None
    ordered = sorted(entries.items())
    directory = Directory(
        tuple(FileNode(n, e.digest, e.executable) for n, e in ordered if isinstance(e, File)),
        tuple(DirectoryNode(n, e) for n, e in ordered if isinstance(e, Digest)),
        tuple(SymlinkNode(n, e.target) for n, e in ordered if isinstance(e, Link)),
    )
    fault = directory_fault(directory)
    if fault:
        raise UsageError(Problem("source.directory", "a directory cannot be part of a source", fault))
    return store.write_directory(directory)


def write_paths(store: ContentStore, paths: Mapping[str, File | Link]) -> Digest:
    """Keep a whole Tree given by the paths of its files and links."""
    levels: dict[str, dict[str, Entry]] = {"": {}}
    for path, entry in paths.items():
        folder, _, name = path.rpartition("/")
        levels.setdefault(folder, {})[name] = entry
        while folder:
            folder = folder.rpartition("/")[0]
            levels.setdefault(folder, {})
    # Deepest first, so that a directory is kept after everything in it.
    for path in sorted(levels, key=lambda p: (p.count("/") + bool(p), p), reverse=True):
        if path:
            parent, _, name = path.rpartition("/")
            digest = write_level(store, levels[path])
            if digest is not None:
                levels[parent][name] = digest
    return write_level(store, levels[""]) or store.write_directory(Directory())
