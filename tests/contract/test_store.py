import multiprocessing
import os
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from brazil.errors import HermeticityError, IntegrityError
from brazil.formats.reapi import encode_directory
from brazil.model.action import ActionResult
from brazil.model.digest import EMPTY, Digest, digest_of
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode
from brazil.ports import ContentStore
from brazil.store.local import LocalStore
from brazil.store.memory import MemoryStore

INPUT_TIME = 315_532_800
ABSENT = digest_of(b"nobody wrote this")
ACTION = digest_of(b"an action")
RESULT = ActionResult(0, (), EMPTY, 1, 2)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LocalStore | MemoryStore:
    return LocalStore(tmp_path / "data", tmp_path / "cache") if request.param == "local" else MemoryStore()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "output"
    path.mkdir()
    return path


def a_tree(store: ContentStore) -> Digest:
    inner = Directory((FileNode("tool", store.write(b"#!/bin/sh\n"), True),))
    top = Directory(
        (FileNode("data", store.write(b"data")), FileNode("empty", store.write(b""))),
        (DirectoryNode("bin", store.write_directory(inner)),),
        (SymlinkNode("link", "bin/tool"),),
    )
    return store.write_directory(top)


def refused(store: ContentStore, folder: Path, largest: int | None = None) -> dict[str, str]:
    """Why each path that `ingest` names cannot be kept."""
    with pytest.raises(HermeticityError) as caught:
        store.ingest(folder, largest=largest)
    assert {p.code for p in caught.value.problems} == {"output.refused"}
    return {p.what.split("'")[1]: p.because for p in caught.value.problems}


def damage_code(action: Callable[[], object]) -> str:
    with pytest.raises(IntegrityError) as caught:
        action()
    return caught.value.code


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 9000])
def test_what_is_written_is_read(store: ContentStore, data: bytes) -> None:
    digest = store.write(data)
    assert digest == digest_of(data) == store.write(data)
    assert store.has(digest)
    assert store.read(digest) == data


def test_the_empty_blob_is_always_there(store: ContentStore) -> None:
    assert store.has(EMPTY)
    assert store.read(EMPTY) == b""


def test_what_is_missing_is_said_to_be_missing(store: ContentStore, tmp_path: Path) -> None:
    top = store.write_directory(Directory((FileNode("f", ABSENT),)))
    assert not store.has(ABSENT)
    assert damage_code(lambda: store.read(ABSENT)) == "store.missing"
    assert damage_code(lambda: store.read_directory(ABSENT)) == "store.missing"
    assert damage_code(lambda: store.tree_path(ABSENT)) == "store.missing"
    assert damage_code(lambda: store.tree_path(top)) == "store.missing"
    assert damage_code(lambda: store.copy_tree(top, tmp_path / "copy")) == "store.missing"


def test_a_digest_with_another_size_is_another_digest(store: ContentStore) -> None:
    digest = store.write(b"content")
    wrong = Digest(digest.hash, digest.size + 1)
    assert not store.has(wrong)
    assert store.has(digest)


def test_directories_are_kept_and_must_be_canonical(store: ContentStore) -> None:
    directory = Directory((FileNode("a", EMPTY), FileNode("b", EMPTY)), symlinks=(SymlinkNode("c", "a"),))
    digest = store.write_directory(directory)
    assert digest == digest_of(encode_directory(directory))
    assert store.read_directory(digest) == directory
    assert damage_code(lambda: store.read_directory(store.write(b"no directory"))) == "store.not-canonical"


def test_a_tree_is_there_when_all_of_it_is(store: ContentStore) -> None:
    below = Directory((FileNode("f", digest_of(b"late")),))
    digest = digest_of(encode_directory(below))
    root = store.write_directory(Directory(directories=(DirectoryNode("below", digest),)))
    assert not store.has_tree(root)
    store.write_directory(below)
    assert not store.has_tree(root)
    store.write(b"late")
    assert store.has_tree(root)
    assert store.has_tree(store.write_directory(Directory()))


