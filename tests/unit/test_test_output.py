import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brazil.formats.junit import MOST_CASES, parse_junit, write_junit
from brazil.formats.test_output import read_tests, reads
from brazil.model.tested import Case, CaseEnd

PASSED, FAILED, ERROR, SKIPPED = CaseEnd.PASSED, CaseEnd.FAILED, CaseEnd.ERROR, CaseEnd.SKIPPED

# As go 1.19 wrote it, without times; what the compiler says of a package stands in between as plain lines.
GO = """\
{"Action":"run","Package":"example.com/m","Test":"TestGood"}
{"Action":"pass","Package":"example.com/m","Test":"TestGood","Elapsed":0.5}
{"Action":"output","Package":"example.com/m","Test":"TestBad/inner","Output":"=== RUN   TestBad/inner\\n"}
{"Action":"output","Package":"example.com/m","Test":"TestBad/inner","Output":"    a_test.go:4: one is not two\\n"}
{"Action":"fail","Package":"example.com/m","Test":"TestBad/inner","Elapsed":0}
{"Action":"skip","Package":"example.com/m","Test":"TestSkip","Elapsed":0}
{"Action":"output","Package":"example.com/m","Output":"FAIL\\n"}
{"Action":"fail","Package":"example.com/m","Elapsed":0.002}
FAIL	example.com/m/b [build failed]
"""

# As cargo 1.63 printed it.
CARGO = """\
     Running unittests src/lib.rs (target/debug/deps/m-745495237224237c)

running 4 tests
test tests::good ... ok
test tests::later ... ignored
test tests::bad ... FAILED
test tests::panics - should panic ... ok

failures:

---- tests::bad stdout ----
said
thread 'tests::bad' panicked at src/lib.rs:8:42


failures:
    tests::bad

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.08s

   Doc-tests m

running 1 test
test src/lib.rs - a (line 1) ... ok
"""


def test_the_cases_of_go() -> None:
    tested = read_tests({"go-test.jsonl": GO.encode()})
    assert tested.unreadable == ()
    bad = "=== RUN   TestBad/inner\n    a_test.go:4: one is not two"
    assert tested.cases == (
        Case("example.com/m", "TestGood", PASSED, 0.5),
        Case("example.com/m", "TestBad/inner", FAILED, 0, "a_test.go:4: one is not two", bad),
        Case("example.com/m", "TestSkip", SKIPPED),
        Case("example.com/m/b", "build", ERROR, message="build failed"),
    )


def test_the_cases_of_cargo() -> None:
    tested = read_tests({"cargo-test.txt": CARGO.encode()})
    assert [(c.suite, c.name, c.end) for c in tested.cases] == [
        ("src/lib.rs", "tests::good", PASSED),
        ("src/lib.rs", "tests::later", SKIPPED),
        ("src/lib.rs", "tests::bad", FAILED),
        ("src/lib.rs", "tests::panics", PASSED),
        ("doc-tests m", "src/lib.rs - a (line 1)", PASSED),
    ]
    assert tested.cases[2].message == "said"
    assert tested.cases[2].output.endswith("src/lib.rs:8:42")


@pytest.mark.parametrize(
    ("lines", "ends"),
    [
        (["test one ... said", "ok", "test two ... ok"], {"one": PASSED, "two": PASSED}),
        (["test other ... said", "more", "ignored, not now", "said"], {"other": SKIPPED}),
        (["test one ... saidFAILED", "", "test result: FAILED. 0 passed; 1 failed"], {"one": FAILED}),
        (["saidtest a::one ... ok", "test - not ... one"], {"a::one": PASSED}),
        (["test b - should panic ... said", "ok"], {"b": PASSED}),
        (["test src/lib.rs - a test (line 1) ... ok"], {"src/lib.rs - a test (line 1)": PASSED}),
        (["test one ... ok", "ignored"], {"one": PASSED}),
        (["test other ... ignoredsaid", "", "test one ... ok"], {"other": SKIPPED, "one": PASSED}),
        (["test one ... ", "it was killed"], {}),
    ],
)
def test_output_of_rust_that_is_not_captured_tears_no_case(lines: list[str], ends: Mapping[str, CaseEnd]) -> None:
    said = "\n".join(["     Running tests/m.rs (target/m)", "", f"running {len(ends)} tests", *lines])
    cases = read_tests({"cargo-test.txt": said.encode()}).cases
    assert {case.name: case.end for case in cases} == ends
    assert {case.suite for case in cases} <= {"tests/m.rs"}


