"""Limits on what one run may use: control groups where this user may make them, else resource limits.

A run's own group (version 1 or 2) limits its processes and memory. Without groups an ordinary user's processes
are limited by RLIMIT_NPROC; for root the kernel ignores that, and RLIMIT_AS would break Java and node, so there
memory has no limit and `in_force` says so. Groups are made next to or below our own group. To make and remove one
takes the kernel as long as a small run, so those of a run that met no limit serve the next one; they are removed with
their Limiter, and those of dead processes when the next process looks.
"""

import itertools
import os
import resource
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_PREFIX = "brazil-"
_NUMBERS = itertools.count()  # of groups of this process
_OWN = 3  # two processes of bubblewrap, and for a moment the thread that starts it
_STACK = 8 << 20  # bytes
_OPEN_FILES = 1024  # soft; what most machines have, so that a build does not depend on the caller's


class Hierarchy(NamedTuple):
    """A folder of the control group file system in which groups can be made."""

    folder: str
    version: int  # 1 or 2
    controllers: frozenset[str]  # of "pids" and "memory"


class Group(NamedTuple):
    """The groups of one run."""

    made: tuple[tuple[Hierarchy, str], ...]  # (where, folder of the group)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let what this thread starts meanwhile begin inside the groups of version 1.

        A thread that moves itself needs no global lock of the kernel. Moving another process does, and waits for
        a grace period: measured 0.01 ms against 9 to 13 ms when runs are some 10 ms apart.
        """
        inside: list[str] = []
        try:
            for hierarchy, folder in self.made:
                if hierarchy.version == 1:
                    _write(f"{folder}/tasks", "0")
                    inside.append(hierarchy.folder)
            yield
        finally:
            for home in inside:
                _write(f"{home}/tasks", "0")

    def adopt(self, pid: int) -> None:
        """Take a process into the groups of version 2."""
        with suppress(ProcessLookupError):  # it died already, which is told by how it ended
            for hierarchy, folder in self.made:
                if hierarchy.version == 2:
                    _write(f"{folder}/cgroup.procs", str(pid))

    def reached(self) -> tuple[str, ...]:
        """Say which limits the run has met: "memory", "processes"."""
        met = []
        for hierarchy, folder in self.made:
            for controller in hierarchy.controllers:
                limit, file, key = _COUNTERS[controller, hierarchy.version]
                if _counter(f"{folder}/{file}", key):
                    met.append(limit)
        return tuple(sorted(met))

    def remove(self) -> None:
        """Remove the groups when their processes are gone; one still in use is left for a later process."""
        for _, folder in self.made:
            with suppress(OSError):
                os.rmdir(folder)


_COUNTERS_SIZE = 4096  # bytes; such a file has some lines, and the kernel gives all of it at once
_COUNTERS = {  # (controller, version) -> (what is limited, file that counts how often it was met, key in it)
    ("memory", 1): ("memory", "memory.oom_control", "oom_kill"),
    ("memory", 2): ("memory", "memory.events", "oom_kill"),
    ("pids", 1): ("processes", "pids.events", "max"),
    ("pids", 2): ("processes", "pids.events", "max"),
}


class Limiter:
    """Puts limits on a process that has just been started and does nothing yet."""

    def __init__(self, hierarchies: tuple[Hierarchy, ...]) -> None:
        self._hierarchies = hierarchies
        self._idle: dict[tuple[int, int], list[Group]] = {}  # (memory, processes) -> groups that nobody is in
        weakref.finalize(self, _remove_all, self._idle)

    def in_force(self) -> Mapping[str, str]:
        """Say what limits processes and memory here."""
        found = {c: f"control group v{h.version}" for h in self._hierarchies for c in h.controllers}
        processes = "none" if os.geteuid() == 0 else "resource limit"
        return {"memory limit": found.get("memory", "none"), "process limit": found.get("pids", processes)}

    @contextmanager
    def group(self, *, memory: int, processes: int) -> Iterator[Group]:
        """Give the groups of a run, whose processes have all ended when it is left.

        Args:
            memory: bytes for all processes together; 0: no limit.
            processes: how many may live at once; 0: no limit.

        Raises:
            OSError: a group that could be made before cannot be made now.
        """
        idle = self._idle.setdefault((memory, processes), [])
        try:
            group = idle.pop()
        except IndexError:
            group = self._make(memory, processes)
        try:
            yield group
        except BaseException:
            group.remove()
            raise
        # What was met stays counted for as long as a group lives.
        if group.reached():
            group.remove()
        else:
            idle.append(group)

    def _make(self, memory: int, processes: int) -> Group:
        name = f"{_PREFIX}{os.getpid()}-{next(_NUMBERS)}"
        made: list[tuple[Hierarchy, str]] = []
        try:
            for hierarchy in self._hierarchies:
                # Entering a group of version 2 is dear, and an ordinary user's processes can be limited without.
                needed = memory or hierarchy.version == 1 or os.geteuid() == 0
                if needed and (settings := _settings(hierarchy, memory, processes)):
                    os.mkdir(f"{hierarchy.folder}/{name}")
                    made.append((hierarchy, f"{hierarchy.folder}/{name}"))
                    _write_settings(f"{hierarchy.folder}/{name}", settings)
        except OSError:
            Group(tuple(made)).remove()
            raise
        return Group(tuple(made))


def _remove_all(groups: Mapping[tuple[int, int], list[Group]]) -> None:
    for idle in groups.values():
        while idle:
            idle.pop().remove()


def limit_process(pid: int, *, processes: int, file_size: int) -> None:
    """Put resource limits on a process that has not started others yet.

    Args:
        pid: the process.
        processes: how many this user may have; holds for ordinary users only; 0: no limit.
        file_size: bytes of any one file.
    """
    for limit, soft, hard in _resource_limits(file_size, 0 if os.geteuid() == 0 else processes):
        # A setuid bwrap belongs to root and is not ours to limit; groups hold there.
        with suppress(PermissionError, ProcessLookupError):
            resource.prlimit(pid, limit, _capped(soft, hard, resource.prlimit(pid, limit)[1]))


def find_hierarchies(proc: Path = Path("/proc/self")) -> tuple[Hierarchy, ...]:
    """Find where this process may make control groups, by making one."""
    try:
        own = (proc / "cgroup").read_text()
        mounts = (proc / "mountinfo").read_text()
    except OSError:
        return ()
    found = []
    for folder, version, controllers in candidate_folders(own, mounts):
        wanted = controllers & {"pids", "memory"}
        if version == 2:
            wanted &= set(_first_line(f"{folder}/cgroup.subtree_control").split())
        if wanted and _usable(folder, version, frozenset(wanted)):
            found.append(Hierarchy(folder, version, frozenset(wanted)))
            if version == 2:
                break
    return tuple(found)


def candidate_folders(own: str, mounts: str) -> list[tuple[str, int, frozenset[str]]]:
    """List the folders in which groups might be made: of version 1 our own, of version 2 also those above it.

    Args:
        own: content of /proc/self/cgroup.
        mounts: content of /proc/self/mountinfo.
    """
    paths: dict[str, str] = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    found: list[tuple[str, int, frozenset[str]]] = []
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, point = before.split(" ")[3:5]
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup":
            for controller in sorted({"memory", "pids"} & set(options.split(",")) & paths.keys()):
                found.append((point + _below(paths[controller], root), 1, frozenset({controller})))
        elif kind == "cgroup2" and "" in paths:
            inner = _below(paths[""], root)
            while True:
                found.append((point + inner, 2, frozenset({"memory", "pids"})))
                if not inner:
                    break
                inner = inner.rpartition("/")[0]
    return found


def _below(path: str, root: str) -> str:
    """Return a group's path inside a mount that shows `root` and what is below it; "" for the mount itself."""
    if root != "/" and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return path.rstrip("/")


