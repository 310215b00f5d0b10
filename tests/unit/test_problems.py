import json

import pytest

from brazil.cli import main as command_line
from brazil.errors import (
    BrazilError,
    HermeticityError,
    IntegrityError,
    InternalError,
    Problem,
    UnavailableError,
    UsageError,
)
from brazil.report.problems import error_data, problem_lines

FULL = Problem(
    "manifest.unknown-key", "'timout' is no key", "of [build]", "did you mean 'timeout'?", "a.toml", 7, "build"
)
BARE = Problem("store.missing", "it is not there")


@pytest.mark.parametrize(
    ("problem", "lines"),
    [
        (BARE, ["error: it is not there [store.missing]"]),
        (BARE._replace(because="it was deleted"), ["error: it is not there: it was deleted [store.missing]"]),
        (BARE._replace(hint="look again"), ["error: it is not there [store.missing]", "  hint: look again"]),
        (BARE._replace(file="f"), ["error: f: it is not there [store.missing]"]),
        (BARE._replace(file="f", line=3), ["error: f:3: it is not there [store.missing]"]),
        (BARE._replace(key="a.b"), ["error: a.b: it is not there [store.missing]"]),
        (
            FULL,
            [
                "error: a.toml:7: build: 'timout' is no key: of [build] [manifest.unknown-key]",
                "  hint: did you mean 'timeout'?",
            ],
        ),
    ],
)
def test_a_problem_is_told_where_what_because_hint(problem: Problem, lines: list[str]) -> None:
    assert problem_lines(UsageError(problem)) == lines


def test_all_problems_are_told_in_their_order() -> None:
    told = problem_lines(UsageError(BARE, FULL, BARE))
    assert [line.split("[")[-1] for line in told if line.startswith("error")] == [
        "store.missing]",
        "manifest.unknown-key]",
        "store.missing]",
    ]


def test_very_many_problems_are_counted_for_a_person_and_all_in_json() -> None:
    error = UsageError(*(BARE._replace(key=f"k{n}") for n in range(100_003)))
    told = problem_lines(error)
    assert told[19:] == ["error: k19: it is not there [store.missing]", "... and 99983 more"]
    assert len(error_data(error)["problems"]) == 100_003


def test_what_a_problem_quotes_cannot_steer_the_terminal() -> None:
    hostile = "\x1b[2J\x9b\u202e\x07"
    told = problem_lines(UsageError(Problem("x.y", hostile, hostile, hostile, hostile, 1, hostile)))
    assert all(line.isprintable() for line in told)


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        (UsageError, "usage", 2),
        (HermeticityError, "hermeticity", 4),
        (IntegrityError, "integrity", 4),
        (UnavailableError, "unavailable", 5),
        (InternalError, "internal", 70),
    ],
)
def test_the_json_of_an_error(kind: type[BrazilError], name: str, code: int) -> None:
    assert error_data(kind(BARE, FULL)) == {
        "kind": name,
        "exit-code": code,
        "problems": [
            {"code": "store.missing", "what": "it is not there"},
            {
                "code": "manifest.unknown-key",
                "what": "'timout' is no key",
                "because": "of [build]",
                "hint": "did you mean 'timeout'?",
                "file": "a.toml",
                "line": 7,
                "key": "build",
            },
        ],
    }


def test_an_error_in_short() -> None:
    assert str(UsageError(FULL)) == "a.toml:7: 'timout' is no key: of [build]"
    assert str(UsageError(BARE, FULL)) == "it is not there (and 1 more)"
    assert UsageError(FULL, BARE).code == "manifest.unknown-key"
    with pytest.raises(ValueError, match="at least one problem"):
        UsageError()


def test_a_bug_is_told_with_a_code_and_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(command_line.main, "main", fail)
    assert command_line._run(["vs", "list", "--json"], None) == 70
    told = capsys.readouterr()
    assert told.err.splitlines()[0] == "error: brazil has a bug: ZeroDivisionError: division by zero [internal]"
    error = json.loads(told.out)["error"]
    assert (error["kind"], error["exit-code"], error["problems"][0]["code"]) == ("internal", 70, "internal")
