"""Build system `meson`: Meson configures, builds, installs and tests, with ninja.

Invariants: nothing is downloaded; what is installed finds its shared libraries through its RPATH. The test Step
configures and builds again, the same way.
"""

import shlex
from collections.abc import Mapping

from brazil.build_systems.base import BuildSystem, Recipe, require
from brazil.build_systems.native import (
    ARGUMENT,
    BUILD_FOLDER,
    PREFIX_MAP,
    RPATHS,
    SOURCE,
    TESTS,
    folder,
    have_tests,
    need_file,
    refuse_nothing,
)
from brazil.model.package import Form, Manifest, OptionSpec, OptionValue

_PROGRAMS = ("meson", "ninja")
_OURS = ("libdir", "prefix", "wrap_mode")
_RESULTS = f"{BUILD_FOLDER}/meson-logs/testlog.junit.xml"


def _recipe(manifest: Manifest, top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    arguments = options["test-arguments"]
    assert isinstance(arguments, list)
    build = [
        _build(options),
        f"meson install -C {BUILD_FOLDER} --no-rebuild\n",
        refuse_nothing("meson", "does meson.build say with 'install: true' what of it is?"),
    ]
    test = [
        _build(options),
        "status=0\n"
        f"{shlex.join(['meson', 'test', '-C', BUILD_FOLDER, '--no-rebuild', '--print-errorlogs', *arguments])}"
        " || status=$?\n"
        f"[ -f {_RESULTS} ] || {{ echo 'meson: no test was run' >&2; exit 1; }}\n"
        # A test may print what XML cannot hold, such as a colour, and not every Meson leaves that out.
        f"tr -d '\\000-\\010\\013\\014\\016-\\037' < {_RESULTS} > \"$BRAZIL_REPORT/meson.xml\"\n"
        'exit "$status"\n',
    ]
    return Recipe(build="".join(build), test="".join(test) if have_tests(options["tests"], top) else "")


def _build(options: Mapping[str, OptionValue]) -> str:
    own = options["options"]
    assert isinstance(own, dict)
    # Other than CMake's type of this name it leaves `assert` alive.
    values = {"buildtype": "release", **own, "libdir": "lib", "wrap_mode": "nodownload"}
    words = shlex.join(f"-D{name}={value}" for name, value in sorted(values.items()))
    source = options["source"]
    return (
        f"{require('meson', _PROGRAMS)}{need_file('meson', source, 'meson.build')}"
        f"export CFLAGS={PREFIX_MAP} CXXFLAGS={PREFIX_MAP}\n"
        f"{RPATHS}"
        f'meson setup -Dprefix="$BRAZIL_OUT" {words} -- {BUILD_FOLDER} {folder(source)}\n'
        f"meson compile -C {BUILD_FOLDER}\n"
    )


SYSTEM = BuildSystem(
    name="meson",
    summary="Configures, builds, installs and tests with Meson.",
    options=(
        OptionSpec(
            "options",
            "table",
            "Options of Meson and of the project, as by `-D`.",
            default={},
            key_form=Form(
                rf"(?!(?:{'|'.join(_OURS)})$)[A-Za-z_][A-Za-z0-9_.:-]*",
                f"the name of an option other than {', '.join(_OURS)}",
            ),
        ),
        SOURCE,
        OptionSpec(
            "test-arguments",
            "strings",
            "Further arguments for `meson test`.",
            default=[],
            form=ARGUMENT,
        ),
        TESTS,
    ),
    recipe=_recipe,
    detects=("meson.build",),
    programs=_PROGRAMS,
)
