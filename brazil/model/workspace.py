"""What a workspace is made of, and what a capture of a checkout saw.

The text of a WorkspaceFile is read and written in `formats/workspace_file.py`.
"""

from array import array
from collections.abc import Iterable
from typing import NamedTuple

from brazil.model.digest import Digest
from brazil.model.names import PackageName, VersionSetName

Stamp = tuple[int, int, int]  # of an inode: time of its last change (nanoseconds), number, size in bytes


class WorkspaceFile(NamedTuple):
    """A base revision, and the packages whose checkouts shadow its pins."""

    registry: str  # path or URL of the registry's repository
    set: VersionSetName
    revision: int  # number of the base revision; 0: the set was empty
    revision_commit: str  # the registry commit that is this revision
    packages: tuple[PackageName, ...] = ()  # in use, sorted; each has a checkout in src/<Package>


class Captured(NamedTuple):
    """A checkout's content at one moment.

    While all Stamps stay as they are, a capture gives the same root.
    """

    root: Digest  # of its source Tree
    # Relative to the checkout, sorted: every file, folder and file of git's that decided the content. None: something
    # had changed too recently for its Stamp to be trusted.
    paths: tuple[str, ...] | None
    stamps: bytes  # of the paths in their order, as `packed` writes them


def packed(stamps: Iterable[Stamp]) -> bytes:
    """Write Stamps in a form that is compared and read as one value."""
    return array("q", [number for stamp in stamps for number in stamp]).tobytes()
