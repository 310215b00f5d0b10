"""When `--watch` builds, decided with folders and checkouts that are scripted; and what the kernel is asked to tell."""

import errno
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.events import Event, Note
from brazil.model.digest import digest_of
from brazil.model.names import PackageName, version_set_name
from brazil.model.workspace import Captured, WorkspaceFile
from brazil.operations.watching import build_on_changes
from brazil.ports import CheckoutStatus
from brazil.source.watching import InotifyFolders, matters
from brazil.workspace.folder import WorkspaceFolder
from tests.fakes.clock import ManualClock

A, B = PackageName("A"), PackageName("B")
FILE = WorkspaceFile("/registry.git", version_set_name("a/b"), 1, "c" * 40, (A,))


class End(Exception):  # noqa: N818 - no error: as a signal would end it
    pass


class Checkouts:
    """What each checkout holds, as text; an error when it says so."""

    def __init__(self) -> None:
        self.content = {"A": "one", "B": "one"}
        self.slow: Callable[[], None] = lambda: None
        self.captured: list[str] = []

    def capture(self, folder: Path) -> Captured:
        self.captured.append(folder.name)
        self.slow()
        content = self.content[folder.name]
        if content.startswith("broken"):
            raise UsageError(Problem("source.changing", content))
        return Captured(digest_of(content.encode()), None, b"")

    def begin(self, *_: object) -> NoReturn:
        raise NotImplementedError

    def create(self, *_: object) -> NoReturn:
        raise NotImplementedError

    def status(self, folder: Path) -> CheckoutStatus:
        raise NotImplementedError


class Folders:
    """Every wait plays the next scene; after the last one the user has had enough."""

    def __init__(self, scenes: Iterable[Callable[[], object]]) -> None:
        self.scenes = iter(scenes)
        self.watched: list[tuple[list[Path], list[Path]]] = []
        self.waits: list[float] = []
        self.told: Collection[Path] | None = None

    def watch(self, deep: Iterable[Path], flat: Iterable[Path]) -> None:
        self.watched.append((list(deep), list(flat)))

    def wait(self, longest: float) -> Collection[Path] | None:
        self.waits.append(longest)
        scene = next(self.scenes, None)
        if scene is None:
            raise End
        scene()
        return self.told


class Stage:
    """A workspace that is watched while scenes are played in it."""

    def __init__(self, root: Path) -> None:
        self.workspace = WorkspaceFolder.create(root, FILE)
        for name in ("A", "B"):
            (root / "src" / name).mkdir()
        self.checkouts = Checkouts()
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.builds = 0
        self.folders = Folders(())
        self.during: Callable[[], object] = lambda: None
        self.good = True

    def build(self) -> bool:
        self.builds += 1
        self.during()
        return self.good

    def hold(self, name: str, content: str) -> Callable[[], None]:
        return lambda: self.checkouts.content.__setitem__(name, content)

    def play(self, *scenes: Callable[[], object], told: Collection[Path] | None = None) -> int:
        """Return how many builds there were; every wait tells the same."""
        self.builds = 0
        self.events.clear()
        self.folders = Folders(scenes)
        self.folders.told = told
        with pytest.raises(End):
            build_on_changes(self.workspace, self.checkouts, self.folders, self.clock, self.build, self.events.append)
        return self.builds

    @property
    def changes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note) and event.topic == "change"]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "work")


def nothing() -> None:
    """Something changes that is not part of a source."""


def test_it_builds_at_once_and_after_a_change_of_a_source_only(stage: Stage) -> None:
    assert stage.play() == 1
    assert stage.play(nothing, nothing) == 1
    assert stage.play(nothing, stage.hold("A", "two"), nothing) == 2
    assert stage.changes == ["A"]
    assert stage.play(stage.hold("A", "three"), stage.hold("A", "two")) == 3
    assert stage.play(stage.hold("B", "two")) == 1, "B is not in use"


def test_a_change_while_a_build_runs_leads_to_another_one(stage: Stage) -> None:
    def during() -> None:
        stage.checkouts.content["A"] = "edited meanwhile"

    stage.during = during
    assert stage.play(nothing, nothing) == 2


def test_what_cannot_be_a_source_is_built_once_and_again_when_it_is_mended(stage: Stage) -> None:
    stage.good = False
    assert stage.play(stage.hold("A", "broken"), nothing, stage.hold("A", "broken otherwise"), nothing) == 3
    assert stage.play(stage.hold("A", "one"), nothing) == 2
    assert {e.text for e in stage.events if isinstance(e, Note) and e.topic == "watch"} == {
        "failed, waiting for changes in A"
    }


def test_packages_taken_into_use_or_dropped_are_noticed(stage: Stage) -> None:
    def use(*names: PackageName) -> Callable[[], None]:
        return lambda: stage.workspace.save(FILE._replace(packages=names))

    assert stage.play(use(A, B), stage.hold("B", "two"), use(B), stage.hold("A", "two"), use()) == 5
    assert stage.changes == ["B", "B", "A", "B"]
    assert [e.text for e in stage.events if isinstance(e, Note)][-1] == "done, waiting for changes in the workspace"


def test_another_base_is_a_change(stage: Stage) -> None:
    assert stage.play(lambda: stage.workspace.save(FILE._replace(revision=2, revision_commit="d" * 40))) == 2
    assert stage.changes == ["the base"]


def test_a_workspace_file_that_is_wrong_is_told_and_one_that_is_gone_ends_it(stage: Stage) -> None:
    file = stage.workspace.root / "brazil-workspace.toml"
    good = file.read_text()
    assert stage.play(lambda: file.write_text("nonsense"), nothing, lambda: file.write_text(good)) == 3

    def vanish() -> None:
        stage.workspace.root.rename(stage.workspace.root.with_name("elsewhere"))

    with pytest.raises(UsageError):
        stage.play(vanish)


