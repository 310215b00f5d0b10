"""What is installed on this machine, as text that is equal on two machines with the same packages.

Of the Debian database names, versions and architectures count; of others the bytes. A machine without a package
database is told apart by a walk over /usr. Knows only how to read; what it means is decided by the caller.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

_DPKG = "var/lib/dpkg/status"
_DATABASES = (
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
)
_PACMAN = "var/lib/pacman/local"


def installed(host: str) -> str:
    """Return what is installed: a first line that says how it was found, then one line per fact.

    Args:
        host: root of the host's file system.
    """
    if (status := _bytes(f"{host}/{_DPKG}")) is not None:
        return "\n".join(("dpkg", *dpkg_packages(status.decode("utf-8", "replace"))))
    for path in _DATABASES:
        if (data := _bytes(f"{host}/{path}")) is not None:
            return f"{path}\n{hashlib.sha256(data).hexdigest()}"
    if os.path.isdir(f"{host}/{_PACMAN}"):
        return "\n".join(("pacman", *sorted(os.listdir(f"{host}/{_PACMAN}"))))
    return "\n".join(("files", *sorted(_files(f"{host}/usr", f"{host}/usr/local"))))


def watched(host: str) -> list[str]:
    """Return the paths whose change means that `installed` must be asked again, sorted."""
    return [f"{host}/{path}" for path in sorted((_DPKG, _PACMAN, *_DATABASES))]


def dpkg_packages(status: str) -> list[str]:
    """Return `name version architecture` of each installed package of a dpkg status file, sorted."""
    packages = []
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.split("\n") if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed") and "Package" in fields:
            packages.append(" ".join(fields.get(key, "-") for key in ("Package", "Version", "Architecture")))
    return sorted(packages)


def _bytes(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _files(folder: str, without: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if not entry.is_dir(follow_symlinks=False):
                    yield f"{entry.path!a} {status.st_mode:o} {status.st_size} {status.st_mtime_ns}"
                elif entry.path != without:
                    yield from _files(entry.path, without)
    except OSError:
        yield f"{folder!a} unreadable"
