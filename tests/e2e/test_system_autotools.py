"""Build system `autotools`, in the real sandbox: with and without a `configure`, and what must fail."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.product import Product, copy_shop, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs, starter_files

pytestmark = [pytest.mark.sandbox, need("autoreconf", "automake", "libtoolize", "pkg-config", "make", "cc")]

HOSTILE = "a; $(touch x) \"b\" 'c' `d` $HOME"

_CONFIGURE_AC = """\
AC_INIT([money], [1.2.3])
AC_CONFIG_AUX_DIR([build-aux])
AM_INIT_AUTOMAKE([foreign subdir-objects])
AM_PROG_AR
LT_INIT
AC_PROG_CC
AC_ARG_ENABLE([notes], [], [NOTES=$enableval])
AC_SUBST([NOTES])
AC_ARG_VAR([NOTE], [a note])
AC_CONFIG_FILES([Makefile tests/Makefile money.pc note])
AC_OUTPUT
"""

_MAKEFILE_AM = """\
SUBDIRS = . tests
AM_CPPFLAGS = -I$(srcdir)/include
lib_LTLIBRARIES = libmoney.la
libmoney_la_SOURCES = src/money.c
libmoney_la_LDFLAGS = -version-info 1:0:0
include_HEADERS = include/money.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = money.pc
install-data-local:
\t$(MKDIR_P) $(DESTDIR)$(datadir)
\techo not-of-libtool > $(DESTDIR)$(datadir)/other.la
\tcp note $(DESTDIR)$(datadir)/note
\tcp note $(DESTDIR)$(datadir)/Note
"""

_TESTS_MAKEFILE_AM = """\
AM_CPPFLAGS = -I$(top_srcdir)/include
LDADD = ../libmoney.la
check_PROGRAMS = sums tells
sums_SOURCES = check.c
tells_SOURCES = check.c
TESTS = $(check_PROGRAMS) skipped.sh
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = sh
EXTRA_DIST = skipped.sh
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    "Money": {
        "brazil.toml": toml("Money", "autotools")
        + '[build]\nsource = "project"\ntest-target = "check"\narguments = ["--enable-notes=of all, $(touch y)"]\n'
        + f"variables = {{ NOTE = '''{HOSTILE}''' }}\n",
        "project/configure.ac": _CONFIGURE_AC,
        "project/Makefile.am": _MAKEFILE_AM,
        "project/money.pc.in": "prefix=@prefix@\nexec_prefix=@exec_prefix@\nlibdir=@libdir@\n"
        "Name: money\nDescription: money\nVersion: @VERSION@\n"
        "Cflags: -I${prefix}/include\nLibs: -L${libdir} -lmoney\n",
        "project/note.in": "@NOTES@ @NOTE@\n",
        "project/include/money.h": "int money_add(int a, int b);\nconst char *money_file(void);\n",
        "project/src/money.c": "#include <money.h>\nint money_add(int a, int b) { return a + b; }\n"
        "const char *money_file(void) { return __FILE__; }\n",
        "project/tests/Makefile.am": _TESTS_MAKEFILE_AM,
        "project/tests/check.c": "#include <assert.h>\n#include <money.h>\n#include <stdio.h>\n"
        'int main(void) { assert(money_add(2, 3) == 5); return puts("]]></x> \\x01\\xff") < 0; }\n',
        "project/tests/skipped.sh": "exit 77\n",
    },
    # A `configure` that nothing of GNU made.
    "Till": {
        "brazil.toml": toml("Till", "autotools", dependencies={"JsonKit": "1.0", "Money": "1.0"})
        + '[build]\ntest-target = ""\n',
        "configure": '#!/bin/sh -e\nprefix=${1#--prefix=}\necho "prefix = $prefix" > Makefile\n'
        'cat "${0%/*}/Makefile.in" >> Makefile\n',
        "Makefile.in": "VPATH = ../..\nLDLIBS = -ljson_kit `pkg-config --libs money`\ntill: till.c\n"
        "install: till\n\tmkdir $(prefix)/bin\n\tcp till $(prefix)/bin/\n",
        "till.c": "#include <json_kit.h>\n#include <money.h>\n#include <stdio.h>\n"
        'int main(void) { printf("%d %s\\n", money_add(2, json_kit_add(1, 2)), money_file()); }\n',
        "tests/none": "",
    },
    "JsonKit": starter_files("autotools", "JsonKit"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of them published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("autotools") / "shop", SHOP, "Till")


