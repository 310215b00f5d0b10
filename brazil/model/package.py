"""Manifest: what a package says about itself in its `brazil.toml`.

The text is read and checked in `formats/manifest.py`; here is only the value.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from brazil.model.names import Interface, PackageName

OPTION_TYPES = ("string", "strings", "boolean", "integer", "table")  # "table": of strings
OptionValue = str | int | bool | list[str] | dict[str, str]

MANIFEST = "brazil.toml"  # the name of the file at the top of a package's source


class Kind(StrEnum):
    """Why a package depends on another; one kind per table of the manifest."""

    NORMAL = "normal"  # [dependencies]: to compile and to run, transitive
    RUNTIME = "runtime"  # [runtime-dependencies]: to run, transitive at run time
    TEST = "test"  # [test-dependencies]: only for its own tests
    TOOL = "tool"  # [build-tools]: run during the build, own closure each


TABLES: Mapping[Kind, str] = {
    Kind.NORMAL: "dependencies",
    Kind.RUNTIME: "runtime-dependencies",
    Kind.TEST: "test-dependencies",
    Kind.TOOL: "build-tools",
}


class Dependency(NamedTuple):
    """One line of a dependency table."""

    interface: Interface
    kind: Kind
    at_least: int = 0  # lowest build number that will do; 0: any
    line: int = 0  # 1-based line of the manifest, for explanations; 0: unknown


class Form(NamedTuple):
    """What a text must look like."""

    pattern: str  # regular expression that the whole text must match
    words: str  # the same for a reader, after "it must be", such as "a relative path without '..'"


class OptionSpec(NamedTuple):
    """One key that a build system reads from `[build]`."""

    name: str  # with dashes, as in the manifest
    type: str  # one of OPTION_TYPES
    description: str  # one sentence for `--help`, docs and schema
    default: OptionValue
    choices: tuple[str, ...] = ()  # allowed strings; empty: any
    required: bool = False  # and not blank
    form: Form | None = None  # of every string in the value
    key_form: Form | None = None  # of every key of a table


class Provided(NamedTuple):
    """A build system that a package brings, for packages that name it as theirs and under [build-tools]."""

    program: str  # `bin/<program>-build` of its artifact builds
    tests: bool  # whether there is `bin/<program>-test`, which tests
    options: tuple[OptionSpec, ...] = ()  # what it reads from `[build]`, sorted by name


class Manifest(NamedTuple):
    """A package as its `brazil.toml` declares it, defaults filled in."""

    interface: Interface
    build_system: str  # a built-in one, or the name of a package under [build-tools]
    description: str = ""
    dependencies: tuple[Dependency, ...] = ()  # sorted by (kind in order of Kind, interface)
    winners: tuple[Interface, ...] = ()  # [resolves-conflict-dependencies], sorted
    removed: tuple[Interface, ...] = ()  # [remove-dependencies], sorted
    closure: str = "transitive"  # or "direct": a build sees only its direct dependencies
    timeout: int = 600  # seconds a build or a test run may take, each
    options: tuple[tuple[str, OptionValue], ...] = ()  # the build system's own keys of [build], sorted; see below
    outputs: tuple[tuple[str, str], ...] = ()  # [outputs]: (pattern, type), sorted by pattern
    provides: Provided | None = None  # [provides-build-system]

    # Options of a build system that is built in are checked, with the defaults filled in. Those of one that a package
    # brings are as they were written: its manifest says what they mean, and which one that is depends on the set.

    @property
    def name(self) -> PackageName:
        """The package's name."""
        return self.interface.name

    def of_kind(self, *kinds: Kind) -> tuple[Interface, ...]:
        """The interfaces depended on by any of these kinds, in the order of the manifest value."""
        return tuple(d.interface for d in self.dependencies if d.kind in kinds)
