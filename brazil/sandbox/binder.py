"""Binds folders in the mount namespace of a run, from outside, before anything of the run has started.

bubblewrap reads the whole table of mounts again for each of its binds, so a closure of 189 members took it 70 ms. A
bare bind mount takes some microseconds, but can be made only by a process with a single thread that is allowed to
enter the namespace of users that the run's namespace of mounts belongs to: `binder_process`.
"""

import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_PROGRAM = Path(__file__).with_name("binder_process.py")  # not imported: what it needs is of no use here
_COUNT = 8  # bytes


class Binder:
    """The process that binds; started when it is first asked for, and gone with this object or its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._helpers: list[_Helper] = []  # at most one
        weakref.finalize(self, _end, self._helpers)

    def start(self) -> None:
        """Start it, so that it is ready when there is something to bind.

        Raises:
            OSError: it cannot be started.
        """
        with self._lock:
            self._started()

    def bind(self, namespace: int, binds: Sequence[tuple[str, str]], shelf: str, root: str) -> None:
        """Bind folders to places that are made for them, then take away what they were bound from.

        Args:
            namespace: descriptor of a mount namespace.
            binds: (source, target), both seen from inside, both folders; a bind is as read-only as its source. The
                target is made, in a folder that is there.
            shelf: mount point that all sources are below.
            root: mount point that all targets and the shelf are below; it is read-only afterwards.

        Raises:
            OSError: not everything was bound.
        """
        text = "\0".join((shelf, root, *(path for pair in binds for path in pair), ""))
        data = text.encode("utf-8", "surrogateescape")
        with self._lock:
            try:
                channel = self._started().channel
                socket.send_fds(channel, [len(data).to_bytes(_COUNT, "big")], [namespace])
                channel.sendall(data)
                answer = _line(channel)
            except BaseException:  # nobody knows any more what the next answer would be for
                _end(self._helpers)
                raise
        if answer:
            raise OSError(answer)

    def _started(self) -> "_Helper":
        if not self._helpers:
            self._helpers.append(_start())
        return self._helpers[0]


class _Helper(NamedTuple):
    process: "subprocess.Popen[bytes]"
    channel: socket.socket


def _start() -> _Helper:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno()), str(_COUNT)],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                start_new_session=True,  # a terminal's signals are for us
            )
        except BaseException:
            ours.close()
            raise
    return _Helper(process, ours)


def _end(helpers: "list[_Helper]") -> None:
    while helpers:
        process, channel = helpers.pop()
        channel.close()
        process.wait()


def _line(channel: socket.socket) -> str:
    said = b""
    while not said.endswith(b"\n"):
        more = channel.recv(4096)
        if not more:
            raise ConnectionError("the process that binds inputs has ended")
        said += more
    return said.decode("utf-8", "replace").strip()
