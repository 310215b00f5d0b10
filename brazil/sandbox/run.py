"""BubblewrapSandbox: runs one Action, every input by content, and keeps what it leaves.

Per run there is one temporary folder: the private copy of the source and one empty folder per output. It is
removed on every path, or handed to `failed` when the command failed and somebody may want to look. Outputs are
ingested when no process of the run is alive, after exit code 0 or when asked to keep those of a failure.
"""

import itertools
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from brazil.errors import BrazilError, HermeticityError, InternalError, Problem, UnavailableError
from brazil.model.action import Platform, SandboxRequest, SandboxResult
from brazil.model.digest import Digest
from brazil.ports import ContentStore
from brazil.sandbox.arguments import ROOT, SHELF, Inputs, Places, input_binds, run_options
from brazil.sandbox.binder import Binder
from brazil.sandbox.bubblewrap import Bubblewrap
from brazil.sandbox.early import Early
from brazil.sandbox.failed import FailedFolders
from brazil.sandbox.folders import RunFolders, measure, remove_tree
from brazil.sandbox.host_platform import HostPlatform
from brazil.sandbox.launch import Ending, Limits, launch
from brazil.sandbox.limits import Limiter, find_hierarchies
from brazil.sandbox.probe import probe

_KILLED = 128 + signal.SIGKILL
_NAMED = 20  # things in an output that its cause names


class BubblewrapSandbox:
    """The Sandbox of this machine.

    The thread that calls `run` must live until it returns: when it ends, the kernel kills what it started.
    """

    def __init__(
        self,
        store: ContentStore,
        platform: Callable[[], HostPlatform],
        run_root: Path,
        bwrap: Callable[[], Bubblewrap],
        failed: FailedFolders,
    ) -> None:
        """Prepare to run.

        Args:
            store: where inputs come from and outputs go.
            platform: gives the root file system, materialised; asked when it matters.
            run_root: for temporary folders, on the same disk as the store; left-overs of killed runs are removed.
            bwrap: gives the program to use; asked when something is to run.
            failed: gets what failed runs leave, when somebody wants it; on the same disk.
        """
        self._store = store
        self._platform = platform
        self._bwrap = bwrap
        self._folders = RunFolders(run_root.absolute())
        self._failed = failed
        self._limiter = Limiter(find_hierarchies())
        self._binder = Binder()
        self._stop = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)  # never read: once set it wakes every run
        self._isolation: list[Early[Mapping[str, str]]] = []  # at most one; what ends it has only the list
        weakref.finalize(self, _end, self._stop, self._isolation)  # made after the folders of runs, and so done before
        self._stopped = False
        self._probing = threading.Lock()

    @property
    def platform(self) -> Platform:
        """See `Sandbox.platform`."""
        return self._platform().platform

    @property
    def isolation(self) -> Mapping[str, str]:
        """See `Sandbox.isolation`; tried once, beside the first run."""
        return self._probe()()

    def _probe(self) -> Early[Mapping[str, str]]:
        with self._probing:
            if not self._isolation:
                parts = self._folders, self._limiter, self._binder, self._stop
                self._isolation.append(Early(lambda: probe(self._bwrap(), self._platform(), *parts)))
            return self._isolation[0]

    def stop(self) -> None:
        """See `Sandbox.stop`."""
        self._stopped = True
        os.eventfd_write(self._stop, 1)
        for probing in self._isolation:
            probing.wait()  # else the folder that it tries things in would stay

    def run(self, request: SandboxRequest) -> SandboxResult:
        """See `Sandbox.run`."""
        if self._stopped:
            raise UnavailableError(Problem("sandbox.stopped", f"{request.label} was not started", "work was stopped"))
        outputs = output_places(request)
        self._bwrap()  # before anything is made for the run
        self._probe()
        folder = self._folders.make()
        try:
            try:
                return self._run(request, outputs, folder)
            finally:
                remove_tree(folder)
        except OSError as error:
            raise UnavailableError(
                Problem("sandbox.failed", f"{request.label} could not be run", str(error), "see 'brazil doctor'")
            ) from error

    def _run(self, request: SandboxRequest, outputs: Sequence[str], folder: str) -> SandboxResult:
        source = f"{folder}/src"
        self._store.copy_tree(request.source, Path(source))
        kept = {place: f"{folder}/out-{number}" for number, place in enumerate(outputs)}
        for path in kept.values():
            os.mkdir(path, 0o755)
        inputs = [(place, str(self._store.tree_path(root))) for place, root in request.inputs]
        places = Places(source, tuple(kept.items()), Inputs.of(inputs))
        writable = (source, *kept.values())
        started = time.time_ns()
        ending = self._launch(request, places, writable)
        finished = time.time_ns()
        if ending.exit_code not in (0, _KILLED) and measure(writable, request.largest_output) >= request.largest_output:
            # A file met its size limit, or what was measured too late: the same cause, whatever the command made of it.
            ending = ending._replace(exit_code=_KILLED, ended_by="output")
        trees: tuple[tuple[str, Digest], ...] = ()
        refused: list[str] = []
        if ending.exit_code == 0:
            if measure(kept.values(), request.largest_output) > request.largest_output:
                ending = ending._replace(exit_code=_KILLED, ended_by="output")
            else:
                try:
                    trees = tuple((place, self._keep(request, place, path)) for place, path in kept.items())
                except HermeticityError as error:
                    ending, refused = ending._replace(ended_by="refused"), _told(error)
        elif request.keep_failed and ending.ended_by in ("", "timeout"):
            with suppress(HermeticityError):  # it failed anyway
                trees = tuple((place, self._keep(request, place, path)) for place, path in kept.items())
        text = log_text(ending, request, refused)
        cause = _cause(refused)
        log = self._store.write(text)
        if (ending.exit_code != 0 or cause) and request.keep_for:
            for place, root in trees:  # moved into the store
                with suppress(BrazilError):
                    remove_tree(kept[place])
                    self._store.copy_tree(root, Path(kept[place]))
            self._failed.keep(folder, request, ending, text, cause)
        return SandboxResult(ending.exit_code, ending.ended_by, trees, log, started, finished, cause)

    def _launch(self, request: SandboxRequest, places: Places, writable: Sequence[str]) -> Ending:
        command = request.command
        options = run_options(self._platform().mounts, places, command.environment, scratch_of(request))
        binds = input_binds(places.inputs)
        ending = launch(
            str(self._bwrap().path),
            options,
            command.arguments,
            limits_of(request),
            self._limiter,
            self._stop,
            lambda: measure(writable, request.largest_output) > request.largest_output,
            self._folders.lock,
            (lambda namespace: self._binder.bind(namespace, binds, SHELF, ROOT)) if binds else None,
        )
        if not ending.started:
            said = ending.log.decode("utf-8", "replace").strip().replace("\n", "; ")
            raise UnavailableError(
                Problem("sandbox.setup", f"the sandbox for {request.label} could not be set up", said or "no message")
            )
        return ending

    def _keep(self, request: SandboxRequest, place: str, path: str) -> Digest:
        try:
            return self._store.ingest(Path(path), largest=request.largest_output)
        except HermeticityError as error:
            raise HermeticityError(
                *(p._replace(what=f"in {ROOT}/{place}, {p.what}") for p in error.problems)
            ) from error


