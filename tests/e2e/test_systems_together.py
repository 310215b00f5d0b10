"""Four build systems in one closure: each uses libraries that the others have built, and is used by them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.product import Product, copy_shop, toml
from tests.e2e.systems import need, publish, runs

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    need("cmake", "meson", "ninja", "autoreconf", "automake", "libtoolize", "pkg-config"),
]


def library(name: str, *needs: str) -> dict[str, str]:
    """Write a library whose one function adds one to the sum of those it needs, and what pkg-config says of it."""
    includes = f'#include "{name}.h"\n' + "".join(f"#include <{one}.h>\n" for one in needs)
    total = " + ".join(["1", *(f"{one}()" for one in needs)])
    return {
        f"{name}.h": f"int {name}(void);\n",
        f"{name}.c": f"{includes}int {name}(void) {{ return {total}; }}\n",
        f"{name}.pc.in": f"prefix=@prefix@\nName: {name}\nDescription: {name}\nVersion: 1\n"
        f"Cflags: -I${{prefix}}/include\nLibs: -L${{prefix}}/lib -l{name}\n",
    }


def program(*needs: str) -> str:
    """Write a program that prints the sum of what it needs."""
    includes = "".join(f"#include <{one}.h>\n" for one in needs)
    total = " + ".join(f"{one}()" for one in needs)
    return f'#include <stdio.h>\n{includes}int main(void) {{ printf("%d\\n", {total}); }}\n'


_MAKE = """\
CFLAGS = -fPIC
libby_make.so: by_make.o
\t$(CC) -shared -Wl,-soname,$@ -o $@ $<
install: libby_make.so
\tmkdir -p $(PREFIX)/include $(PREFIX)/lib/pkgconfig
\tcp by_make.h $(PREFIX)/include/
\tcp libby_make.so $(PREFIX)/lib/
\tsed 's|@prefix@|$(PREFIX)|' by_make.pc.in > $(PREFIX)/lib/pkgconfig/by_make.pc
"""

# One dependency by pkg-config, the other by its files.
_CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(by_cmake C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(MAKE REQUIRED IMPORTED_TARGET by_make)
add_library(by_cmake SHARED by_cmake.c)
target_include_directories(by_cmake PUBLIC $<INSTALL_INTERFACE:include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_link_libraries(by_cmake PRIVATE PkgConfig::MAKE)
install(TARGETS by_cmake EXPORT by_cmake)
install(FILES by_cmake.h DESTINATION include)
install(EXPORT by_cmake FILE ByCMakeConfig.cmake NAMESPACE ByCMake:: DESTINATION lib/cmake/ByCMake)
"""

_MESON = """\
project('by_meson', 'c', version: '1')
needs = [dependency('by_make'), dependency('ByCMake', modules: 'ByCMake::by_cmake')]
lib = library('by_meson', 'by_meson.c', dependencies: needs, install: true)
install_headers('by_meson.h')
import('pkgconfig').generate(lib, description: 'by_meson')
"""

_CONFIGURE_AC = """\
AC_INIT([by_autotools], [1])
AM_INIT_AUTOMAKE([foreign])
AM_PROG_AR
LT_INIT([disable-static])
AC_PROG_CC
PKG_CHECK_MODULES([NEEDS], [by_make by_meson])
AC_CHECK_LIB([by_cmake], [by_cmake])
AC_CONFIG_FILES([Makefile by_autotools.pc])
AC_OUTPUT
"""

_MAKEFILE_AM = """\
AM_CFLAGS = $(NEEDS_CFLAGS)
lib_LTLIBRARIES = libby_autotools.la
libby_autotools_la_SOURCES = by_autotools.c
libby_autotools_la_LIBADD = $(NEEDS_LIBS)
include_HEADERS = by_autotools.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = by_autotools.pc
"""

_ALL = ("by_autotools", "by_cmake", "by_make", "by_meson")
_PACKAGES = {"ByAutotools": "1.0", "ByCMake": "1.0", "ByMake": "1.0", "ByMeson": "1.0"}

