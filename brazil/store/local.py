"""LocalStore: the ContentStore and ActionCache of this machine."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from brazil.model.action import ActionResult
from brazil.model.digest import Digest
from brazil.store.actions import ActionFiles
from brazil.store.blobs import BlobFiles
from brazil.store.content import StoredContent
from brazil.store.mark import store_mark
from brazil.store.trees import TreeFolders


class LocalStore(StoredContent):
    """Blobs, Trees and results under `data`; materialised Trees, which can be deleted at any time, under `cache`."""

    def __init__(self, data: Path, cache: Path) -> None:
        self._data, self._cache = str(data), str(cache)
        blobs = BlobFiles(data / "blobs")
        super().__init__(blobs, TreeFolders(blobs, cache / "trees"))
        self._actions = ActionFiles(data / "actions", data / "claims")

    def mark(self) -> str:
        """See `ContentStore.mark`."""
        return store_mark(self._data, self._cache)

    def get(self, action: Digest) -> ActionResult | None:
        """See `ActionCache.get`."""
        return self._actions.get(action)

    def put(self, action: Digest, result: ActionResult) -> None:
        """See `ActionCache.put`."""
        self._actions.put(action, result)

    def claim(self, action: Digest, owner: str, waiting: Callable[[str], None]) -> AbstractContextManager[None]:
        """See `ActionCache.claim`."""
        return self._actions.claim(action, owner, waiting)
