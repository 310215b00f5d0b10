"""Starts bubblewrap, watches one run and ends it; when `launch` returns nothing of the run is alive.

Order of a start: bubblewrap first waits for its options on a pipe, so limits put on it before the options are
sent hold for everything inside. It then tells the process id of the first process inside, of which we take a pidfd.
That process makes the mounts, and then reads a byte that we have put into a pipe with room for no more, so we see that
they are made: the gate. Then it waits for its filter of system calls, which we send last of all, when we hold the
pidfd and the caller has done to the mounts what he wants. So its id can never mean another process, and no command
starts before. Killing it kills all inside, and the kernel reports its end only after all others are gone.

Two threads may launch at once. bubblewrap is told to die with its parent, and for the kernel that is the
*thread* which started it: the caller's thread must live until `launch` returns, which it does by waiting here.

Until bubblewrap has told the kernel so, in its first milliseconds, a kill of our process leaves it behind. So what it
starts holds a lock of the caller, by which the next process finds it and ends it.
"""

import fcntl
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from brazil.sandbox.filter import filter_program
from brazil.sandbox.limits import Limiter, limit_process

_BLOCK = 1 << 16  # bytes read at once; what a pipe holds
_FIRST_LOOK = 0.5  # seconds until the writable folders are measured for the first time
_FILTER, _TERMINAL_FILTER = filter_program(), filter_program(terminal=True)
_LOOK_RATIO = 20  # measuring may take this part of the time


class Limits(NamedTuple):
    """What one run may use."""

    seconds: float  # for the setting up, and again for the command: how busy the machine is fails no command
    log: int  # bytes kept of what it says
    file_size: int  # bytes of one file
    memory: int  # bytes; 0: no limit
    processes: int  # alive at once


class Ending(NamedTuple):
    """How a run ended."""

    exit_code: int
    ended_by: str  # "", "timeout", "output" or "interrupt"
    log: bytes
    dropped: int  # bytes of the log beyond the limit
    started: bool  # False: bubblewrap failed before the command ran, and the log says why
    reached: tuple[str, ...]  # limits of the control groups that were met: "memory", "processes"


def launch(
    bwrap: str,
    options: Sequence[str],
    command: Sequence[str],
    limits: Limits,
    limiter: Limiter,
    stop: int = -1,
    too_large: Callable[[], bool] = lambda: False,
    lock: int = -1,
    prepare: Callable[[int], None] | None = None,
    *,
    terminal: bool = False,
) -> Ending:
    """Run a command in a sandbox and wait for the end of all its processes.

    Args:
        bwrap: the program.
        options: of bubblewrap, without the command.
        command: program and arguments, found inside.
        limits: what it may use.
        limiter: sets limits for processes and memory.
        stop: descriptor that becomes readable when all runs must end; -1: none.
        too_large: measures the writable places; called now and then.
        lock: descriptor that stays open as long as anything of the run is alive, but not in the command; -1: none.
        prepare: called when all mounts are made and the command has not started, with a descriptor of the run's
            mount namespace; what it raises ends the run.
        terminal: the command has our input and output and is in our session, so it may be a shell on a terminal;
            what it says is not seen here.

    Raises:
        OSError: bubblewrap cannot be started, or its limits cannot be set.
    """
    run = _Run(limits, stop, too_large, prepare, terminal)
    with limiter.group(memory=limits.memory, processes=limits.processes) as group:
        try:
            with group.entered():
                run.start(bwrap, command, lock)
            group.adopt(run.pid)
            limit_process(run.pid, processes=limits.processes, file_size=limits.file_size)
            run.send("\0".join((*options, "")).encode("utf-8", "surrogateescape"))
            try:
                run.watch()
            except BaseException:  # Ctrl-C: leave no process behind
                run.end("interrupt")
                run.watch()
                raise
            reached = group.reached() if run.exit_code else ()
        finally:
            run.destroy()
    return Ending(run.exit_code, run.ended_by, bytes(run.log), run.dropped, run.started, reached)


