import os
import shutil
from pathlib import Path

import pytest

from tests.unit.test_build_systems import Place, recipe

needs_javac = pytest.mark.skipif(not shutil.which("javac", path="/usr/bin:/bin"), reason="there is no javac here")

FILES = {f"src/shop/{name}.java": f"package shop;\n\nclass {name} {{}}\n" for name in ("Pay", "Order", "It$s")}
FILES["src/shop/words.txt"] = "words\n"


@needs_javac
def test_the_same_bytes_anywhere(tmp_path: Path) -> None:
    places = []
    for number, names in enumerate((sorted(FILES), sorted(FILES, reverse=True))):
        place = Place(tmp_path / f'{number}\'s "folder"', {name: FILES[name] for name in names})
        for name in names:
            os.utime(place.source / name, (1_000_000_000 * number,) * 2)
        made = recipe("java", 'options = ["-g"]', ("src",))
        code, log = place.run(made.build, BRAZIL_PACKAGE="Pay", HOME=str(place.source))
        assert code == 0, log
        places.append(place)
    first, second = (place.artifact() for place in places)
    assert first == second
    assert set(first) == {"java/Pay.jar"}
    assert str(tmp_path).encode() not in first["java/Pay.jar"]


def test_where_there_is_no_compiler_the_build_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    code, log = Place(tmp_path, FILES).run(recipe("java").build, PATH=str(tmp_path / "bin"))
    assert (code, "java: there is no program java here; install it" in log) == (127, True), log


def test_where_there_is_no_junit_the_tests_say_so(tmp_path: Path) -> None:
    place = Place(tmp_path, {"tests/PayTest.java": "class PayTest {}\n"})
    (tmp_path / "bin").mkdir()
    for name in ("java", "javac", "jar"):
        (tmp_path / "bin" / name).symlink_to("/bin/true")
    script = recipe("java", "", ("tests",)).test.replace("/usr/share/java/", str(tmp_path / "nowhere"))
    code, log = place.run(script, PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    assert (code, "java: there is no JUnit here; install junit5" in log) == (127, True), log


def test_what_a_manifest_gives_is_quoted(tmp_path: Path) -> None:
    """The compiler and jar are stand-ins that tell their arguments."""
    place = Place(tmp_path, {"it's $(false)/Pay.java": "", "data; false/x": ""})
    (tmp_path / "bin").mkdir()
    for name in ("java", "javac", "jar", "javap"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\nprintf '{name} %s\\n' \"$@\" >> {tmp_path}/said\n")
        (tmp_path / "bin" / name).chmod(0o755)
    options = (
        'source = "it\'s $(false)"\nresources = "data; false"\noptions = ["-Ax=`false` \'\\""]\n'
        'scripts = { pay = "shop.Pay$In" }'
    )
    code, log = place.run(recipe("java", options).build, PATH=f"{tmp_path}/bin:/usr/bin:/bin", BRAZIL_PACKAGE="Pay")
    assert code == 0, log
    said = (tmp_path / "said").read_text()
    assert "javac -Ax=`false` '\"\n" in said
    assert "javac it's $(false)\n" in said
    assert "javap shop.Pay$In\n" in said
    assert (place.source / ".brazil/java/classes.sources").read_text() == '"it\'s $(false)/Pay.java"\n'
    assert place.artifact() == {"bin/pay": b"#!/bin/sh\nexec java 'shop.Pay$In' \"$@\"\n"}


@pytest.mark.parametrize(
    ("top", "options", "tests"),
    [
        (("src",), "", "tests=''"),
        (("lib", "tests"), "", "tests=''"),
        (("lib",), "", ""),
        (("src", "tests"), 'tests = ""', ""),
        (("lib",), 'tests = "lib/checks"', "tests=lib/checks"),
    ],
)
def test_there_is_a_test_run_where_tests_may_be(top: tuple[str, ...], options: str, tests: str) -> None:
    made = recipe("java", options, top).test
    assert f"\n{tests}\n" in made if tests else made == ""
