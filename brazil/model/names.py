"""Names of packages, interfaces, package versions and version sets.

Decides which names are valid, once, for everybody. A valid name is safe as one path component, as a git
ref component and as a command-line word: it never starts with a dash or a dot and holds no separator.
"""

import re
from typing import NamedTuple, NewType

from brazil.errors import Problem, UsageError

PackageName = NewType("PackageName", str)
VersionSetName = NewType("VersionSetName", str)

MAX_NAME_LENGTH = 100  # characters, for a package name and for each part of a set name
MAX_VERSION_LENGTH = 50  # characters of an interface version

_PACKAGE = re.compile(r"[A-Za-z][A-Za-z0-9_+.]*(?:-[A-Za-z0-9_+.]+)*", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+.]*", re.ASCII)
_SET_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+.-]*", re.ASCII)


# What the functions below refuse, apart from lengths, as expressions that a whole text must match.
_NO_LONE_DOTS = r"(?!.*\.\.)(?!.*\.$)"
PACKAGE_PATTERN = f"{_NO_LONE_DOTS}{_PACKAGE.pattern}"
VERSION_PATTERN = f"{_NO_LONE_DOTS}{_VERSION.pattern}"
_PART_PATTERN = rf"(?![^/]*\.\.)(?![^/]*\.(?:lock)?(?:/|$)){_SET_PART.pattern}"
SET_PATTERN = f"{_PART_PATTERN}(?:/{_PART_PATTERN})?"


class Interface(NamedTuple):
    """What others depend on: a package and the line of it they chose, `JsonKit-2.0`."""

    name: PackageName
    version: str

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


class PackageVersion(NamedTuple):
    """One build of an interface from one commit, `JsonKit-2.0.7`; what a version set pins."""

    interface: Interface
    number: int  # 1, 2, 3 ... per interface, given by the registry, never reused

    def __str__(self) -> str:
        return f"{self.interface}.{self.number}"


def package_name_fault(text: str) -> str | None:
    """Say why `text` is no package name, or None when it is one."""
    if not text:
        return "it is empty"
    if len(text) > MAX_NAME_LENGTH:
        return f"it has {len(text)} characters, at most {MAX_NAME_LENGTH} are allowed"
    if not _PACKAGE.fullmatch(text) or ".." in text or text.endswith("."):
        return "it must start with a letter and hold only letters, digits, '_', '+', '.' and single inner dashes"
    return None


def interface_version_fault(text: str) -> str | None:
    """Say why `text` is no interface version, or None when it is one."""
    if not text:
        return "it is empty"
    if len(text) > MAX_VERSION_LENGTH:
        return f"it has {len(text)} characters, at most {MAX_VERSION_LENGTH} are allowed"
    if not _VERSION.fullmatch(text) or ".." in text or text.endswith("."):
        return "it must hold only letters, digits, '_', '+' and '.', such as '1.0'"
    return None


def version_set_name_fault(text: str) -> str | None:
    """Say why `text` is no version set name, or None when it is one."""
    parts = text.split("/")
    if len(parts) > 2:
        return "it must be 'name' or 'group/name'"
    for part in parts:
        if not part:
            return "a part of it is empty"
        if len(part) > MAX_NAME_LENGTH:
            return f"a part of it has {len(part)} characters, at most {MAX_NAME_LENGTH} are allowed"
        # ".." and a final ".lock" or "." are refused by git in a ref.
        if not _SET_PART.fullmatch(part) or ".." in part or part.endswith((".", ".lock")):
            return "its parts must start with a letter or digit and hold only letters, digits, '_', '+', '.' and '-'"
    return None


def package_name(text: str) -> PackageName:
    """Check a package name.

    Raises:
        UsageError: the text is no package name.
    """
    fault = package_name_fault(text)
    if fault:
        raise UsageError(Problem("name.package", f"{_shown(text)} is not a package name", fault))
    return PackageName(text)


def version_set_name(text: str) -> VersionSetName:
    """Check a version set name.

    Raises:
        UsageError: the text is no version set name.
    """
    fault = version_set_name_fault(text)
    if fault:
        hint = "leave out the '@' and the number: no revision can be named here" if "@" in text else ""
        raise UsageError(Problem("name.version-set", f"{_shown(text)} is not a version set name", fault, hint))
    return VersionSetName(text)


def parse_interface(text: str) -> Interface:
    """Read `JsonKit-2.0`, from the right: the last dash parts name and version.

    Raises:
        UsageError: the text is no interface.
    """
    name, dash, version = text.rpartition("-")
    if not dash:
        raise UsageError(
            Problem(
                "name.interface", f"{_shown(text)} is not an interface", "it has no '-'", "write it like 'JsonKit-2.0'"
            )
        )
    fault = package_name_fault(name) or interface_version_fault(version)
    if fault:
        raise UsageError(Problem("name.interface", f"{_shown(text)} is not an interface", fault))
    return Interface(PackageName(name), version)


def parse_package_version(text: str) -> PackageVersion:
    """Read `JsonKit-2.0.7`, from the right: the last dot, then the last dash.

    Raises:
        UsageError: the text is no package version.
    """
    interface, dot, number = text.rpartition(".")
    if not dot or not (number.isascii() and number.isdigit()) or number != str(int(number)) or number == "0":
        raise UsageError(
            Problem(
                "name.package-version",
                f"{_shown(text)} is not a package version",
                "it must end in '.' and a build number",
                "write it like 'JsonKit-2.0.7'",
            )
        )
    return PackageVersion(parse_interface(interface), int(number))


def _shown(text: str) -> str:
    """Quote a text from outside so that it stays one short printable line."""
    return ascii(text if len(text) <= MAX_NAME_LENGTH else text[:MAX_NAME_LENGTH] + "...")
