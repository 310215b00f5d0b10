import hashlib
import os
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brazil.model.action import ActionResult, Platform, RunRecord, SandboxResult, Snapshot, StepId, StepKind
from brazil.model.digest import EMPTY, Digest, digest_of
from brazil.model.names import parse_interface
from brazil.store.local import LocalStore
from brazil.store.records import RecordFiles

ACTION = digest_of(b"an action")
CALLS = ["open", "write", "pwrite", "fchmod", "chmod", "utime", "rename", "link", "mkdir", "symlink", "unlink", "close"]
RECORD = RunRecord(
    Snapshot(StepId(parse_interface("A-1.0"), StepKind.BUILD), ACTION, Platform("linux", "host", "ab" * 32), ()),
    SandboxResult(0, "", (), EMPTY, 1, 2),
    {},
)


def work(place: Path) -> None:
    """Everything a build writes, in its order."""
    store = LocalStore(place / "data", place / "cache")
    with store.claim(ACTION, "worker", lambda _: None):
        store.write(b"a blob of some length")
        root = store.ingest(place / "output")
        store.tree_path(root)
        RecordFiles(place / "records", store).add(RECORD)
        store.put(ACTION, ActionResult(0, (("out", root),), EMPTY, 1, 2))


def prepare(place: Path) -> None:
    (place / "output" / "bin").mkdir(parents=True)
    (place / "output" / "data").write_bytes(b"some data")
    (place / "output" / "bin" / "tool").write_bytes(b"a tool")
    (place / "output" / "bin" / "tool").chmod(0o755)
    (place / "output" / "link").symlink_to("data")


def in_child(action: Callable[[], object]) -> int:
    """Run in a child process; return the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(99)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def killed_at(step: int, after: bool, place: Path) -> Callable[[], None]:
    """Do the work, but die by SIGKILL at the given call of the system."""

    def action() -> None:
        left = step

        def watch(call: Callable[..., Any], name: str) -> Callable[..., Any]:
            def watched(*arguments: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0 and after and name in ("write", "pwrite"):
                    arguments = (arguments[0], arguments[1][: len(arguments[1]) // 2], *arguments[2:])
                if left == 0 and not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                try:
                    return call(*arguments, **options)
                finally:
                    if left == 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            return watched

        for name in CALLS:
            setattr(os, name, watch(getattr(os, name), name))
        work(place)

    return action


def check_nothing_half_visible(place: Path) -> None:
    for path in (place / "data" / "blobs").glob("[0-9a-f][0-9a-f]/*"):
        status = path.stat()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name[:64]
        assert stat.S_IMODE(status.st_mode) == (0o555 if path.suffix else 0o444)
        assert status.st_mtime == 315_532_800
    store = LocalStore(place / "data", place / "cache")
    for path in (place / "cache" / "trees").glob("[0-9a-f][0-9a-f]/*"):
        found = {str(p.relative_to(path)) for p in path.rglob("*")}
        assert found == {"bin", "bin/tool", "data", "link"}
    assert RecordFiles(place / "records", store).runs(ACTION) in ([], [RECORD])
    result = store.get(ACTION)
    if result:
        assert store.has_tree(dict(result.outputs)["out"])


def tree(place: Path) -> Digest:
    result = LocalStore(place / "data", place / "cache").get(ACTION)
    assert result
    return dict(result.outputs)["out"]


def begin_again(place: Path) -> None:
    """Empty the store but for its folders, of which there are hundreds."""
    for name in ("output", "cache", "records", "data/actions", "data/claims"):
        shutil.rmtree(place / name, ignore_errors=True)
    for path in (place / "data" / "blobs").glob("*/*"):
        if path.name != "ready":
            path.unlink()
    prepare(place)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_writer_killed_at_any_call_leaves_nothing_half_visible(tmp_path: Path, after: bool) -> None:
    prepare(tmp_path)
    work(tmp_path)
    whole = tree(tmp_path)
    step, survived = 0, False
    while not survived:
        step += 1
        begin_again(tmp_path)
        survived = in_child(killed_at(step, after, tmp_path)) == 0
        check_nothing_half_visible(tmp_path)
        shutil.rmtree(tmp_path / "output", ignore_errors=True)  # what a dead run left is never taken up again
        prepare(tmp_path)
        work(tmp_path)
        check_nothing_half_visible(tmp_path)
        assert tree(tmp_path) == whole
    assert step > 40, "the calls were really watched"


@pytest.mark.parametrize("step", [1, 2, 100, 256, 257, 258, 259, 260])
def test_a_store_killed_while_it_is_set_up_is_set_up_by_the_next(tmp_path: Path, step: int) -> None:
    prepare(tmp_path)
    assert in_child(killed_at(step, False, tmp_path)) == signal.SIGKILL
    work(tmp_path)
    check_nothing_half_visible(tmp_path)
