import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brazil.events import (
    Event,
    Note,
    PlanReady,
    StepCached,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from brazil.model.digest import digest_of
from brazil.report.event_data import event_data, json_to
from brazil.report.printable import printable
from brazil.report.progress import event_line, lines_to
from tests.steps import build_of, checks_of

ACTION = digest_of(b"action")
A, B, T = build_of("Core"), build_of("JsonKit"), checks_of("JsonKit")

CASES: list[tuple[Event, str | None, dict[str, object]]] = [
    (Note("fetch", "JsonKit"), "fetch     JsonKit", {"event": "note", "topic": "fetch", "text": "JsonKit"}),
    (
        PlanReady((B, T), ((), (B,))),
        "plan      up to 1 build and 1 test run",
        {
            "event": "plan",
            "steps": ["build JsonKit-1.0", "test JsonKit-1.0"],
            "needs": {"build JsonKit-1.0": [], "test JsonKit-1.0": ["build JsonKit-1.0"]},
        },
    ),
    (PlanReady((), ()), None, {"event": "plan", "steps": [], "needs": {}}),
    (
        PlanReady((A, B, T), ((), (A,), (A, B))),
        "plan      up to 2 builds and 1 test run",
        {
            "event": "plan",
            "steps": ["build Core-1.0", "build JsonKit-1.0", "test JsonKit-1.0"],
            "needs": {
                "build Core-1.0": [],
                "build JsonKit-1.0": ["build Core-1.0"],
                "test JsonKit-1.0": ["build JsonKit-1.0"],
            },
        },
    ),
    (
        StepCached(B, ACTION),
        "cached    build JsonKit-1.0",
        {"event": "cached", "step": "build JsonKit-1.0", "action": str(ACTION)},
    ),
    (
        StepStarted(B, ACTION, ("source changed: 1 -> 2", "A-1.0 is new: 3")),
        "build     JsonKit-1.0  because source changed: 1 -> 2; A-1.0 is new: 3",
        {
            "event": "started",
            "step": "build JsonKit-1.0",
            "action": str(ACTION),
            "reasons": ["source changed: 1 -> 2", "A-1.0 is new: 3"],
        },
    ),
    (
        StepFinished(B, ACTION, 1.25, False),
        "built     JsonKit-1.0  in 1.2 s",
        {
            "event": "finished",
            "step": "build JsonKit-1.0",
            "action": str(ACTION),
            "seconds": 1.25,
            "same-output": False,
        },
    ),
    (
        StepFinished(B, ACTION, 2.0, True),
        "built     JsonKit-1.0  in 2.0 s, the same artifact as before",
        {"event": "finished", "step": "build JsonKit-1.0", "action": str(ACTION), "seconds": 2.0, "same-output": True},
    ),
    (
        StepFinished(T, ACTION, 0.04, True),
        "tested    JsonKit-1.0  in 0.0 s",
        {"event": "finished", "step": "test JsonKit-1.0", "action": str(ACTION), "seconds": 0.04, "same-output": True},
    ),
    (
        StepFailed(B, ACTION, 3.0, "exit code 2", "one\ntwo"),
        "failed    build JsonKit-1.0 after 3.0 s: exit code 2\n  | one\n  | two",
        {
            "event": "failed",
            "step": "build JsonKit-1.0",
            "action": str(ACTION),
            "seconds": 3.0,
            "cause": "exit code 2",
            "log-tail": "one\ntwo",
            "log-before": 0,
        },
    ),
    (
        StepFailed(T, ACTION, 3.0, "exit code 2", "last", 312),
        "failed    test JsonKit-1.0 after 3.0 s: exit code 2\n  | last\n"
        "  312 more lines before these: brazil log --test JsonKit-1.0",
        {
            "event": "failed",
            "step": "test JsonKit-1.0",
            "action": str(ACTION),
            "seconds": 3.0,
            "cause": "exit code 2",
            "log-tail": "last",
            "log-before": 312,
        },
    ),
    (
        StepSkipped(T, B),
        "skipped   test JsonKit-1.0  because build JsonKit-1.0 failed",
        {"event": "skipped", "step": "test JsonKit-1.0", "because": "build JsonKit-1.0"},
    ),
]


@pytest.mark.parametrize(("event", "line", "data"), CASES)
def test_every_event_has_its_line_and_its_json(event: Event, line: str | None, data: dict[str, object]) -> None:
    assert event_line(event) == line
    assert event_data(event) == data
    assert json.loads(json.dumps(event_data(event))) == data


def test_every_kind_of_event_is_among_them() -> None:
    kinds = {Note, PlanReady, StepCached, StepFailed, StepFinished, StepSkipped, StepStarted}
    assert {type(event) for event, _, _ in CASES} == kinds
    assert {data["event"] for _, _, data in CASES} == {
        "note",
        "plan",
        "cached",
        "started",
        "finished",
        "failed",
        "skipped",
    }


def written(*events: Event) -> list[str]:
    stream = io.StringIO()
    emit = lines_to(stream)
    for event in events:
        emit(event)
    return stream.getvalue().splitlines()


def test_plain_lines_tell_the_plan_only_when_something_runs() -> None:
    ready = PlanReady((B, T), ((), (B,)))
    assert written(ready, StepCached(B, ACTION), StepCached(T, ACTION)) == []
    assert written(ready, StepCached(B, ACTION), StepFinished(T, ACTION, 1.0, False)) == [
        "plan      up to 1 build and 1 test run",
        "tested    JsonKit-1.0  in 1.0 s",
    ]


def test_json_is_one_line_per_event() -> None:
    stream = io.StringIO()
    emit = json_to(stream)
    for event, _, _ in CASES:
        emit(event)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [data for _, _, data in CASES]


HOSTILE = "\x1b]0;owned\x07 \x1b[2J \r\x08 \x9b31m \u202egnp.exe\u2066 \x00 \x7f"


@pytest.mark.parametrize(
    "event",
    [Note("fetch", HOSTILE), StepStarted(B, ACTION, (HOSTILE,)), StepFailed(B, ACTION, 1.0, HOSTILE, HOSTILE)],
)
def test_nothing_that_a_package_says_steers_the_terminal(event: Event) -> None:
    for make in (lines_to, json_to):
        stream = io.StringIO()
        make(stream)(event)
        said = stream.getvalue()
        assert all(c.isprintable() or c == "\n" for c in said)
        assert "owned" in said
    assert json.loads(stream.getvalue()) == event_data(event), "JSON keeps what was said"


@given(st.text())
def test_printable_text_is_left_as_it_is(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(c.isprintable() or c in "\n\t" for c in shown)
    assert all(a == b for a, b in zip(text, shown, strict=True) if a.isprintable())