def test_the_cases_of_automake() -> None:
    trs = {
        "tests/a.trs": b":test-result: PASS\n:global-test-result: PASS\n:recheck: no\n",
        "tests/b.trs": b":test-result: PASS 1 - one\n:test-result: XPASS 2 - two\n:test-result: SKIP 3\n",
    }
    assert read_tests(trs).cases == (
        Case("tests/a", "a", PASSED),
        Case("tests/b", "1 - one", PASSED),
        Case("tests/b", "2 - two", FAILED),
        Case("tests/b", "3", SKIPPED),
    )


def test_what_pytest_writes(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_good(): pass\ndef test_bad(): assert 1 == 2\n"
        "@pytest.mark.skip(reason='later')\ndef test_later(): pass\n"
        "@pytest.fixture\ndef broken(): raise OSError('no')\n"
        "def test_error(broken): pass\n"
    )
    # A file of somebody's in a folder above would be taken for its settings.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "--junitxml=out.xml"]
    done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    tested = read_tests({"out.xml": (tmp_path / "out.xml").read_bytes()})
    assert [(c.suite, c.name, c.end) for c in tested.cases] == [
        ("test_it", "test_good", PASSED),
        ("test_it", "test_bad", FAILED),
        ("test_it", "test_later", SKIPPED),
        ("test_it", "test_error", ERROR),
    ]
    assert tested.cases[1].message == "assert 1 == 2"
    assert tested.cases[2].message == "later"
    assert tested.count(FAILED, ERROR) == 2


_LAUGHS = b"<!DOCTYPE t [<!ENTITY a 'aa'>]><testsuite>&a;</testsuite>"


@pytest.mark.parametrize(
    ("file", "data", "why"),
    [
        ("a.xml", b"", "no element found: line 1, column 0"),
        ("a.xml", b"<testsuite><testcase name='a'>", "no element found: line 1, column 30"),
        ("a.xml", b"<html/>", "it begins with 'html', not with 'testsuites' or 'testsuite'"),
        ("a.xml", _LAUGHS, "it has a document type, which no test tool writes"),
        ("a.xml", b"<testsuite>" * 200, "its elements stand more than 100 deep"),
        ("a.trs", b"nothing\n", "it has no ':test-result:'"),
        ("a.trs", b":test-result: GOOD\n", "'GOOD' is no test result"),
        ("go-test.jsonl", b'{"Action": "pass"}\n{"Action"\n', "line 2 is no event of go test"),
        ("go-test.jsonl", b'{"Action": "pass", "Elapsed": []}\n{"Elapsed": {"a": 1}}', "line 2 is no event of go test"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_is_read(file: str, data: bytes, why: str) -> None:
    tested = read_tests({file: data, "b.xml": b"<testsuite name='s'><testcase name='n'/></testsuite>"})
    assert tested.unreadable == ((file, why),)
    assert tested.cases == (Case("s", "n", PASSED),)


def test_only_what_is_about_cases_is_read() -> None:
    known = ["a.xml", "x/b.trs", "go-test.jsonl", "cargo-test.txt"]
    assert [file for file in (*known, "log.txt", "a.json", "xml") if reads(file)] == known
    assert read_tests({"log.txt": b"FAIL"}).cases == ()


_LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
_CASES = st.lists(st.builds(Case, _LINE, _LINE, st.sampled_from([FAILED, ERROR, SKIPPED]), st.just(1.5), _LINE, _LINE))


@given(_CASES)
def test_what_is_written_is_read_again(cases: list[Case]) -> None:
    assert parse_junit(write_junit("all", cases)) == cases


@given(st.text())
def test_anything_can_be_written(text: str) -> None:
    (case,) = parse_junit(write_junit(text.replace("\0", ""), [Case("s", "n", FAILED, 0.0, text, text)])) or [None]
    assert case is not None
    assert case.end is FAILED


@given(st.binary(), st.sampled_from(["a.xml", "a.trs", "go-test.jsonl", "cargo-test.txt"]))
def test_any_bytes_are_answered(data: bytes, file: str) -> None:
    read_tests({file: data})


def test_more_cases_than_anybody_reads_are_told() -> None:
    case = b"<testcase name='n'/>"
    many = b"<testsuite>" + MOST_CASES * case + b"</testsuite>"
    too_many = many.replace(b"</testsuite>", case + b"</testsuite>")
    tested = read_tests({"a.xml": too_many, "b.xml": many, "c.xml": b"<testsuite>" + case + b"</testsuite>"})
    assert len(tested.cases) == MOST_CASES
    assert tested.unreadable == (
        ("a.xml", f"it has more than {MOST_CASES} cases"),
        ("c.xml", f"with it there are more than {MOST_CASES} cases"),
    )
