import errno
import hashlib
import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from brazil.errors import IntegrityError
from brazil.model.action import ActionResult, Platform, Ran, RunRecord, SandboxResult, Snapshot, StepId, StepKind
from brazil.model.digest import Digest, digest_of
from brazil.model.names import parse_interface
from brazil.model.tree import Directory, DirectoryNode, FileNode
from brazil.store import blobs
from brazil.store.local import LocalStore
from brazil.store.records import RecordFiles

ACTION = digest_of(b"an action")
FILES = {"data": b"some data", "bin/tool": b"#!/bin/sh\n", "bin/other": b"some other"}
ROOT_OWNS_ALL = os.geteuid() == 0


class World:
    """A store that a first process filled, and used."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.store = self.process()
        self.root = self.build(self.store)
        self.store.tree_path(self.root)
        assert self.store.has_tree(self.root)
        self.result = ActionResult(0, (("out", self.root),), digest_of(b""), 1, 2)
        self.store.put(ACTION, self.result)

    def process(self) -> LocalStore:
        """The store as a new process sees it."""
        return LocalStore(self.place / "data", self.place / "cache")

    def build(self, store: LocalStore) -> Digest:
        """Make the output again, in whichever store."""
        folder = self.place / f"build-{os.urandom(4).hex()}"
        (folder / "bin").mkdir(parents=True)
        for name, data in FILES.items():
            (folder / name).write_bytes(data)
        (folder / "bin" / "tool").chmod(0o755)
        (folder / "link").symlink_to("data")
        return store.ingest(folder)

    def blob(self, digest: Digest, suffix: str = "") -> Path:
        return self.place / "data" / "blobs" / digest.hash[:2] / (digest.hash + suffix)

    @property
    def tree(self) -> Path:
        return self.place / "cache" / "trees" / self.root.hash[:2] / self.root.hash


def subfolder(world: World) -> Digest:
    (node,) = world.process().read_directory(world.root).directories
    return node.digest


LOCATIONS: dict[str, tuple[Callable[[World], Digest], str]] = {
    "plain blob": (lambda w: digest_of(FILES["data"]), ""),
    "executable blob": (lambda w: digest_of(FILES["bin/tool"]), ".x"),
    "root Directory": (lambda w: w.root, ""),
    "inner Directory": (subfolder, ""),
}


def truncate(path: Path) -> None:
    _rewrite(path, path.read_bytes()[:-3])


def empty(path: Path) -> None:
    _rewrite(path, b"")


def append(path: Path) -> None:
    _rewrite(path, path.read_bytes() + b"more")


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    _rewrite(path, bytes(data))


def decay(path: Path) -> None:
    """A bit flips and nothing tells of it."""
    status = path.stat()
    flip_a_bit(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def delete(path: Path) -> None:
    path.unlink()


def replace_by_another(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"the content of something else")
    shutil.copystat(path, other)
    other.replace(path)


def make_unreadable(path: Path) -> None:
    path.chmod(0)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _rewrite(path: Path, data: bytes) -> None:
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)


HONEST = [truncate, empty, append, flip_a_bit, delete, replace_by_another, make_unreadable, replace_by_folder]
HARMS = [*HONEST, decay]


def all_files(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            assert path.readlink() == Path("data")
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def heals(world: World, store: LocalStore) -> None:
    """What is built again is whole again, for this process and the next."""
    assert world.build(store) == world.root
    for number, process in enumerate((store, world.process())):
        assert process.has_tree(world.root)
        assert all_files(process.tree_path(world.root)) == FILES
        process.copy_tree(world.root, world.place / f"healed-{number}")
        assert all_files(world.place / f"healed-{number}") == FILES


@pytest.mark.parametrize("observer", ["who checked it before", "a new process"])
@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("harm", HARMS, ids=lambda h: h.__name__)
def test_a_damaged_blob_is_refused_then_missing_then_healed(
    tmp_path: Path, harm: Callable[[Path], None], location: str, observer: str
) -> None:
    world = World(tmp_path)
    name, suffix = LOCATIONS[location]
    digest = name(world)
    store = world.store if observer == "who checked it before" else world.process()
    harm(world.blob(digest, suffix))
    if harm is make_unreadable and ROOT_OWNS_ALL:
        assert digest_of(store.read(digest)) == digest, "nothing is unreadable to root"
    else:
        with pytest.raises(IntegrityError) as caught:
            store.read(digest)
        assert caught.value.code == ("store.missing" if harm is delete else "store.damaged")
        assert not store.has(digest)
        assert not store.has_tree(world.root)
        with pytest.raises(IntegrityError):
            world.process().copy_tree(world.root, tmp_path / "copy")
        quarantined = list((tmp_path / "data" / "blobs" / "quarantine").iterdir())
        assert len(quarantined) == (harm is not delete)
    heals(world, store)


def test_a_large_blob_that_the_disk_cannot_read_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path / "data", tmp_path / "cache")
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "large").write_bytes(bytes(3 << 20))
    root = store.ingest(tmp_path / "it")

    class Disk(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size) or b""

    monkeypatch.setattr(blobs, "open", lambda path, *_, **__: Disk(path), raising=False)
    with pytest.raises(IntegrityError, match="is damaged"):
        store.copy_tree(root, tmp_path / "copy")
    assert not store.has_tree(root)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("harm", HONEST, ids=lambda h: h.__name__)
def test_a_change_is_noticed_without_reading(tmp_path: Path, harm: Callable[[Path], None], location: str) -> None:
    world = World(tmp_path)
    name, suffix = LOCATIONS[location]
    digest = name(world)
    harm(world.blob(digest, suffix))
    whole = harm is make_unreadable and ROOT_OWNS_ALL
    for store in (world.store, world.process()):
        assert store.has(digest) == whole
        assert store.has_tree(world.root) == whole
    heals(world, world.store)


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("harm", HARMS, ids=lambda h: h.__name__)
def test_nothing_damaged_is_served_in_a_tree(
    tmp_path: Path, harm: Callable[[Path], None], location: str, cached: bool
) -> None:
    if cached and harm is decay:
        return  # what nothing tells of is found when content is read, not when a Tree of the cache is used
    world = World(tmp_path)
    if not cached:
        shutil.rmtree(world.tree)
    name, suffix = LOCATIONS[location]
    harm(world.blob(name(world), suffix))
    store = world.process()
    try:
        files = all_files(store.tree_path(world.root))
    except IntegrityError:
        assert not store.has_tree(world.root)
    else:
        # Deleting, replacing or hiding a name in the store does not touch what is linked in the cache.
        assert files == FILES
    heals(world, store)


@pytest.mark.parametrize("location", ["plain blob", "executable blob"])
def test_decay_found_once_is_never_served_from_the_cache(tmp_path: Path, location: str) -> None:
    world = World(tmp_path)
    name, suffix = LOCATIONS[location]
    decay(world.blob(name(world), suffix))
    with pytest.raises(IntegrityError):
        world.process().read(name(world))
    for store in (world.store, world.process()):
        with pytest.raises(IntegrityError):
            store.tree_path(world.root) if store is not world.store else store.copy_tree(world.root, tmp_path / "copy")
    heals(world, world.store)


def test_one_whole_file_of_two_modes_serves(tmp_path: Path) -> None:
    world = World(tmp_path)
    script = world.store.write(b"both")
    root = world.store.write_directory(Directory((FileNode("a", script), FileNode("b", script, True))))
    world.store.tree_path(root)
    for suffix in ("", ".x"):
        decay(world.blob(script, suffix))
        store = world.process()
        assert store.read(script) == b"both"
        shutil.rmtree(store.tree_path(root))
        assert {p.read_bytes() for p in world.process().tree_path(root).iterdir()} == {b"both"}


def link_instead(path: Path, target: str) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(target)


def file_instead(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.write_bytes(b"")


TREE_HARMS: dict[str, Callable[[Path], object]] = {
    "file deleted": lambda t: delete(t / "data"),
    "file truncated": lambda t: truncate(t / "data"),
    "program changed": lambda t: flip_a_bit(t / "bin" / "tool"),
    "file replaced": lambda t: replace_by_another(t / "data"),
    "file is a folder": lambda t: replace_by_folder(t / "data"),
    "file unreadable": lambda t: make_unreadable(t / "data"),
    "file added": lambda t: (t / "bin" / "more").write_bytes(b""),
    "link changed": lambda t: link_instead(t / "link", "/etc/passwd"),
    "link is a file": lambda t: file_instead(t / "link"),
    "folder deleted": lambda t: shutil.rmtree(t / "bin"),
    "folder unreadable": lambda t: (t / "bin").chmod(0),
    "tree unreadable": lambda t: t.chmod(0),
    "tree is a file": file_instead,
    "tree is a link": lambda t: link_instead(t, "/etc"),
    "tree deleted": shutil.rmtree,
}


@pytest.mark.parametrize("harm", TREE_HARMS)
def test_a_damaged_tree_of_the_cache_is_made_anew(tmp_path: Path, harm: str) -> None:
    world = World(tmp_path)
    TREE_HARMS[harm](world.tree)
    store = world.process()
    try:
        files = all_files(store.tree_path(world.root))
    except IntegrityError:
        assert harm in ("file truncated", "program changed", "file unreadable"), "only links share their file"
        assert not store.has_tree(world.root)
    else:
        assert files == FILES
    heals(world, store)


@pytest.mark.parametrize("harm", HARMS, ids=lambda h: h.__name__)
def test_a_damaged_result_is_forgotten(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    world = World(tmp_path)
    path = tmp_path / "data" / "actions" / ACTION.hash[:2] / ACTION.hash
    harm(path)
    whole = harm is make_unreadable and ROOT_OWNS_ALL
    for store in (world.store, world.process()):
        assert store.get(ACTION) == (world.result if whole else None)
    if harm is replace_by_folder:
        path.rmdir()  # nobody makes that by accident; the problem names the path
    world.store.put(ACTION, world.result)
    assert world.process().get(ACTION) == world.result


def test_the_result_of_another_action_is_not_ours(tmp_path: Path) -> None:
    world = World(tmp_path)
    other = digest_of(b"another action")
    world.store.put(other, world.result)
    results = tmp_path / "data" / "actions"
    shutil.copy(results / ACTION.hash[:2] / ACTION.hash, results / other.hash[:2] / other.hash)
    assert world.process().get(other) is None


def record(started: int) -> RunRecord:
    step = StepId(parse_interface("JsonKit-2.0"), StepKind.BUILD)
    snapshot = Snapshot(step, ACTION, Platform("linux", "host", "ab" * 32), (("src", digest_of(b"src")),))
    return RunRecord(snapshot, SandboxResult(0, "", (), digest_of(b"log"), started, started + 1), {"network": "own"})


@pytest.mark.parametrize("harm", HARMS, ids=lambda h: h.__name__)
def test_a_damaged_record_is_left_out(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    store = LocalStore(tmp_path / "data", tmp_path / "cache")
    records = RecordFiles(tmp_path / "records", store)
    for started in (20, 3, 100):
        records.add(record(started))
    assert records.runs(ACTION) == [record(3), record(20), record(100)]
    (path,) = (tmp_path / "records").rglob("20-*.json")
    harm(path)
    whole = harm is make_unreadable and ROOT_OWNS_ALL
    assert records.runs(ACTION) == [record(3), *[record(20)] * whole, record(100)]
    other = tmp_path / "records" / "ff" / digest_of(b"another").hash
    assert records.runs(Digest(other.name, 0)) == []


def test_runs_are_listed_newest_first_past_lines_that_are_torn(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "data", tmp_path / "cache")
    records = RecordFiles(tmp_path / "records", store)
    assert list(records.ran()) == []
    listing = tmp_path / "records" / "list"
    step = record(1).snapshot.step
    for started in range(1, 1001):  # more than is read at once
        records.add(record(started))
        if started == 500:
            line = listing.read_bytes().splitlines(keepends=True)[-1]
            listing.write_bytes(listing.read_bytes() + line[:40])  # what a full disk took; it spoils the next line
        if started == 700:
            with listing.open("ab") as file:
                file.write(
                    b"\n\xff\xfe no line\n9 x build A-1.0 failed\n9 %s built A-1.0 failed\n" % str(ACTION).encode()
                )
    with listing.open("ab") as file:
        file.write(line.rstrip(b"\n")[:-1])
    assert list(records.ran()) == [Ran(step, ACTION, n, True) for n in range(1000, 0, -1) if n != 501]


def test_left_overs_of_the_dead_are_in_nobodys_way(tmp_path: Path) -> None:
    world = World(tmp_path)
    pid = os.getpid()  # in a container everybody has it
    for folder in ("data/blobs/tmp", "data/actions/tmp", "cache/trees/tmp"):
        for number in range(50):
            (tmp_path / folder / f"{pid}-{number}").write_bytes(b"torn")
    records = tmp_path / "records" / ACTION.hash[:2] / ACTION.hash
    records.mkdir(parents=True)
    (records / f".{pid}-0").write_bytes(b"{")
    (tmp_path / "data" / "claims" / ACTION.hash).write_bytes(b"the dead")
    store = world.process()
    new = store.write(b"new")
    root = store.write_directory(Directory((FileNode("f", new),), (DirectoryNode("d", world.root),)))
    assert all_files(store.tree_path(root)).keys() == {"f", "d/data", "d/bin/tool", "d/bin/other"}
    store.put(digest_of(b"x"), world.result)
    files = RecordFiles(tmp_path / "records", store)
    files.add(record(1))
    assert files.runs(ACTION) == [record(1)]
    with store.claim(ACTION, "us", lambda owner: pytest.fail(f"waited for {owner}")):
        pass


def test_what_is_linked_to_a_blob_is_the_blob(tmp_path: Path) -> None:
    world = World(tmp_path)
    for path in world.tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert hashlib.sha256(path.read_bytes()).hexdigest() in {p.name[:64] for p in same_files(world, path)}


def same_files(world: World, path: Path) -> list[Path]:
    blobs = (world.place / "data" / "blobs").glob("[0-9a-f][0-9a-f]/*")
    return [blob for blob in blobs if blob.samefile(path)]
