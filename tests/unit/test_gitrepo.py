import errno
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from brazil.errors import UnavailableError, UsageError
from brazil.gitrepo import locking
from brazil.gitrepo.environment import inherited_names, local_environment, remote_changes
from brazil.gitrepo.locking import LOCK, pending_refs, writing
from brazil.gitrepo.names import check_actor, check_commit, check_url, ref_fault, url_fault
from brazil.gitrepo.objects import GitObject, ObjectReader, parse_commit, parse_tree
from brazil.gitrepo.process import GitFailedError, broken, in_repository, last_words, not_started, run
from brazil.gitrepo.remote import RemoteRefMissingError, RewrittenError
from brazil.gitrepo.transport import GitPythonTransport
from brazil.gitrepo.writing import NewCommit, RefMovedError, RefUpdate, move_refs, refs_below, write_commits

WHO = "Ada <ada@example.org>"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "odd $HOME ~ name.git"
    GitPythonTransport().init(folder, bare=True)
    return folder


def commit(repository: Path, parent: str = "", **files: bytes | None) -> str:
    new = NewCommit(parent, WHO, 1_700_000_000, "a message\n", [(name, data) for name, data in files.items()])
    ((private, id_),) = write_commits(repository, [new])
    move_refs(repository, [RefUpdate("refs/heads/main", id_, parent)], [private])
    return id_


@pytest.mark.parametrize(
    "url",
    [
        "/srv/x.git",
        "file:///srv/x",
        "https://host/x",
        "http://h:80/x",
        "ssh://git@host/x",
        "git@host:x/y.git",
        "host:x",
    ],
)
def test_urls_that_are_repositories(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "-x",
            "--upload-pack=id",
            "x",
            "../x",
            "~/x",
            "ext::sh -c id",
            "EXT::id",
            "fd::17",
            "ext://x",
            "git://h/x",
        ),
        *("https://-oProxyCommand=id/x", "ssh://-oProxyCommand=id/x", "ssh://u@-x/y", "-h:x", "h:-x", "https:///x"),
        *("/srv/\x1b[1m", "https://h/\n", "/srv/\ud800", "file://host/x", "a::b", "C:\\x\x00"),
    ],
)
def test_urls_that_could_run_something_or_mean_something_else(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert caught.value.code == "git.url"
    assert str(caught.value).isprintable()


def test_urls_with_colons_in_paths() -> None:
    assert url_fault("/srv/a::b") is None
    assert url_fault("https://h/a::b") is None


@pytest.mark.parametrize("name", ["main", "topic/x", "v1.0", "a-b", "caf\u00e9"])
def test_refs(name: str) -> None:
    assert ref_fault(name) is None


@pytest.mark.parametrize(
    "name",
    ["", "-x", "/x", "x/", "a//b", "a..b", ".x", "a/.x", "x.lock", "x.", "@", "a@{1}", "a b", "a~1", "a\n", "x" * 256],
)
def test_texts_that_are_no_refs(name: str) -> None:
    assert ref_fault(name)


@pytest.mark.parametrize("actor", ["", "Ada", "<a@b>", "A <a@b> x", "A\n <a@b>", "A <a b>", "A <<a>"])
def test_actors_that_cannot_sign(actor: str) -> None:
    with pytest.raises(UsageError):
        check_actor(actor)
    assert check_actor(WHO) == WHO


@pytest.mark.parametrize("text", ["", "HEAD", "abc", "A" * 40, "a" * 41, "a" * 39 + "\n"])
def test_texts_that_are_no_commits(text: str) -> None:
    with pytest.raises(UsageError):
        check_commit(text)


def test_nothing_is_inherited_that_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_KEY_99", "GIT_TRACE2"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i key")
    assert not {name for name, value in local_environment().items() if value == "/elsewhere"}
    assert {"GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_KEY_99", "GIT_TRACE2"} <= set(inherited_names())
    assert "GIT_SSH_COMMAND" not in inherited_names()
    assert not set(inherited_names()) & remote_changes().keys()


