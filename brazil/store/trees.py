"""Trees in and out of folders of the file system.

In: a folder is walked without following links, its modes normalised, everything that cannot be kept named at
once. Out: either a shared read-only folder of links to blobs, made once per Tree in the cache, or a private
writable copy. Links to blobs never leave the cache, whose folders are only ever bound read-only.
"""

import os
import shutil
from itertools import count
from pathlib import Path

from brazil.errors import HermeticityError, IntegrityError, Problem
from brazil.formats.reapi import decode_directory, encode_directory
from brazil.model.digest import Digest
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode, entry_name_fault
from brazil.store.blobs import INPUT_TIME, BlobFiles, cannot_write

_ARTIFACTS = "/brazil/pkg"  # where every artifact has its path for life
_REMEMBERED = 50_000  # Directories kept decoded; about 1 KiB each
_DEEPEST = 100  # folders inside each other that an output may have


class TreeFolders:
    """Trees over one folder of blobs and one cache folder of materialised Trees."""

    def __init__(self, blobs: BlobFiles, cache: Path) -> None:
        self._blobs = blobs
        self._cache = str(cache)
        self._counter = count()
        self._decoded: dict[Digest, Directory] = {}
        self._complete: set[Digest] = set()  # Trees seen whole by this process
        try:
            (cache / "tmp").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self._cache, error) from error

    def read_directory(self, digest: Digest) -> Directory:
        """Return one Directory, checked and canonical."""
        directory = self._decoded.get(digest)
        if directory is None:
            directory = decode_directory(self._blobs.read(digest))
            self._remember(digest, directory)
        return directory

    def write_directory(self, directory: Directory) -> Digest:
        """Keep one Directory."""
        digest = self._blobs.write(encode_directory(directory))
        self._remember(digest, directory)
        return digest

    def has_tree(self, root: Digest) -> bool:
        """Say whether every blob and Directory below `root` is there."""
        if root in self._complete:
            return True
        if not self._blobs.has(root):
            return False
        try:
            directory = self.read_directory(root)
        except IntegrityError:
            return False
        whole = all(self._blobs.has(f.digest) for f in directory.files) and all(
            self.has_tree(d.digest) for d in directory.directories
        )
        if whole:
            self._complete.add(root)
        return whole

    def ingest(self, folder: Path, *, largest: int | None) -> Digest:
        """Move a folder's content into the store as a Tree; see `ContentStore.ingest`."""
        walk = _Ingestion(self._blobs, self, str(folder), largest)
        walk.survey("")
        if walk.problems:
            raise HermeticityError(*walk.problems)
        return walk.keep("")

    def tree_path(self, root: Digest) -> Path:
        """Return the shared read-only folder of a Tree."""
        final = f"{self._cache}/{root.hash[:2]}/{root.hash}"
        if os.path.isdir(final):
            return Path(final)
        staged = f"{self._cache}/tmp/{os.getpid()}-{next(self._counter)}"
        try:
            self._link_tree(root, staged)
            os.makedirs(os.path.dirname(final), exist_ok=True)
            try:
                os.rename(staged, final)
            except OSError:
                if not os.path.isdir(final):
                    raise
                shutil.rmtree(staged)  # another thread or process was faster
        except OSError as error:
            shutil.rmtree(staged, ignore_errors=True)
            raise cannot_write(final, error) from error
        except IntegrityError:
            shutil.rmtree(staged, ignore_errors=True)
            self._complete.discard(root)
            raise
        return Path(final)

    def copy_tree(self, root: Digest, target: Path) -> None:
        """Fill the new folder `target` with a private, writable copy of the Tree."""
        try:
            self._copy_tree(root, str(target))
        except OSError as error:
            raise cannot_write(str(target), error) from error
        except IntegrityError:
            self._complete.discard(root)
            raise

    def _remember(self, digest: Digest, directory: Directory) -> None:
        if len(self._decoded) >= _REMEMBERED:
            self._decoded.clear()
        self._decoded[digest] = directory

    def _link_tree(self, root: Digest, target: str) -> None:
        directory = self.read_directory(root)
        os.mkdir(target, 0o755)
        for name, digest, executable in directory.files:
            source = self._blobs.checked_file(digest, executable)
            try:
                os.link(source, f"{target}/{name}")
            except OSError:
                # Another disk, or as many links as the file system allows: a copy serves as well.
                self._blobs.copy(digest, f"{target}/{name}", 0o555 if executable else 0o444)
        for name, digest in directory.directories:
            self._link_tree(digest, f"{target}/{name}")
        _finish_folder(directory, target)

    def _copy_tree(self, root: Digest, target: str) -> None:
        directory = self.read_directory(root)
        os.mkdir(target, 0o755)
        for name, digest, executable in directory.files:
            self._blobs.copy(digest, f"{target}/{name}", 0o755 if executable else 0o644)
        for name, digest in directory.directories:
            self._copy_tree(digest, f"{target}/{name}")
        _finish_folder(directory, target)


