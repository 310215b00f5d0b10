"""The small /etc of a build: fixed files of ours and what the host's /usr links to.

What is taken depends only on permissions that everybody has, never on who reads, so that root and an ordinary
user get the same Platform. Nothing that names the machine, its people or its network is taken.
"""

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

# Of the host itself: identity, time zone, network, users, secrets.
_PRIVATE = frozenset(
    {
        "environment",
        "fstab",
        "group",
        "gshadow",
        "hostname",
        "hosts",
        "localtime",
        "machine-id",
        "mtab",
        "passwd",
        "resolv.conf",
        "shadow",
        "ssh",
        "sudoers",
        "timezone",
    }
)
_ALWAYS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives")
_LARGEST = 16 << 20  # bytes of one file; the certificate bundles are 0.2 MB

_FIXED: tuple[tuple[str, str], ...] = (
    ("group", "root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n"),
    ("hosts", "127.0.0.1\tlocalhost brazil\n::1\tlocalhost brazil\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\n"),
    (
        "passwd",
        "root:x:0:0:root:/nonexistent:/bin/sh\n"
        "build:x:1000:1000:build:/home/build:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    ),
)


class Entry(NamedTuple):
    """One thing in the skeleton of a root file system."""

    path: str  # relative to the root, such as "etc/passwd"
    kind: str  # "folder", "file", "program" or "link"
    data: bytes = b""  # content of a file, target of a link


def etc_entries(host: str) -> list[Entry]:
    """Return the /etc of a build on this host, sorted by path, every folder before what is in it.

    Args:
        host: root of the host's file system.
    """
    found: dict[str, Entry] = {}
    waiting = [*_ALWAYS, *sorted(_linked_from_usr(host))]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.split("/")[0] in _PRIVATE or not _all_may_enter(host, name):
            continue
        seen.add(name)
        waiting += _take(host, name, found)
    for name, text in _FIXED:
        found[name] = Entry(f"etc/{name}", "file", text.encode())
    found["localtime"] = Entry("etc/localtime", "link", b"/usr/share/zoneinfo/UTC")
    for name in tuple(found):
        for above in _above(name):
            # What lies below a link was taken through it, and is reached through it again.
            if found.setdefault(above, Entry(f"etc/{above}", "folder")).kind != "folder":
                found.pop(name, None)
    return [Entry("etc", "folder"), *(found[name] for name in sorted(found, key=lambda n: n.split("/")))]


def _take(host: str, name: str, found: dict[str, Entry]) -> Iterator[str]:
    """Add one path of /etc to `found`; yield the names of further paths it leads to."""
    path = f"{host}/etc/{name}"
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(path)
            found[name] = Entry(f"etc/{name}", "link", os.fsencode(target))
            if further := _inside_etc(f"/etc/{name}", target):
                yield further
        elif stat.S_ISDIR(status.st_mode):
            if status.st_mode & 0o005 == 0o005:
                found[name] = Entry(f"etc/{name}", "folder")
                yield from (f"{name}/{entry}" for entry in sorted(os.listdir(path)))
        elif stat.S_ISREG(status.st_mode) and status.st_mode & 0o004 and status.st_size <= _LARGEST:
            kind = "program" if status.st_mode & 0o001 else "file"
            with open(path, "rb") as file:
                found[name] = Entry(f"etc/{name}", kind, file.read())
    except OSError:
        return  # broken or vanished: the link in /usr stays broken, as on the host


def _linked_from_usr(host: str) -> set[str]:
    """Return the names below /etc that links in /usr (but not /usr/local) lead to."""
    names: set[str] = set()
    waiting = [f"{host}/usr"]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        names.add(_inside_etc(entry.path[len(host) :], os.readlink(entry.path)))
                    elif entry.is_dir(follow_symlinks=False) and entry.path != f"{host}/usr/local":
                        waiting.append(entry.path)
        except OSError:
            continue  # a folder not everybody may read
    return names - {""}


def _inside_etc(link: str, target: str) -> str:
    """Return where below /etc a link leads, or an empty text."""
    if "etc" not in target and not link.startswith("/etc/"):
        return ""
    absolute = os.path.normpath(os.path.join(os.path.dirname(link), target))
    return absolute.removeprefix("/etc/") if absolute.startswith("/etc/") else ""


def _all_may_enter(host: str, name: str) -> bool:
    """Say whether every folder above a path of /etc is open to everybody."""
    try:
        return all(os.stat(f"{host}/etc/{folder}").st_mode & 0o001 for folder in _above(name))
    except OSError:
        return False


def _above(name: str) -> list[str]:
    """Return the folders above a relative path, outermost first."""
    parts = name.split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]
