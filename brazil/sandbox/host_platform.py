"""HostPlatform: this machine's /usr and friends as the root file system of builds.

Its digest covers what is installed (`packages`), the small /etc (`etc_tree`), where /bin and /lib lead, and the
processor architecture; it does not depend on who asks. The skeleton (/, /etc and all mount points) is made once
per digest in the cache, staged and renamed, so that several processes may race and a killed one leaves nothing
that counts. Since the cache may be damaged by a power cut, a skeleton made before the last start of the machine
is compared with what it should be before it is used again.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem, UnavailableError
from brazil.model.action import Platform
from brazil.sandbox.arguments import HOME, RootMounts
from brazil.sandbox.etc_tree import Entry, etc_entries
from brazil.sandbox.folders import remove_tree
from brazil.sandbox.known_platform import FORMAT, known_digest, memory, record, stamp
from brazil.sandbox.known_platform import skeleton as skeleton_of
from brazil.sandbox.packages import installed, watched

_TOP = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")  # links into /usr, or folders of their own on older hosts
_MOUNT_POINTS = ("brazil", "dev", "home", HOME.strip("/"), "proc", "tmp", "usr")
_EMPTY = HOME.strip("/")  # any empty folder of the skeleton covers what must not be seen
_FIXED_TIME = 315_532_800  # 1980-01-01, as on every input of a build


class HostPlatform(NamedTuple):
    """The `host` platform of this machine, ready to be used."""

    platform: Platform
    mounts: RootMounts

    @classmethod
    def prepare(cls, cache: Path, host: Path = Path("/")) -> "HostPlatform":
        """Fingerprint the machine and make the skeleton, unless that was done before and nothing has changed.

        Args:
            cache: folder that may be deleted at any time.
            host: root of the file system to describe; other than "/" only for trying.

        Raises:
            UnavailableError: the cache cannot be written, or the machine has no /usr.
        """
        root = str(host).rstrip("/")
        cache = cache.absolute()  # bubblewrap has another current folder
        if not os.path.isdir(f"{root}/usr/bin"):
            raise UnavailableError(Problem("platform.no-usr", "no host platform", f"there is no folder {root}/usr/bin"))
        try:
            digest = known_digest(str(cache), root) or _make(cache, root)
        except OSError as error:
            raise UnavailableError(
                Problem("platform.cache", f"the host platform cannot be prepared in {cache}", str(error))
            ) from error
        skeleton = skeleton_of(str(cache), digest)
        own = tuple(f"/{name}" for name in _TOP if os.path.isdir(f"{root}/{name}") and not _is_link(f"{root}/{name}"))
        hidden = tuple((path, f"{skeleton}/{_EMPTY}") for path in ("/usr/local",) if os.path.isdir(f"{root}{path}"))
        return cls(
            Platform(f"linux-{os.uname().machine}", "host", digest),
            RootMounts(skeleton, tuple(sorted((*own, "/usr"))), hidden),
        )


def fingerprint(machine: str, packages: str, entries: Iterable[Entry]) -> str:
    """Name a host platform: 64 hex digits.

    Args:
        machine: processor architecture.
        packages: what is installed.
        entries: the skeleton.
    """
    total = hashlib.sha256()
    for part in (FORMAT.encode(), machine.encode(), packages.encode("utf-8", "surrogateescape")):
        total.update(b"%d:%b" % (len(part), part))
    for entry in entries:
        for part in (os.fsencode(entry.path), entry.kind.encode(), entry.data):
            total.update(b"%d:%b" % (len(part), part))
    return total.hexdigest()


def _make(cache: Path, host: str) -> str:
    """Fingerprint the machine, make the skeleton if it is missing or damaged, remember; return the digest."""
    before = stamp(host, _fixed_paths(host))
    entries = _skeleton_entries(host)
    digest = fingerprint(os.uname().machine, installed(host), entries)
    skeleton = skeleton_of(str(cache), digest)
    if not _intact(skeleton, entries):
        _materialise(skeleton, entries)
    # A link cannot be edited, only replaced, and that shows in its folder: nine of ten entries here are links.
    paths = [f"{host}/{entry.path}" for entry in entries if entry.path.startswith("etc") and entry.kind != "link"]
    if stamp(host, _fixed_paths(host)) == before:  # else it changed while we read: look again next time
        _replace(memory(str(cache)), record(digest, stamp(host, [*_fixed_paths(host), *paths])))
    return digest


def _fixed_paths(host: str) -> list[str]:
    """Return what a fingerprint of every host depends on; what else it read is known afterwards."""
    folders = (*_TOP, "usr", "usr/bin", "usr/lib", "usr/sbin", "usr/share")
    return [*watched(host), *(f"{host}/{name}" for name in folders)]


def _skeleton_entries(host: str) -> list[Entry]:
    entries = [Entry(name, "folder") for name in _MOUNT_POINTS]
    for name in _TOP:
        path = f"{host}/{name}"
        if _is_link(path):
            entries.append(Entry(name, "link", os.fsencode(os.readlink(path))))
        elif os.path.isdir(path):
            entries.append(Entry(name, "folder"))
    return [*entries, *etc_entries(host)]


def _materialise(final: str, entries: Sequence[Entry]) -> None:
    parent = os.path.dirname(final)
    os.makedirs(parent, exist_ok=True)
    staged = f"{parent}/.new-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        os.mkdir(staged)
        for entry in entries:
            _write_entry(f"{staged}/{entry.path}", entry)
        for entry in reversed(entries):
            os.utime(f"{staged}/{entry.path}", (_FIXED_TIME, _FIXED_TIME), follow_symlinks=False)
        os.chmod(staged, 0o755)
        try:
            os.rename(staged, final)
        except OSError:
            if _intact(final, entries):
                return  # another process was faster
            os.rename(final, f"{staged}-damaged")
            os.rename(staged, final)
    finally:
        remove_tree(staged)
        remove_tree(f"{staged}-damaged")


def _write_entry(path: str, entry: Entry) -> None:
    if entry.kind == "folder":
        os.mkdir(path)
        os.chmod(path, 0o755)
    elif entry.kind == "link":
        os.symlink(entry.data, os.fsencode(path))
    else:
        with open(path, "xb") as file:
            file.write(entry.data)
        os.chmod(path, 0o755 if entry.kind == "program" else 0o644)


def _intact(root: str, entries: Iterable[Entry]) -> bool:
    """Say whether everything is there as it was written."""
    try:
        return all(_same(f"{root}/{entry.path}", entry) for entry in entries)
    except OSError:
        return False


def _same(path: str, entry: Entry) -> bool:
    if entry.kind == "link":
        return os.fsencode(os.readlink(path)) == entry.data
    if entry.kind == "folder":
        return os.path.isdir(path) and not _is_link(path)
    return not _is_link(path) and Path(path).read_bytes() == entry.data


def _replace(path: str, data: bytes) -> None:
    staged = Path(f"{os.path.dirname(path)}/.new-{os.getpid()}-{os.urandom(4).hex()}")
    staged.write_bytes(data)
    staged.replace(path)


def _is_link(path: str) -> bool:
    return os.path.islink(path)
