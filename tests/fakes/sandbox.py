import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from brazil.errors import Problem, UnavailableError
from brazil.model.action import Platform, Ran, RunRecord, SandboxRequest, SandboxResult
from brazil.model.digest import Digest
from brazil.model.tree import Directory, FileNode
from brazil.ports import ContentStore

from .clock import ManualClock

PLATFORM = Platform("linux-x86_64", "host", "ab" * 32)


class Failure(NamedTuple):
    """A run that does not succeed."""

    exit_code: int = 1
    ended_by: str = ""
    log: bytes = b"it went wrong\n"
    cause: str = ""


# What a run leaves: the files of its output, or that it failed.
Work = Callable[[SandboxRequest], Mapping[str, bytes] | Failure]


def names_of_inputs(request: SandboxRequest) -> dict[str, bytes]:
    """An output that differs whenever an input does."""
    return {"made-from": f"{request.command}\n{request.source}\n{request.inputs}".encode()}


class ScriptedSandbox:
    """Runs a function of the request instead of its command, and logs every call."""

    def __init__(self, store: ContentStore, work: Work = names_of_inputs, platform: Platform = PLATFORM) -> None:
        self.platform = platform
        self.isolation = {"everything": "pretended"}
        self.calls: list[str] = []  # labels, in the order of starting
        self.most = 0  # runs at one time
        self.stopped = threading.Event()
        self.clock = ManualClock()
        self._store = store
        self._work = work
        self._running = 0
        self._lock = threading.Lock()

    def run(self, request: SandboxRequest) -> SandboxResult:
        if self.stopped.is_set():
            raise UnavailableError(Problem("sandbox.stopped", f"{request.label} was not started"))
        with self._lock:
            self.calls.append(request.label)
            self._running += 1
            self.most = max(self.most, self._running)
            started = self.clock.now()
            self.clock.advance(1)
        try:
            return self._result(request, self._work(request), started)
        finally:
            with self._lock:
                self._running -= 1

    def stop(self) -> None:
        self.stopped.set()

    def _result(self, request: SandboxRequest, left: Mapping[str, bytes] | Failure, started: int) -> SandboxResult:
        finished = started + 1_000_000_000
        if isinstance(left, Failure):
            log = self._store.write(left.log)
            return SandboxResult(left.exit_code, left.ended_by, (), log, started, finished, left.cause)
        log = self._store.write(f"ran {request.label}\n".encode())
        outputs = tuple((path, self._tree(left)) for path in request.command.output_paths)
        return SandboxResult(0, "", outputs, log, started, finished)

    def _tree(self, files: Mapping[str, bytes]) -> Digest:
        nodes = [FileNode(name, self._store.write(data)) for name, data in sorted(files.items())]
        return self._store.write_directory(Directory(tuple(nodes)))


class MemoryRecords:
    """Records of runs in a list."""

    def __init__(self) -> None:
        self.records: list[RunRecord] = []

    def add(self, record: RunRecord) -> None:
        self.records.append(record)

    def ran(self) -> Iterator[Ran]:
        for (step, action, *_), result, _ in reversed(self.records):
            yield Ran(step, action, result.started, result.succeeded)

    def runs(self, action: Digest) -> list[RunRecord]:
        found = [r for r in self.records if r.snapshot.action == action]
        return sorted(found, key=lambda r: r.result.started)
