"""What the build systems for C and C++ share: where they build, how they compile, and when a package has tests.

They build out of tree, below `.brazil` of the source. Nothing compiled holds the path of its source. What runs by
itself finds shared libraries through its RPATH, whichever way they were found when it was linked.
"""

import shlex

from brazil.build_systems.base import RELATIVE_PATH
from brazil.model.package import Form, OptionSpec, OptionValue

BUILD_FOLDER = ".brazil/build"

ARGUMENT = Form(r"[^\n]+", "one line")

# Debian's default; and, other than the "release" of cmake, `assert` stays alive in it: tests of C are made of that.
OPTIMISATION = "-O2"

# Initial flags: a project adds its own to them. "$PWD" is the top of the source.
PREFIX_MAP = '"-ffile-prefix-map=$PWD=."'

# For tools that leave RPATHs to whoever links. No path of ours has a blank.
RPATHS = """\
LDFLAGS=-Wl,-rpath,$BRAZIL_OUT/lib
for folder in $(echo "${LIBRARY_PATH-}" | tr : ' '); do
  LDFLAGS="$LDFLAGS -Wl,-rpath,$folder"
done
export LDFLAGS
"""

SOURCE = OptionSpec(
    "source",
    "string",
    "The folder that holds the project; empty: the top.",
    default="",
    form=RELATIVE_PATH,
)

# What no manifest can write for `tests`: there are tests when the source has a folder for them.
_DETECT = ""
_TEST_FOLDERS = frozenset({"test", "tests"})

TESTS = OptionSpec(
    "tests",
    "boolean",
    "Whether there are tests; by default there are when the source has a folder `test` or `tests` at its top.",
    default=_DETECT,
)


def have_tests(option: OptionValue, top: frozenset[str]) -> bool:
    """Say whether a package has tests.

    Args:
        option: the value of TESTS.
        top: the names at the top of the source.
    """
    return option if isinstance(option, bool) else has_test_folder(top)


def has_test_folder(top: frozenset[str]) -> bool:
    """Say whether a source has a folder for tests at its top."""
    return bool(top & _TEST_FOLDERS)


def folder(source: OptionValue) -> str:
    """Return the folder that SOURCE names, quoted for a shell."""
    return shlex.quote(str(source) or ".")


def need_file(system: str, source: OptionValue, *names: str) -> str:
    """Write a shell line that ends a script when the folder that SOURCE names has none of these files."""
    found = " || ".join(f"[ -f {folder(source)}/{name} ]" for name in names)
    missing = ", no ".join(names)
    place = source or "the source"
    return f"{found} || {_end(system, f'there is no {missing} in {place}')}\n"


def refuse_nothing(system: str, hint: str) -> str:
    """Write a shell line that ends a build which installed nothing."""
    return f'[ -n "$(ls -A "$BRAZIL_OUT")" ] || {_end(system, f"nothing was installed; {hint}")}\n'


def _end(system: str, message: str) -> str:
    return f"{{ echo {shlex.quote(f'{system}: {message}')} >&2; exit 1; }}"
