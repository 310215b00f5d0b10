"""Reads from the store what of an artifact matters for search paths."""

from brazil.model.digest import Digest
from brazil.plan.environment import WATCHED, Layout
from brazil.ports import ContentStore


class Layouts:
    """Layouts by artifact, each read once. Safe for threads: at worst two read the same one."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store
        self._known: dict[Digest, Layout] = {}

    def of(self, artifact: Digest) -> Layout:
        """Return the layout of an artifact."""
        layout = self._known.get(artifact)
        if layout is None:
            layout = self._known[artifact] = self._read(artifact)
        return layout

    def _read(self, artifact: Digest) -> Layout:
        folders = {node.name: node.digest for node in self._store.read_directory(artifact).directories}
        present = {name for name in WATCHED if "/" not in name and name in folders}
        for nested in (name for name in WATCHED if "/" in name):
            top, _, below = nested.partition("/")
            if top in folders and any(d.name == below for d in self._store.read_directory(folders[top]).directories):
                present.add(nested)
        return Layout(
            folders=frozenset(present),
            programs=self._programs(folders.get("bin")),
            jars=tuple(n for n in self._entries(folders.get("java")) if n.endswith(".jar") and ":" not in n),
            modules=self._modules(folders.get("node_modules")),
        )

    def _entries(self, folder: Digest | None) -> list[str]:
        if folder is None:
            return []
        directory = self._store.read_directory(folder)
        return sorted(n.name for nodes in directory for n in nodes)

    def _programs(self, folder: Digest | None) -> tuple[str, ...]:
        if folder is None:
            return ()
        directory = self._store.read_directory(folder)
        return tuple(sorted([f.name for f in directory.files if f.executable] + [s.name for s in directory.symlinks]))

    def _modules(self, folder: Digest | None) -> tuple[str, ...]:
        if folder is None:
            return ()
        directory = self._store.read_directory(folder)
        names = [s.name for s in directory.symlinks]
        for node in directory.directories:
            if node.name.startswith("@"):
                names += [f"{node.name}/{entry}" for entry in self._entries(node.digest)]
            elif not node.name.startswith("."):
                names.append(node.name)
        return tuple(sorted(names))
