"""A directory as content: three kinds of node, and the rules for their names.

A Tree is named by the Digest of its root Directory. Owners, times and all modes but one (executable or
not) are no part of it. The bytes that are hashed are made in `formats/reapi.py`.
"""

from typing import NamedTuple

from brazil.model.digest import Digest


class FileNode(NamedTuple):
    """A regular file."""

    name: str
    digest: Digest
    executable: bool = False


class DirectoryNode(NamedTuple):
    """A sub-directory, named by the digest of its Directory."""

    name: str
    digest: Digest


class SymlinkNode(NamedTuple):
    """A symbolic link; the target is text and need not exist."""

    name: str
    target: str


class Directory(NamedTuple):
    """One level of a Tree; every list sorted by name, names unique over all three."""

    files: tuple[FileNode, ...] = ()
    directories: tuple[DirectoryNode, ...] = ()
    symlinks: tuple[SymlinkNode, ...] = ()


def entry_name_fault(name: str) -> str | None:
    """Say why `name` cannot be an entry of a Directory, or None when it can."""
    if name in ("", ".", ".."):
        return "it is empty, '.' or '..'"
    if "/" in name or "\0" in name:
        return "it holds '/' or a null character"
    if len(name.encode("utf-8", "surrogatepass")) > 255:
        return "it is longer than 255 bytes"
    if not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name):
        return "it is not valid UTF-8"
    return None


def directory_fault(directory: Directory) -> str | None:
    """Say why a Directory is not canonical and safe, or None when it is."""
    seen: set[str] = set()
    for names in (
        [n.name for n in directory.files],
        [n.name for n in directory.directories],
        [n.name for n in directory.symlinks],
    ):
        if names != sorted(names):
            return "its entries are not sorted"
        for name in names:
            fault = entry_name_fault(name)
            if fault:
                return f"the entry {name!a} is invalid: {fault}"
            if name in seen:
                return f"the entry {name!a} is there twice"
            seen.add(name)
    for link in directory.symlinks:
        if not link.target or "\0" in link.target:
            return f"the link {link.name!a} has no valid target"
    return None