def _finish_folder(directory: Directory, target: str) -> None:
    for name, link in directory.symlinks:
        os.symlink(link, f"{target}/{name}")
        os.utime(f"{target}/{name}", (INPUT_TIME, INPUT_TIME), follow_symlinks=False)
    os.chmod(target, 0o755)  # whatever the umask
    os.utime(target, (INPUT_TIME, INPUT_TIME))


def _part_from_links(path: str) -> None:
    """Make `path` a file of its own: a blob must not be known by a second name that somebody can write to."""
    private = f"{path}.private"
    while os.path.lexists(private):
        private += "_"
    shutil.copyfile(path, private)
    os.rename(private, path)


class _Ingestion:
    """One walk of one folder: first survey everything, then keep it."""

    def __init__(self, blobs: BlobFiles, trees: TreeFolders, root: str, largest: int | None) -> None:
        self._blobs = blobs
        self._trees = trees
        self._root = root
        self._left = largest
        self.problems: list[Problem] = []

    def survey(self, folder: str) -> None:
        """Find everything below `folder` (relative, empty or ending in "/") that cannot be kept."""
        if folder.count("/") > _DEEPEST:
            self._refuse(folder, f"it is more than {_DEEPEST} folders deep")
            return
        try:
            os.chmod(f"{self._root}/{folder}", 0o755)
            with os.scandir(f"{self._root}/{folder}") as entries:
                found = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            self._refuse(folder or ".", error.strerror or str(error))
            return
        for entry in found:
            path = folder + entry.name
            if fault := entry_name_fault(entry.name):
                self._refuse(path, fault)
            elif entry.is_symlink():
                self._survey_link(path)
            elif entry.is_dir(follow_symlinks=False):
                self.survey(path + "/")
            elif entry.is_file(follow_symlinks=False):
                self._survey_file(path, entry.stat(follow_symlinks=False).st_size)
            else:
                self._refuse(path, "it is a device, a socket or a FIFO")

    def keep(self, folder: str) -> Digest:
        """Move everything below `folder` into the store."""
        files: list[FileNode] = []
        directories: list[DirectoryNode] = []
        links: list[SymlinkNode] = []
        with os.scandir(f"{self._root}/{folder}") as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                path = f"{self._root}/{folder}{entry.name}"
                if entry.is_symlink():
                    links.append(SymlinkNode(entry.name, os.readlink(path)))
                elif entry.is_dir(follow_symlinks=False):
                    directories.append(DirectoryNode(entry.name, self.keep(f"{folder}{entry.name}/")))
                else:
                    status = entry.stat(follow_symlinks=False)
                    executable = bool(status.st_mode & 0o100)
                    os.chmod(path, 0o644)
                    if status.st_nlink > 1:
                        _part_from_links(path)
                    digest = self._blobs.take(path, executable, status.st_size)
                    files.append(FileNode(entry.name, digest, executable))
        return self._trees.write_directory(Directory(tuple(files), tuple(directories), tuple(links)))

    def _survey_file(self, path: str, size: int) -> None:
        if self._left is None:
            return
        if size > self._left >= 0:
            self._refuse(path, "with it the output is larger than its limit")
        self._left -= size

    def _survey_link(self, path: str) -> None:
        target = os.readlink(f"{self._root}/{path}")
        if entry_name_fault(target.replace("/", "_")[:200]) or "\0" in target:
            self._refuse(path, "its link target is not valid UTF-8")
            return
        # The folder stands for an artifact at /brazil/pkg/<name>; the name in between does not matter here.
        absolute = os.path.normpath(os.path.join(f"{_ARTIFACTS}/self/{path}", "..", target))
        if absolute != _ARTIFACTS and not absolute.startswith(f"{_ARTIFACTS}/"):
            self._refuse(path, f"it is a link that leaves the artifact, to {target!a}")

    def _refuse(self, path: str, because: str) -> None:
        self.problems.append(Problem("output.refused", f"the output {path!a} cannot be kept", because))
