"""Reads a registry from a bare repository: catalog, sets, revisions and their history.

Invariants: one process for all objects; what comes from the repository is checked against the place it was
found at; what was parsed once is remembered by ids that cannot change their meaning.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from brazil.errors import IntegrityError, Problem
from brazil.formats.registry_files import read_message, read_package, read_record, read_result, read_set
from brazil.gitrepo.objects import (
    DIRECTORY,
    Commit,
    GitObject,
    ObjectReader,
    TreeEntry,
    blob_id,
    parse_commit,
    parse_tree,
)
from brazil.gitrepo.process import GitFailedError, broken, in_repository, run
from brazil.gitrepo.writing import refs_below
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName
from brazil.model.versionset import PackageRecord, Reason, RegisteredPackage, Result, Revision, RevisionInfo
from brazil.registry import layout, packing, parsed
from brazil.registry.drafting import Changes
from brazil.registry.parsed import Codec, Parsed, Table, Values
from brazil.registry.refusals import lost_commit

V = TypeVar("V")
Read = Callable[[bytes, str], tuple[Interface, V]]  # content of a blob and its place -> a value and what it is of

_REVISIONS_KEPT = 4


class _Source(Protocol):
    def __call__(self, codec: Codec[V], folder: TreeEntry, path: str, read: Read[V], /) -> Parsed: ...


class _Opened(NamedTuple):
    """A revision, and the trees that its values come from."""

    revision: Revision
    trees: Mapping[str, Parsed]  # "pins", "results/<platform>"


class RegistryReader:
    """The content of one registry repository on this machine."""

    def __init__(self, repository: Path, cache: Path) -> None:
        self._repository = repository
        self._cache = cache
        self._objects = ObjectReader(repository)
        self._opened: dict[str, _Opened] = {}  # by commit

    def ref(self, name: str) -> str:
        """Return the commit that a ref names, or "" when there is no such ref."""
        found = self._objects.read(name)
        return found.id if found is not None else ""

    def has_ref(self, name: str) -> bool:
        """Say whether there is a ref, also one that names nothing."""
        return (self._repository / name).is_file() or name in self._refs(name)

    def sets(self) -> list[VersionSetName]:
        """Return the names of all sets, sorted."""
        return sorted(name for ref in self._refs(layout.SETS) if (name := layout.set_of_ref(ref)) is not None)

    def require_whole_sets(self) -> None:
        """Refuse when the branch of a set is a file that git passes over, because no commit stands in it."""
        known = self._refs(layout.SETS)
        for path in sorted((self._repository / layout.SETS).rglob("*")):
            ref = path.relative_to(self._repository).as_posix()
            # Looked at once more: it may have been made meanwhile.
            if layout.set_of_ref(ref) is not None and ref not in known and path.is_file() and not self.ref(ref):
                raise lost_commit(ref)

    def _refs(self, prefix: str) -> dict[str, str]:
        try:
            return refs_below(self._repository, prefix)
        except GitFailedError as failure:
            raise broken(self._repository, failure) from failure

    def packages(self) -> list[RegisteredPackage]:
        """Return every registered package, sorted by name."""
        shards = self._tree(f"{layout.CATALOG}:{layout.PACKAGES}")
        known = parsed.load_plain(self._cache, "packages")
        parsed_shards = known if isinstance(known, dict) else {}
        fresh = [entry for entry in shards if entry.id not in parsed_shards]
        if fresh:
            parsed_shards |= self._parse_shards(fresh)
            parsed_shards = {entry.id: parsed_shards[entry.id] for entry in shards}
            parsed.save_plain(self._cache, "packages", parsed_shards)
        plain = (item for entry in shards for item in parsed_shards[entry.id])
        return sorted(RegisteredPackage(PackageName(name), url, tuple(owners)) for name, url, owners in plain)

    def _parse_shards(self, shards: list[TreeEntry]) -> dict[str, list[tuple[str, str, tuple[str, ...]]]]:
        folders = [(s.id, f) for s, tree in self._trees(shards) for f in tree if f.mode == DIRECTORY]
        files = []
        for (shard, folder), (_, tree) in zip(folders, self._trees([f for _, f in folders]), strict=True):
            files += [(shard, folder, e) for e in tree if e.name == layout.PACKAGE_FILE.encode()]
        found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {shard.id: [] for shard in shards}
        for (shard, folder, _), blob in zip(files, self._blobs(e.id for _, _, e in files), strict=True):
            place = f"{layout.CATALOG}:{layout.PACKAGES}/{layout.shard(_name(folder))}/{_name(folder)}/package.toml"
            package = read_package(blob, place)
            _require(package.name == _name(folder), place, f"it is about {package.name}")
            found[shard].append((package.name, package.repository, package.owners))
        return found

    def package(self, name: PackageName) -> RegisteredPackage | None:
        """Return one package, or None."""
        place = f"{layout.CATALOG}:{layout.package_file(name)}"
        found = self._objects.read(place)
        if found is None:
            self._require_catalog()
            return None
        package = read_package(found.data, place)
        _require(package.name == name, place, f"it is about {package.name}")
        return package

    def interfaces(self, name: PackageName) -> list[Interface]:
        """Return the interfaces of a package that have versions, sorted."""
        entries = self._tree(f"{layout.CATALOG}:{layout.package_folder(name)}")
        return sorted(Interface(name, _name(e)) for e in entries if e.mode == DIRECTORY)

    def versions(self, interface: Interface) -> list[int]:
        """Return the build numbers of an interface, rising."""
        place = f"{layout.CATALOG}:{layout.interface_folder(interface)}"
        return sorted(_number_in(place)(_name(e)) for _, tree in self._trees(self._tree(place)) for e in tree)

    def highest(self, interfaces: Sequence[Interface]) -> dict[Interface, int]:
        """Return the highest build number of each interface, 0 where there is none; asks for all of them at once."""
        places = [f"{layout.CATALOG}:{layout.interface_folder(interface)}" for interface in interfaces]
        found: dict[Interface, int] = {}
        newest: list[tuple[Interface, str]] = []
        for interface, place, tree in zip(interfaces, places, self._objects.read_many(places), strict=True):
            found[interface] = 0
            if tree is not None:
                folders = [_name(entry) for entry in _entries(tree.data, tree.type, place)]
                newest.append((interface, f"{place}/{max(folders, key=_number_in(place))}"))
        if len(newest) < len(found):
            self._require_catalog()
        for (interface, place), tree in zip(newest, self._objects.read_many([p for _, p in newest]), strict=True):
            if tree is None:
                raise _damaged(place, "it is missing")
            found[interface] = max(map(_number_in(place), map(_name, _entries(tree.data, tree.type, place))))
        return found

    def record(self, version: PackageVersion) -> PackageRecord | None:
        """Return one package version, or None."""
        place = f"{layout.CATALOG}:{layout.record_file(version)}"
        found = self._objects.read(place)
        if found is None:
            return None
        record = read_record(found.data, place)
        _require(record.version == version, place, f"it is about {record.version}")
        return record

    def record_blobs(self, versions: Iterable[PackageVersion]) -> list[tuple[str, bytes] | None]:
        """Return the blobs that hold some package versions: (id, content), or None."""
        names = [f"{layout.CATALOG}:{layout.record_file(version)}" for version in versions]
        return [(o.id, o.data) if o is not None else None for o in self._objects.read_many(names)]

    def revision(self, name: VersionSetName, commit: str) -> Revision:
        """Return the revision that a commit of a set's branch is."""
        if commit not in self._opened:

            def remembered(codec: Codec[V], folder: TreeEntry, path: str, read: Read[V]) -> Parsed:
                file = f"{codec.kind}-{folder.id}"
                known = parsed.load(self._cache, file)
                if known is None:
                    latest = self._latest(codec, name, path)
                    place = f"{layout.set_ref(name)}:{path}"
                    known = self._parse_tree(codec, folder, place, read, self._before(latest))
                    known = self._save(file, latest, known)
                return known

            self._opened[commit] = self._open(name, commit, remembered)
        return self._opened[commit].revision

    def made(
        self,
        name: VersionSetName,
        commit: str,
        parent: str,
        changes: Changes,
        records: Mapping[Interface, PackageRecord],
        results: Mapping[str, Mapping[Interface, Result]],
    ) -> Revision:
        """Return a revision that was just made; what its values are is known, so nothing is parsed.

        Args:
            name: of the set.
            commit: of the revision.
            parent: the commit before, empty for none.
            changes: what was written.
            records: the pins.
            results: of the pins.
        """
        before = self._opened[parent].trees if parent else {}

        def derived(codec: Codec[V], folder: TreeEntry, path: str, _: Read[V]) -> Parsed:
            platform = path.removeprefix(f"{layout.RESULTS}/")
            contents: Mapping[Interface, bytes | str | None] = (
                changes.pins if path == layout.PINS else changes.results[platform]
            )
            values: Mapping[Interface, Any] = records if path == layout.PINS else results[platform]
            known = before.get(path) or _nothing()
            changed = {
                interface: None if content is None else (_id_of(content), values[interface])
                for interface, content in contents.items()
            }
            file = f"{codec.kind}-{folder.id}"
            return self._save(file, self._latest(codec, name, path), known.changed(codec, changed))

        opened = self._open(name, commit, derived)
        # The records are there already, and who makes the next revision of them can be told at once what is the same.
        revision = opened.revision._replace(records=records)
        self._opened[commit] = opened._replace(revision=revision)
        return revision

    def _open(self, name: VersionSetName, commit: str, source: _Source) -> _Opened:
        ref = layout.set_ref(name)
        root = self._commit(commit, ref)
        entries = {_name(e): e for e in self._tree(root.tree, f"{ref} ({commit})")}
        place = f"{ref}:{layout.SET_FILE} ({commit})"
        _require(layout.SET_FILE in entries, place, "it is not there")
        state = read_set(self._only(entries[layout.SET_FILE].id, place), place)
        info = _info(name, root, f"{ref} ({commit})")
        _require((state.number, state.token) == (info.number, info.token), place, "the commit message says otherwise")
        trees: dict[str, Parsed] = {}
        if pins := entries.get(layout.PINS):
            trees[layout.PINS] = source(packing.RECORDS, pins, layout.PINS, _read_pin)
        pinned = trees.get(layout.PINS) or _nothing()
        platforms = self._tree(folder.id, f"{ref}:{layout.RESULTS}") if (folder := entries.get(layout.RESULTS)) else []
        for entry in platforms:
            path = f"{layout.RESULTS}/{_name(entry)}"
            trees[path] = source(packing.RESULTS, entry, path, read_result)
            alone = sorted(trees[path].entries.keys() - pinned.entries.keys())
            if alone:
                raise _damaged(f"{ref}:{path}", f"it has a result of {alone[0]}, which is not pinned")
        revision = Revision(
            info,
            state.policy,
            Values(packing.RECORDS.value, pinned),
            {
                platform: Values(packing.RESULTS.value, trees[f"{layout.RESULTS}/{platform}"])
                for platform in sorted(map(_name, platforms))
            },
            Values(packing.manifest_value, pinned),
        )
        if len(self._opened) >= _REVISIONS_KEPT:
            self._opened.pop(next(iter(self._opened)))
        return _Opened(revision, trees)

    def _latest(self, codec: Codec[V], name: VersionSetName, path: str) -> str:
        return f"latest-{codec.kind}-{path.rpartition('/')[2]}-{name.replace('/', '~')}"

    def _save(self, file: str, latest: str, tree: Parsed) -> Parsed:
        tree = parsed.save(self._cache, file, tree)
        parsed.write_quietly(self._cache / latest, file.encode())
        return tree

    def _before(self, latest: str) -> Parsed:
        # Most blobs of a new revision are those of the one before: only the others are parsed.
        try:
            file = (self._cache / latest).read_text("ascii")
        except (OSError, UnicodeDecodeError):
            file = ""
        known = parsed.load(self._cache, file) if file and "/" not in file else None
        return known or _nothing()

    def _parse_tree(self, codec: Codec[V], folder: TreeEntry, place: str, read: Read[V], before: Parsed) -> Parsed:
        shards = self._tree(folder.id, place)
        files = {f"{_name(s)}/{_name(e)}": e.id for s, tree in self._trees(shards) for e in tree}
        known = {_leaf(interface): interface for interface in before.entries}
        fresh = {path: id_ for path, id_ in files.items() if path not in known or before.entries[known[path]][0] != id_}
        changes: dict[Interface, tuple[str, V] | None] = {known[path]: None for path in known if path not in files}
        for (path, id_), data in zip(fresh.items(), self._blobs(fresh.values()), strict=True):
            interface, value = read(data, f"{place}/{path}")
            _require(path == _leaf(interface), f"{place}/{path}", f"it is about {interface}")
            changes[interface] = (id_, value)
        return before.changed(codec, changes)

    def history(self, name: VersionSetName, tip: str) -> list[RevisionInfo]:
        """Return the revisions of a set from a commit back, newest first."""
        ref = layout.set_ref(name)
        file = f"history-{name.replace('/', '~')}"
        known = parsed.load_plain(self._cache, file)
        old: list[RevisionInfo] = [_from_plain(name, row) for row in known] if isinstance(known, list) else []
        if old and old[0].commit == tip:
            return old
        new = self._walk(name, ref, tip, old[0].commit if old else "")
        if old and (not new or new[-1].parent != old[0].commit):
            old, new = [], self._walk(name, ref, tip, "")
        infos = [*new, *old]
        parsed.save_plain(self._cache, file, [_to_plain(info) for info in infos])
        return infos

    def _walk(self, name: VersionSetName, ref: str, tip: str, stop: str) -> list[RevisionInfo]:
        arguments = ["rev-list", "--first-parent", tip, *([f"^{stop}"] if stop else []), "--"]
        try:
            ids = run(in_repository(self._repository), arguments).decode("ascii").split()
        except GitFailedError as failure:
            if stop:
                return []
            raise broken(self._repository, failure) from failure
        commits = (
            self._checked_commit(found, ref, id_) for id_, found in zip(ids, self._objects.read_many(ids), strict=True)
        )
        return [_info(name, commit, f"{ref} ({commit.id})") for commit in commits]

    def _commit(self, id_: str, ref: str) -> Commit:
        return self._checked_commit(self._objects.read(id_), ref, id_)

    def _checked_commit(self, found: GitObject | None, ref: str, id_: str) -> Commit:
        if found is None:
            raise _damaged(f"{ref} ({id_})", "the commit is missing")
        try:
            return parse_commit(found)
        except ValueError as error:
            raise _damaged(f"{ref} ({id_})", str(error)) from error

    def _tree(self, name: str, place: str = "") -> list[TreeEntry]:
        found = self._objects.read(name)
        if found is None:
            # A name with a path may well be absent; an id that something refers to may not.
            _require(":" in name, place or name, f"the tree {name} is missing")
            self._require_catalog()
            return []
        return _entries(found.data, found.type, place or name)

    def _require_catalog(self) -> None:
        """Tell a catalog that lacks something from a branch that names no catalog."""
        if self._objects.read(f"{layout.CATALOG}^{{commit}}") is None:
            other = self._objects.read(layout.CATALOG)
            _require(other is None, layout.CATALOG, f"it is a {other.type}" if other else "")
            if self.has_ref(layout.CATALOG):
                raise lost_commit(layout.CATALOG)
            pins = self._objects.read_many(f"{ref}:{layout.PINS}" for ref in self._refs(layout.SETS))
            _require(not any(pins), layout.CATALOG, "it is not there, and sets pin what it has to hold")

    def _trees(self, entries: list[TreeEntry]) -> list[tuple[TreeEntry, list[TreeEntry]]]:
        found = self._objects.read_many(e.id for e in entries if e.mode == DIRECTORY)
        answers = []
        for entry in entries:
            tree = next(found) if entry.mode == DIRECTORY else None
            if tree is not None:
                answers.append((entry, _entries(tree.data, tree.type, _name(entry))))
            elif entry.mode == DIRECTORY:
                raise _damaged(_name(entry), f"the tree {entry.id} is missing")
        return answers

    def _blobs(self, ids: Iterable[str]) -> list[bytes]:
        wanted = list(ids)
        blobs = []
        for id_, found in zip(wanted, self._objects.read_many(wanted), strict=True):
            if found is None:
                raise _damaged(str(self._repository), f"the blob {id_} is missing")
            blobs.append(found.data)
        return blobs

    def _only(self, id_: str, place: str) -> bytes:
        found = self._objects.read(id_)
        if found is None:
            raise _damaged(place, f"the blob {id_} is missing")
        return found.data


