"""Where things are in a registry repository: refs and paths, and back. Pure.

Files are sharded by two hex digits of the package name's SHA-256 and by 64 build numbers, so that one publication
rewrites small directories only.
"""

import hashlib
import re
from functools import lru_cache

from brazil.errors import Problem, UsageError
from brazil.model.names import (
    Interface,
    PackageName,
    PackageVersion,
    VersionSetName,
    interface_version_fault,
    package_name_fault,
    version_set_name_fault,
)

CATALOG = "refs/heads/catalog"
SETS = "refs/heads/sets/"
PACKAGES = "packages"
PACKAGE_FILE = "package.toml"
SET_FILE = "versionset.toml"
PINS = "pins"
RESULTS = "results"
NUMBERS_PER_FOLDER = 64

_PLATFORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}", re.ASCII)


@lru_cache(maxsize=65536)
def shard(name: str) -> str:
    """Return the folder that a package's files are in."""
    return hashlib.sha256(name.encode()).hexdigest()[:2]


def set_ref(name: VersionSetName) -> str:
    """Return the ref of a set."""
    if fault := version_set_name_fault(name):
        raise UsageError(Problem("name.version-set", f"{name[:200]!a} is not a version set name", fault))
    return f"{SETS}{name}.set"


def set_of_ref(ref: str) -> VersionSetName | None:
    """Return the set that a ref is of, or None when it is no set's."""
    name = ref.removeprefix(SETS).removesuffix(".set")
    if f"{SETS}{name}.set" != ref or version_set_name_fault(name):
        return None
    return VersionSetName(name)


def package_folder(name: PackageName) -> str:
    """Return the catalog's folder of a package."""
    if fault := package_name_fault(name):
        raise UsageError(Problem("name.package", f"{name[:200]!a} is not a package name", fault))
    return f"{PACKAGES}/{shard(name)}/{name}"


def package_file(name: PackageName) -> str:
    """Return the catalog's file of a package."""
    return f"{package_folder(name)}/{PACKAGE_FILE}"


def interface_folder(interface: Interface) -> str:
    """Return the catalog's folder of an interface's versions."""
    if fault := interface_version_fault(interface.version):
        raise UsageError(Problem("name.interface", f"{str(interface)[:200]!a} is not an interface", fault))
    return f"{package_folder(interface.name)}/{interface.version}"


def record_file(version: PackageVersion) -> str:
    """Return the catalog's file of a package version."""
    return f"{interface_folder(version.interface)}/{version.number // NUMBERS_PER_FOLDER}/{version.number}.toml"


def pin_file(interface: Interface) -> str:
    """Return a set's file of a pin."""
    interface_folder(interface)  # checks the names
    return f"{PINS}/{_leaf(interface)}"


def result_file(platform: str, interface: Interface) -> str:
    """Return a set's file of what is recorded of a pin on a platform."""
    if not _PLATFORM.fullmatch(platform) or ".." in platform:
        raise UsageError(
            Problem("name.platform", f"{platform[:200]!a} is not a platform name", "", "name it like 'linux-x86_64'")
        )
    return f"{RESULTS}/{platform}/{_leaf(interface)}"


def _leaf(interface: Interface) -> str:
    return f"{shard(interface.name)}/{interface}.toml"
