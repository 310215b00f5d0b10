"""The digest of the host platform as it was last found, while everything it was made from looks the same.

Apart from `host_platform.py`, because this is asked on the quickest path: it imports next to nothing.
"""

import os

TYPE_CHECKING = False  # as every checker knows it; importing it takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT = "host platform 1"  # change it when the skeleton or what is bound changes
_HEX = 64  # digits of a digest


def known_digest(cache: str, host: str) -> str | None:
    """Return the digest found before, when everything it was made from looks the same by its stat.

    Args:
        cache: folder of platforms.
        host: root of the file system that is described, without a slash at its end.
    """
    try:
        with open(memory(cache), "rb", buffering=0) as file:
            digest, *rest = file.read().split(b"\0")
    except OSError:
        return None  # never made
    if len(digest) != _HEX or rest != stamp(host, [os.fsdecode(path) for path in rest[1::2]]):
        return None
    found = digest.decode(errors="replace")
    return found if os.path.isdir(skeleton(cache, found)) else None


def record(digest: str, stamps: "Sequence[bytes]") -> bytes:
    """Write what `known_digest` reads."""
    return b"\0".join((digest.encode(), *stamps))


def stamp(host: str, paths: "Sequence[str]") -> list[bytes]:
    """Return which start of the machine this is, then each path and what its stat says; no part holds a zero byte."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
    except OSError:
        boot = ""
    found = [f"{boot} {os.uname().machine} {FORMAT} {host}".encode("utf-8", "surrogateescape")]
    for path in paths:
        try:
            status = os.lstat(path)
        except OSError:
            seen = b""
        else:
            # The time of change, because nobody can set that one.
            seen = b"%d %d %d %d" % (status.st_size, status.st_ctime_ns, status.st_ino, status.st_mode)
        found += (os.fsencode(path), seen)
    return found


def skeleton(cache: str, digest: str) -> str:
    """Where the root file system of a platform is."""
    return f"{cache}/platform/{digest}"


def memory(cache: str) -> str:
    """Where the digest that was last found is."""
    return f"{cache}/platform/host"
