"""StoredContent: what every ContentStore does alike, wherever its blobs are."""

from pathlib import Path

from brazil.model.digest import Digest
from brazil.model.tree import Directory
from brazil.store.blobs import Blobs
from brazil.store.trees import TreeFolders


class StoredContent:
    """See `ContentStore`; only its `mark` is left to each store."""

    def __init__(self, blobs: Blobs, trees: TreeFolders) -> None:
        self._stored = blobs
        self._trees = trees

    def has(self, digest: Digest) -> bool:
        """See `ContentStore.has`."""
        return self._stored.has(digest)

    def read(self, digest: Digest) -> bytes:
        """See `ContentStore.read`."""
        return self._stored.read(digest)

    def write(self, data: bytes) -> Digest:
        """See `ContentStore.write`."""
        return self._stored.write(data)

    def read_directory(self, digest: Digest) -> Directory:
        """See `ContentStore.read_directory`."""
        return self._trees.read_directory(digest)

    def write_directory(self, directory: Directory) -> Digest:
        """See `ContentStore.write_directory`."""
        return self._trees.write_directory(directory)

    def has_tree(self, root: Digest) -> bool:
        """See `ContentStore.has_tree`."""
        return self._trees.has_tree(root)

    def ingest(self, folder: Path, *, largest: int | None = None) -> Digest:
        """See `ContentStore.ingest`."""
        return self._trees.ingest(folder, largest=largest)

    def tree_path(self, root: Digest) -> Path:
        """See `ContentStore.tree_path`."""
        return self._trees.tree_path(root)

    def copy_tree(self, root: Digest, target: Path) -> None:
        """See `ContentStore.copy_tree`."""
        self._trees.copy_tree(root, target)