def test_ingest_keeps_content_links_and_one_bit_of_the_mode(store: ContentStore, folder: Path) -> None:
    (folder / "bin").mkdir(mode=0o700)
    for name, mode in (("plain", 0o666), ("private", 0o600), ("run", 0o700), ("sticky", 0o4755), ("group", 0o674)):
        (folder / "bin" / name).write_bytes(name.encode())
        (folder / "bin" / name).chmod(mode)
    (folder / "lib.so").symlink_to("lib.so.1")
    (folder / "empty").mkdir()
    top = store.read_directory(store.ingest(folder))
    assert top.symlinks == (SymlinkNode("lib.so", "lib.so.1"),)
    assert [n.name for n in top.directories] == ["bin", "empty"]
    files = store.read_directory(top.directories[0].digest).files
    assert {f.name: f.executable for f in files} == {
        "group": False,
        "plain": False,
        "private": False,
        "run": True,
        "sticky": True,
    }
    assert all(store.read(f.digest) == f.name.encode() for f in files)


def test_one_content_gives_one_tree(store: ContentStore, tmp_path: Path) -> None:
    roots = set()
    for number, names in enumerate((["a", "b", "Z"], ["Z", "b", "a"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"the same")
            os.utime(folder / name, (number, number))
        roots.add(store.ingest(folder))
    assert len(roots) == 1


def test_unreadable_files_of_our_own_are_kept(store: ContentStore, folder: Path) -> None:
    (folder / "d").mkdir()
    (folder / "d" / "f").write_bytes(b"secret")
    (folder / "d" / "f").chmod(0)
    (folder / "d").chmod(0)
    top = store.read_directory(store.ingest(folder))
    assert store.read_directory(top.directories[0].digest).files == (FileNode("f", digest_of(b"secret")),)


def test_no_second_name_of_an_output_leads_into_the_store(store: ContentStore, folder: Path) -> None:
    (folder / "a").write_bytes(b"one")
    os.link(folder / "a", folder / "b")
    outside = folder.parent / "outside"
    os.link(folder / "a", outside)
    root = store.ingest(folder)
    outside.write_bytes(b"two")
    assert [n.digest for n in store.read_directory(root).files] == [digest_of(b"one")] * 2
    assert store.read(digest_of(b"one")) == b"one"
    assert (store.tree_path(root) / "a").read_bytes() == b"one"


def test_everything_that_cannot_be_kept_is_named_at_once(
    store: ContentStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "out").symlink_to("../../../../etc/passwd")
    (folder / "root").symlink_to("/")
    os.mkfifo(folder / "fifo")
    (folder / "good").write_bytes(b"good")
    bad = os.fsdecode(b"bad\xff")
    (folder / bad).write_bytes(b"")
    (folder / "target").symlink_to(bad)
    (folder / "far-target").symlink_to("x/" * 200 + bad)
    monkeypatch.chdir(folder)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        found = refused(store, folder)
    kinds = {
        "sub/out": "leaves the artifact",
        "root": "leaves the artifact",
        "fifo": "a device, a socket or a FIFO",
        "socket": "a device, a socket or a FIFO",
        "bad\\udcff": "not valid UTF-8",
        "target": "link target is not valid UTF-8",
        "far-target": "link target is not valid UTF-8",
    }
    assert found.keys() == kinds.keys()
    assert all(kinds[path] in because for path, because in found.items())
    assert (folder / "good").read_bytes() == b"good", "nothing was moved"


def test_devices_are_refused(store: ContentStore, folder: Path) -> None:
    try:
        os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        (folder / "null").symlink_to("/dev/null")  # an ordinary user can have no device
    assert refused(store, folder).keys() == {"null"}


def test_an_output_that_is_too_deep_is_refused(store: ContentStore, folder: Path) -> None:
    folder.joinpath(*["d"] * 100).mkdir(parents=True)
    assert store.has_tree(store.ingest(folder))
    folder.joinpath(*["d"] * 101).mkdir(parents=True)
    ((path, because),) = refused(store, folder).items()
    assert path == "d/" * 101
    assert because == "it is more than 100 folders deep"


def test_an_output_that_is_too_large_is_refused(store: ContentStore, folder: Path) -> None:
    for name in "abc":
        (folder / name).write_bytes(b"12345")
    assert refused(store, folder, largest=14) == {"c": "with it the output is larger than its limit"}
    assert store.has_tree(store.ingest(folder, largest=15))


KEPT_LINKS = [
    ("libx.so", "libx.so.1"),
    ("here", "."),
    ("lib/up", ".."),
    ("lib/x", "../share/x"),
    ("lib/y", "../share/../share/x"),
    ("lib/z", "./../lib//real"),
    ("other", "../Other-1.0/lib/libo.so"),
    ("other", "/brazil/pkg/Other-1.0/lib/libo.so"),
    ("round", "../../pkg/Other-1.0"),
    ("round", "/brazil/pkg/Other-1.0/../Third-1.0"),
    ("dangling", "no/such/file"),
    ("dangling", "no/../such"),
    ("odd", "..."),
]
REFUSED_LINKS = [
    ("up", "../../.."),
    ("up", "../../outside"),
    ("lib/up", "../../../outside"),
    ("abs", "/etc/passwd"),
    ("abs", "/brazil"),
    ("abs", "/brazil/src"),
    ("abs", "/brazil/pkgs/x"),
    ("abs", "/usr/../brazil/pkg/x"),
    ("abs", "/brazil/src/../pkg/x"),
    # "jump" is a link to "deep/er", which is a link to the top.
    ("chain", "jump/../.."),
    ("chain", "jump/.."),
    ("deep/chain", "../jump/../../../.."),
    ("chain", "deep/er/../../.."),
    # What is behind the top of another artifact may be links.
    ("other", "../Other-1.0/lib/../../.."),
    ("other", "/brazil/pkg/Other-1.0/lib/../x"),
]


@pytest.mark.parametrize(("path", "target"), KEPT_LINKS)
def test_links_inside_and_to_other_artifacts_are_kept(
    store: ContentStore, folder: Path, path: str, target: str
) -> None:
    link_farm(folder)
    (folder / path).symlink_to(target)
    assert store.has_tree(store.ingest(folder))


@pytest.mark.parametrize(("path", "target"), REFUSED_LINKS)
def test_links_that_lead_out_are_refused(store: ContentStore, folder: Path, path: str, target: str) -> None:
    link_farm(folder)
    (folder / path).symlink_to(target)
    ((refused_path, because),) = refused(store, folder).items()
    assert refused_path == path
    assert repr(target) in because


def link_farm(folder: Path) -> None:
    for name in ("lib", "share", "deep"):
        (folder / name).mkdir()
    (folder / "lib" / "real").write_bytes(b"")
    (folder / "deep" / "er").symlink_to("..")
    (folder / "jump").symlink_to("deep/er")


def test_tree_path_is_shared_and_read_only(store: ContentStore) -> None:
    root = a_tree(store)
    path = store.tree_path(root)
    assert store.tree_path(root) == path
    assert (path / "data").read_bytes() == b"data"
    assert (path / "empty").read_bytes() == b""
    assert (path / "link").readlink() == Path("bin/tool")
    assert {name: stat.S_IMODE((path / name).stat().st_mode) for name in ("data", "empty", "bin", "bin/tool")} == {
        "data": 0o444,
        "empty": 0o444,
        "bin": 0o755,
        "bin/tool": 0o555,
    }
    assert times(path) == {INPUT_TIME}


def test_tree_path_comes_again_when_the_cache_was_deleted(store: ContentStore) -> None:
    root = a_tree(store)
    path = store.tree_path(root)
    subprocess.run(["rm", "-rf", "--", str(path)], check=True)
    assert (store.tree_path(root) / "bin" / "tool").read_bytes() == b"#!/bin/sh\n"


def test_one_content_may_be_a_program_and_not(store: ContentStore) -> None:
    script = store.write(b"echo")
    root = store.write_directory(Directory((FileNode("a", script), FileNode("b", script, True))))
    path = store.tree_path(root)
    assert [stat.S_IMODE((path / name).stat().st_mode) for name in "ab"] == [0o444, 0o555]


@pytest.mark.parametrize("umask", [0, 0o077])
def test_copy_tree_is_private_and_writable(store: ContentStore, tmp_path: Path, umask: int) -> None:
    root = a_tree(store)
    copy = tmp_path / "copy"
    before = os.umask(umask)
    try:
        store.copy_tree(root, copy)
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((copy / name).stat().st_mode) for name in ("", "data", "bin", "bin/tool")}
    assert modes == {"": 0o755, "data": 0o644, "bin": 0o755, "bin/tool": 0o755}
    assert times(copy) == {INPUT_TIME}
    (copy / "data").write_bytes(b"changed")
    (copy / "bin" / "tool").write_bytes(b"changed")
    assert store.read(digest_of(b"data")) == b"data"
    assert (store.tree_path(root) / "data").read_bytes() == b"data"


def test_copy_tree_copies_large_files(store: ContentStore, tmp_path: Path) -> None:
    large = bytes(3_000_000)
    store.copy_tree(store.write_directory(Directory((FileNode("f", store.write(large)),))), tmp_path / "copy")
    assert (tmp_path / "copy" / "f").read_bytes() == large


def times(folder: Path) -> set[float]:
    found = {folder, *folder.rglob("*")}
    return {path.lstat().st_mtime for path in found}


def deep_tree(store: ContentStore, depth: int) -> Digest:
    digest = store.write_directory(Directory((FileNode("f", store.write(b"bottom")),)))
    for _ in range(depth):
        digest = store.write_directory(Directory(directories=(DirectoryNode("d", digest),)))
    return digest


def test_trees_as_deep_as_sources_may_be_work(store: ContentStore, tmp_path: Path) -> None:
    root = deep_tree(store, 150)
    store.copy_tree(root, tmp_path / "copy")
    assert (tmp_path / "copy").joinpath(*["d"] * 150, "f").read_bytes() == b"bottom"


def test_a_hostile_tree_of_any_depth_is_answered_with_a_problem(store: ContentStore, tmp_path: Path) -> None:
    root = deep_tree(store, 5000)
    assert store.has_tree(root)
    assert damage_code(lambda: store.tree_path(root)) == "store.too-deep"
    assert damage_code(lambda: store.copy_tree(root, tmp_path / "copy")) == "store.too-deep"


def test_a_tree_that_names_itself_a_million_times_is_looked_at_once(store: ContentStore) -> None:
    digest = store.write_directory(Directory())
    for _ in range(60):  # 2 ** 60 folders, were it written out
        digest = store.write_directory(Directory(directories=(DirectoryNode("a", digest), DirectoryNode("b", digest))))
    assert store.has_tree(digest)


def storm(place: str, number: int, results: "multiprocessing.Queue[tuple[int, str]]") -> None:
    store = LocalStore(Path(place, "data"), Path(place, "cache"))
    for round_ in range(12):
        folder = Path(place, f"{number}-{round_}")
        (folder / "sub").mkdir(parents=True)
        for name in range(6):
            (folder / "sub" / f"f{name}").write_bytes(f"{round_} {name}".encode() * 50)
            (folder / "sub" / f"f{name}").chmod(0o755 if name % 2 else 0o644)
        root = store.ingest(folder)
        assert store.has_tree(root)
        path = store.tree_path(root)
        for name in range(6):
            assert (path / "sub" / f"f{name}").read_bytes() == f"{round_} {name}".encode() * 50
        store.put(root, ActionResult(0, (("out", root),), EMPTY, number, number))
        result = store.get(root)
        assert result is not None
        assert result.outputs == (("out", root),)
        with store.claim(ACTION, str(number), lambda _: None):
            counter = Path(place, "counter")
            value = int(counter.read_text()) if counter.exists() else 0
            counter.write_text(str(value + 1))
        results.put((round_, root.hash))


def test_eight_processes_write_the_same_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[tuple[int, str]] = context.Queue()
    processes = [context.Process(target=storm, args=(str(tmp_path), n, results)) for n in range(8)]
    for process in processes:
        process.start()
    found = {results.get(timeout=60) for _ in range(8 * 12)}
    for process in processes:
        process.join()
    assert [p.exitcode for p in processes] == [0] * 8
    assert len(found) == 12, "one tree per round, whoever wrote it"
    assert (tmp_path / "counter").read_text() == "96"
    assert sorted(p.name for p in (tmp_path / "data" / "blobs" / "tmp").iterdir()) == ["ready"]
    assert not list((tmp_path / "cache" / "trees" / "tmp").iterdir())
    assert not list((tmp_path / "data" / "blobs" / "quarantine").iterdir())


def test_two_users_share_nothing(tmp_path: Path) -> None:
    one, two = (LocalStore(tmp_path / user / "data", tmp_path / user / "cache") for user in ("ada", "bob"))
    root = a_tree(one)
    one.put(ACTION, RESULT)
    assert not two.has_tree(root)
    assert two.get(ACTION) is None
    assert a_tree(two) == root
    assert one.tree_path(root).name == two.tree_path(root).name
    assert not (one.tree_path(root) / "data").samefile(two.tree_path(root) / "data")


def test_two_stores_of_one_process_in_one_place(tmp_path: Path) -> None:
    stores = [LocalStore(tmp_path / "data", tmp_path / "cache") for _ in range(2)]
    roots = {a_tree(store) for store in stores}
    assert len({store.tree_path(root) for store in stores for root in roots}) == 1
