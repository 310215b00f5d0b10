"""What a build system adapter is: data plus one small pure function. It describes and never runs."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from brazil.model.package import Form, Manifest, OptionSpec

RELATIVE_PATH = Form(r"(?!/)(?!-)(?!(?:.*/)?\.\.(?:/|$))[^\n]*", "a relative path without '..'")
_TARGET = r"[A-Za-z0-9_./%+@,][A-Za-z0-9_./%+@,-]*"
TARGET = Form(_TARGET, "a make target of letters, digits and any of _ . / % + @ , -")
TARGET_OR_NONE = Form(f"(?:{_TARGET})?", TARGET.words)


ARGUMENT = Form(r"-[^\n]+", "an argument that begins with a dash")
FOUND_TESTS = OptionSpec(
    "tests",
    "boolean",
    "Whether there are tests; by default those that are found are run.",
    default="",  # which no manifest can write
)


class Recipe(NamedTuple):
    """How one package is built and tested.

    Scripts are run by `/bin/sh -eu` with /brazil/src as the working directory; the build leaves its artifact in
    "$BRAZIL_OUT", the tests leave what they found in "$BRAZIL_REPORT", as JUnit XML or in their tool's own words. The
    variables that lead to the closure are composed in `plan/environment.py`, not here.
    """

    build: str
    test: str = ""  # empty: the package has no tests
    environment: tuple[tuple[str, str], ...] = ()  # further variables, sorted by name
    names_closure: bool = False  # whether the variable BRAZIL_CLOSURE lists the paths of the closure's artifacts


class BuildSystem(NamedTuple):
    """One way to build packages, chosen by `build-system` in the manifest."""

    name: str
    summary: str  # one sentence for docs and help
    options: tuple[OptionSpec, ...]  # sorted by name; `closure` and `timeout` belong to every build system
    # From the manifest and the names at the top of the source tree.
    recipe: Callable[[Manifest, frozenset[str]], Recipe]
    detects: tuple[str, ...] = ()  # a source with one of these names at its top is likely built by this one
    programs: tuple[str, ...] = ()  # what the platform or a tool must bring


def require(system: str, programs: Iterable[str]) -> str:
    """Write shell lines that end a script, and say why, where a program is missing.

    Args:
        system: the build system, for the message.
        programs: names looked for on PATH; names only, nothing that has to be quoted.
    """
    return "".join(
        f"command -v {program} > /dev/null || {{\n"
        f"  echo '{system}: there is no program {program} here;"
        f" install it on this machine or name a package that brings it under [build-tools]' >&2\n"
        f"  exit 127\n"
        f"}}\n"
        for program in programs
    )