def test_a_program_runs_with_the_library_it_was_linked_with(shop: Product, tmp_path: Path) -> None:
    work = copy_shop(shop, tmp_path / "shop").workspace("Till")
    for words in (["till"], ["env", "-u", "LD_LIBRARY_PATH", "/brazil/pkg/Till-1.0/bin/till"]):
        assert work.process("exec", "Till", "--", *words).out == "5 ../../project/src/money.c\n"


def test_tests_are_cases(shop: Product) -> None:
    found = runs(shop)
    assert "test Till-1.0" not in found
    tested = found["test Money-1.0"].tested
    assert [(case.suite, case.end) for case in tested.cases] == [
        ("tests/skipped", CaseEnd.SKIPPED),
        ("tests/sums", CaseEnd.PASSED),
        ("tests/tells", CaseEnd.PASSED),
    ]
    assert not tested.unreadable
    assert found["test JsonKit-1.0"].tested.count(CaseEnd.PASSED) == 1


def test_the_artifact_has_the_layout_that_others_look_in(shop: Product) -> None:
    found = runs(shop)["build Money-1.0"].files
    assert set(found) == {
        "include/money.h",
        "lib/libmoney.a",
        "lib/libmoney.so",
        "lib/libmoney.so.1",
        "lib/libmoney.so.1.0.0",
        "lib/pkgconfig/money.pc",
        "share/Note",
        "share/note",
        "share/other.la",
    }, "and no file of libtool"
    assert found["share/note"].decode() == f"of all, $(touch y) {HOSTILE}\n"
    assert b"prefix=/brazil/pkg/Money-1.0\n" in found["lib/pkgconfig/money.pc"]
    assert all(b"/brazil/src" not in data for data in found.values())


@pytest.mark.slow
def test_the_same_artifacts_come_from_another_place_with_another_number_of_jobs(shop: Product, tmp_path: Path) -> None:
    first, second = runs(shop), built_elsewhere(tmp_path / "another place", SHOP, "Till")
    for name in SHOP:
        assert second[f"build {name}-1.0"].files == first[f"build {name}-1.0"].files
        assert second[f"build {name}-1.0"].digest == first[f"build {name}-1.0"].digest


def configured(makefile: str) -> dict[str, str]:
    """Write a `configure` that makes this makefile, with `out` for the artifact."""
    head = 'echo "out = ${1#--prefix=}" > Makefile\ncat "${0%/*}/Makefile.in" >> Makefile\n'
    return {"configure": f"#!/bin/sh -e\n{head}", "Makefile.in": makefile}


GOOD = "all:\ninstall:\n\techo 1 > $(out)/one\n"

NATIVE = Native(
    "autotools",
    configured("all:\ninstall:\n\tcd /brazil/src && sh build.sh\ncheck:\n\tcd /brazil/src && sh test.sh\n"),
    'test-target = "check"\n',
    build_fails=2,
    test_fails=2,
    cases=0,
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({"Configure": ""}, said="autotools: there is no configure, no configure.ac in the source"),
    "NoFolder": Bad(configured(GOOD), 'source = "no where"', said="autotools: there is no configure, no configure.ac"),
    "Broken": Bad({"configure.ac": "AC_INIT([x], [1])\nAC_NOPE\nAC_OUTPUT\n"}, said="AC_NOPE"),
    "OldTool": Bad({"configure.ac": "AC_PREREQ([99])\nAC_INIT([x], [1])\n"}, "", "build", 63, "99"),
    "NotThere": Bad(
        {"configure.ac": "AC_INIT([x], [1])\nPKG_CHECK_MODULES([X], [nowhere])\nAC_OUTPUT\n"},
        said="Package requirements (nowhere) were not met",
    ),
    "Fetches": Bad(
        configured("all:\n\tpython3 -c 'import urllib.request as r; r.urlopen(\"https://json.example\")'\n"),
        "",
        "build",
        2,
        "Name or service not known",
    ),
    "Nothing": Bad(configured("all install:\n"), said="autotools: nothing was installed"),
    "NoTests": Bad(configured(GOOD), 'test-target = "test"', "test", 2, "No rule to make target 'test'"),
}


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
