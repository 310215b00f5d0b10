import json
import shutil
from pathlib import Path

import pytest

from brazil.errors import UsageError
from tests.unit.test_build_systems import Place, recipe

needs_node = pytest.mark.skipif(not shutil.which("npm", path="/usr/bin:/bin"), reason="there is no npm here")


@needs_node
def test_the_same_bytes_anywhere(tmp_path: Path) -> None:
    places = []
    for name in ("one", 'it\'s "another"'):
        made = {"package.json": json.dumps({"name": "pay", "version": "1.0.0", "bin": "x.js"}), "x.js": "#!/bin/sh\n"}
        place = Place(tmp_path / name, made)
        code, log = place.build("node")
        assert code == 0, log
        places.append(place)
    assert places[0].artifact() == places[1].artifact()
    assert set(places[0].artifact()) == {f"node_modules/pay/{name}" for name in ("package.json", "x.js")} | {"bin/pay"}
    link = places[0].out / "bin" / "pay"
    assert str(link.readlink()) == "../node_modules/pay/x.js"
    assert link.stat().st_mode & 0o111


def test_what_a_manifest_gives_is_quoted(tmp_path: Path) -> None:
    """The tools are stand-ins that tell their arguments."""
    place = Place(tmp_path, {"it's $(false)/package.json": "{}"})
    (tmp_path / "bin").mkdir()
    for name in ("node", "npm", "tsc"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\nprintf '{name} %s\\n' \"$@\" >> {tmp_path}/said\n")
        (tmp_path / "bin" / name).chmod(0o755)
    options = 'source = "it\'s $(false)"\ntypescript = ["a; `b`.json"]\nbuild-script = "build:all"'
    place.run(recipe("node", options).build, PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    said = (tmp_path / "said").read_text().splitlines()
    assert said[:4] == ["tsc --project", "tsc a; `b`.json", "npm run", "npm build:all"]
    tests = recipe("node", options + '\ntests = "it\'s $HOME"').test
    assert "tests='it'\"'\"'s $HOME'\n" in tests


@pytest.mark.parametrize(
    "option", ['build-script = "-x"', 'test-script = "a b"', 'typescript = ["-p"]', 'tests = "../x"']
)
def test_what_may_not_be_given(option: str) -> None:
    with pytest.raises(UsageError):
        recipe("node", option)


@pytest.mark.parametrize(
    ("top", "options", "script", "runner"),
    [
        (("package.json", "test"), "", False, True),
        (("package.json", "tests"), 'source = "web"', False, True),
        (("package.json",), "", False, False),
        (("package.json",), 'test-script = "test"', True, False),
        (("package.json", "test"), 'test-script = "prepare"', True, True),
        (("package.json", "test"), 'test-script = "test"\ntests = ""', True, False),
        (("package.json", "test"), 'tests = ""', False, False),
    ],
)
def test_what_tests_are_run(top: tuple[str, ...], options: str, script: bool, runner: bool) -> None:
    test = recipe("node", options, top).test
    assert bool(test) == (script or runner)
    assert ("npm run" in test, "junit" in test) == (script, runner)


def test_a_build_script_is_run_when_there_is_one() -> None:
    assert "npm run --if-present build\n" in recipe("node").build
    assert "npm run" not in recipe("node", 'build-script = ""').build
    assert "npm run build\n" in recipe("node", 'build-script = "build"').build


def test_where_there_is_no_node_the_build_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    code, log = Place(tmp_path, {}).run(recipe("node").build, PATH=str(tmp_path / "bin"))
    assert (code, "node: there is no program node here; install it" in log) == (127, True), log