class _Run:
    """The descriptors and the state of one run."""

    def __init__(
        self,
        limits: Limits,
        stop: int,
        too_large: Callable[[], bool],
        prepare: Callable[[int], None] | None,
        terminal: bool,
    ) -> None:
        self.log = bytearray()
        self.dropped = 0
        self.ended_by = ""
        self.exit_code = -1
        self.started = False
        self._limits = limits
        self._stop = stop
        self._too_large = too_large
        self._prepare = prepare
        self._terminal = terminal
        self._open: set[int] = set()
        self._outer: subprocess.Popen[bytes] | None = None
        self._alive = True  # as far as bubblewrap's own end was not seen yet
        self._inner = -1  # pidfd of the first process inside
        self._child = 0  # its id
        self._said = b""  # what bubblewrap reported

    @property
    def pid(self) -> int:
        assert self._outer
        return self._outer.pid

    def start(self, bwrap: str, command: Sequence[str], lock: int) -> None:
        options, self._options = self._pipe()
        gate, self._gate = self._pipe()
        fcntl.fcntl(
            self._gate, fcntl.F_SETPIPE_SZ, 1
        )  # one page, which this byte fills: writable again when it is read
        os.write(self._gate, b".")
        calls, self._calls = self._pipe()
        self._status, status = self._pipe()
        self._output, output = self._pipe()
        descriptors = ["--args", str(options), "--json-status-fd", str(status)]
        descriptors += ["--block-fd", str(gate), "--seccomp", str(calls)]
        passed = [options, status, gate, calls]
        if lock != -1:
            descriptors += ["--sync-fd", str(lock)]
            passed.append(lock)
        self._outer = subprocess.Popen(
            ["bwrap", *descriptors, "--", *command],  # seen inside as the first process: no path of the host
            executable=bwrap,
            stdin=None if self._terminal else subprocess.DEVNULL,
            stdout=None if self._terminal else output,
            stderr=None if self._terminal else output,
            pass_fds=passed,
            env={},
            cwd="/",
            umask=0o022,
            start_new_session=not self._terminal,  # a terminal's signals are for us; we then end the run in order
        )
        for descriptor in (*passed, output):
            if descriptor != lock:
                self._close(descriptor)
        os.set_blocking(self._output, False)
        self._exit = os.pidfd_open(self._outer.pid)
        self._open.add(self._exit)

    def send(self, options: bytes) -> None:
        with suppress(BrokenPipeError):  # it died already; its exit says so
            while options:
                options = options[os.write(self._options, options) :]
        self._close(self._options)

    def watch(self) -> None:
        """Wait until bubblewrap and everything inside have ended."""
        poll = select.poll()
        for descriptor in (self._exit, self._status, self._output, self._stop):
            if descriptor != -1:
                poll.register(descriptor, select.POLLIN)
        poll.register(self._gate, select.POLLOUT)  # last, so that what was told before is read before
        deadline = time.monotonic() + self._limits.seconds
        look, pause = time.monotonic() + _FIRST_LOOK, _FIRST_LOOK
        while self._alive:
            until = None if self.ended_by else max(0.0, min(deadline, look) - time.monotonic()) * 1000 + 1
            for descriptor, _ in poll.poll(until):
                if descriptor == self._exit:
                    self._alive = False
                elif descriptor == self._status:
                    if not self._read_status():
                        poll.unregister(descriptor)
                elif descriptor == self._output:
                    if not self._read_output():
                        poll.unregister(descriptor)
                elif descriptor == self._gate:
                    poll.unregister(descriptor)
                    self._let_start()
                    deadline = time.monotonic() + self._limits.seconds
                else:
                    poll.unregister(descriptor)
                    self.end("interrupt")
            now = time.monotonic()
            if now >= deadline:
                self.end("timeout")
            elif now >= look and not self.ended_by:
                if self._too_large():
                    self.end("output")
                pause = max(pause, (time.monotonic() - now) * _LOOK_RATIO)
                look = time.monotonic() + pause
        self._finish()

    def end(self, why: str) -> None:
        """Kill everything inside; the first reason counts."""
        self.ended_by = self.ended_by or why
        if self._inner != -1:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inner, signal.SIGKILL)

    def destroy(self) -> None:
        """Leave neither a process nor a descriptor, whatever happened before."""
        if self._outer and self._outer.returncode is None:
            self._outer.kill()
            self._outer.wait()
            self._wait_inside()
        for descriptor in tuple(self._open):
            self._close(descriptor)

    def _finish(self) -> None:
        assert self._outer
        code = self._outer.wait()
        while self._read_status():
            pass
        self._wait_inside()
        while self._read_output():
            pass
        said = [json.loads(line) for line in self._said.splitlines() if line.endswith(b"}")]
        codes = [line["exit-code"] for line in said if "exit-code" in line]
        # bubblewrap reports a code only of a command that it has started.
        self.started = bool(codes) or bool(self.ended_by) or code < 0  # below zero: somebody killed bubblewrap
        self.exit_code = codes[0] if codes else code if code >= 0 else 128 - code
        if self.exit_code == 0:
            self.ended_by = ""  # it was faster than its end
        elif self.ended_by:
            self.exit_code = 137

    def _wait_inside(self) -> None:
        """End what the command left behind, and wait until the kernel has removed it."""
        if self._inner == -1:
            return
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._inner, signal.SIGKILL)
        gone = select.poll()
        gone.register(self._inner, select.POLLIN)
        gone.poll()

    def _let_start(self) -> None:
        """Prepare what is set up, then send the filter, behind which the command starts."""
        if self._inner == -1 or self.ended_by:
            return  # it died on the way, or is about to
        if self._prepare:
            try:
                namespace = os.open(f"/proc/{self._child}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            except (FileNotFoundError, ProcessLookupError):
                return
            self._open.add(namespace)
            if _is_over(self._inner):
                return  # so the id may have meant another
            self._prepare(namespace)
            self._close(namespace)
        with suppress(BrokenPipeError):
            os.write(self._calls, _TERMINAL_FILTER if self._terminal else _FILTER)
        self._close(self._calls)

    def _read_status(self) -> bool:
        data = os.read(self._status, _BLOCK)
        self._said += data
        # Once bubblewrap has ended, the id may mean another process; behind the closed gate no command has run then.
        if self._inner == -1 and self._alive and b"\n" in self._said:
            self._child = json.loads(self._said.partition(b"\n")[0])["child-pid"]
            with suppress(ProcessLookupError):
                self._inner = os.pidfd_open(self._child)
                self._open.add(self._inner)
            if self.ended_by:
                self.end(self.ended_by)
        return bool(data)

    def _read_output(self) -> bool:
        try:
            data = os.read(self._output, _BLOCK)
        except BlockingIOError:
            return False
        room = self._limits.log - len(self.log)
        self.log += data[:room]
        self.dropped += max(0, len(data) - room)
        return bool(data)

    def _pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        self._open.update(ends)
        return ends

    def _close(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._open.discard(descriptor)
            os.close(descriptor)


def _is_over(process: int) -> bool:
    ended = select.poll()
    ended.register(process, select.POLLIN)
    return bool(ended.poll(0))
