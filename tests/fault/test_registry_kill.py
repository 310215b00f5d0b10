import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brazil.gitrepo.transport import GitPythonTransport
from brazil.model.digest import digest_of
from brazil.model.names import Interface, PackageName, VersionSetName
from brazil.model.package import Manifest
from brazil.model.versionset import Draft, NewVersion, Policy, Reason, Revision
from brazil.registry.git_registry import GitRegistry

ROOT = Path(__file__).resolve().parents[2]
DEV = VersionSetName("dev")
A = Interface(PackageName("Alpha"), "1.0")


class RunningClock:
    def now(self) -> int:
        return time.time_ns()


def open_registry(place: Path) -> GitRegistry:
    return GitRegistry(
        str(place / "r.git"),
        mirror=place / "unused",
        cache=place / "cache",
        actor="Ada <ada@example.org>",
        clock=RunningClock(),
        transport=GitPythonTransport,
        create=True,
    )


def draft(text: str) -> Draft:
    new = NewVersion(Manifest(A, "make"), "a" * 40, digest_of(text.encode()))
    return Draft(Policy((A,)), {A: new}, {}, Reason("publish", (), text), text)


def publish_for_ever(place: Path) -> None:
    registry = open_registry(place)
    head = registry.revision(DEV)
    while True:
        made = registry.commit(DEV, head.info.commit, draft(f"token-{head.info.number + 1}"))
        assert isinstance(made, Revision)
        head = made
        print(head.info.number, flush=True)  # noqa: T201 - what was reported done


if __name__ == "__main__":
    publish_for_ever(Path(sys.argv[1]))


@pytest.mark.parametrize("milliseconds", [3, 17, 31, 44, 58, 71])
def test_a_killed_publisher_leaves_a_registry_that_works(tmp_path: Path, milliseconds: int) -> None:
    registry = open_registry(tmp_path)
    registry.create_set(DEV, draft("token-1"))
    worker = subprocess.Popen(
        [sys.executable, __file__, str(tmp_path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "2\n"
    time.sleep(milliseconds / 1000)
    os.killpg(worker.pid, signal.SIGKILL)
    reported = [2, *map(int, worker.stdout.read().split())]
    worker.wait()
    worker.stdout.close()

    again = open_registry(tmp_path)
    head = again.revision(DEV)
    assert head.info.number >= reported[-1]
    assert [info.number for info in again.history(DEV)] == list(range(head.info.number, 0, -1))
    assert again.published(DEV, f"token-{head.info.number}") == head.info
    made = again.commit(DEV, head.info.commit, draft("after"))
    assert isinstance(made, Revision)
    # A publication that was cut off between catalog and set used up its number.
    assert made.records[A].version.number in (head.records[A].version.number + 1, head.records[A].version.number + 2)
    git = ["git", "-C", str(tmp_path / "r.git")]
    fsck = subprocess.run([*git, "fsck", "--full"], capture_output=True, text=True, check=False)
    assert fsck.returncode == 0, fsck.stderr
    refs = subprocess.run([*git, "for-each-ref", "refs/brazil"], capture_output=True, text=True, check=True)
    assert refs.stdout == ""