def _end(stop: int, isolation: Sequence[Early[Mapping[str, str]]]) -> None:
    """End what is done beside the runs, which has a folder as they have."""
    os.eventfd_write(stop, 1)
    for probing in isolation:
        probing.wait()
    os.close(stop)


def _told(error: HermeticityError) -> list[str]:
    """Write a line for each thing that cannot be kept."""
    return [": ".join(filter(None, (p.what, p.because))) for p in error.problems]


def _cause(refused: Sequence[str]) -> str:
    """Say why an output was refused: a line that names the error, then the first things; the log has all of them."""
    if not refused:
        return ""
    more = [f"and {len(refused) - _NAMED} more"] if len(refused) > _NAMED else []
    return "\n".join(["its output cannot be kept [output.refused]", *refused[:_NAMED], *more])


def log_text(ending: Ending, request: SandboxRequest, refused: Sequence[str] = ()) -> bytes:
    """Return what a run said, followed by lines that say what was done to it."""
    notes = []
    if ending.dropped:
        notes.append(
            f"the log is cut here: {ending.dropped} more bytes were dropped, it may have {request.largest_log}"
        )
    if ending.ended_by == "timeout":
        notes.append(f"ended after {request.timeout} s, its time limit")
    elif ending.ended_by == "output":
        notes.append(f"ended because it wrote more than {request.largest_output} bytes, its limit")
    elif ending.ended_by == "refused":
        notes += refused
    elif ending.ended_by:
        notes.append("ended because the work was stopped")
    if "memory" in ending.reached:
        memory = limits_of(request).memory
        notes.append(
            f"processes were killed because all together they used more than {memory} bytes of memory, its limit"
        )
    if "processes" in ending.reached:
        notes.append(f"it had {request.processes} processes at once, its limit, and could not start another")
    text = ending.log
    if notes and text and not text.endswith(b"\n"):
        text += b"\n"
    return text + "".join(f"brazil: {note}\n" for note in notes).encode()


def output_places(request: SandboxRequest) -> list[str]:
    """Check where things are put, and return the outputs' places relative to /brazil.

    Raises:
        InternalError: a place is not inside /brazil, or one is inside another.
    """
    command = request.command
    inside = command.working_directory.partition("/")[2]
    outputs = [f"{inside}/{path}" if inside else path for path in command.output_paths]
    taken = ["src", *outputs, *(place for place, _ in request.inputs)]
    faults = [f"{place!a} is no clean relative path" for place in taken if not _is_clean(place)]
    ordered = sorted(taken, key=lambda place: place.split("/"))
    for first, second in itertools.pairwise(ordered):
        if f"{second}/".startswith(f"{first}/"):
            faults.append(f"{second!a} is inside {first!a}")
    if command.working_directory.partition("/")[0] != ROOT.strip("/"):
        faults.append(f"the working directory {command.working_directory!a} is not in {ROOT}")
    if not command.arguments:
        faults.append("there is no command")
    if faults:
        raise InternalError(*(Problem("sandbox.request", f"{request.label} cannot be run", f) for f in faults))
    return outputs


def _is_clean(place: str) -> bool:
    parts = place.split("/")
    return "\0" not in place and "" not in parts and "." not in parts and ".." not in parts


def limits_of(request: SandboxRequest) -> Limits:
    """Return what a run may use.

    Where its request does not say, its processes may use three quarters of the memory together, so it is the run that
    ends when memory does, and nothing else of the machine.
    """
    return Limits(
        seconds=request.timeout,
        log=request.largest_log,
        file_size=request.largest_output,
        memory=request.memory or memory_of_machine() // 4 * 3,
        processes=request.processes,
    )


def scratch_of(request: SandboxRequest) -> int:
    """Return bytes: what /tmp and the home folder of a run may each hold."""
    return min(memory_of_machine() // 2, max(request.largest_output, 1))


def memory_of_machine() -> int:
    """Return bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
