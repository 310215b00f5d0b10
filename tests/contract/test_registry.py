import hashlib
import itertools
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brazil.errors import IntegrityError, InternalError, UnavailableError, UsageError
from brazil.gitrepo import writing
from brazil.gitrepo.objects import GitObject, ObjectReader
from brazil.gitrepo.transport import GitPythonTransport
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName
from brazil.model.package import Dependency, Kind, Manifest
from brazil.model.versionset import (
    Draft,
    NewVersion,
    PackageRecord,
    Policy,
    Reason,
    RegisteredPackage,
    Result,
    Revision,
    diff_revisions,
)
from brazil.ports import Moved, Registry
from brazil.registry import packing, parsed
from brazil.registry.git_registry import GitRegistry
from brazil.registry.memory_registry import MemoryRegistry

ACTOR = "Ada Lovelace <ada@example.org>"
DEV = VersionSetName("shop/dev")
A, B, C = (Interface(PackageName(name), "1.0") for name in ("Alpha", "Beta", "Gamma"))
Make = Callable[[], Registry]


class StillClock:
    def now(self) -> int:
        return 1_700_000_000_000_000_000


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def bare(folder: Path) -> Path:
    GitPythonTransport().init(folder, bare=True)
    return folder


def open_git(tmp_path: Path, location: str, who: str, *, create: bool = True) -> GitRegistry:
    return GitRegistry(
        location,
        mirror=tmp_path / who / "mirror.git",
        cache=tmp_path / who / "cache",
        actor=ACTOR,
        clock=StillClock(),
        transport=GitPythonTransport,
        create=create,
    )