def test_a_commit_lists_only_what_changes(repository: Path) -> None:
    first = commit(repository, a=b"1\n", b=b"\n\n")
    second = commit(repository, first, b=None, c=b"")
    reader = ObjectReader(repository)
    found = reader.read(second)
    assert found is not None
    parsed = parse_commit(found)
    assert (parsed.parents, parsed.author, parsed.time, parsed.message) == ((first,), WHO, 1_700_000_000, "a message\n")
    tree = reader.read(parsed.tree)
    assert tree is not None
    assert [entry.name for entry in parse_tree(tree.data)] == [b"a", b"c"]
    old = reader.read(f"{first}:b")
    assert old is not None
    assert old.data == b"\n\n"
    assert refs_below(repository, "refs/") == {"refs/heads/main": second}


def test_a_ref_moves_only_from_where_it_was(repository: Path) -> None:
    first = commit(repository, a=b"1")
    for old in ("", "1" * 40):
        with pytest.raises(RefMovedError):
            move_refs(repository, [RefUpdate("refs/heads/main", first, old)])
    with pytest.raises(RefMovedError):
        move_refs(repository, [RefUpdate("refs/heads/other", first, first)])
    assert refs_below(repository, "refs/") == {"refs/heads/main": first}


def test_many_objects_are_read_by_one_process(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"f{n}": b"x" * n * 37 for n in range(1500)}
    id_ = commit(repository, **files)
    started = []
    real = subprocess.Popen

    def counted(*arguments: object, **options: object) -> object:
        started.append(arguments)
        return real(*arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", counted)
    reader = ObjectReader(repository)
    names = [f"{id_}:{name}" for name in files]
    found = list(reader.read_many([*names, "nothing", f"{id_}:nothing", "no thing"]))
    assert [o.data if o else None for o in found] == [*files.values(), None, None, None]
    assert len(started) == 1


def test_several_threads_share_a_reader(repository: Path) -> None:
    id_ = commit(repository, **{f"f{n}": b"%d" % n for n in range(300)})
    reader = ObjectReader(repository)
    wrong: list[int] = []

    def work(start: int) -> None:
        names = [(n, f"{id_}:f{n}") for n in range(start, 300, 7)]
        for (n, _), found in zip(names, reader.read_many(name for _, name in names), strict=True):
            if found is None or found.data != b"%d" % n:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_name_cannot_smuggle_a_second_request(repository: Path) -> None:
    with pytest.raises(ValueError, match="line end"):
        ObjectReader(repository).read("a\nb")


@pytest.mark.parametrize("data", [b"100644", b"100644 a", b"100644 a\0123", b"x a\0" + b"1" * 20])
def test_damaged_trees(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_tree(data)


def test_damaged_commits() -> None:
    for kind, data in (("blob", b""), ("commit", b""), ("commit", b"tree x\nauthor A <a> x\n\n")):
        with pytest.raises(ValueError, match=r".*"):
            parse_commit(GitObject("1", kind, data))


def test_what_git_says_becomes_one_printable_line() -> None:
    assert last_words("warning: x\nfatal: bad \x1b[1m thing\nhint: y\n") == "bad ?[1m thing"
    assert last_words("plain\n") == "plain"
    assert last_words("") == ""


def test_a_failing_command_is_told(repository: Path) -> None:
    with pytest.raises(GitFailedError) as caught:
        run(in_repository(repository), ["rev-parse", "--verify", "nothing"])
    assert (caught.value.command, caught.value.code) == ("rev-parse", 128)


def test_no_git_at_all(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UnavailableError) as caught:
        run(in_repository(repository), ["version"])
    assert caught.value.code == "git.missing"


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EACCES, "git.missing"), (errno.ENOTDIR, "git.missing"), (errno.ENOMEM, "git.start")]
)
def test_only_where_there_is_no_git_it_is_to_be_installed(number: int, code: str) -> None:
    (problem,) = not_started(OSError(number, os.strerror(number))).problems
    assert (problem.code, problem.because) == (code, os.strerror(number))
    assert ("install" in problem.hint) == (code == "git.missing")


