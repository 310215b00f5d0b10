import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from brazil.model.action import ActionResult
from brazil.model.digest import digest_of
from brazil.ports import ActionCache
from brazil.store.local import LocalStore
from brazil.store.memory import MemoryStore

ACTION = digest_of(b"an action")


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LocalStore | MemoryStore:
    return LocalStore(tmp_path / "data", tmp_path / "cache") if request.param == "local" else MemoryStore()


RESULT = ActionResult(0, (("pkg/A-1.0", digest_of(b"out")),), digest_of(b"log"), 1_500_000_001, 2_000_000_002)


def test_results_are_remembered_and_replaced(store: ActionCache) -> None:
    assert store.get(ACTION) is None
    store.put(ACTION, RESULT)
    assert store.get(ACTION) == RESULT
    again = RESULT._replace(log=digest_of(b"other log"))
    store.put(ACTION, again)
    assert store.get(ACTION) == again
    assert store.get(digest_of(b"another action")) is None


def test_only_successes_are_remembered(store: ActionCache) -> None:
    with pytest.raises(ValueError, match="only successes"):
        store.put(ACTION, RESULT._replace(exit_code=1))
    assert store.get(ACTION) is None


def nobody_waits(owner: str) -> None:
    raise AssertionError(f"waited for {owner}")


def test_a_claim_is_free_again_after_use_and_after_an_error(store: ActionCache) -> None:
    with store.claim(ACTION, "first", nobody_waits), store.claim(digest_of(b"other"), "second", nobody_waits):
        pass
    with pytest.raises(KeyError), store.claim(ACTION, "third", nobody_waits):
        raise KeyError
    with store.claim(ACTION, "fourth", nobody_waits):
        pass


def test_who_waits_is_told_for_whom_and_may_give_up(store: ActionCache) -> None:
    told: list[str] = []

    def waiting(owner: str) -> None:
        told.append(owner)
        if len(told) == 3:
            raise InterruptedError

    with store.claim(ACTION, "the first", nobody_waits):
        with pytest.raises(InterruptedError), store.claim(ACTION, "the second", waiting):
            raise AssertionError("two hold one claim")
        # Having given up takes nothing away from the holder.
        with pytest.raises(InterruptedError), store.claim(ACTION, "the third", waiting_once):
            raise AssertionError("two hold one claim")
    assert told == ["the first"] * 3


def waiting_once(owner: str) -> None:
    raise InterruptedError(owner)


def test_threads_exclude_each_other(store: ActionCache) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(5):
            with store.claim(ACTION, f"thread {number}", lambda _: None):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 20


@pytest.fixture
def disk(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "data", tmp_path / "cache")


HOLD = """
import sys, time
from pathlib import Path
from brazil.model.digest import digest_of
from brazil.store.local import LocalStore
store = LocalStore(Path(sys.argv[1]) / "data", Path(sys.argv[1]) / "cache")
with store.claim(digest_of(b"an action"), "the child", print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the claim."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        yield child
        child.kill()


def test_processes_exclude_each_other(disk: LocalStore, holder: subprocess.Popen[bytes]) -> None:
    told: list[str] = []

    def let_go(owner: str) -> None:
        if not told:
            assert holder.stdin is not None
            holder.stdin.close()
        told.append(owner)

    with disk.claim(ACTION, "us", let_go):
        assert told[0] == "the child"


def test_a_dead_holder_never_blocks(disk: LocalStore, holder: subprocess.Popen[bytes]) -> None:
    told: list[str] = []

    def kill(owner: str) -> None:
        if not told:
            holder.send_signal(signal.SIGKILL)
        told.append(owner)

    with disk.claim(ACTION, "us", kill):
        assert told[0] == "the child"


def test_nobody_takes_away_a_claim_by_deleting_its_file(disk: LocalStore, tmp_path: Path) -> None:
    first: AbstractContextManager[None] = disk.claim(ACTION, "first", nobody_waits)
    first.__enter__()
    (tmp_path / "data" / "claims" / ACTION.hash).unlink()
    with disk.claim(ACTION, "second", nobody_waits):
        first.__exit__(None, None, None)
        with pytest.raises(InterruptedError), disk.claim(ACTION, "third", waiting_once):
            raise AssertionError("two hold one claim")
