"""LocalStore: the ContentStore and ActionCache of this machine."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from brazil.model.action import ActionResult
from brazil.model.digest import Digest
from brazil.model.tree import Directory
from brazil.store.actions import ActionFiles
from brazil.store.blobs import BlobFiles
from brazil.store.mark import store_mark
from brazil.store.trees import TreeFolders


class LocalStore:
    """Blobs, Trees and results under `data`; materialised Trees, which can be deleted at any time, under `cache`."""

    def __init__(self, data: Path, cache: Path) -> None:
        self._data, self._cache = str(data), str(cache)
        self._blobs = BlobFiles(data / "blobs")
        self._trees = TreeFolders(self._blobs, cache / "trees")
        self._actions = ActionFiles(data / "actions", data / "claims")

    def mark(self) -> str:
        """See `ContentStore.mark`."""
        return store_mark(self._data, self._cache)

    def has(self, digest: Digest) -> bool:
        """See `ContentStore.has`."""
        return self._blobs.has(digest)

    def read(self, digest: Digest) -> bytes:
        """See `ContentStore.read`."""
        return self._blobs.read(digest)

    def write(self, data: bytes) -> Digest:
        """See `ContentStore.write`."""
        return self._blobs.write(data)

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

    def get(self, action: Digest) -> ActionResult | None:
        """See `ActionCache.get`."""
        return self._actions.get(action)

    def put(self, action: Digest, result: ActionResult) -> None:
        """See `ActionCache.put`."""
        self._actions.put(action, result)

    def claim(self, action: Digest, owner: str, waiting: Callable[[str], None]) -> AbstractContextManager[None]:
        """See `ActionCache.claim`."""
        return self._actions.claim(action, owner, waiting)
