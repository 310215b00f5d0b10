"""Build system `autotools`: `configure`, then make; `configure` is made by autoreconf where the source has none.

Invariants: the build is out of tree; what is installed finds its shared libraries through its RPATH; an artifact has
no file of libtool's (`*.la`). The test Step configures and builds again, the same way.
"""

import shlex
from collections.abc import Mapping

from brazil.build_systems.base import TARGET_OR_NONE, BuildSystem, Recipe, require
from brazil.build_systems.native import (
    BUILD_FOLDER,
    OPTIMISATION,
    PREFIX_MAP,
    RPATHS,
    SOURCE,
    folder,
    has_test_folder,
    need_file,
    refuse_nothing,
)
from brazil.model.package import Form, Manifest, OptionSpec, OptionValue

_UP = "/".join(".." for _ in BUILD_FOLDER.split("/"))

# They name the libraries that a library was linked with, by path; who links with it by libtool would be linked with
# all of these too, and rebuilt for them. pkg-config says what is really needed. Only loaders of plug-ins read them at
# run time, and these find a plug-in without.
_REMOVE_LA = """\
find "$BRAZIL_OUT" -type f -name '*.la' -exec grep -q 'a libtool library file' '{}' ';' -delete
"""

# Automake says what failed when VERBOSE is set. With -k the tests of every folder run.
_TEST = """\
status=0
VERBOSE=1 make -k -j"$jobs" -- {target} || status=$?
find . -name '*.trs' -exec cp --parents '{{}}' "$BRAZIL_REPORT" ';'
exit "$status"
"""

# The default of `test-target`, which no manifest can write: "check" when the source has a folder for tests.
_DETECT = "check?"


def _recipe(manifest: Manifest, top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    target = str(options["test-target"])
    if target == _DETECT:
        target = "check" if has_test_folder(top) else ""
    make = _make(options)
    build = f"{make}make install\n{_REMOVE_LA}{refuse_nothing('autotools', 'does Makefile.am say what is installed?')}"
    test = make + _TEST.format(target=shlex.quote(target))
    return Recipe(build=build, test=test if target else "")


def _make(options: Mapping[str, OptionValue]) -> str:
    arguments, variables, source = options["arguments"], options["variables"], folder(options["source"])
    assert isinstance(arguments, list)
    assert isinstance(variables, dict)
    words = shlex.join([*arguments, *(f"{name}={value}" for name, value in sorted(variables.items()))])
    return (
        f"{require('autotools', ('make',))}"
        f"{need_file('autotools', options['source'], 'configure', 'configure.ac')}"
        f"if [ ! -f {source}/configure ]; then\n"
        f"{require('autotools', ('autoreconf',))}"
        f"autoreconf --force --install -- {source}\n"
        "fi\n"
        "jobs=$(nproc)\n"
        f"flags={OPTIMISATION}' '{PREFIX_MAP}\n"
        'export CFLAGS="$flags" CXXFLAGS="$flags"\n'
        f"{RPATHS}"
        f"mkdir -p {BUILD_FOLDER}\n"
        f"cd {BUILD_FOLDER}\n"
        f'{_UP}/{source}/configure --prefix="$BRAZIL_OUT" {words}\n'
        'make -j"$jobs"\n'
    )


SYSTEM = BuildSystem(
    name="autotools",
    summary="Runs configure, which autoreconf makes where there is none, and make.",
    options=(
        OptionSpec(
            "arguments",
            "strings",
            "Further arguments for configure.",
            default=[],
            form=Form(
                r"--(?!(?:prefix|exec-prefix|libdir|srcdir)(?:=|$))[A-Za-z0-9][^\n]*",
                "an option of configure such as --disable-nls; not --prefix, --exec-prefix, --libdir or --srcdir",
            ),
        ),
        SOURCE,
        OptionSpec(
            "test-target",
            "string",
            "The target that tests; by default `check` when the source has a folder `test` or `tests` at its top;"
            " empty: there are no tests.",
            default=_DETECT,
            form=TARGET_OR_NONE,
        ),
        OptionSpec(
            "variables",
            "table",
            "Variables for configure, such as `CFLAGS`.",
            default={},
            key_form=Form(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable"),
        ),
    ),
    recipe=_recipe,
    detects=("configure", "configure.ac"),
    programs=("make", "autoreconf", "automake"),  # the latter two only where there is no configure
)
