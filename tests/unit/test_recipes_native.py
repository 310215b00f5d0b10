"""What the build systems for C and C++ decide, and what they do where a program is missing."""

import shutil
from pathlib import Path

import pytest

from brazil.errors import UsageError
from tests.unit.test_build_systems import Place, manifest, recipe


@pytest.mark.parametrize(
    ("system", "build"),
    [
        ("autotools", 'arguments = ["--prefix=/usr"]'),
        ("autotools", 'arguments = ["--libdir"]'),
        ("autotools", 'arguments = ["-q"]'),
        ("autotools", 'arguments = ["CC=false"]'),
        ("autotools", 'variables = { "--prefix" = "/usr" }'),
        ("autotools", 'test-target = "--version"'),
        ("cmake", 'variables = { BUILD_TESTING = "ON" }'),
        ("cmake", 'variables = { CMAKE_INSTALL_PREFIX = "/usr" }'),
        ("cmake", 'variables = { "-x" = "1" }'),
        ("cmake", 'variables = { "A:B=C" = "1" }'),
        ("cmake", 'test-arguments = ["a\\nb"]'),
        ("cmake", 'tests = "tests"'),
        ("meson", 'options = { prefix = "/usr" }'),
        ("meson", 'options = { wrap_mode = "default" }'),
        ("meson", 'options = { "x=y" = "1" }'),
        *(
            (system, f'source = "{path}"')
            for system in ("autotools", "cmake", "meson")
            for path in ("../x", "/x", "-x")
        ),
    ],
)
def test_refused(system: str, build: str) -> None:
    with pytest.raises(UsageError) as caught:
        manifest(system, build)
    assert {problem.code for problem in caught.value.problems} <= {"manifest.wrong-value", "manifest.wrong-type"}


@pytest.mark.parametrize(
    ("system", "off", "on"),
    [
        ("autotools", 'test-target = ""', 'test-target = "test"'),
        ("cmake", "tests = false", "tests = true"),
        ("meson", "tests = false", "tests = true"),
    ],
)
def test_there_are_tests_where_the_manifest_or_a_folder_says_so(system: str, off: str, on: str) -> None:
    assert recipe(system).test == ""
    for folder in ("test", "tests"):
        assert recipe(system, "", (folder,)).test
        assert recipe(system, off, (folder,)).test == ""
    assert recipe(system, on).test


CMAKE = {
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\nproject(Pay NONE)\ninstall(FILES a DESTINATION share)\n",
    "a": "1",
}


def programs(folder: Path, *left_out: str) -> str:
    """Make a folder with all programs of this machine but some."""
    folder.mkdir()
    for path in Path("/usr/bin").iterdir():
        if path.name not in left_out:
            (folder / path.name).symlink_to(path)
    return str(folder)


@pytest.mark.skipif(not shutil.which("cmake", path="/usr/bin"), reason="there is no cmake on this machine")
def test_cmake_takes_make_where_there_is_no_ninja(tmp_path: Path) -> None:
    place = Place(tmp_path, CMAKE)
    code, log = place.run(recipe("cmake").build, PATH=programs(tmp_path / "bin", "ninja"))
    assert code == 0, log
    assert (place.source / ".brazil" / "build" / "Makefile").is_file()
    assert place.artifact() == {"share/a": b"1"}


def test_cmake_needs_one_of_both(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cmake").symlink_to("/usr/bin/true")
    code, log = Place(tmp_path, CMAKE).run(recipe("cmake").build, PATH=str(tmp_path / "bin"))
    assert (code, "cmake: there is no program make here" in log) == (127, True), log


def test_autotools_asks_for_autoreconf_only_where_there_is_no_configure(tmp_path: Path) -> None:
    without = programs(tmp_path / "bin", "autoreconf")
    code, log = Place(tmp_path / "one", {"configure.ac": ""}).run(recipe("autotools").build, PATH=without)
    assert (code, "autotools: there is no program autoreconf here" in log) == (127, True), log
    place = Place(
        tmp_path / "other",
        {"configure": '#!/bin/sh\necho "out = ${1#--prefix=}" > Makefile\ncat ../../rules >> Makefile\n'}
        | {"rules": "all:\n\ninstall:\n\techo $(LDFLAGS) > $(out)/flags\n"},
    )
    (place.source / "configure").chmod(0o755)
    code, log = place.run(
        recipe("autotools").build, PATH=without, LIBRARY_PATH="/brazil/pkg/A-1/lib:/brazil/pkg/B-1/lib"
    )
    assert code == 0, log
    wanted = " ".join(f"-Wl,-rpath,{path}/lib" for path in (place.out, "/brazil/pkg/A-1", "/brazil/pkg/B-1"))
    assert place.artifact() == {"flags": f"{wanted}\n".encode()}