_USE_CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(UseCMake C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(NEEDS REQUIRED IMPORTED_TARGET by_autotools by_meson)
find_package(ByCMake REQUIRED)
find_library(BY_MAKE by_make REQUIRED)
add_executable(use-cmake use.c)
target_link_libraries(use-cmake PkgConfig::NEEDS ByCMake::by_cmake ${BY_MAKE})
install(TARGETS use-cmake)
"""

_USE_MESON = """\
project('use', 'c')
cc = meson.get_compiler('c')
needs = [dependency('by_autotools'), dependency('ByCMake', modules: 'ByCMake::by_cmake'), dependency('by_meson')]
executable('use-meson', 'use.c', dependencies: [needs, cc.find_library('by_make')], install: true)
"""

_USE_MAKE = """\
use-make: use.c
\t$(CC) -o $@ $< -lby_autotools -lby_cmake `pkg-config --libs by_make by_meson`
install: use-make
\tmkdir $(PREFIX)/bin
\tcp use-make $(PREFIX)/bin/
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    "ByMake": {"brazil.toml": toml("ByMake", "make"), "Makefile": _MAKE, **library("by_make")},
    "ByCMake": {
        "brazil.toml": toml("ByCMake", "cmake", dependencies={"ByMake": "1.0"}),
        "CMakeLists.txt": _CMAKE,
        **library("by_cmake", "by_make"),
    },
    "ByMeson": {
        "brazil.toml": toml("ByMeson", "meson", dependencies={"ByCMake": "1.0", "ByMake": "1.0"}),
        "meson.build": _MESON,
        **library("by_meson", "by_cmake", "by_make"),
    },
    "ByAutotools": {
        "brazil.toml": toml("ByAutotools", "autotools", dependencies={"ByMeson": "1.0"}),
        "configure.ac": _CONFIGURE_AC,
        "Makefile.am": _MAKEFILE_AM,
        **library("by_autotools", "by_cmake", "by_make", "by_meson"),
    },
    "UseCMake": {
        "brazil.toml": toml("UseCMake", "cmake", dependencies=_PACKAGES),
        "CMakeLists.txt": _USE_CMAKE,
        "use.c": program(*_ALL),
    },
    "UseMeson": {
        "brazil.toml": toml("UseMeson", "meson", dependencies=_PACKAGES),
        "meson.build": _USE_MESON,
        "use.c": program(*_ALL),
    },
    "UseMake": {
        "brazil.toml": toml("UseMake", "make", dependencies=_PACKAGES),
        "Makefile": _USE_MAKE,
        "use.c": program(*_ALL),
    },
    "All": {
        "brazil.toml": toml(
            "All",
            dependencies={"UseCMake": "1.0", "UseMake": "1.0", "UseMeson": "1.0"},
            build={"build": 'for name in cmake make meson; do use-$name; done > "$BRAZIL_OUT/sums"'},
        )
    },
}

# Of make, cmake, meson and autotools: each one more than what it needs.
SUM = 1 + 2 + 4 + 8


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    return publish(tmp_path_factory.mktemp("together") / "shop", SHOP, "All")


def test_each_uses_what_the_others_have_built(shop: Product) -> None:
    assert runs(shop)["build All-1.0"].files == {"sums": f"{SUM}\n".encode() * 3}


@pytest.mark.parametrize("name", ["UseCMake", "UseMeson"])
def test_a_program_finds_the_libraries_of_all_by_itself(shop: Product, tmp_path: Path, name: str) -> None:
    work = copy_shop(shop, tmp_path / "shop").workspace()
    path = f"/brazil/pkg/{name}-1.0/bin/{name.lower().replace('use', 'use-')}"
    alone = work.process("exec", name, "--", "env", "-u", "LD_LIBRARY_PATH", "LD_BIND_NOW=1", path)
    assert (alone.code, alone.out) == (0, f"{SUM}\n"), alone.err
