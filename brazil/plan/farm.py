"""One tree of links to everything that the members of a closure bring.

A folder that only one member has becomes one link, so a farm costs what the members have in common. Of two different
things under one name the first member's is linked, as search paths would find it, and the clash is told.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from brazil.model.digest import Digest
from brazil.model.names import Interface
from brazil.model.tree import Directory


class Link(NamedTuple):
    """One link of a farm; what it leads to has the same path in its member."""

    path: str  # relative, clean
    member: Interface


class Clash(NamedTuple):
    """Different things under one name."""

    path: str
    linked: Interface
    hidden: tuple[Interface, ...]


class Farm(NamedTuple):
    """What a farm is made of; every list is sorted by path, and a folder stands before what is in it."""

    folders: tuple[str, ...]
    links: tuple[Link, ...]
    clashes: tuple[Clash, ...]


class _Entry(NamedTuple):
    member: Interface
    node: tuple[object, ...]  # what it is and of which content
    folder: Digest | None


def make_farm(members: Sequence[tuple[Interface, Digest]], read: Callable[[Digest], Directory]) -> Farm:
    """Merge artifacts.

    Args:
        members: of the closure with their artifacts, first those that win.
        read: gives a Directory.
    """
    folders: list[str] = []
    links: list[Link] = []
    clashes: list[Clash] = []
    todo = [("", list(members))]
    while todo:
        above, level = todo.pop()
        for name, entries in sorted(_entries(level, read).items()):
            path, first = f"{above}{name}", entries[0]
            others = tuple(e.member for e in entries if e.node != first.node and not (e.folder and first.folder))
            if others:
                clashes.append(Clash(path, first.member, others))
            if first.folder and any(e.folder not in (None, first.folder) for e in entries):
                folders.append(path)
                todo.append((f"{path}/", [(e.member, e.folder) for e in entries if e.folder]))
            else:
                links.append(Link(path, first.member))
    return Farm(tuple(sorted(folders)), tuple(sorted(links)), tuple(sorted(clashes)))


def _entries(level: Sequence[tuple[Interface, Digest]], read: Callable[[Digest], Directory]) -> dict[str, list[_Entry]]:
    found: dict[str, list[_Entry]] = {}
    for member, digest in level:
        directory = read(digest)
        for node in directory.directories:
            found.setdefault(node.name, []).append(_Entry(member, ("folder", node.digest), node.digest))
        for file in directory.files:
            found.setdefault(file.name, []).append(_Entry(member, ("file", *file), None))
        for link in directory.symlinks:
            found.setdefault(link.name, []).append(_Entry(member, ("link", *link), None))
    return found