def _nothing() -> Parsed:
    return Parsed(Table([]), {})


def _leaf(interface: Interface) -> str:
    return f"{layout.shard(interface.name)}/{interface}.toml"


def _id_of(content: bytes | str) -> str:
    return content if isinstance(content, str) else blob_id(content)


def _number_in(place: str) -> Callable[[str], int]:
    def number(name: str) -> int:
        try:
            return int(name.removesuffix(".toml"))
        except ValueError as error:
            raise _damaged(place, "it holds a file that is no package version") from error

    return number


def _read_pin(data: bytes, place: str) -> tuple[Interface, PackageRecord]:
    record = read_record(data, place)
    return record.version.interface, record


def _info(name: VersionSetName, commit: Commit, place: str) -> RevisionInfo:
    message = read_message(commit.message, place)
    return RevisionInfo(
        name,
        message.number,
        commit.id,
        commit.parents[0] if commit.parents else "",
        commit.time,
        commit.author,
        message.reason,
        message.token,
    )


def _to_plain(info: RevisionInfo) -> tuple[object, ...]:
    reason = (info.reason.kind, tuple(tuple(p) for p in info.reason.packages), info.reason.text)
    return (info.number, info.commit, info.parent, info.time, info.actor, reason, info.token)


def _from_plain(name: VersionSetName, row: Any) -> RevisionInfo:
    number, commit, parent, time, actor, reason, token = row
    return RevisionInfo(name, number, commit, parent, time, actor, Reason(*reason), token)


def _name(entry: TreeEntry) -> str:
    return entry.name.decode("utf-8", "backslashreplace")


def _entries(data: bytes, kind: str, place: str) -> list[TreeEntry]:
    try:
        if kind != "tree":
            raise ValueError(f"it is a {kind}")
        return parse_tree(data)
    except ValueError as error:
        raise _damaged(place, str(error)) from error


def _require(holds: bool, place: str, because: str) -> None:
    if not holds:
        raise _damaged(place, because)


def _damaged(place: str, because: str) -> IntegrityError:
    return IntegrityError(
        Problem(
            "registry.damaged",
            f"{place} is damaged",
            because,
            "it was changed by hand or by another program; restore it from another copy of the registry",
        )
    )