def test_a_command_line_that_is_too_long_is_told(repository: Path) -> None:
    longer_than_any_word = "x" * 200_000
    with pytest.raises(UnavailableError) as here:
        run(in_repository(repository), ["rev-parse", longer_than_any_word])
    with pytest.raises(UnavailableError) as there:
        GitPythonTransport().fetch(repository, "/nonexistent", [longer_than_any_word])
    assert (here.value.code, there.value.code) == ("git.start", "git.start")


def test_stale_locks_are_cleared_and_fresh_ones_waited_for(repository: Path) -> None:
    stale = [repository / "packed-refs.lock", repository / "refs" / "heads" / "main.lock"]
    for path in stale:
        path.touch()
        os.utime(path, (1, 1))
    fresh = repository / "HEAD.lock"
    fresh.touch()
    touched = fresh.stat().st_mtime
    with writing(repository):
        assert time.time() - touched >= locking._SETTLED
        assert not any(path.exists() for path in [*stale, fresh])
    assert (repository / LOCK).exists()


def test_writers_wait_for_each_other(repository: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with writing(repository):
            order.append("second")

    with writing(repository):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_an_interrupted_writers_refs_are_found(repository: Path) -> None:
    assert pending_refs(repository) == []
    ((private, _),) = write_commits(repository, [NewCommit("", WHO, 1, "m", [("a", b"1")])])
    (repository / f"{private}.lock").touch()  # of a git that was killed while it deleted it
    assert pending_refs(repository) == [private]


def test_fetch_and_push_move_refs_forward_only(repository: Path, tmp_path: Path) -> None:
    transport = GitPythonTransport()
    other = tmp_path / "other.git"
    transport.init(other, bare=True)
    first = commit(repository, a=b"1")
    mine, theirs = commit(repository, first, a=b"2"), ""
    assert transport.push(repository, str(other), [RefUpdate("refs/heads/main", first, "")])
    theirs = commit(other, first, a=b"3")
    assert not transport.push(repository, f"file://{other}", [RefUpdate("refs/heads/main", mine, first)])
    assert not transport.push(repository, str(other), [RefUpdate("refs/heads/main", mine, "")])
    with pytest.raises(RewrittenError):
        transport.fetch(repository, str(other), ["refs/heads/*:refs/heads/*"])
    transport.fetch(repository, str(other), ["+refs/heads/*:refs/theirs/*"])
    assert refs_below(repository, "refs/") == {"refs/heads/main": mine, "refs/theirs/main": theirs}
    with pytest.raises(RemoteRefMissingError):
        transport.fetch(repository, str(other), ["refs/heads/none:refs/none"])
    for act in (
        lambda: transport.fetch(repository, "/nonexistent", ["refs/heads/*:refs/x/*"]),
        lambda: transport.push(repository, "/nonexistent", [RefUpdate("refs/heads/main", mine, "")]),
    ):
        with pytest.raises(UnavailableError) as caught:
            act()
        assert caught.value.code == "git.unreachable"
    with pytest.raises(UsageError):
        transport.fetch(repository, "ext::touch /tmp/x", ["HEAD"])


def test_a_pack_that_a_killed_import_was_finishing_does_not_block_the_same_one(repository: Path) -> None:
    packs = repository / "objects" / "pack"
    packs.mkdir(exist_ok=True)
    (packs / "pack-0.keep").touch()
    (packs / "pack-1.keep").write_text("fast-import")
    (packs / "pack-2.keep").write_text("receive-pack 7 on host")
    with writing(repository):
        assert [path.name for path in packs.glob("*.keep")] == ["pack-2.keep"]


def test_a_stale_lock_of_the_future_blocks_nobody(repository: Path) -> None:
    lock = repository / "packed-refs.lock"
    lock.touch()
    future = time.time() + 1_000_000
    os.utime(lock, (future, future))
    with writing(repository):
        assert not lock.exists()


@pytest.mark.parametrize(
    "said", ["failed to write new configuration file", "unable to write file objects/ab", "write error"]
)
def test_a_disk_that_refuses_is_no_damage(repository: Path, said: str) -> None:
    assert broken(repository, GitFailedError("init", 128, said)).code == "git.write"