def test_what_checkouts_link_to_is_watched(stage: Stage, tmp_path: Path) -> None:
    elsewhere = tmp_path / "clone"
    elsewhere.mkdir()
    folder = stage.workspace.checkout(A)
    folder.rmdir()
    folder.symlink_to(elsewhere)
    stage.play()
    root = stage.workspace.root
    assert stage.folders.watched == [([root / "src", elsewhere], [root])]


def test_only_the_packages_that_a_burst_was_in_are_looked_at(stage: Stage, tmp_path: Path) -> None:
    stage.workspace.save(FILE._replace(packages=(A, B)))
    a, b = stage.workspace.checkout(A), stage.workspace.checkout(B)
    assert stage.play(stage.hold("A", "two"), nothing, told={a}) == 2
    assert stage.checkouts.captured == ["A", "B", "A", "A"]
    stage.checkouts.captured.clear()
    assert stage.play(nothing, told={stage.workspace.root / "brazil-workspace.toml"}) == 1
    assert stage.checkouts.captured == ["A", "B"]
    b.rmdir()
    (tmp_path / "clone").mkdir()
    b.symlink_to(tmp_path / "clone")
    stage.checkouts.captured.clear()
    assert stage.play(stage.hold("B", "two"), told={tmp_path / "clone" / "file"}) == 2
    assert stage.play(stage.hold("B", "three"), told={b}) == 2, "another link"
    assert stage.checkouts.captured == ["A", "B", "B"] * 2


def test_looks_that_take_long_come_seldom(stage: Stage) -> None:
    stage.play()
    assert stage.folders.waits == [5.0]
    stage.checkouts.slow = lambda: stage.clock.advance(2)
    stage.play()
    assert stage.folders.waits == [100.0]


# The kernel.


@pytest.fixture
def folders() -> Iterator[InotifyFolders]:
    with InotifyFolders() as watching:
        yield watching
    assert [t.name for t in threading.enumerate() if "Inotify" in t.name] == []


def told(folders: InotifyFolders, longest: float = 30) -> Collection[Path] | None:
    """What is told before the time is over."""
    began = time.monotonic()
    found = folders.wait(longest)
    assert (found is None) == (time.monotonic() - began >= longest)
    return found


def test_changes_are_told_and_those_while_nobody_waits_too(folders: InotifyFolders, tmp_path: Path) -> None:
    (tmp_path / "src" / "A" / ".git").mkdir(parents=True)
    folders.watch([tmp_path / "src"], [tmp_path])
    file = tmp_path / "src" / "A" / "file"
    changes: list[Callable[[], object]] = [
        lambda: file.write_text("x"),
        lambda: file.chmod(0o755),
        lambda: file.rename(file.with_name("other")),
        lambda: file.with_name("other").unlink(),
        lambda: (file.with_name("new") / "below").mkdir(parents=True),
        lambda: (file.with_name("new") / "below" / "file").write_text("x"),
        lambda: (tmp_path / "src" / "A" / ".git" / "index").write_text("x"),
        lambda: (tmp_path / "brazil-workspace.toml").write_text("x"),
    ]
    for change in changes[:-1]:
        change()
        assert told(folders) == {tmp_path / "src" / "A"}
    changes[-1]()
    while (found := told(folders)) == {tmp_path / "src" / "A"}:
        pass  # what was still told of the change before
    assert found == {tmp_path / "brazil-workspace.toml"}
    threading.Timer(0.3, lambda: file.write_text("y")).start()
    assert told(folders)


def test_what_is_only_read_or_lies_elsewhere_is_not_told(folders: InotifyFolders, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for folder in (outside, tmp_path / "src" / "A" / ".git" / "objects", tmp_path / "flat" / "below"):
        folder.mkdir(parents=True)
    (tmp_path / "src" / "link").symlink_to(outside)
    (tmp_path / "src" / "file").write_text("x")
    folders.watch([tmp_path / "src", tmp_path / "not there"], [tmp_path / "flat"])
    (tmp_path / "src" / "file").read_text()
    (outside / "file").write_text("x")
    (tmp_path / "src" / "A" / ".git" / "objects" / "file").write_text("x")
    (tmp_path / "flat" / "below" / "file").write_text("x")
    assert not told(folders, 0.5)
    folders.watch([], [])
    (tmp_path / "src" / "file").write_text("y")
    assert not told(folders, 0.5)


def test_a_burst_of_edits_is_told_once(
    folders: InotifyFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of: list[set[str]] = [set(), {"a"}, {"b"}, {"a", "c"}, set(), {"later"}]
    monkeypatch.setattr(folders, "_changes", SimpleNamespace(next=lambda _: told_of.pop(0)))
    assert told(folders) == {Path("a"), Path("b"), Path("c")}
    assert told_of == [{"later"}], "it is told when the burst is over"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/A/main.c", True),
        ("/A/.gitignore", True),
        ("/A/.git", True),
        ("/A/.git/index", True),
        ("/A/.git/info/exclude", True),
        ("/A/.git/config", True),
        ("/A/.git/index.lock", False),
        ("/A/.git/objects/ab/cd", False),
        ("/A/.git/logs/HEAD", False),
    ],
)
def test_inside_git_only_what_decides_a_source_matters(path: str, expected: bool) -> None:
    assert matters(path) is expected


def test_a_machine_without_more_watches_is_told(
    folders: InotifyFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr("brazil.source.watching.InotifyObserver.schedule", full)
    with pytest.raises(UnavailableError) as caught:
        folders.watch([tmp_path], [])
    (problem,) = caught.value.problems
    assert (problem.code, problem.because) == ("workspace.cannot-watch", "inotify watch limit reached")
