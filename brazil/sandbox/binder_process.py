"""The process that binds: forks for each run, since who has entered a namespace of users cannot come back.

Run by `binder` as a program of its own. Its arguments are a socket's descriptor and the size of a count. A request is
the count of its bytes, sent together with a descriptor of the namespace, then so many bytes: the folder to take away at
the end, the one that holds it, to be made read-only then, and pairs of source and target, each ended by a NUL. The
answer is one line, empty for success.

It is started while somebody waits, so it imports little: `socket` alone would double the time until it is ready.
"""

import _socket
import ctypes
import fcntl
import os
import sys

_NS_GET_USERNS = 0xB701  # ioctl_ns(2)
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MNT_DETACH = 1, 0x20, 0x1000, 2
_KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC  # of a mount, with the numbers that mount(2) has for them
_CLOSED = 3  # exit code of a child that was asked for nothing more


def _serve(channel: _socket.socket, count: int) -> None:
    """Answer one request after the other, each in a child that is there before the request comes."""
    os.umask(0)
    libc = ctypes.CDLL(None, use_errno=True)
    while True:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = _answer(channel, count, libc)
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


def _answer(channel: _socket.socket, count: int, libc: ctypes.CDLL) -> int:
    try:
        head, sent, _, _ = channel.recvmsg(count, _socket.CMSG_SPACE(4))
    except ConnectionError:
        return _CLOSED
    if len(head) < count or not sent:
        return _CLOSED
    namespace = int.from_bytes(sent[0][2][:4], sys.byteorder)
    try:
        shelf, root, *paths = _fields(channel, int.from_bytes(head, "big"))
        _enter(libc, namespace)
        for source, target in zip(paths[::2], paths[1::2], strict=True):
            os.mkdir(target, 0o755)
            _check(libc.mount(source, target, None, _MS_BIND, None), target)
        _check(libc.umount2(shelf, _MNT_DETACH), shelf)
        os.rmdir(shelf)
        kept = os.statvfs(root).f_flag & _KEPT
        _check(libc.mount(None, root, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept, None), root)
        told = ""
    except OSError as error:
        place = os.fsdecode(error.filename or "namespaces")
        told = f"{place}: {error.strerror}".replace("\n", "?")
    channel.sendall(f"{told}\n".encode("utf-8", "replace"))
    return 0


def _fields(channel: _socket.socket, size: int) -> list[bytes]:
    data = b""
    while len(data) < size:
        more = channel.recv(min(size - len(data), 1 << 20))
        if not more:
            raise ConnectionError(0, "the request is cut off")
        data += more
    return data.split(b"\0")[:-1]


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    # The first process inside may be in yet another namespace of users by now, below the one that matters.
    users = fcntl.ioctl(namespace, _NS_GET_USERNS)
    if not os.path.sameopenfile(users, os.open("/proc/self/ns/user", os.O_RDONLY)):
        _check(libc.setns(users, _CLONE_NEWUSER), b"the namespace of users")
    _check(libc.setns(namespace, _CLONE_NEWNS), b"the namespace of mounts")


def _check(failed: int, what: bytes) -> None:
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fsdecode(what))


if __name__ == "__main__":
    _serve(_socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
