"""What tests found is told case by case, also of a run that failed or was remembered."""

import json
from pathlib import Path

import pytest

from brazil.formats.junit import parse_junit
from brazil.model.tested import Case, CaseEnd
from tests.e2e.product import Product, open_shop, options, toml

pytestmark = pytest.mark.sandbox

GOOD = """\
<testsuite name="s">
  <testcase classname="c" name="adds"/>
  <testcase classname="c" name="later"><skipped/></testcase>
</testsuite>
"""
BAD = """\
<testsuite>
  <testcase classname="c" name="adds"><failure message="1 is not 2">at line 3</failure></testcase>
</testsuite>
"""
SCRIPT = 'mkdir "$BRAZIL_REPORT/deep"\ncp cases.xml "$BRAZIL_REPORT/deep/"\nexit "$(cat code)"'


def package(name: str, **needs: str) -> dict[str, str]:
    text = toml(name, build={"build": "true", "test": SCRIPT}, dependencies=needs)
    return {"brazil.toml": text, "cases.xml": GOOD, "code": "0"}


@pytest.fixture
def work(tmp_path: Path) -> Product:
    silent = {"brazil.toml": toml("Silent", build={"build": "true", "test": "true"})}
    packages = {"Loud": package("Loud"), "Silent": silent}
    product = open_shop(tmp_path, packages, ["Loud-1.0", "Silent-1.0"])
    product.ok("publish", "--set", "shop/dev", *options("-p", packages))
    return product.workspace("Loud", "Silent")


def steps(answer_data: dict[str, object]) -> dict[str, object]:
    found = answer_data["steps"]
    assert isinstance(found, list)
    return {step["package"]: step["tests"] for step in found if step["kind"] == "test"}


def cases(file: Path) -> list[Case]:
    return parse_junit(file.read_bytes())


def test_cases_are_told_and_written(work: Product) -> None:
    (work.src("Loud") / "code").write_text("0\n")
    told = work.ok("test").out.splitlines()
    assert told == ["Loud-1.0: 1 test passed, 1 skipped", "1 built, 1 tested, 2 remembered"]
    data = work.ok("test", "--json", "--junit", "out/results").data
    counts = {"passed": 1, "failed": 0, "error": 0, "skipped": 1, "failures": [], "unreadable": []}
    assert steps(data) == {"Loud-1.0": counts, "Silent-1.0": None}
    written = work.cwd / "out" / "results"
    assert sorted(path.name for path in written.iterdir()) == ["Loud-1.0.xml", "Silent-1.0.xml"]
    assert [(case.name, case.end) for case in cases(written / "Loud-1.0.xml")] == [
        ("adds", CaseEnd.PASSED),
        ("later", CaseEnd.SKIPPED),
    ]
    assert cases(written / "Silent-1.0.xml") == [Case("Silent-1.0", "Silent-1.0", CaseEnd.PASSED)]


def test_a_failure_names_its_cases(work: Product) -> None:
    (work.src("Loud") / "cases.xml").write_text(BAD)
    (work.src("Loud") / "code").write_text("1\n")
    answer = work.run("test", "--junit", "results")
    assert answer.code == 1
    assert "Loud-1.0: 0 tests passed, 1 failed\n  failed  c.adds: 1 is not 2\n" in answer.err
    (case,) = cases(work.cwd / "results" / "Loud-1.0.xml")
    assert (case.end, case.message, case.output) == (CaseEnd.FAILED, "1 is not 2", "at line 3")
    failures = [{"suite": "c", "name": "adds", "end": "failed", "message": "1 is not 2"}]
    assert steps(work.run("test", "--json").data)["Loud-1.0"]["failures"] == failures  # type: ignore[index]
    work.commit("Loud")
    published = work.run("publish", "--junit", "published")
    assert (published.code, "failed  c.adds: 1 is not 2" in published.err) == (1, True)
    assert cases(work.cwd / "published" / "Loud-1.0.xml") == [case]


def test_a_run_that_fails_although_its_cases_passed_is_a_case_of_its_own(work: Product) -> None:
    manifest = work.src("Loud") / "brazil.toml"
    text = manifest.read_text().replace('exit \\"$(cat code)\\"', "sleep 3600")
    manifest.write_text(text.replace("[build]\n", "[build]\ntimeout = 2\n"))
    answer = work.run("test", "Loud", "--junit", "results")
    assert (answer.code, "time limit of 2 s" in answer.err) == (1, True)
    written = cases(work.cwd / "results" / "Loud-1.0.xml")
    assert [(case.name, case.end, case.message) for case in written] == [
        ("adds", CaseEnd.PASSED, ""),
        ("later", CaseEnd.SKIPPED, ""),
        ("Loud-1.0", CaseEnd.FAILED, "time limit of 2 s"),
    ]


def test_broken_xml_is_told_and_fails_nothing(work: Product) -> None:
    (work.src("Loud") / "cases.xml").write_text("<testsuite><testcase")
    answer = work.ok("test")
    assert "  its report deep/cases.xml cannot be read: " in answer.out
    data = work.ok("test", "--json").data
    assert steps(data)["Loud-1.0"]["unreadable"][0]["file"] == "deep/cases.xml"  # type: ignore[index]


def test_a_folder_that_cannot_be_written_is_named(work: Product) -> None:
    (work.cwd / "file").write_text("")
    answer = work.run("test", "--junit", "file", "--json")
    assert answer.code == 5
    assert json.loads(answer.out)["error"]["problems"][0]["code"] == "test.junit"
    (work.src("Loud") / "code").write_text("0\n")
    work.commit("Loud")
    refs = work.refs()
    assert work.run("publish", "--junit", "file").code == 5
    assert work.refs() == refs, "nothing is published whose results could not be written"
