from pathlib import Path

import pytest

from brazil.errors import UsageError
from tests.unit.test_build_systems import Place, recipe


def test_what_a_manifest_gives_is_quoted(tmp_path: Path) -> None:
    """Maven is a stand-in that tells its arguments."""
    place = Place(tmp_path, {"it's $(false)/pom.xml": "<project/>"})
    (tmp_path / "bin").mkdir()
    for name in ("java", "javac", "mvn"):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/said\n")
        (tmp_path / "bin" / name).chmod(0o755)
    options = 'source = "it\'s $(false)"\noptions = ["-P`a b\'"]\nvariables = { y = "$HOME; x", x.y = "" }'
    options = options.replace("x.y", '"x.y"')
    code, log = place.run(recipe("maven", options).build, PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    assert (code, "maven: Maven installed nothing" in log) == (1, True), log
    said = (tmp_path / "said").read_text().splitlines()
    assert "--offline" in said
    assert said[-5:] == ["-P`a b'", "-Dx.y=", "-Dy=$HOME; x", "-Dmaven.test.skip=true", "install"]


@pytest.mark.parametrize("options", ['options = ["deploy"]', 'variables = { "-x" = "1" }', 'source = "../up"'])
def test_what_may_not_be_given(options: str) -> None:
    with pytest.raises(UsageError):
        recipe("maven", options)


def test_without_tests_nothing_is_tested() -> None:
    assert recipe("maven", "tests = false").test == ""
    assert recipe("maven").test.endswith('exit "$code"\n')


def test_where_there_is_no_maven_the_build_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("java", "javac"):
        (tmp_path / "bin" / name).symlink_to("/bin/true")
    code, log = Place(tmp_path, {}).run(recipe("maven").build, PATH=str(tmp_path / "bin"))
    assert (code, "maven: there is no program mvn here; install it" in log) == (127, True), log
