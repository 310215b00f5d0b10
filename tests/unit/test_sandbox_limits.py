import os
import resource
from pathlib import Path

import pytest

from brazil.sandbox.limits import Group, Hierarchy, Limiter, candidate_folders, find_hierarchies, limit_process

OWN = "8:pids:/\n4:memory:/service/one\n2:cpu,cpuacct:/x\n0::/user.slice/app.slice/run.scope\n"
MOUNTS = """\
30 20 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
31 20 0:2 /service /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 20 0:3 / /sys/fs/cgroup/cpu rw shared:3 - cgroup cgroup rw,cpu,cpuacct
33 20 0:4 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
34 20 8:1 / / rw - ext4 /dev/sda rw
"""


def test_groups_are_looked_for_in_our_own_and_in_version_2_also_above_it() -> None:
    unified = "/sys/fs/cgroup/unified"
    both = frozenset({"memory", "pids"})
    assert candidate_folders(OWN, MOUNTS) == [
        ("/sys/fs/cgroup/pids", 1, frozenset({"pids"})),
        ("/sys/fs/cgroup/memory/one", 1, frozenset({"memory"})),
        (f"{unified}/user.slice/app.slice/run.scope", 2, both),
        (f"{unified}/user.slice/app.slice", 2, both),
        (f"{unified}/user.slice", 2, both),
        (unified, 2, both),
    ]


def test_a_machine_without_control_groups_has_none(tmp_path: Path) -> None:
    assert find_hierarchies(tmp_path) == ()
    none = Limiter(())
    assert none.in_force()["memory limit"] == "none"
    with none.group(memory=1, processes=1) as group:
        assert group == Group(())


def _as_the_kernel(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let a new folder have the files of a control group."""
    original = os.mkdir

    def mkdir(path: str) -> None:
        original(path)
        for name in names:
            Path(path, name).touch()

    monkeypatch.setattr(os, "mkdir", mkdir)


def test_a_group_of_version_2_is_made_and_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter((Hierarchy(str(tmp_path), 2, frozenset({"memory", "pids"})),))
    assert limiter.in_force() == {"memory limit": "control group v2", "process limit": "control group v2"}
    _as_the_kernel(monkeypatch, "pids.max", "memory.max", "cgroup.procs")
    with limiter.group(memory=1 << 20, processes=10) as group:
        with group.entered():
            group.adopt(4711)
        (folder,) = (Path(folder) for _, folder in group.made)
        assert {p.name: p.read_text() for p in folder.iterdir()} == {
            "pids.max": "13",
            "memory.max": "1048576",
            "cgroup.procs": "4711",
        }
        (folder / "memory.events").write_text("low 0\noom 3\noom_kill 1\n")
        (folder / "pids.events").write_text("max 0\n")
        assert group.reached() == ("memory",)


def test_groups_serve_run_after_run_until_a_limit_was_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter((Hierarchy(str(tmp_path), 1, frozenset({"pids"})),))
    _as_the_kernel(monkeypatch, "pids.max", "pids.events", "tasks")

    def used(*, processes: int = 10, meet: bool = False) -> str:
        with limiter.group(memory=0, processes=processes) as group:
            ((_, folder),) = group.made
            Path(folder, "pids.events").write_text(f"max {int(meet)}\n")
            return folder

    first = used()
    assert used() == first
    assert used(processes=11) != first, "other limits, other groups"
    assert used(meet=True) == first
    assert used() != first


def test_resource_limits_are_set_from_outside_and_never_raised() -> None:
    child = os.fork()
    if child == 0:
        os.read(os.pipe()[0], 1)  # until killed
    try:
        resource.prlimit(child, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        limit_process(child, processes=0, file_size=1 << 30)
        assert resource.prlimit(child, resource.RLIMIT_FSIZE) == (1 << 20, 1 << 20)
        assert resource.prlimit(child, resource.RLIMIT_CORE) == (0, 0)
        limit_process(child, processes=0, file_size=4096)
        assert resource.prlimit(child, resource.RLIMIT_FSIZE) == (4096, 4096)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
