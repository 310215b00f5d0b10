"""Binds folders in the mount namespace of a run, from outside, before anything of the run has started.

bubblewrap reads the whole table of mounts again for each of its binds, so a closure of 189 members took it 70 ms. A
bare bind mount takes some microseconds, but can be made only by a process with a single thread that is allowed to
enter the namespace of users that the run's namespace of mounts belongs to. So this module is also a program of its
own: a small process that forks for each run, since who has entered cannot come back.

A request is a count of bytes, sent together with a descriptor of the namespace, then so many bytes: the folder to
unmount at the end, and pairs of source and target, each ended by a NUL. The answer is one line, empty for success.
"""

import ctypes
import fcntl
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_NS_GET_USERNS = 0xB701  # ioctl_ns(2)
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_BIND, _MNT_DETACH = 0x1000, 2
_COUNT = 8  # bytes of the count at the start of a request
_CLOSED = 3  # exit code of a child that was asked for nothing more


class Binder:
    """The process that binds; started with the first request, and gone with this object or its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._helpers: list[_Helper] = []  # at most one
        weakref.finalize(self, _end, self._helpers)

    def bind(self, namespace: int, binds: Sequence[tuple[str, str]], shelf: str) -> None:
        """Bind folders and then unmount what they were bound from.

        Args:
            namespace: descriptor of the mount namespace of a run.
            binds: (source, target), both seen from inside, both folders; a bind is as read-only as its source.
            shelf: mount point inside that all sources are below.

        Raises:
            OSError: not everything was bound.
        """
        text = "\0".join((shelf, *(path for pair in binds for path in pair), ""))
        data = text.encode("utf-8", "surrogateescape")
        with self._lock:
            try:
                if not self._helpers:
                    self._helpers.append(_start())
                channel = self._helpers[0].channel
                socket.send_fds(channel, [len(data).to_bytes(_COUNT, "big")], [namespace])
                channel.sendall(data)
                answer = _line(channel)
            except BaseException:  # nobody knows any more what the next answer would be for
                _end(self._helpers)
                raise
        if answer:
            raise OSError(answer)


class _Helper(NamedTuple):
    process: "subprocess.Popen[bytes]"
    channel: socket.socket


def _start() -> _Helper:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, str(theirs.fileno())],
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


def _serve(channel: socket.socket) -> None:
    """Answer one request after the other, each in a child that is there before the request comes."""
    libc = ctypes.CDLL(None, use_errno=True)
    while True:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = _answer(channel, libc)
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == _CLOSED:
            return
        if code != 0:
            try:
                channel.sendall(f"the process that binds inputs ended with {code}\n".encode())
            except ConnectionError:  # nobody waits for an answer any more
                return


def _answer(channel: socket.socket, libc: ctypes.CDLL) -> int:
    try:
        head, descriptors, _, _ = socket.recv_fds(channel, _COUNT, 1)
    except ConnectionError:
        return _CLOSED
    if len(head) < _COUNT or not descriptors:
        return _CLOSED
    try:
        shelf, *paths = _fields(channel, int.from_bytes(head, "big"))
        _enter(libc, descriptors[0])
        for source, target in zip(paths[::2], paths[1::2], strict=True):
            _check(libc.mount(source, target, None, _MS_BIND, None), target)
        _check(libc.umount2(shelf, _MNT_DETACH), shelf)
        told = ""
    except OSError as error:
        told = f"{error.filename or 'namespaces'}: {error.strerror}".replace("\n", "?")
    channel.sendall(f"{told}\n".encode("utf-8", "replace"))
    return 0


def _fields(channel: socket.socket, size: int) -> Iterator[bytes]:
    data = b""
    while len(data) < size:
        more = channel.recv(min(size - len(data), 1 << 20))
        if not more:
            raise ConnectionError(0, "the request is cut off")
        data += more
    return iter(data.split(b"\0")[:-1])


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    # The first process inside may be in yet another namespace of users by now, below the one that matters.
    users = fcntl.ioctl(namespace, _NS_GET_USERNS)
    _check(libc.setns(users, _CLONE_NEWUSER), b"the namespace of users")
    _check(libc.setns(namespace, _CLONE_NEWNS), b"the namespace of mounts")


def _check(failed: int, what: bytes) -> None:
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fsdecode(what))


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
