"""Build system `meson`, in the real sandbox: a shared library, a program that uses it, and what must fail."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.product import Product, copy_shop, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs, starter_files

pytestmark = [pytest.mark.sandbox, need("meson", "ninja", "cc")]

HOSTILE = "a; $(touch x) \"b\" 'c' `d` $HOME"

_MONEY = """\
project('money', 'c', version: '1.2.3')

lib = library('money', 'src/money.c', include_directories: 'include', version: '1.2.3', install: true)
install_headers('include/money.h')
import('pkgconfig').generate(lib, description: 'money')
foreach name : ['note', 'Note']
  configure_file(output: name, configuration: {'NOTE': get_option('note')}, input: 'note.in', install_dir: 'share')
endforeach

check = executable('check', 'check.c', include_directories: 'include', link_with: lib, install: false)
test('sums', check, args: 'sums')
test('tells', check, args: 'tells')
test('broken', check, args: 'broken', suite: 'net work')
"""

# What a test prints may be anything: ]]>, an element, control characters, no UTF-8.
_CHECK = r"""
#include <assert.h>
#include <money.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **names)
{
    assert(count == 2 && money_add(2, 3) == 5);
    if (!strcmp(names[1], "tells"))
        puts("]]></system-out></testcase><testcase \x01\x1b[2J \xff");
    return !strcmp(names[1], "broken");
}
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    "Money": {
        "brazil.toml": toml("Money", "meson")
        + '[build]\nsource = "project files"\ntests = true\ntest-arguments = ["--no-suite", "net work"]\n'
        + f"options = {{ note = '''{HOSTILE}''' }}\n",
        "project files/meson.build": _MONEY,
        "project files/meson_options.txt": "option('note', type: 'string')\n",
        "project files/note.in": "@NOTE@\n",
        "project files/check.c": _CHECK,
        "project files/include/money.h": "int money_add(int a, int b);\nconst char *money_file(void);\n",
        "project files/src/money.c": "#include <money.h>\nint money_add(int a, int b) { return a + b; }\n"
        "const char *money_file(void) { return __FILE__; }\n",
    },
    "Till": {
        "brazil.toml": toml("Till", "meson", dependencies={"JsonKit": "1.0", "Money": "1.0"})
        + "[build]\ntests = false\n",
        "meson.build": "project('till', 'c')\nneeds = [dependency('money', version: '>=1.2'), dependency('json_kit')]\n"
        "executable('till', 'till.c', dependencies: needs, install: true)\n",
        "till.c": "#include <json_kit.h>\n#include <money.h>\n#include <stdio.h>\n"
        'int main(void) { printf("%d %s\\n", money_add(2, json_kit_add(1, 2)), money_file()); }\n',
        "tests/none": "",
    },
    "JsonKit": starter_files("meson", "JsonKit"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of them published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("meson") / "shop", SHOP, "Till")


def test_a_program_runs_with_the_library_it_was_linked_with(shop: Product, tmp_path: Path) -> None:
    work = copy_shop(shop, tmp_path / "shop").workspace("Till")
    for words in (["till"], ["env", "-u", "LD_LIBRARY_PATH", "/brazil/pkg/Till-1.0/bin/till"]):
        assert work.process("exec", "Till", "--", *words).out == "5 ../../project files/src/money.c\n"


def test_tests_are_cases(shop: Product) -> None:
    found = runs(shop)
    assert "test Till-1.0" not in found
    tested = found["test Money-1.0"].tested
    assert sorted((case.name, case.end) for case in tested.cases) == [
        ("money / sums", CaseEnd.PASSED),
        ("money / tells", CaseEnd.PASSED),
    ]
    assert not tested.unreadable
    assert found["test JsonKit-1.0"].tested.count(CaseEnd.PASSED) == 1


def test_the_artifact_has_the_layout_that_others_look_in(shop: Product) -> None:
    found = runs(shop)["build Money-1.0"].files
    assert set(found) == {
        "include/money.h",
        "lib/libmoney.so",
        "lib/libmoney.so.1",
        "lib/libmoney.so.1.2.3",
        "lib/pkgconfig/money.pc",
        "share/Note",
        "share/note",
    }
    assert found["share/note"].decode() == f"{HOSTILE}\n"
    assert b"prefix=/brazil/pkg/Money-1.0\n" in found["lib/pkgconfig/money.pc"]
    assert all(b"/brazil/src" not in data for data in found.values())


def test_the_same_artifacts_come_from_another_place_with_another_number_of_jobs(shop: Product, tmp_path: Path) -> None:
    first, second = runs(shop), built_elsewhere(tmp_path / "another place", SHOP, "Till")
    for name in SHOP:
        assert second[f"build {name}-1.0"].files == first[f"build {name}-1.0"].files
        assert second[f"build {name}-1.0"].digest == first[f"build {name}-1.0"].digest


def says(text: str, *, languages: str = "") -> dict[str, str]:
    return {"meson.build": f"project('bad'{languages})\n{text}\n"}


GOOD = "install_data('meson.build', install_dir: 'share')\n"
DOWNLOAD = """'import urllib.request as r; r.urlopen("https://json.example")'"""

NATIVE = Native(
    "meson",
    says(
        "sh = find_program('sh')\nmeson.add_install_script(sh, files('build.sh'))\n"
        "test('runs', sh, args: files('test.sh'))"
    ),
    "tests = true\n",
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({"Meson.build": ""}, said="meson: there is no meson.build in the source"),
    "NoFolder": Bad(says(""), build='source = "no where"', said="meson: there is no meson.build in no where"),
    "Broken": Bad(says("install("), said="meson.build:2:8: ERROR: Expecting rparen"),
    "NoOption": Bad(says(""), build='options = { nope = "1" }', said="nope"),
    "OldTool": Bad(says("", languages=", meson_version: '>=99'"), said="Meson version is"),
    "NoCompiler": Bad(says("", languages=", 'swift'"), said="Could not execute Swift compiler"),
    "NotThere": Bad(says("dependency('nowhere')"), said='Dependency "nowhere" not found'),
    "Fetches": Bad(
        {
            **says("dependency('json', fallback: 'json')"),
            "subprojects/json.wrap": "[wrap-file]\ndirectory = json\nsource_url = https://json.example/json.tar.gz\n"
            "source_filename = json.tar.gz\nsource_hash = 00\n",
        },
        said="Automatic wrap-based subproject downloading is disabled",
    ),
    "Downloads": Bad(
        says("custom_target(output: 'x', build_by_default: true, command: ['python3', '-c', " + DOWNLOAD + "])"),
        said="Name or service not known",
    ),
    "Installs": Bad(
        says("install_data('meson.build', install_dir: '/usr/share/mine')"), "", "build", 30, "Read-only file system"
    ),
    "Nothing": Bad(says(""), said="meson: nothing was installed"),
    "NoTests": Bad(says(GOOD), "tests = true", "test", 1, "meson: no test was run"),
    # What is no JUnit, from a test that says it writes it.
    "NoXml": Bad(
        says(GOOD + "test('tells', find_program('tell.sh'), protocol: 'gtest')")
        | {"tell.sh": '#!/bin/sh\nprintf "<testsuites><" > "${1#--gtest_output=xml:}"\n'},
        "tests = true",
        "test",
        2,
        "xml.etree.ElementTree.ParseError",
    ),
}


@pytest.mark.slow
def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
