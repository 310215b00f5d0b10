import os
import py_compile
import subprocess
from pathlib import Path

import pytest

from brazil.build_systems import SYSTEMS, option_specs
from brazil.build_systems.base import BuildSystem, Recipe
from brazil.formats.manifest import parse_manifest
from brazil.model.package import Manifest

FILES = dict[str, str]
DOCS = Path(__file__).parents[2] / "docs"


def manifest(system: str, build: str = "") -> Manifest:
    text = f'[package]\nname = "Pay"\ninterface = "1.0"\nbuild-system = "{system}"\n[build]\n{build}'
    return parse_manifest(text.encode(), file="brazil.toml", systems=option_specs())


def recipe(system: str, build: str = "", top: tuple[str, ...] = ()) -> Recipe:
    return SYSTEMS[system].recipe(manifest(system, build), frozenset(top))


class Place:
    """A source and a place for the artifact, and a way to run a script as a sandbox does."""

    def __init__(self, folder: Path, files: FILES) -> None:
        self.source, self.out = folder / "src", folder / "out"
        self.source.mkdir(parents=True)
        self.report = folder / "report"
        self.out.mkdir()
        self.report.mkdir()
        for name, text in files.items():
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, script: str, environment: tuple[tuple[str, str], ...] = (), **more: str) -> tuple[int, str]:
        variables = {
            "PATH": "/usr/bin:/bin",
            "BRAZIL_OUT": str(self.out),
            "BRAZIL_REPORT": str(self.report),
            "LANG": "C.UTF-8",
            **dict(environment),
        }
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", script],
            cwd=self.source,
            env={**variables, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def build(self, system: str, options: str = "") -> tuple[int, str]:
        made = recipe(system, options, tuple(p.name for p in self.source.iterdir()))
        return self.run(made.build, made.environment)

    def test(self, system: str, options: str = "") -> tuple[int, str]:
        made = recipe(system, options, tuple(p.name for p in self.source.iterdir()))
        return self.run(made.test, made.environment, PYTHONPATH=str(self.out / "python"))

    def artifact(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.out)): p.read_bytes() for p in self.out.rglob("*") if p.is_file()}


def test_systems_are_sorted_and_leave_the_common_keys_alone() -> None:
    assert list(SYSTEMS) == sorted(SYSTEMS)
    assert {"command", "make", "python"} <= set(SYSTEMS)
    for name, system in SYSTEMS.items():
        names = [option.name for option in system.options]
        assert system.name == name
        assert names == sorted(set(names))
        assert not {"closure", "timeout"} & set(names)
        assert all(option.key_form for option in system.options if option.type == "table")


def test_a_command_is_taken_as_it_is(tmp_path: Path) -> None:
    place = Place(tmp_path, {"a": "x"})
    options = 'build = """\nmkdir "$BRAZIL_OUT/lib"\ncp a "$BRAZIL_OUT/lib/"\n"""\ntest = "cmp a $BRAZIL_OUT/lib/a"'
    assert place.build("command", options) == (0, "")
    assert place.artifact() == {"lib/a": b"x"}
    assert place.test("command", options) == (0, "")


def test_the_first_failing_command_ends_the_build(tmp_path: Path) -> None:
    place = Place(tmp_path, {})
    code, _ = place.build("command", 'build = "false\\ntouch $BRAZIL_OUT/x"')
    assert code == 1
    assert place.artifact() == {}


def test_a_command_without_tests() -> None:
    assert recipe("command", 'build = "true"').test == ""


MAKEFILE = """\
all: libpay.a(pay.o) note
note:
\t@printf '%s\\n' '$(NAME)' > note
install: all
\tmkdir -p $(PREFIX)/lib
\tcp libpay.a note $(PREFIX)/lib/
check:
\t@echo checked $(PREFIX) '$(NAME)'
"""
C_SOURCE = "int pay(void) { return 7; }\n"


def test_make_builds_and_installs_the_same_bytes_anywhere(tmp_path: Path) -> None:
    options = 'variables = { NAME = "a b; $(shell echo c) *" }\ntest-target = "check"'
    places = [Place(tmp_path / name, {"Makefile": MAKEFILE, "pay.c": C_SOURCE}) for name in ("one", "other")]
    for number, place in enumerate(places):
        os.utime(place.source / "pay.c", (1_000_000 * number,) * 2)
        code, log = place.build("make", options)
        assert code == 0, log
        assert set(place.artifact()) == {"lib/libpay.a", "lib/note"}
        assert place.artifact()["lib/note"] == b"a b; c *\n"
    assert places[0].artifact() == places[1].artifact()
    code, log = places[0].test("make", options)
    assert (code, f"checked {places[0].out} a b; c *" in log) == (0, True), log


