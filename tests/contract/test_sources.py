import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from brazil.errors import BrazilError, UnavailableError, UsageError
from brazil.gitrepo.transport import GitPythonTransport
from brazil.model.digest import Digest, digest_of
from brazil.model.names import PackageName
from brazil.model.tree import Directory
from brazil.model.versionset import RegisteredPackage
from brazil.ports import CheckoutStatus
from brazil.source.checkout import GitCheckouts
from brazil.source.mirror import SourceMirror
from brazil.store.local import LocalStore

NAME = PackageName("JsonKit")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"
Fill = Callable[[Path], None]


class LateClock:
    """So late that every stat is old enough to be trusted."""

    def now(self) -> int:
        return 4_000_000_000_000_000_000


class EarlyClock:
    """So early that no stat is."""

    def now(self) -> int:
        return 0


def git(folder: Path, *arguments: str, data: bytes = b"") -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], input=data, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(folder: Path, message: str = "change") -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


class World:
    """A package's repository, a registry, and what brazil makes of them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.upstream = place / "upstream"
        self.upstream.mkdir()
        git(self.upstream, "init", "-q", "-b", "main")
        (self.upstream / "brazil.toml").write_text("[package]\n")
        self.first = commit(self.upstream, "begin")
        self.package = RegisteredPackage(NAME, str(self.upstream))
        self.registry = place / "registry.git"
        GitPythonTransport().init(self.registry, bare=True)
        self.store = LocalStore(place / "store", place / "store-cache")
        self.mirror = self.new_mirror("mirror.git")
        self.checkouts = self.new_checkouts(LateClock())
        self.folder = place / "src" / "JsonKit"

    def new_mirror(self, name: str, *, registry: str = "") -> SourceMirror:
        return SourceMirror(
            self.place / name,
            store=self.store,
            cache=self.place / f"{name}-cache",
            registry=registry or str(self.registry),
            transport=GitPythonTransport,
        )

    def new_checkouts(self, clock: LateClock | EarlyClock) -> GitCheckouts:
        return GitCheckouts(
            lambda: self.mirror,
            store=self.store,
            cache=self.place / "cache",
            clock=clock,
            transport=GitPythonTransport,
            second=(),
        )

    def both(self, id_: str) -> tuple[Digest, Digest]:
        """The Tree of a commit, from git objects and from a checkout of it."""
        if not self.folder.exists():
            self.checkouts.create(self.package, id_, self.folder)
        return self.mirror.tree(self.package, id_), self.checkouts.capture(self.folder).root


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def write(name: str, data: bytes = b"x", mode: int = 0o644) -> Fill:
    def fill(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)

    return fill


def link(name: str, target: str) -> Fill:
    return lambda folder: (folder / name).symlink_to(target)


def many(*fills: Fill) -> Fill:
    def fill(folder: Path) -> None:
        for each in fills:
            each(folder)

    return fill


SHAPES = {
    "plain": write("a.txt"),
    "empty file": write("a", b""),
    "executable": write("run", b"#!/bin/sh\n", 0o755),
    "odd modes": many(write("a", mode=0o600), write("b", mode=0o775), write("c", mode=0o654)),
    "deep": many(*(write("/".join("abcdef"[:n]) + "/f", b"%d" % n) for n in range(1, 6))),
    "order": many(write("a/x"), write("a.b"), write("a-b"), write("a0"), write("A"), write("aa/x")),
    "unicode": many(write("caf\u00e9/na\u00efve"), write("\U0001f600"), write("e\u0301"), write("\ufb01")),
    "spaces and quotes": many(write('a "b" \t\\c'), write("new\nline"), write("-rf"), write("--help")),
    "line ends": many(write(".gitattributes", b"* text=auto eol=crlf\n"), write("a", b"1\r\n2\n"), write("b", b"1\n")),
    "keywords": many(write(".gitattributes", b"* ident\n"), write("a", b"$Id$\n$Id: x $\n")),
    "encoding": many(
        write(".gitattributes", b"*.u text working-tree-encoding=UTF-16\n"), write("b.u", b"\xff\xfeh\0i\0")
    ),
    "filter": many(write(".gitattributes", b"* filter=evil diff=evil merge=evil export-ignore\n"), write("a")),
    "links": many(link("up", "../../outside"), link("abs", "/etc/passwd"), link("dangling", "no"), link("dir", "d")),
    "ignored but tracked": many(write("build.o"), write("z")),
    "binary": write("bin", bytes(range(256)) * 300),
    "almost a pointer": write("big", LFS + b"x" * 1024),
    "nearly .git": many(write(".github/x"), write(".gitmodules", b""), write("a.git/x")),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_objects_and_a_checkout_give_the_same_tree(world: World, shape: str) -> None:
    SHAPES[shape](world.upstream)
    id_ = commit(world.upstream)
    if shape == "ignored but tracked":
        write(".gitignore", b"*.o\n")(world.upstream)
        id_ = commit(world.upstream)
    from_objects, from_files = world.both(id_)
    assert from_objects == from_files
    assert world.checkouts.capture(world.folder).root == from_objects
    assert world.checkouts.status(world.folder).changed == ()
    assert world.store.has_tree(from_objects)


def test_the_bytes_are_those_of_the_blobs(world: World) -> None:
    SHAPES["line ends"](world.upstream)
    git(world.upstream, "config", "core.autocrlf", "false")
    id_ = commit(world.upstream)
    wanted = subprocess.run(
        ["git", "-C", str(world.upstream), "cat-file", "blob", f"{id_}:a"], capture_output=True, check=True
    ).stdout
    world.both(id_)
    assert (world.folder / "a").read_bytes() == wanted
    assert world.mirror.file(world.package, id_, "a") == wanted


def test_a_tree_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    root = world.mirror.tree(world.package, world.first)
    again = world.new_mirror("mirror.git")
    monkeypatch.setattr(again._trees, "_folder", None)
    assert again.tree(world.package, world.first) == root


def test_a_lost_or_damaged_memory_of_trees_costs_only_time(world: World) -> None:
    root = world.mirror.tree(world.package, world.first)
    for damage in (b"garbage" * 1000, b""):
        for file in (world.place / "mirror.git-cache").iterdir():
            file.write_bytes(damage)
        again = world.new_mirror("mirror.git")
        assert again.tree(world.package, world.first) == root
        assert again.tree(world.package, world.first) == root


def test_an_empty_commit_is_an_empty_tree(world: World) -> None:
    git(world.upstream, "rm", "-q", "-r", ".")
    empty = world.store.write_directory(Directory())
    assert world.both(commit(world.upstream)) == (empty, empty)


def crafted(world: World, *entries: tuple[str, str, bytes]) -> str:
    """Commit a tree that git itself would not make: (mode, id, name) each, in this order."""
    data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(id_) for mode, id_, name in entries)
    tree = git(world.upstream, "hash-object", "-t", "tree", "--literally", "-w", "--stdin", data=data)
    made = git(world.upstream, "commit-tree", "-m", "crafted", tree)
    git(world.upstream, "update-ref", f"refs/heads/crafted-{made}", made)
    return made


def blob(world: World, data: bytes = b"x") -> str:
    return git(world.upstream, "hash-object", "-w", "--stdin", data=data)


@pytest.mark.parametrize("name", [b"..", b".", b".git", b".GIT", b"caf\xe9", b"a/b"])
def test_hostile_names_in_a_git_tree_are_refused(world: World, name: bytes) -> None:
    id_ = crafted(world, ("100644", blob(world), name))
    with pytest.raises(UsageError) as caught:
        world.mirror.tree(world.package, id_)
    assert caught.value.code == "source.name"


def test_everything_unsupported_in_a_commit_is_named_at_once(world: World) -> None:
    text, pointer = blob(world), blob(world, LFS)
    id_ = crafted(
        world,
        ("100644", text, b"caf\xe9"),
        ("160000", world.first, b"lib"),
        ("100644", pointer, b"model.bin"),
    )
    with pytest.raises(UsageError) as caught:
        world.mirror.tree(world.package, id_)
    assert [p.code for p in caught.value.problems] == ["source.lfs", "source.name", "source.submodule"]
    assert [p.what.split()[0] for p in caught.value.problems] == ["model.bin", "caf\\xe9", "lib"]


def test_an_empty_directory_in_a_git_tree_is_left_out(world: World) -> None:
    nothing = git(world.upstream, "hash-object", "-t", "tree", "-w", "--stdin")
    text = blob(world)
    with_empty = crafted(world, ("100644", text, b"a"), ("40000", nothing, b"b"))
    without = crafted(world, ("100644", text, b"a"))
    assert world.mirror.tree(world.package, with_empty) == world.mirror.tree(world.package, without)


def test_refs_are_resolved_as_they_are_now(world: World) -> None:
    git(world.upstream, "tag", "-a", "v1", "-m", "one")
    git(world.upstream, "branch", "topic/x")
    assert world.mirror.resolve(world.package, "HEAD") == world.first
    write("b")(world.upstream)
    second = commit(world.upstream)
    for ref in ("HEAD", "main", "refs/heads/main", second, second[:12]):
        assert world.mirror.resolve(world.package, ref) == second
    for ref in ("v1", "refs/tags/v1", "topic/x", world.first[:10]):
        assert world.mirror.resolve(world.package, ref) == world.first
    git(world.upstream, "branch", "-D", "topic/x")
    git(world.upstream, "branch", "topic")
    assert world.mirror.resolve(world.package, "topic") == second
    with pytest.raises(UsageError, match="topic/x"):
        world.mirror.resolve(world.package, "topic/x")


def test_a_ref_that_is_not_there_or_not_one_thing(world: World) -> None:
    git(world.upstream, "tag", "both")
    write("b")(world.upstream)
    commit(world.upstream)
    git(world.upstream, "branch", "both")
    for ref, code in (("both", "source.ambiguous"), ("f" * 40, "source.unknown-ref"), ("mian", "source.unknown-ref")):
        with pytest.raises(UsageError) as caught:
            world.mirror.resolve(world.package, ref)
        assert caught.value.code == code
    assert caught.value.problems[0].hint == "did you mean 'main'?"


@pytest.mark.parametrize(
    "ref", ["-x", "--upload-pack=id", "a..b", "a b", "", "x\n", "@{-1}", "a^{/x}", ":/x", "HEAD~1"]
)
def test_what_is_no_ref_is_refused_before_git_sees_it(world: World, ref: str) -> None:
    with pytest.raises(UsageError) as caught:
        world.mirror.resolve(world.package, ref)
    assert caught.value.code == "source.ref"
    assert not (world.place / "mirror.git").exists()


def test_a_commit_of_another_package_is_not_this_ones(world: World) -> None:
    other = world.place / "other"
    other.mkdir()
    git(other, "init", "-q")
    write("theirs")(other)
    id_ = commit(other)
    assert world.mirror.resolve(RegisteredPackage(PackageName("Other"), str(other)), id_) == id_
    for ref in (id_, id_[:12]):
        with pytest.raises(UsageError):
            world.mirror.resolve(world.package, ref)


def test_files_and_commits_are_read_from_objects(world: World) -> None:
    many(write("d/e", b"deep"), link("l", "brazil.toml"))(world.upstream)
    second = commit(world.upstream, "second\n\nbody")
    third = commit(world.upstream, "third")
    for path, content in (("d/e", b"deep"), ("d", None), ("l", None), ("no", None), ("../x", None), ("d//e", None)):
        assert world.mirror.file(world.package, second, path) == content
    found = world.mirror.commits(world.package, world.first, third)
    assert [(c.id, c.subject) for c in found] == [(third, "third"), (second, "second")]
    assert found[0].author == "Test <test@example.com>"


def test_what_is_kept_outlives_its_repository_and_its_mirror(world: World) -> None:
    write("b")(world.upstream)
    id_ = commit(world.upstream)
    root = world.mirror.tree(world.package, id_)
    world.mirror.keep({NAME: id_})
    world.mirror.keep({NAME: id_})
    assert git(world.registry, "rev-parse", f"refs/sources/JsonKit/{id_}") == id_
    world.upstream.rename(world.place / "gone")
    elsewhere = world.new_mirror("elsewhere.git")
    assert elsewhere.tree(world.package, id_) == root
    assert world.new_mirror("third.git").resolve(world.package, id_) == id_
    with pytest.raises(UnavailableError) as caught:
        elsewhere.tree(world.package, "e" * 40)
    assert "neither does the registry" in caught.value.problems[0].because


def test_sources_are_kept_behind_a_url_too(world: World) -> None:
    world.mirror.tree(world.package, world.first)
    world.new_mirror("mirror.git", registry=f"file://{world.registry}").keep({NAME: world.first})
    assert git(world.registry, "rev-parse", f"refs/sources/JsonKit/{world.first}") == world.first


def test_a_commit_that_nobody_has_cannot_be_kept(world: World) -> None:
    with pytest.raises(UnavailableError):
        world.mirror.keep({NAME: "e" * 40})
    assert git(world.registry, "for-each-ref") == ""


def test_a_commit_of_a_checkout_is_adopted_and_survives_collection(world: World) -> None:
    world.both(world.first)
    write("mine")(world.folder)
    id_ = commit(world.folder)
    world.mirror.adopt(world.package, world.folder, id_)
    git(world.place / "mirror.git", "gc", "-q", "--prune=now")
    assert world.mirror.tree(world.package, id_) == world.checkouts.capture(world.folder).root
    assert world.mirror.resolve(world.package, id_) == id_
    with pytest.raises(UsageError):
        world.mirror.adopt(world.package, world.folder, "e" * 40)


def test_a_package_named_like_a_lock_file(world: World) -> None:
    package = RegisteredPackage(PackageName("Door.lock"), str(world.upstream))
    assert world.mirror.resolve(package, "main") == world.first
    world.mirror.keep({package.name: world.first})


def test_a_checkout_is_detached_and_knows_its_origin(world: World) -> None:
    git(world.upstream, "tag", "v1")
    world.checkouts.create(world.package, world.first, world.folder)
    assert world.checkouts.status(world.folder) == CheckoutStatus(world.first, "", (), "")
    assert git(world.folder, "remote", "get-url", "origin") == str(world.upstream)
    assert git(world.folder, "rev-parse", "origin/main", "v1").split() == [world.first] * 2
    assert git(world.folder, "status", "-sb") == "## HEAD (no branch)"
    assert list(world.folder.parent.iterdir()) == [world.folder]


def test_no_hook_runs(world: World, home: Path) -> None:
    ran = world.place / "ran"
    template = home / "template" / "hooks"
    template.mkdir(parents=True)
    for hook in ("post-checkout", "reference-transaction", "pre-push", "post-merge", "update", "pre-receive"):
        for folder in (template, world.registry / "hooks"):
            folder.mkdir(exist_ok=True)
            (folder / hook).write_text(f"#!/bin/sh\ntouch {ran}\n")
            (folder / hook).chmod(0o755)
    with (home / ".gitconfig").open("a") as config:
        config.write(f"[init]\n\ttemplateDir = {template.parent}\n[core]\n\thooksPath = {template}\n")
    world.checkouts.create(world.package, world.first, world.folder)
    world.checkouts.capture(world.folder)
    world.mirror.keep({NAME: world.first})
    assert not ran.exists()
    assert not (world.folder / ".git" / "hooks").exists()


def test_a_links_target_is_never_written_through(world: World) -> None:
    outside = world.place / "outside"
    outside.mkdir()
    tree = git(world.upstream, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", data=b"")
    inner = b"100644 f\0" + bytes.fromhex(blob(world))
    tree = git(world.upstream, "hash-object", "-t", "tree", "-w", "--stdin", data=inner)
    target = blob(world, os.fsencode(outside))
    id_ = crafted(world, ("120000", target, b"a"), ("40000", tree, b"a"))
    with pytest.raises(UsageError):
        world.mirror.tree(world.package, id_)
    try:
        world.checkouts.create(world.package, id_, world.folder)
    except BrazilError:
        assert not world.folder.exists()
    assert list(outside.iterdir()) == []


def test_a_failed_checkout_leaves_nothing(world: World) -> None:
    world.folder.parent.mkdir()
    left, held = (world.folder.parent / f".JsonKit.{name}.partial" for name in ("left", "held"))
    left.mkdir()
    held.mkdir()
    of_another = os.open(held, os.O_RDONLY)
    fcntl.flock(of_another, fcntl.LOCK_EX)
    world.checkouts.create(world.package, world.first, world.folder)
    assert sorted(world.folder.parent.iterdir()) == [held, world.folder], "what somebody works on stays"
    os.close(of_another)
    held.rmdir()
    with pytest.raises(UsageError) as caught:
        world.checkouts.create(world.package, world.first, world.folder)
    assert caught.value.code == "source.folder-exists"
    with pytest.raises(BrazilError):
        world.checkouts.create(world.package, "e" * 40, world.folder.parent / "X")
    assert list(world.folder.parent.iterdir()) == [world.folder]


def test_capture_is_what_git_would_track(world: World) -> None:
    many(write(".gitignore", b"*.o\nout/\n"), write("keep"), write("lost"))(world.upstream)
    world.both(commit(world.upstream))
    many(write("a.o"), write("out/x"), write("new", b"n"), write("d/e"))(world.folder)
    (world.folder / "lost").unlink()
    (world.folder / "empty").mkdir()
    got = world.checkouts.capture(world.folder).root
    directory = world.store.read_directory(got)
    assert [f.name for f in directory.files] == [".gitignore", "brazil.toml", "keep", "new"]
    assert [d.name for d in directory.directories] == ["d"]
    assert world.checkouts.status(world.folder).changed == ("d/e", "lost", "new")
    assert world.checkouts.capture(world.folder).root == got


def test_a_users_own_ignore_rules_change_nothing(world: World, home: Path) -> None:
    world.both(world.first)
    write("notes.txt")(world.folder)
    before = world.checkouts.capture(world.folder).root
    for file in (home / ".config" / "git" / "ignore", home / "ignore"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("notes.txt\n")
    (home / ".gitconfig").write_text(f"[core]\n\texcludesFile = {home}/ignore\n")
    assert world.checkouts.capture(world.folder).root == before


@pytest.mark.parametrize("clock", [LateClock(), EarlyClock()])
def test_an_edit_is_seen(world: World, clock: LateClock | EarlyClock) -> None:
    world.both(world.first)
    checkouts = world.new_checkouts(clock)
    before = checkouts.capture(world.folder).root
    write("brazil.toml", b"[PACKAGE]\n")(world.folder)
    assert checkouts.capture(world.folder).root != before
    write("brazil.toml", b"[package]\n", 0o755)(world.folder)
    assert checkouts.capture(world.folder).root != before
    write("brazil.toml", b"[package]\n")(world.folder)
    assert checkouts.capture(world.folder).root == before


def test_a_fresh_stat_is_not_trusted_and_an_old_one_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.both(world.first)
    read: list[bytes] = []
    from brazil.source import capture

    real = capture._read

    def counted(full: bytes) -> tuple[bytes, capture.Stamp, capture.Stamp]:
        read.append(full)
        return real(full)

    monkeypatch.setattr(capture, "_read", counted)
    early, late = world.new_checkouts(EarlyClock()), world.new_checkouts(LateClock())
    for cache in (world.place / "cache").iterdir():
        cache.unlink()
    counts = []
    for checkouts in (early, early, late, late):
        checkouts.capture(world.folder)
        counts.append(len(read))
    assert counts == [1, 2, 3, 3]


def test_content_that_left_the_store_is_read_again(world: World) -> None:
    _, root = world.both(world.first)
    world.store = LocalStore(world.place / "store2", world.place / "store2-cache")
    assert world.new_checkouts(LateClock()).capture(world.folder).root == root
    assert world.store.has_tree(root)


def test_a_damaged_stat_cache_is_passed_over(world: World) -> None:
    _, root = world.both(world.first)
    for cache in (world.place / "cache").iterdir():
        cache.write_bytes(cache.read_bytes()[:-1] + b"?")
    assert world.checkouts.capture(world.folder).root == root


def test_everything_unsupported_in_a_checkout_is_named_at_once(world: World) -> None:
    world.both(world.first)
    write("model.bin", LFS)(world.folder)
    (world.folder / "nested").mkdir()
    git(world.folder / "nested", "init", "-q")
    os.mkfifo(world.folder / "pipe")
    (world.folder / "pipe").rename(world.folder / "brazil.toml")
    Path(os.fsdecode(os.fsencode(world.folder) + b"/caf\xe9")).write_text("x")
    with pytest.raises(UsageError) as caught:
        world.checkouts.capture(world.folder)
    assert [p.code for p in caught.value.problems] == [
        "source.lfs",
        "source.name",
        "source.submodule",
        "source.unreadable",
    ]


def test_a_directory_that_became_a_link_is_not_followed(world: World) -> None:
    write("d/secret", b"public")(world.upstream)
    world.both(commit(world.upstream))
    outside = world.place / "outside"
    write("secret", b"secret")(outside)
    (world.folder / "d" / "secret").unlink()
    (world.folder / "d").rmdir()
    (world.folder / "d").symlink_to(outside)
    directory = world.store.read_directory(world.checkouts.capture(world.folder).root)
    assert [(entry.name, entry.target) for entry in directory.symlinks] == [("d", str(outside))]
    assert not world.store.has(digest_of(b"secret"))


def test_a_file_that_changes_while_it_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.both(world.first)
    write("busy")(world.folder)
    from brazil.source import capture

    real = capture._read

    def torn(full: bytes) -> tuple[bytes, capture.Stamp, capture.Stamp]:
        data, before, after = real(full)
        return data, before, (after[0], after[1] + 1, *after[2:])

    monkeypatch.setattr(capture, "_read", torn)
    with pytest.raises(UsageError) as caught:
        world.checkouts.capture(world.folder)
    assert caught.value.code == "source.changing"
    assert "busy" in str(caught.value)


def test_status_says_what_is_going_on(world: World) -> None:
    world.checkouts.create(world.package, world.first, world.folder)
    write("brazil.toml", b"other")(world.folder)
    write("a b\nc")(world.folder)
    (world.folder / ".git" / "MERGE_HEAD").write_text(world.first + "\n")
    found = world.checkouts.status(world.folder)
    assert (found.changed, found.busy) == (("a b\nc", "brazil.toml"), "merge")


def test_a_folder_that_is_no_checkout(world: World) -> None:
    inside = world.upstream / "inside"
    inside.mkdir()
    for act in (world.checkouts.capture, world.checkouts.status):
        with pytest.raises(UsageError) as caught:
            act(inside)
        assert caught.value.code == "source.no-checkout"


def test_an_inherited_git_dir_leads_nowhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(world.place / "nowhere"))
    from_objects, from_files = world.both(world.first)
    assert from_objects == from_files
    assert world.checkouts.status(world.folder).commit == world.first


def test_a_repository_of_another_user_is_refused_with_a_hint(world: World) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a repository to another user")
    subprocess.run(["chown", "-R", "12345", str(world.upstream)], check=True)
    with pytest.raises(UnavailableError) as caught:
        world.mirror.resolve(world.package, "HEAD")
    assert "safe.directory" in caught.value.problems[0].hint
