"""Trees in and out of folders of the file system.

In: see `ingest.py`. Out: either a shared read-only folder of links to blobs, made once per Tree in the cache, or a
private writable copy. Links to blobs never leave the cache, whose folders are only ever bound read-only.

A folder of the cache that somebody else made is compared with its Tree before its first use, by names, sizes, modes
and times, and made anew when it differs. What a process found whole it believes to be whole until it meets damage.
"""

import os
import shutil
import stat
from pathlib import Path

from brazil.errors import IntegrityError, Problem
from brazil.formats.reapi import decode_directory, encode_directory
from brazil.model.digest import Digest
from brazil.model.tree import Directory
from brazil.store.blobs import INPUT_TIME, MODES, Blobs, abandoned, cannot_write, is_untouched, unique_name
from brazil.store.ingest import ingest

_REMEMBERED = 50_000  # Directories kept decoded; about 1 KiB each
_DEEPEST = 200  # folders inside each other that are followed; twice what an output may have


class TreeFolders:
    """Trees over one folder of blobs and one cache folder of materialised Trees."""

    def __init__(self, blobs: Blobs, cache: Path) -> None:
        self._blobs = blobs
        self._cache = str(cache.absolute())
        self._decoded: dict[Digest, Directory] = {}
        self._losses = 0  # of blobs, when the next two were last true
        self._complete: set[Digest] = set()  # Trees seen whole by this process
        self._sound: dict[Digest, Path] = {}  # materialised Trees made or compared by this process
        try:
            (cache / "tmp").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self._cache, error) from error
        for path in abandoned(f"{cache}/tmp"):
            shutil.rmtree(path, ignore_errors=True)

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
        losses = self._forget_after_losses()
        found: set[Digest] = set()
        left = [root]
        while left:
            digest = left.pop()
            if digest in self._complete or digest in found:
                continue
            directory = self._whole_level(digest)
            if directory is None:
                return False
            found.add(digest)
            left += [node.digest for node in directory.directories]
        if self._blobs.losses == losses:
            self._complete |= found
        return True

    def ingest(self, folder: Path, *, largest: int | None) -> Digest:
        """Move a folder's content into the store as a Tree; see `ContentStore.ingest`."""
        return ingest(str(folder), largest, self._blobs.take, self.write_directory)

    def tree_path(self, root: Digest) -> Path:
        """Return the shared read-only folder of a Tree."""
        losses = self._forget_after_losses()
        known = self._sound.get(root)
        if known and os.path.isdir(known):
            return known
        final = f"{self._cache}/{root.hash[:2]}/{root.hash}"
        try:
            if not os.path.lexists(final):
                self._materialise(root, final)
            elif not self._is_untouched(root, final):
                self._remove(final)
                self._materialise(root, final)
        except OSError as error:
            raise cannot_write(final, error) from error
        path = Path(final)
        if self._blobs.losses == losses:
            self._sound[root] = path  # making a Path takes longer than all else when it is asked for again
        return path

    def copy_tree(self, root: Digest, target: Path) -> None:
        """Fill the new folder `target` with a private, writable copy of the Tree."""
        try:
            self._make_copies(root, str(target))
        except OSError as error:
            raise cannot_write(str(target), error) from error

    def _whole_level(self, digest: Digest) -> Directory | None:
        """Return a Directory if it and its files are there."""
        if not self._blobs.has(digest):
            return None
        try:
            directory = self.read_directory(digest)
        except IntegrityError:
            return None
        return directory if all(self._blobs.has(file.digest) for file in directory.files) else None

    def _forget_after_losses(self) -> int:
        losses = self._blobs.losses
        if losses != self._losses:
            self._complete.clear()
            self._sound.clear()
            self._losses = losses
        return losses

    def _remember(self, digest: Digest, directory: Directory) -> None:
        if len(self._decoded) >= _REMEMBERED:
            self._decoded.clear()
        self._decoded[digest] = directory

    def _materialise(self, root: Digest, final: str) -> None:
        staged = f"{self._cache}/tmp/{unique_name()}"
        try:
            self._make_links(root, staged)
            os.makedirs(os.path.dirname(final), exist_ok=True)
            try:
                os.rename(staged, final)
            except OSError:
                if not os.path.isdir(final):
                    raise
                shutil.rmtree(staged)  # another thread or process was faster
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise

    def _remove(self, path: str) -> None:
        """Take a damaged folder out of sight at once, then delete what can be deleted."""
        aside = f"{self._cache}/tmp/{unique_name()}"
        if not os.path.islink(path):
            os.chmod(path, 0o755)  # moving a folder takes the right to write to it
        try:
            os.rename(path, aside)
        except FileNotFoundError:
            return  # another process was faster
        if os.path.isdir(aside) and not os.path.islink(aside):
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.unlink(aside)

    def _make_links(self, root: Digest, target: str, depth: int = 0) -> None:
        directory = self._level(root, depth)
        os.mkdir(target, 0o755)
        for name, digest, executable in directory.files:
            source = self._blobs.checked_file(digest, executable)
            try:
                os.link(source, f"{target}/{name}")
            except OSError:
                # Another disk, or as many links as the file system allows: a copy serves as well.
                self._blobs.copy(digest, f"{target}/{name}", MODES[executable])
        for name, digest in directory.directories:
            self._make_links(digest, f"{target}/{name}", depth + 1)
        _finish_folder(directory, target)

    def _make_copies(self, root: Digest, target: str, depth: int = 0) -> None:
        directory = self._level(root, depth)
        os.mkdir(target, 0o755)
        for name, digest, executable in directory.files:
            self._blobs.copy(digest, f"{target}/{name}", 0o755 if executable else 0o644)
        for name, digest in directory.directories:
            self._make_copies(digest, f"{target}/{name}", depth + 1)
        _finish_folder(directory, target)

    def _is_untouched(self, root: Digest, folder: str, depth: int = 0) -> bool:
        """Compare a materialised Tree with what it should be, by everything that costs no reading."""
        directory = self._level(root, depth)
        try:
            if os.lstat(folder).st_mode != stat.S_IFDIR | 0o755:
                return False
            if set(os.listdir(folder)) != {node.name for nodes in directory for node in nodes}:
                return False
            for name, digest, executable in directory.files:
                status = os.lstat(f"{folder}/{name}")
                if not is_untouched(status, digest.size, executable):
                    return False
            if any(os.readlink(f"{folder}/{name}") != link for name, link in directory.symlinks):
                return False
        except OSError:
            return False
        return all(self._is_untouched(d.digest, f"{folder}/{d.name}", depth + 1) for d in directory.directories)

    def _level(self, digest: Digest, depth: int) -> Directory:
        if depth > _DEEPEST:  # a Tree that others made can be anything
            raise IntegrityError(
                Problem("store.too-deep", f"the stored Tree around {digest} has more than {_DEEPEST} nested folders")
            )
        return self.read_directory(digest)


def _finish_folder(directory: Directory, target: str) -> None:
    for name, link in directory.symlinks:
        os.symlink(link, f"{target}/{name}")
        os.utime(f"{target}/{name}", (INPUT_TIME, INPUT_TIME), follow_symlinks=False)
    os.chmod(target, 0o755)  # whatever the umask
    os.utime(target, (INPUT_TIME, INPUT_TIME))