def test_make_leaves_a_makefile_its_own_archive_flags(tmp_path: Path) -> None:
    text = "ARFLAGS = mine\nall:\n\t@echo flags $(ARFLAGS)\ninstall:\n\t@touch $(PREFIX)/one\n"
    code, log = Place(tmp_path, {"Makefile": text}).build("make")
    assert (code, "flags mine" in log) == (0, True), log


def test_make_options(tmp_path: Path) -> None:
    text = "all:\n\tfalse\na:\n\ttouch a\nb:\n\ttouch $(PREFIX)/b\nput: a\n\tcp a $(PREFIX)/\n"
    place = Place(tmp_path, {"sub/it's.mk": text})
    code, log = place.build("make", 'makefile = "sub/it\'s.mk"\ntargets = ["a", "b"]\ninstall-target = "put"')
    assert code == 0, log
    assert set(place.artifact()) == {"a", "b"}


def test_make_without_an_install_target(tmp_path: Path) -> None:
    place = Place(tmp_path, {"makefile": "all:\n\techo 1 > $(PREFIX)/one\n"})
    assert place.build("make", 'install-target = ""')[0] == 0
    assert place.artifact() == {"one": b"1\n"}


def test_make_fails_when_a_target_fails(tmp_path: Path) -> None:
    place = Place(tmp_path, {"Makefile": "all:\n\tfalse\ninstall:\n\ttouch $(PREFIX)/x\n"})
    assert place.build("make")[0] != 0
    assert place.artifact() == {}


SHOP: FILES = {
    "src/shop/__init__.py": "",
    "src/shop/main.py": "def main():\n    print('paid', 7)\n    return 3\nclass Tool:\n    run = staticmethod(main)\n",
    "src/shop/data/table.txt": "1",
    "src/shop/data/{{name}}.py": "{{ not python",
    "src/shop/__pycache__/main.cpython-311.pyc": "stale",
    "src/extra.py": 'NAMES = {"x", "y", "z"}\n\n\ndef has(n):\n    return n in {"a", "b", "c", "d"}\n',
    "src/setup.py": "",
    "src/no-module.py": "",
    "src/folder/readme.txt": "",
    "src/tests/__init__.py": "",
    "tests/test_shop.py": (
        "import unittest\nimport shop.main\n\n\nclass T(unittest.TestCase):\n"
        "    def test_where(self):\n        self.assertIn('/out/python/', shop.main.__file__)\n"
    ),
}
SCRIPTS = 'scripts = { pay = "shop.main:main", pay-tool = "shop.main:Tool.run" }'


def test_python_installs_what_can_be_imported(tmp_path: Path) -> None:
    place = Place(tmp_path, SHOP)
    code, log = place.build("python", SCRIPTS)
    assert (code, log) == (0, "")
    kept = {name for name in place.artifact() if not name.endswith(".pyc")}
    assert kept == {
        "bin/pay",
        "bin/pay-tool",
        "python/extra.py",
        "python/shop/__init__.py",
        "python/shop/main.py",
        "python/shop/data/table.txt",
        "python/shop/data/{{name}}.py",
    }
    compiled = {name.rsplit("/", 1)[1].split(".")[0] for name in place.artifact() if name.endswith(".pyc")}
    assert compiled == {"extra", "__init__", "main"}


def test_python_builds_the_same_bytes_anywhere(tmp_path: Path) -> None:
    places = [Place(tmp_path / name, SHOP) for name in ("one", "another")]
    for number, place in enumerate(places):
        for path in place.source.rglob("*.py"):
            os.utime(path, (1_000_000 * number,) * 2)
        made = recipe("python", SCRIPTS, ("src", "tests"))
        code, log = place.run(
            made.build, made.environment, PYTHONHASHSEED=str(number + 5), PYTHONPATH=str(place.source)
        )
        assert code == 0, log
    first, second = (place.artifact() for place in places)
    assert first == second
    compiled = [data for name, data in first.items() if name.endswith(".pyc")]
    assert all(str(tmp_path).encode() not in data for data in compiled)
    assert all(data[4:8] == b"\x01\x00\x00\x00" for data in compiled), "unchecked hash"
    assert any(b"/brazil/pkg/Pay-1.0/python/shop/main.py" in data for data in compiled)


@pytest.mark.parametrize("script", ["pay", "pay-tool"])
def test_python_launchers_call_the_function(tmp_path: Path, script: str) -> None:
    place = Place(tmp_path, SHOP)
    place.build("python", SCRIPTS)
    assert place.run(f'"$BRAZIL_OUT/bin/{script}"', PYTHONPATH=str(place.out / "python")) == (3, "paid 7\n")


def test_python_tests_the_artifact(tmp_path: Path) -> None:
    place = Place(tmp_path, SHOP)
    place.build("python")
    code, log = place.test("python")
    assert (code, "Ran 1 test" in log) == (0, True), log