@pytest.fixture(params=["local", "file-url", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Opens the same registry again and again, each time as another user would."""
    numbers = itertools.count()
    memory = MemoryRegistry(actor=ACTOR, clock=StillClock())
    repository = tmp_path / "registry.git"
    if request.param == "file-url":
        bare(repository)

    def open_() -> Registry:
        if request.param == "memory":
            return memory
        location = str(repository) if request.param == "local" else f"file://{repository}"
        return open_git(tmp_path, location, f"user{next(numbers)}")

    return open_


def new(interface: Interface, text: str = "1", against: tuple[Interface, ...] = ()) -> NewVersion:
    dependencies = tuple(Dependency(other, Kind.NORMAL, 0, 3) for other in against)
    manifest = Manifest(interface, "make", f"about {interface}", dependencies, options=(("targets", ["all"]),))
    return NewVersion(manifest, digest_of(text.encode()).hash[:40], digest_of(text.encode()), against)


def result(text: str) -> Result:
    digest = digest_of(text.encode())
    return Result("e" * 64, digest, Digest(digest.hash, 7), digest, digest if len(text) % 2 else None)


def draft(pins: dict[Interface, PackageRecord | NewVersion], text: str = "", token: str = "") -> Draft:
    return Draft(
        Policy((A,), ("linux-x86_64",), ("ada",)),
        pins,
        {"linux-x86_64": {i: result(f"{i}{text}") for i in pins}} if pins else {},
        Reason("publish", tuple(sorted((i.name, "c" * 40) for i in pins)), text),
        token,
    )


def committed(answer: Revision | Moved) -> Revision:
    assert isinstance(answer, Revision)
    return answer


def test_packages_are_registered_once_and_found_by_everybody(make: Make) -> None:
    mine = make()
    alpha = RegisteredPackage(A.name, "https://host/alpha", ("ada", "bob"))
    beta = RegisteredPackage(B.name, "/srv/beta.git")
    assert mine.register(beta)
    assert mine.register(alpha)
    assert not mine.register(alpha)
    theirs = make()
    assert list(theirs.packages()) == [alpha, beta]
    assert theirs.package(A.name) == alpha
    assert theirs.package(C.name) is None
    moved = alpha._replace(repository="git@host:alpha")
    assert theirs.register(moved)
    mine.refresh()
    assert list(mine.packages()) == [moved, beta]


@pytest.mark.parametrize("url", ["ext::sh -c id", "-u/evil", "relative/path", "ftp://host/x", "https://h/\n", ""])
def test_a_repository_that_could_run_something_is_refused(make: Make, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        make().register(RegisteredPackage(A.name, url))
    assert caught.value.code == "git.url"


def test_two_packages_may_not_differ_by_case_alone(make: Make) -> None:
    registry = make()
    registry.register(RegisteredPackage(A.name, "/srv/a"))
    with pytest.raises(UsageError, match="but for case"):
        registry.register(RegisteredPackage(PackageName("ALPHA"), "/srv/b"))
    assert [p.name for p in registry.packages()] == [A.name]


def test_a_set_begins_empty_or_with_pins(make: Make) -> None:
    registry = make()
    assert registry.create_set(DEV, draft({})).info.number == 0
    assert registry.create_set(VersionSetName("live"), draft({A: new(A)})).info.number == 1
    assert list(make().sets()) == ["live", DEV]


@pytest.mark.parametrize("name", ["shop/dev", "Shop/Dev", "shop/dev.set/x"])
def test_a_set_whose_name_is_taken_is_not_created(make: Make, name: str) -> None:
    registry = make()
    registry.create_set(DEV, draft({}))
    if "set/" in name:
        registry.create_set(VersionSetName("shop"), draft({}))
        name = "shop.set/x"
    with pytest.raises(UsageError) as caught:
        make().create_set(VersionSetName(name), draft({}))
    assert caught.value.code == "registry.set-exists"


def test_a_revision_reads_back_as_it_was_written(make: Make) -> None:
    registry = make()
    empty = registry.create_set(DEV, draft({}))
    text = 'two lines\nof reason: "quoted" \\ \x1b[1m\n\nBrazil-Revision: {}\n'
    pins: dict[Interface, PackageRecord | NewVersion] = {B: new(B, against=(A,)), A: new(A)}
    written = committed(registry.commit(DEV, empty.info.commit, draft(pins, text, "token-1")))
    read = make().revision(DEV)
    assert read == written
    assert list(read.records) == [A, B]
    assert read.records[B].against == (PackageVersion(A, 1),)
    assert read.records[B].manifest == pins[B].manifest
    assert read.results == {"linux-x86_64": {A: result(f"{A}{text}"), B: result(f"{B}{text}")}}
    assert read.policy == Policy((A,), ("linux-x86_64",), ("ada",))
    info = read.info
    assert (info.set, info.number, info.parent, info.actor) == (DEV, 1, empty.info.commit, ACTOR)
    assert (info.time, info.token, info.reason.text) == (1_700_000_000, "token-1", text)
    assert info.reason.packages == ((A.name, "c" * 40), (B.name, "c" * 40))
    assert make().record(PackageVersion(B, 1)) == read.records[B]


def test_numbers_rise_per_interface_over_all_sets(make: Make) -> None:
    registry = make()
    other = Interface(A.name, "2.0")
    first = registry.create_set(DEV, draft({A: new(A)}))
    registry.create_set(VersionSetName("live"), draft({A: new(A, "2"), other: new(other)}))
    third = committed(make().commit(DEV, first.info.commit, draft({A: new(A, "3")})))
    assert third.records[A].version.number == 3
    registry.refresh()
    assert list(registry.versions(A)) == [1, 2, 3]
    assert list(registry.versions(B)) == []
    assert list(registry.interfaces(A.name)) == [A, other]
    assert list(registry.interfaces(B.name)) == []


def test_more_versions_than_one_folder_holds(make: Make) -> None:
    registry = make()
    head = registry.create_set(DEV, draft({}))
    for number in range(1, 67):
        head = committed(registry.commit(DEV, head.info.commit, draft({A: new(A, str(number))})))
    assert list(registry.versions(A)) == list(range(1, 67))
    assert make().record(PackageVersion(A, 64)).source == digest_of(b"64")
    assert [info.number for info in make().history(DEV, 3)] == [66, 65, 64]
    assert make().revision(DEV, 7).records[A].source == digest_of(b"7")


def test_pins_stay_move_leave_and_come_from_other_sets(make: Make) -> None:
    registry = make()
    live = registry.create_set(VersionSetName("live"), draft({C: new(C)}))
    first = registry.create_set(DEV, draft({A: new(A), B: new(B)}))
    pins: dict[Interface, PackageRecord | NewVersion] = {A: first.records[A], C: live.records[C]}
    second = committed(registry.commit(DEV, first.info.commit, draft(pins)))
    read = make().revision(DEV)
    assert read == second
    assert {str(r.version) for r in read.records.values()} == {"Alpha-1.0.1", "Gamma-1.0.1"}
    assert sorted(read.results["linux-x86_64"]) == [A, C]
    kinds = [(change.kind, change.interface) for change in diff_revisions(make().revision(DEV, 1), read).changes]
    assert kinds == [("added", C), ("removed", B)]
    third = committed(registry.commit(DEV, second.info.commit, draft({})))
    assert (third.records, third.results) == ({}, {})


def test_who_is_late_is_told_the_head_and_changes_nothing(make: Make) -> None:
    mine, theirs = make(), make()
    base = mine.create_set(DEV, draft({A: new(A)}))
    theirs.refresh()
    won = committed(theirs.commit(DEV, base.info.commit, draft({A: new(A, "theirs")})))
    lost = mine.commit(DEV, base.info.commit, draft({A: new(A, "mine")}))
    assert lost == Moved(won)
    reader = make()
    assert [info.commit for info in reader.history(DEV)] == [won.info.commit, base.info.commit]
    again = committed(mine.commit(DEV, won.info.commit, draft({A: new(A, "mine")})))
    assert again.records[A].version.number > won.records[A].version.number


def test_a_race_for_the_catalog_is_no_conflict(make: Make) -> None:
    mine, theirs = make(), make()
    base = mine.create_set(DEV, draft({}))
    mine.register(RegisteredPackage(A.name, "/srv/a"))
    theirs.create_set(VersionSetName("live"), draft({A: new(A, "theirs")}))
    revision = committed(mine.commit(DEV, base.info.commit, draft({A: new(A, "mine")})))
    assert revision.records[A].version.number == 2
    assert make().record(PackageVersion(A, 1)).source == digest_of(b"theirs")


def test_a_token_finds_its_revision(make: Make) -> None:
    registry = make()
    first = registry.create_set(DEV, draft({}))
    second = committed(registry.commit(DEV, first.info.commit, draft({A: new(A)}, token="t2")))
    committed(registry.commit(DEV, second.info.commit, draft({A: new(A, "2")}, token="t3")))
    assert make().published(DEV, "t2") == second.info
    assert make().published(DEV, "t4") is None
    assert make().published(DEV, "") is None


def test_what_is_not_there_is_named_with_what_is(make: Make) -> None:
    registry = make()
    revision = registry.create_set(DEV, draft({A: new(A)}))
    with pytest.raises(UsageError) as caught:
        registry.revision(VersionSetName("shop/dve"))
    assert "shop/dev" in caught.value.problems[0].hint
    with pytest.raises(UsageError, match="1 to 1"):
        registry.revision(DEV, 9)
    with pytest.raises(UsageError, match="1 to 1"):
        registry.record(PackageVersion(A, 2))
    with pytest.raises(UsageError, match=r"Alpha-1\.0"):
        registry.record(PackageVersion(Interface(A.name, "9"), 1))
    with pytest.raises(UsageError):
        registry.commit(VersionSetName("nothing"), revision.info.commit, draft({}))


def test_a_record_that_was_made_up_or_changed_is_refused(make: Make) -> None:
    registry = make()
    head = registry.create_set(DEV, draft({A: new(A)}))
    fake = head.records[A]._replace(version=PackageVersion(A, 5))
    edited = head.records[A]._replace(commit="b" * 40)
    for pin, code in ((fake, "registry.unknown-version"), (edited, "registry.record-differs")):
        with pytest.raises(UsageError) as caught:
            registry.commit(DEV, head.info.commit, draft({A: pin}))
        assert caught.value.code == code
    assert make().revision(DEV) == head


def test_a_draft_that_contradicts_itself_is_a_bug(make: Make) -> None:
    registry = make()
    with pytest.raises(InternalError) as caught:
        registry.create_set(DEV, draft({A: new(B), C: new(C, against=(A, B))}))
    assert len(caught.value.problems) == 2
    assert list(registry.sets()) == []


@pytest.mark.parametrize("platform", ["../x", "-x", "a/b", "x\n", ""])
def test_a_platform_name_cannot_leave_its_folder(tmp_path: Path, platform: str) -> None:
    registry = open_git(tmp_path, str(tmp_path / "r.git"), "me")
    with pytest.raises(UsageError) as caught:
        registry.create_set(DEV, draft({A: new(A)})._replace(results={platform: {A: result("x")}}))
    assert caught.value.code == "name.platform"


def test_a_pin_is_the_blob_of_its_record_and_history_is_first_parents(tmp_path: Path) -> None:
    repository = tmp_path / "r.git"
    registry = open_git(tmp_path, str(repository), "me")
    first = registry.create_set(DEV, draft({A: new(A)}))
    committed(registry.commit(DEV, first.info.commit, draft({A: first.records[A], B: new(B)}, "why")))
    names = git(repository, "ls-tree", "-r", "--name-only", "refs/heads/sets/shop/dev.set").splitlines()
    shard = hashlib.sha256(b"Alpha").hexdigest()[:2]
    assert f"pins/{shard}/Alpha-1.0.toml" in names
    assert "versionset.toml" in names
    pin = git(repository, "rev-parse", f"refs/heads/sets/shop/dev.set:pins/{shard}/Alpha-1.0.toml")
    assert pin == git(repository, "rev-parse", f"refs/heads/catalog:packages/{shard}/Alpha/1.0/0/1.toml")
    assert git(repository, "rev-parse", "refs/heads/sets/shop/dev.set^") == first.info.commit
    assert git(repository, "log", "-1", "--format=%s%n%an <%ae> %at", "refs/heads/sets/shop/dev.set").splitlines() == [
        "publish Alpha, Beta",
        f"{ACTOR} 1700000000",
    ]
    assert git(repository, "for-each-ref", "refs/brazil") == ""
    assert git(repository, "fsck", "--strict") == ""


def test_caches_may_be_damaged_or_lost(tmp_path: Path) -> None:
    repository = str(tmp_path / "r.git")
    registry = open_git(tmp_path, repository, "me")
    first = registry.create_set(DEV, draft({A: new(A)}))
    second = committed(registry.commit(DEV, first.info.commit, draft({A: first.records[A], B: new(B)})))
    registry.packages()
    list(registry.history(DEV))
    files = sorted(p for p in (tmp_path / "me" / "cache").iterdir())
    assert len(files) >= 5
    for damage in (b"", b"garbage", None):
        for file in files:
            data = file.read_bytes()
            file.write_bytes(data[:-3] + b"xyz" if damage is None else damage)
        again = open_git(tmp_path, repository, "me")
        assert again.revision(DEV) == second
        assert [i.number for i in again.history(DEV)] == [2, 1]


def test_sets_that_differ_by_case_alone_are_not_begun_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = (open_git(tmp_path, str(tmp_path / "r.git"), user) for user in ("me", "you"))
    locked = ours._locked

    @contextmanager
    def late() -> Iterator[None]:
        theirs.create_set(VersionSetName("Shop/Dev"), draft({}))
        with locked():
            yield

    monkeypatch.setattr(ours, "_locked", late)
    with pytest.raises(UsageError, match="Shop/Dev"):
        ours.create_set(DEV, draft({}))
    assert theirs.sets() == ["Shop/Dev"]


def test_a_revision_parsed_before_reads_no_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = str(tmp_path / "r.git")
    made = open_git(tmp_path, repository, "me").create_set(DEV, draft({A: new(A), B: new(B)}))

    def refuse(*_: object) -> object:
        raise AssertionError("parsed again")

    monkeypatch.setattr("brazil.registry.reading.read_record", refuse)
    monkeypatch.setattr("brazil.registry.reading.read_result", refuse)
    assert open_git(tmp_path, repository, "me").revision(DEV) == made


def rewrite(repository: Path, ref: str, path: str, content: str) -> None:
    """Put a file into the tip of a ref as another program would."""
    old = git(repository, "rev-parse", ref)
    message = git(repository, "log", "-1", "--format=%B", ref) + "\n"
    stream = (
        f"commit {ref}\ncommitter X <x@y> 1 +0000\ndata {len(message.encode())}\n{message}\nfrom {old}^0\n"
        f"M 100644 inline {path}\ndata {len(content)}\n{content}\n"
    )
    subprocess.run(
        ["git", "-C", str(repository), "fast-import", "--quiet", "--force"], input=stream.encode(), check=True
    )


@pytest.mark.parametrize("content", ["", "schema = 1\n", "x", 'schema = 1\nnumber = "a"\n'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    repository = tmp_path / "r.git"
    open_git(tmp_path, str(repository), "me").create_set(DEV, draft({A: new(A)}))
    rewrite(repository, "refs/heads/sets/shop/dev.set", "versionset.toml", content)
    with pytest.raises(IntegrityError, match=r"refs/heads/sets/shop/dev\.set:versionset\.toml"):
        open_git(tmp_path, str(repository), "me").revision(DEV)


def test_a_pin_in_the_place_of_another_is_damage(tmp_path: Path) -> None:
    repository = tmp_path / "r.git"
    open_git(tmp_path, str(repository), "me").create_set(DEV, draft({A: new(A)}))
    ref = "refs/heads/sets/shop/dev.set"
    path = next(p for p in git(repository, "ls-tree", "-r", "--name-only", ref).splitlines() if p.startswith("pins"))
    rewrite(repository, ref, "pins/00/Beta-1.0.toml", git(repository, "show", f"{ref}:{path}") + "\n")
    with pytest.raises(IntegrityError, match=r"pins/00/Beta-1\.0\.toml is damaged: it is about Alpha-1\.0"):
        open_git(tmp_path, str(repository), "me").revision(DEV)


def test_a_newer_schema_says_so(tmp_path: Path) -> None:
    repository = tmp_path / "r.git"
    open_git(tmp_path, str(repository), "me").create_set(DEV, draft({}))
    rewrite(repository, "refs/heads/sets/shop/dev.set", "versionset.toml", "schema = 2\n")
    with pytest.raises(UsageError, match="schema 2"):
        open_git(tmp_path, str(repository), "me").revision(DEV)


def test_a_registry_that_is_not_there(tmp_path: Path) -> None:
    for location in (str(tmp_path / "none.git"), f"file://{tmp_path}/none.git"):
        for _ in range(2):  # the second time there is an empty mirror
            with pytest.raises(UnavailableError):
                open_git(tmp_path, location, "me", create=False).sets()


def test_a_registry_that_lost_history_is_refused(tmp_path: Path) -> None:
    repository = bare(tmp_path / "r.git")
    mine = open_git(tmp_path, f"file://{repository}", "me")
    first = mine.create_set(DEV, draft({}))
    committed(mine.commit(DEV, first.info.commit, draft({A: new(A)})))
    git(repository, "update-ref", "refs/heads/sets/shop/dev.set", first.info.commit)
    with pytest.raises(IntegrityError) as caught:
        mine.refresh()
    assert caught.value.code == "registry.rewritten"
    assert mine.revision(DEV).info.number == 1


def test_the_cache_keeps_only_the_newest_trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brazil.registry.parsed._TREES_KEPT", 3)
    registry = open_git(tmp_path, str(tmp_path / "r.git"), "me")
    head = registry.create_set(DEV, draft({}))
    for number in range(6):
        head = committed(registry.commit(DEV, head.info.commit, draft({A: new(A, str(number))}, str(number))))
    cache = tmp_path / "me" / "cache"
    assert [len(list(cache.glob(f"{kind}-*"))) for kind in ("pins", "results")] == [3, 3]
    assert registry.revision(DEV, 2).records[A].source == digest_of(b"1")


def lines_of(count: int) -> list[Interface]:
    return [Interface(PackageName(f"P{number:03d}"), "1.0") for number in range(count)]


def big(tmp_path: Path, pins: int) -> tuple[GitRegistry, Revision]:
    registry = open_git(tmp_path, str(tmp_path / "r.git"), "me")
    return registry, registry.create_set(DEV, draft({i: new(i) for i in lines_of(pins)}))


def test_what_was_just_made_is_parsed_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> object:
        raise AssertionError("parsed")

    registry, head = big(tmp_path, 40)
    for name in ("read_record", "read_result"):
        monkeypatch.setattr(f"brazil.registry.reading.{name}", refuse)
    pins = {**head.records, A: new(A, against=(lines_of(1)[0],)), lines_of(9)[8]: new(lines_of(9)[8], "2")}
    del pins[lines_of(4)[3]]
    made = committed(registry.commit(DEV, head.info.commit, draft(pins, "more")))
    assert open_git(tmp_path, str(tmp_path / "r.git"), "me").revision(DEV) == made
    monkeypatch.undo()
    parsed = open_git(tmp_path, str(tmp_path / "r.git"), "somebody").revision(DEV)
    assert parsed == made
    assert list(parsed.records) == list(made.records) == list(made.manifests) == sorted(made.records)


@pytest.mark.parametrize("pins", [20, 200])
def test_what_a_revision_costs_depends_on_what_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pins: int
) -> None:
    registry, head = big(tmp_path, pins)
    results, changed = head.results["linux-x86_64"], lines_of(pins)[7]
    started, asked = [], []
    real_run, real_read = writing.run, ObjectReader.read_many

    def run(place: Sequence[str], arguments: Sequence[str], data: bytes = b"") -> bytes:
        started.append((arguments[0], len(data.splitlines())))
        return real_run(place, arguments, data)

    def read_many(reader: ObjectReader, names: Iterable[str]) -> Iterator[GitObject | None]:
        wanted = list(names)
        asked.extend(wanted)
        return real_read(reader, wanted)

    monkeypatch.setattr(writing, "run", run)
    monkeypatch.setattr(ObjectReader, "read_many", read_many)
    given = draft({**head.records, changed: new(changed, "2")})
    committed(registry.commit(DEV, head.info.commit, given._replace(results={"linux-x86_64": results})))
    assert [command for command, _ in started] == ["fast-import", "update-ref", "update-ref"]
    assert started[0][1] < 70  # lines that git is fed: one record, two commits
    assert len(asked) < 15


def test_a_change_of_few_pins_is_remembered_as_a_difference(tmp_path: Path) -> None:
    registry, head = big(tmp_path, 100)
    cache = tmp_path / "me" / "cache"
    (whole,) = cache.glob("pins-*")
    one = lines_of(8)[7]
    made = committed(registry.commit(DEV, head.info.commit, draft({**head.records, one: new(one, "2")})))
    (difference,) = set(cache.glob("pins-*")) - {whole}
    assert difference.stat().st_size * 10 < whole.stat().st_size
    assert open_git(tmp_path, str(tmp_path / "r.git"), "me").revision(DEV) == made
    # What it differs from is gone, or is another file of that name: everything is parsed again.
    other = difference.with_name(whole.name)
    for damage in (difference.read_bytes(), None):
        other.unlink() if damage is None else other.write_bytes(damage)
        assert open_git(tmp_path, str(tmp_path / "r.git"), "me").revision(DEV) == made


def test_another_file_under_the_name_of_the_whole_is_not_taken_for_it(tmp_path: Path) -> None:
    registry, head = big(tmp_path, 30)
    cache = tmp_path / "me" / "cache"
    (whole,) = cache.glob("pins-*")
    one = lines_of(8)[7]
    made = committed(registry.commit(DEV, head.info.commit, draft({**head.records, one: new(one, "2")})))
    name, (difference,) = whole.name, set(cache.glob("pins-*")) - {whole}
    # The same tree, parsed from nothing by somebody whose table has other numbers.
    tree = parsed.load(cache, name)
    assert tree is not None
    table = parsed.Table(list(reversed(tree.table.interfaces)))
    entries = {i: (id_, packing.RECORDS.pack(head.records[i], table)) for i, (id_, _) in tree.entries.items()}
    parsed.save(cache, name, parsed.Parsed(table, entries))
    assert parsed.load(cache, difference.name) is None
    assert open_git(tmp_path, str(tmp_path / "r.git"), "me").revision(DEV) == made


def test_the_highest_numbers_of_many_interfaces_are_asked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = []
    real = ObjectReader.read_many

    def read_many(reader: ObjectReader, names: Iterable[str]) -> Iterator[GitObject | None]:
        exchanges.append(1)
        return real(reader, names)

    counts = []
    for pins in (5, 100):
        registry, _ = big(tmp_path / str(pins), pins)
        monkeypatch.setattr(ObjectReader, "read_many", read_many)
        exchanges.clear()
        registry.create_set(VersionSetName("live"), draft({i: new(i, "2") for i in lines_of(pins)}))
        counts.append(len(exchanges))
        monkeypatch.undo()
    assert counts[0] == counts[1]


def test_only_the_values_that_are_asked_for_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, head = big(tmp_path, 30)
    made = []

    def count(packed: bytes, interface: Interface, interfaces: list[Interface]) -> PackageRecord:
        made.append(interface)
        return real(packed, interface, interfaces)

    real = packing.RECORDS.value
    monkeypatch.setattr(packing, "RECORDS", packing.RECORDS._replace(value=count))
    revision = open_git(tmp_path, str(tmp_path / "r.git"), "me").revision(DEV)
    one = lines_of(8)[7]
    assert revision.records[one] == revision.records[one] == head.records[one]
    assert dict(revision.manifests) == {i: record.manifest for i, record in head.records.items()}
    assert made == [one]


def test_comparing_two_revisions_makes_only_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry, head = big(tmp_path, 30)
    one = lines_of(8)[7]
    pins = draft({**head.records, one: new(one, "2")})
    results = {"linux-x86_64": {i: result(f"{i}" if i != one else "2") for i in pins.pins}}
    committed(registry.commit(DEV, head.info.commit, pins._replace(results=results)))
    made = []
    for codec in ("RECORDS", "RESULTS"):
        real = getattr(packing, codec)

        def count(packed: bytes, *rest: Any, real: Any = real) -> object:
            made.append(rest[0])
            return real.value(packed, *rest)

        monkeypatch.setattr(packing, codec, real._replace(value=count))
    reader = open_git(tmp_path, str(tmp_path / "r.git"), "me")
    diff = diff_revisions(reader.revision(DEV, 1), reader.revision(DEV, 2))
    assert ([c.interface for c in diff.changes], diff.unchanged) == ([one], 29)
    assert set(made) == {one}


def test_numbers_do_not_begin_again_when_the_catalog_is_lost(tmp_path: Path) -> None:
    registry, head = big(tmp_path, 1)
    (tmp_path / "r.git" / "refs" / "heads" / "catalog").write_text("1" * 40 + "\n")
    one = lines_of(1)[0]
    with pytest.raises(IntegrityError):
        registry.commit(DEV, head.info.commit, draft({one: new(one, "2")}))
    assert open_git(tmp_path, str(tmp_path / "r.git"), "me").revision(DEV) == head
