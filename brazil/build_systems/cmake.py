"""Build system `cmake`: CMake configures, builds and installs; ctest tests.

Invariants: nothing is downloaded; what is installed finds its shared libraries through its RPATH. The test Step
configures and builds again, with BUILD_TESTING on and else the same.
"""

import shlex
from collections.abc import Mapping

from brazil.build_systems.base import BuildSystem, Recipe, require
from brazil.build_systems.native import (
    ARGUMENT,
    BUILD_FOLDER,
    OPTIMISATION,
    PREFIX_MAP,
    SOURCE,
    TESTS,
    folder,
    have_tests,
    need_file,
    refuse_nothing,
)
from brazil.model.package import Form, Manifest, OptionSpec, OptionValue

# A manifest's own variables may overrule these.
_VARIABLES = {
    # None of CMake's own types: "Release" switches `assert` off, and tests of C are often made of it.
    "CMAKE_BUILD_TYPE": "None",
    "CMAKE_C_FLAGS_NONE": OPTIMISATION,
    "CMAKE_CXX_FLAGS_NONE": OPTIMISATION,
    "CMAKE_INSTALL_RPATH_USE_LINK_PATH": "ON",
    # What FetchContent asks for is looked for in the closure, and nowhere else.
    "FETCHCONTENT_FULLY_DISCONNECTED": "ON",
    "FETCHCONTENT_TRY_FIND_PACKAGE_MODE": "ALWAYS",
}
_OURS = ("BUILD_TESTING", "CMAKE_INSTALL_LIBDIR", "CMAKE_INSTALL_PREFIX")


def _recipe(manifest: Manifest, top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    arguments = options["test-arguments"]
    assert isinstance(arguments, list)
    build = [
        _build(options, testing=False),
        f"cmake --install {BUILD_FOLDER}\n",
        refuse_nothing("cmake", "does CMakeLists.txt say with install() what of it is?"),
    ]
    test = [
        _build(options, testing=True),
        'ctest --output-junit "$BRAZIL_REPORT/ctest.xml" ',
        shlex.join(["--test-dir", BUILD_FOLDER, "--output-on-failure", "--no-tests=error", *arguments]) + "\n",
    ]
    return Recipe(build="".join(build), test="".join(test) if have_tests(options["tests"], top) else "")


def _build(options: Mapping[str, OptionValue], *, testing: bool) -> str:
    own = options["variables"]
    assert isinstance(own, dict)
    variables = {**_VARIABLES, **own, "BUILD_TESTING": "ON" if testing else "OFF", "CMAKE_INSTALL_LIBDIR": "lib"}
    words = shlex.join(f"-D{name}={value}" for name, value in sorted(variables.items()))
    source = options["source"]
    return (
        f"{require('cmake', ('cmake', 'ctest') if testing else ('cmake',))}"
        f"{need_file('cmake', source, 'CMakeLists.txt')}"
        "if command -v ninja > /dev/null; then CMAKE_GENERATOR=Ninja; else\n"
        f"{require('cmake', ('make',))}"
        "CMAKE_GENERATOR='Unix Makefiles'; fi\n"
        "jobs=$(nproc)\n"
        f"export CMAKE_GENERATOR CFLAGS={PREFIX_MAP} CXXFLAGS={PREFIX_MAP}\n"
        # CMake gives no RPATH for folders that it saw the compiler search by itself: it must not see the closure's.
        f"env -u LIBRARY_PATH cmake -S {folder(source)} -B {BUILD_FOLDER} --no-warn-unused-cli"
        f' -DCMAKE_INSTALL_PREFIX="$BRAZIL_OUT" -DCMAKE_INSTALL_RPATH="$BRAZIL_OUT/lib" {words}\n'
        f'cmake --build {BUILD_FOLDER} --parallel "$jobs"\n'
    )


SYSTEM = BuildSystem(
    name="cmake",
    summary="Configures, builds and installs with CMake; tests with ctest.",
    options=(
        SOURCE,
        OptionSpec(
            "test-arguments",
            "strings",
            "Further arguments for ctest.",
            default=[],
            form=ARGUMENT,
        ),
        TESTS,
        OptionSpec(
            "variables",
            "table",
            "Variables for CMake's cache, as by `-D`.",
            default={},
            key_form=Form(
                rf"(?!(?:{'|'.join(_OURS)})$)[A-Za-z_][A-Za-z0-9_.+-]*",
                f"the name of a variable other than {', '.join(_OURS)}",
            ),
        ),
    ),
    recipe=_recipe,
    detects=("CMakeLists.txt",),
    programs=("cmake", "ctest"),
)