def _usable(folder: str, version: int, controllers: frozenset[str]) -> bool:
    _sweep(folder)
    trial = f"{folder}/{_PREFIX}{os.getpid()}-trial"
    hierarchy = Hierarchy(folder, version, controllers)
    try:
        os.mkdir(trial)
        try:
            _write_settings(trial, _settings(hierarchy, 1 << 30, 100))
            if version == 2:
                return os.access(f"{folder}/cgroup.procs", os.W_OK)
            with Group(((hierarchy, trial),)).entered():
                return True
        finally:
            os.rmdir(trial)
    except OSError:
        return False


def _sweep(folder: str) -> None:
    with suppress(OSError):
        for name in sorted(os.listdir(folder)):
            pid = name.removeprefix(_PREFIX).partition("-")[0]
            if name.startswith(_PREFIX) and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                with suppress(OSError):
                    os.rmdir(f"{folder}/{name}")


def _settings(hierarchy: Hierarchy, memory: int, processes: int) -> list[tuple[str, str]]:
    """Say what to write into a group; nothing for a controller that has nothing to limit."""
    settings = []
    if "pids" in hierarchy.controllers and processes:
        settings.append(("pids.max", str(processes + _OWN)))
    if "memory" in hierarchy.controllers and memory:
        if hierarchy.version == 1:
            settings += [("memory.limit_in_bytes", str(memory)), ("memory.memsw.limit_in_bytes", str(memory))]
        else:
            settings += [("memory.max", str(memory)), ("memory.swap.max", "0")]
    return settings


def _write_settings(folder: str, settings: list[tuple[str, str]]) -> None:
    for name, value in settings:
        # Kernels without swap accounting lack these two; then there is no swap to escape to, or no way to limit it.
        if name in ("memory.memsw.limit_in_bytes", "memory.swap.max") and not os.path.exists(f"{folder}/{name}"):
            continue
        _write(f"{folder}/{name}", value)


def _resource_limits(file_size: int, processes: int) -> list[tuple[int, int, int]]:
    """List (limit, soft, hard); -1 stands for no limit of ours."""
    limits = [
        (resource.RLIMIT_FSIZE, file_size, file_size),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, -1),
        (resource.RLIMIT_STACK, _STACK, -1),
    ]
    if processes:
        limits.append((resource.RLIMIT_NPROC, processes, processes))
    return limits


def _capped(soft: int, hard: int, present: int) -> tuple[int, int]:
    """Fit a limit under the present hard one, which only root may raise."""
    if present != resource.RLIM_INFINITY:
        hard = present if hard == -1 else min(hard, present)
    return (soft if hard == -1 else min(soft, hard), hard)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().partition("\n")[0]
    except OSError:
        return ""


def _counter(path: str, key: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            words = os.read(descriptor, _COUNTERS_SIZE).split()
        finally:
            os.close(descriptor)
    except OSError:
        return 0
    return sum(int(value) for name, value in itertools.pairwise(words) if name == key.encode())
