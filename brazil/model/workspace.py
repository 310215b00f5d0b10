"""WorkspaceFile: what a workspace is made of. The text is read and written in `formats/workspace_file.py`."""

from typing import NamedTuple

from brazil.model.names import PackageName, VersionSetName


class WorkspaceFile(NamedTuple):
    """A base revision, and the packages whose checkouts shadow its pins."""

    registry: str  # path or URL of the registry's repository
    set: VersionSetName
    revision: int  # number of the base revision; 0: the set was empty
    revision_commit: str  # the registry commit that is this revision
    packages: tuple[PackageName, ...] = ()  # in use, sorted; each has a checkout in src/<Package>
