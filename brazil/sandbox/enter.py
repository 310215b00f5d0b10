"""BubblewrapClosureRunner: a user's own command on the user's own machine, with a closure at its paths for life.

Everything of the host's root folder is bound into a new root, one by one, and /brazil holds the closure; the
host's own /brazil, if there is one, is shadowed. No other namespace than that of mounts is new (an ordinary user
needs one of users as well, in which only the own id means something: setuid programs do not work inside).

The terminal belongs to the command: bubblewrap and we ignore its interrupts, a small Python program inside gives
them back their meaning, and what is sent to us alone is handed on.
"""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.model.digest import Digest
from brazil.ports import ContentStore
from brazil.sandbox.arguments import ROOT, SHELF, Inputs, enter_options, input_binds
from brazil.sandbox.binder import Binder
from brazil.sandbox.bubblewrap import Bubblewrap

_IGNORED = (signal.SIGINT, signal.SIGQUIT)  # the terminal sends them to the command as well
_HANDED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_NO_PROGRAM = {errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ENOEXEC, errno.EISDIR}
_FEW = 50  # inputs that bubblewrap binds itself; the Binder takes 25 ms to start

# Tells that it is there, then reads the command and its environment, and becomes it; the environment does not pass
# through bubblewrap, which adds PWD, nor through Python's start, which may add LC_CTYPE. What follows on the second
# descriptor is 0 and, if the command cannot be started, why; it closes when the command starts.
_INSIDE = """
import json, os, signal, sys
told = int(sys.argv[2])
os.set_inheritable(told, False)
os.write(told, b"%d\\n" % os.getpid())
with open(int(sys.argv[1]), "rb") as file:
    order = file.read()
if not order:
    sys.exit(127)
arguments, environment, ignored = json.loads(order)
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
os.write(told, b"0\\n")
try:
    os.execvpe(arguments[0], arguments, environment)
except OSError as error:
    os.write(told, b"%d\\n" % error.errno)
sys.exit(127)
"""


class BubblewrapClosureRunner:
    """The ClosureRunner of this machine."""

    def __init__(self, store: ContentStore, bwrap: Bubblewrap) -> None:
        self._store = store
        self._bwrap = bwrap
        self._binder = Binder()

    def run(
        self, inputs: Sequence[tuple[str, Digest]], environment: Mapping[str, str], arguments: Sequence[str]
    ) -> int:
        """See `ClosureRunner.run`."""
        folders = Inputs.of([(place, str(self._store.tree_path(root))) for place, root in inputs], _FEW)
        options = enter_options(_top(), folders, keep_capabilities=os.geteuid() == 0)
        binds = input_binds(folders)
        order, told = _pipe(), _pipe()
        settings = _pipe()
        inside = (sys.executable, "-I", "-S", "-c", _INSIDE, str(order[0]), str(told[1]))
        with _signals() as (ignored, deliver_to):
            try:
                if binds:
                    self._binder.start()
                process = subprocess.Popen(
                    [self._bwrap.path, "--args", str(settings[0]), "--", *inside],
                    pass_fds=(settings[0], order[0], told[1]),
                )
            except OSError as error:
                for descriptor in (*order, *told, *settings):
                    os.close(descriptor)
                raise _cannot_bind(str(error)) from error
            for descriptor in (settings[0], order[0], told[1]):
                os.close(descriptor)
            _feed(settings[1], "\0".join((*options, "")).encode("utf-8", "surrogateescape"))
            with open(told[0], encoding="ascii") as file:
                there = file.readline()
                refusal = self._bind(int(there), binds) if there and binds else ""
                words = json.dumps([list(arguments), dict(environment), ignored]).encode()
                _feed(order[1], b"" if refusal else words)
                started = file.readline()
                deliver_to(int(there) if started else process.pid)
                failure = file.readline()
            code = process.wait()
        if not started:
            raise _cannot_bind(refusal or "bubblewrap said so above")
        if failure:
            raise _cannot_start(arguments[0], int(failure))
        return code if code >= 0 else 128 - code

    def _bind(self, process: int, binds: Sequence[tuple[str, str]]) -> str:
        """Bind inputs where a process of ours waits for its order; return why that failed."""
        try:
            namespace = os.open(f"/proc/{process}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._binder.bind(namespace, binds, SHELF, ROOT)
            finally:
                os.close(namespace)
        except OSError as error:
            return str(error)
        return ""


def _top() -> dict[str, str | None]:
    with os.scandir("/") as entries:
        return {e.name: os.readlink(e.path) if e.is_symlink() else None for e in entries}


def _pipe() -> tuple[int, int]:
    return os.pipe()


def _feed(descriptor: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as file:
        file.write(data)


@contextmanager
def _signals() -> Iterator[tuple[list[int], Callable[[int], None]]]:
    """Leave the terminal's signals to the command and hand on others.

    Yields the numbers that were ignored before, and what is to be told the process id to hand on to; a signal that
    comes earlier is kept until then.
    """
    target: list[int] = []
    early: list[int] = []

    def hand_on(number: int, _: FrameType | None = None) -> None:
        if not target:
            early.append(number)
            return
        with suppress(ProcessLookupError):
            os.kill(target[0], number)

    def deliver_to(process: int) -> None:
        target.append(process)  # first, so that nothing is kept any more
        while early:
            hand_on(early.pop(0))

    if threading.current_thread() is not threading.main_thread():
        yield [], deliver_to  # only the main thread may set handlers
        return
    before = {number: signal.getsignal(number) for number in (*_IGNORED, *_HANDED_ON)}
    try:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        for number in _HANDED_ON:
            if before[number] != signal.SIG_IGN:
                signal.signal(number, hand_on)
        yield [int(n) for n in _IGNORED if before[n] == signal.SIG_IGN], deliver_to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _cannot_bind(because: str) -> UnavailableError:
    return UnavailableError(
        Problem("exec.bind", "the closure could not be put at /brazil", because, "see 'brazil doctor'")
    )


def _cannot_start(program: str, number: int) -> UsageError | UnavailableError:
    problem = Problem("exec.no-program", f"{program!a} could not be started", os.strerror(number))
    if number in _NO_PROGRAM:
        return UsageError(problem._replace(hint="it is looked for on the PATH of the closure, then on yours"))
    return UnavailableError(problem)
