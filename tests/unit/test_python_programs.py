"""What the programs of build system `python` do that needs no sandbox."""

from pathlib import Path

import pytest

from brazil.formats.test_output import read_tests
from brazil.model.tested import CaseEnd
from tests.unit.test_build_systems import Place

# A backend that tells that it was asked, and packs a module.
_BACKEND = """\
import zipfile


def build_wheel(folder, settings, metadata):
    with zipfile.ZipFile(folder + "/a-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("a-1.dist-info/METADATA", "")
        wheel.writestr("a-1.dist-info/entry_points.txt", @points@)
        wheel.writestr("packed.py", "def main():\\n    print('packed')\\n")
    return "a-1-py3-none-any.whl"
"""


def source(points: str = "", **files: str) -> dict[str, str]:
    return {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
        "own.py": _BACKEND.replace("@points@", repr(points)),
        "shop.py": "def main():\n    pass\n",
        **files,
    }


def modules(place: Place) -> set[str]:
    return {name for name in place.artifact() if name.endswith(".py")}


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        (source(), "", {"python/packed.py"}),
        (source(), 'packages = ["shop"]', {"python/shop.py"}),
        (source(), 'scripts = { shop = "shop:main" }', {"python/own.py", "python/shop.py"}),
        (source(**{"pyproject.toml": "[tool.x]\n"}), "", {"python/own.py", "python/shop.py"}),
        ({f"src/{name}": text for name, text in source().items()}, "", {"python/own.py", "python/shop.py"}),
        ({f"src/{name}": text for name, text in source().items()}, 'source = "src"', {"python/packed.py"}),
    ],
)
def test_a_source_that_names_a_backend_becomes_a_wheel(
    tmp_path: Path, files: dict[str, str], options: str, expected: set[str]
) -> None:
    place = Place(tmp_path, files)
    code, log = place.build("python", options)
    assert code == 0, log
    assert modules(place) == expected


def test_entry_points_become_programs(tmp_path: Path) -> None:
    place = Place(
        tmp_path, source("[console_scripts]\nPay = packed:main [extra]\n[gui_scripts]\npay-2=packed : main\n")
    )
    code, log = place.build("python")
    assert code == 0, log
    for script in ("Pay", "pay-2"):
        assert place.run(f'"$BRAZIL_OUT/bin/{script}"', PYTHONPATH=str(place.out / "python")) == (0, "packed\n")


@pytest.mark.parametrize("point", ["../pay = packed:main", "pay = packed", "pay = packed:main; import os"])
def test_an_entry_point_that_calls_nothing_is_refused(tmp_path: Path, point: str) -> None:
    code, log = Place(tmp_path, source(f"[console_scripts]\n{point}\n")).build("python")
    assert (code, "the wheel has an entry point that calls nothing" in log) == (1, True), log


_TESTS = """\
import unittest


class Mixed(unittest.TestCase):
    def test_passes(self):
        pass

    def test_fails(self):
        self.fail("a < b \\x00\\ud800")

    def test_breaks(self):
        raise KeyError("x")

    @unittest.skip("not today")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_known(self):
        self.fail()

    @unittest.expectedFailure
    def test_better_than_known(self):
        pass

    def test_parts(self):
        for number in range(3):
            with self.subTest("part", number=number):
                self.assertNotEqual(number, 1)


class Whole(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise OSError("no place")

    def test_never(self):
        pass
"""


def test_every_end_of_a_unittest_is_a_case(tmp_path: Path) -> None:
    place = Place(tmp_path, {"tests/test_mixed.py": _TESTS, "tests/test_lost.py": "import nowhere\n"})
    assert place.test("python")[0] == 1
    tested = read_tests({"junit.xml": (place.report / "junit.xml").read_bytes()})
    assert tested.unreadable == ()
    ends = {(case.suite, case.name): case.end for case in tested.cases}
    assert ends == {
        ("test_mixed.Mixed", "test_better_than_known"): CaseEnd.FAILED,
        ("test_mixed.Mixed", "test_breaks"): CaseEnd.ERROR,
        ("test_mixed.Mixed", "test_fails"): CaseEnd.FAILED,
        ("test_mixed.Mixed", "test_known"): CaseEnd.PASSED,
        ("test_mixed.Mixed", "test_parts"): CaseEnd.PASSED,
        ("test_mixed.Mixed", "test_parts [part] (number=1)"): CaseEnd.FAILED,
        ("test_mixed.Mixed", "test_passes"): CaseEnd.PASSED,
        ("test_mixed.Mixed", "test_skipped"): CaseEnd.SKIPPED,
        ("unittest.loader._FailedTest", "test_lost"): CaseEnd.ERROR,
        ("tests", "setUpClass (test_mixed.Whole)"): CaseEnd.ERROR,
    }
    messages = {case.name: case.message for case in tested.cases}
    assert messages["test_fails"].startswith("a < b ??")
    assert messages["test_skipped"] == "not today"
    assert "OSError: no place" in next(case.output for case in tested.cases if "Whole" in case.name)
