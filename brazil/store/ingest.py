"""From a folder to a Tree: what a run left is surveyed, then moved into the store.

The folder is walked without following links, its modes are normalised, and everything that cannot be kept is named
at once, before anything is moved.

A link may not lead out of the artifact other than into /brazil/pkg. This is decided from names, which is exact only
while every ".." in a target stands after a real folder: so a ".." behind a link, or inside another artifact, is
refused. The links of an artifact then cannot leave it one after the other either.
"""

import os
import shutil
from collections.abc import Callable

from brazil.errors import HermeticityError, Problem
from brazil.model.digest import Digest
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode, entry_name_fault
from brazil.store.blobs import unique_name

_ARTIFACTS = ["brazil", "pkg"]  # where every artifact has its path for life
_SELF = "\0"  # the artifact's own name there, which a target cannot hold
_DEEPEST = 100  # folders inside each other that an output may have

_Take = Callable[[str, bool, int], Digest]
_WriteDirectory = Callable[[Directory], Digest]


def ingest(root: str, largest: int | None, take: _Take, write_directory: _WriteDirectory) -> Digest:
    """Move a folder's content into a store; see `ContentStore.ingest`.

    Args:
        root: the folder.
        largest: bytes of files in total; None: no limit.
        take: moves a file (path, executable, bytes) into the store.
        write_directory: keeps a Directory.
    """
    survey = _Survey(root, largest)
    survey.folder("")
    if survey.problems:
        raise HermeticityError(*survey.problems)
    return _keep(survey, "", take, write_directory)


class _Survey:
    """Finds everything in a folder that cannot be kept."""

    def __init__(self, root: str, largest: int | None) -> None:
        self.root = root
        self._left = largest
        self.problems: list[Problem] = []
        # Folder -> its entries, sorted, in the form of `folder`; they remember what was asked of the file system.
        self.entries: dict[str, list[os.DirEntry[str]]] = {}

    def folder(self, folder: str) -> None:
        """Look at everything below `folder` (relative, empty or ending in "/")."""
        if folder.count("/") > _DEEPEST:
            self._refuse(folder, f"it is more than {_DEEPEST} folders deep")
            return
        try:
            os.chmod(f"{self.root}/{folder}", 0o755)
            with os.scandir(f"{self.root}/{folder}") as entries:
                found = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            self._refuse(folder or ".", error.strerror or str(error))
            return
        self.entries[folder] = found
        for entry in found:
            path = folder + entry.name
            if fault := entry_name_fault(entry.name):
                self._refuse(path, fault)
            elif entry.is_symlink():
                self._link(path)
            elif entry.is_dir(follow_symlinks=False):
                self.folder(path + "/")
            elif entry.is_file(follow_symlinks=False):
                self._file(path, entry.stat(follow_symlinks=False).st_size)
            else:
                self._refuse(path, "it is a device, a socket or a FIFO")

    def _file(self, path: str, size: int) -> None:
        if self._left is None:
            return
        if size > self._left >= 0:
            self._refuse(path, "with it the output is larger than its limit")
        self._left -= size

    def _link(self, path: str) -> None:
        target = os.readlink(f"{self.root}/{path}")
        if any("\ud800" <= c <= "\udfff" for c in target):
            self._refuse(path, "its link target is not valid UTF-8")
        elif fault := self._link_fault(path, target):
            self._refuse(path, f"{fault}, to {target!a}")

    def _link_fault(self, path: str, target: str) -> str | None:
        place = [] if target.startswith("/") else [*_ARTIFACTS, _SELF, *path.split("/")[:-1]]
        vague = False  # whether `place` is behind something that may be a link
        for part in target.split("/"):
            if part in ("", "."):
                continue
            if part != "..":
                place.append(part)
                vague = vague or self._may_be_link(place)
            elif vague:
                return "it is a link that has '..' behind what is, or may be, a link itself"
            elif place:
                place.pop()
        return None if place[:2] == _ARTIFACTS else "it is a link that leaves the artifact"

    def _may_be_link(self, place: list[str]) -> bool:
        if place[: len(_ARTIFACTS) + 1] == [*_ARTIFACTS, _SELF]:
            return os.path.islink("/".join([self.root, *place[len(_ARTIFACTS) + 1 :]]))
        # What is known of the rest: /brazil, /brazil/pkg and the top of every artifact are folders.
        return place[: len(_ARTIFACTS)] != _ARTIFACTS[: len(place)] or len(place) > len(_ARTIFACTS) + 1

    def _refuse(self, path: str, because: str) -> None:
        self.problems.append(Problem("output.refused", f"the output {path!a} cannot be kept", because))


def _keep(survey: _Survey, folder: str, take: _Take, write_directory: _WriteDirectory) -> Digest:
    """Move everything in a surveyed folder (relative, empty or ending in "/") into the store."""
    files: list[FileNode] = []
    directories: list[DirectoryNode] = []
    links: list[SymlinkNode] = []
    for entry in survey.entries[folder]:
        name = entry.name
        path = f"{survey.root}/{folder}{name}"
        if entry.is_symlink():
            links.append(SymlinkNode(name, os.readlink(path)))
        elif entry.is_dir(follow_symlinks=False):
            directories.append(DirectoryNode(name, _keep(survey, f"{folder}{name}/", take, write_directory)))
        else:
            status = entry.stat(follow_symlinks=False)
            executable = bool(status.st_mode & 0o100)
            if not status.st_mode & 0o400:
                os.chmod(path, 0o644)  # or its owner could not read it
            if status.st_nlink > 1:
                _part_from_links(f"{survey.root}/{folder}", path)
            files.append(FileNode(name, take(path, executable, status.st_size), executable))
    return write_directory(Directory(tuple(files), tuple(directories), tuple(links)))


def _part_from_links(folder: str, path: str) -> None:
    """Make a file one of its own: a blob must not be known by a second name that somebody can write to."""
    private = f"{folder}{unique_name()}"
    shutil.copyfile(path, private)
    os.rename(private, path)