FLAT: FILES = {
    "shop.py": "import json\n\n\ndef f():\n    return json.dumps(7)\n",
    "unittest.py": "raise SystemExit('shadowed')\n",
    "tests/__init__.py": "",
    "tests/helper.py": "SEVEN = '7'\n",
    "tests/test_shop.py": (
        "import unittest\nimport shop\nfrom tests.helper import SEVEN\nfrom . import helper\n\n\n"
        "class T(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(shop.f(), SEVEN)\n"
        "        self.assertIn('/out/python/', shop.__file__)\n"
    ),
}


def test_python_flat_layout(tmp_path: Path) -> None:
    place = Place(tmp_path, FLAT)
    code, log = place.build("python", 'packages = ["shop"]')
    assert code == 0, log
    assert {name for name in place.artifact() if name.endswith(".py")} == {"python/shop.py"}
    code, log = place.test("python")
    assert (code, "Ran 1 test" in log) == (0, True), log


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"tests/readme": ""}, "no test was found in tests"),
        ({"tests/test_a.py": "import unittest\n"}, "no test was found in tests"),
        ({"tests": "a file"}, "there is no folder tests"),
        ({"tests/test_a.py": "import nowhere\n"}, "FAILED (errors=1)"),
    ],
)
def test_python_tests_that_do_not_run_fail(tmp_path: Path, files: FILES, expected: str) -> None:
    code, log = Place(tmp_path, files).test("python")
    assert (code, expected in log) == (1, True), log


def test_python_a_failing_test_fails(tmp_path: Path) -> None:
    text = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.fail()\n"
    assert Place(tmp_path, {"tests/test_a.py": text}).test("python")[0] == 1


@pytest.mark.parametrize(
    ("top", "options", "source", "tests"),
    [
        (("src", "tests"), "", '"source": ""', "tests"),
        (("shop.py",), "", '"source": ""', ""),
        (("src", "tests"), 'source = "lib"\ntests = "lib/tests"', '"source": "lib"', "lib/tests"),
        (("src", "tests"), 'source = "."\ntests = ""', '"source": "."', ""),
    ],
)
def test_python_defaults_follow_the_source(top: tuple[str, ...], options: str, source: str, tests: str) -> None:
    made = recipe("python", options, top)
    assert source in made.build
    assert f"\npython3 -B - unittest {tests} " in made.test if tests else made.test == ""


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        ({"readme": ""}, "", "no package or module to import in ."),
        ({"a.py": ""}, 'source = "lib"', "there is no folder lib"),
        ({"a.py": ""}, 'packages = ["b"]', "there is no package or module b in ."),
        ({"a.py": "def f(:\n"}, "", "/brazil/pkg/Pay-1.0/python/a.py"),
        ({"a.py": ""}, 'scripts = { x = "a.b:main" }', "script x: there is no module a.b"),
    ],
)
def test_python_builds_that_must_fail(tmp_path: Path, files: FILES, options: str, expected: str) -> None:
    code, log = Place(tmp_path, files).build("python", options)
    assert (code, expected in log) == (1, True), log


def test_the_embedded_programs_are_python(tmp_path: Path) -> None:
    made = recipe("python", 'tests = "it\'s"', ("src",))
    for number, script in enumerate((made.build, made.test)):
        *body, end, _ = script.split("\n")
        head = next(number for number, line in enumerate(body) if line.endswith(f"<<'{end}'"))
        body = body[head + 1 :]
        assert end not in body
        program = tmp_path / f"{number}.py"
        program.write_text("\n".join(body))
        py_compile.compile(str(program), doraise=True)


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=lambda system: system.name)
def test_the_page_of_a_build_system_names_every_option(system: BuildSystem) -> None:
    text = (DOCS / "build-systems" / f"{system.name}.md").read_text()
    documented = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(documented) == [option.name for option in system.options]


def test_the_reference_leads_to_the_page_of_every_build_system() -> None:
    text = (DOCS / "manifest.md").read_text()
    assert [name for name in SYSTEMS if f"[{name}](build-systems/{name}.md)" not in text] == []


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=lambda system: system.name)
def test_a_missing_program_is_named(system: BuildSystem, tmp_path: Path) -> None:
    made = recipe(system.name, 'build = "true"\ntest = "true"' if system.name == "command" else "", ("tests",))
    for script in filter(None, (made.build, made.test)):
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", script],
            env={"PATH": ""},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        wanted = 127 if system.programs else 0
        assert done.returncode == wanted
        assert all(f"no program {program} here" in done.stderr for program in system.programs[:1])


def test_the_example_of_the_reference_is_good() -> None:
    text = (DOCS / "manifest.md").read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    assert parse_manifest(example.encode(), file="f", systems=option_specs()).build_system == "python"
