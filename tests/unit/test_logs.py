import pytest

from brazil.errors import UsageError
from brazil.model.action import Platform, RunRecord, SandboxResult, Snapshot, StepId, StepKind
from brazil.model.digest import digest_of
from brazil.model.names import parse_interface
from brazil.operations.logs import newest_log
from brazil.report.logs import log_text, log_title
from brazil.store.memory import MemoryStore
from tests.fakes.sandbox import MemoryRecords

BUILD, TEST = StepKind.BUILD, StepKind.TEST
RUNS = [
    ("JsonKit-1.0", BUILD, 0, ""),
    ("JsonKit-2.0", BUILD, 1, ""),
    ("JsonKit-2.0", BUILD, 0, ""),
    ("JsonKit-2.0", TEST, 137, "timeout"),
    ("Shop-1.0", BUILD, 0, "refused"),
    ("Shop-1.0", BUILD, 0, ""),
]


class World:
    """Six runs, one a minute."""

    def __init__(self) -> None:
        self.store, self.records = MemoryStore(), MemoryRecords()
        for number, (interface, kind, code, end) in enumerate(RUNS):
            step = StepId(parse_interface(interface), kind)
            snapshot = Snapshot(step, digest_of(bytes([number])), Platform("linux", "host", "ab" * 32), ())
            log = self.store.write(f"{number}\x1b[31m\r\n".encode() + b"\xff")
            begun = number * 60_000_000_000
            result = SandboxResult(code, end, (), log, begun, begun + 1_500_000_000, "why" if end == "refused" else "")
            self.records.add(RunRecord(snapshot, result, {}))


@pytest.mark.parametrize(
    ("name", "kind", "failed", "number"),
    [
        ("", None, False, 5),
        ("", None, True, 4),
        ("JsonKit", BUILD, False, 2),
        ("JsonKit-1.0", BUILD, False, 0),
        ("JsonKit", TEST, False, 3),
        ("JsonKit", None, True, 3),
        ("JsonKit", BUILD, True, 1),
        ("Shop-1.0", None, True, 4),
    ],
)
def test_the_newest_run_that_is_meant_is_found(name: str, kind: StepKind | None, failed: bool, number: int) -> None:
    world = World()
    found = newest_log(name, kind, world.records, world.store, failed=failed)
    assert found.run == world.records.records[number]
    assert found.text == f"{number}\x1b[31m\r\n".encode() + b"\xff"


@pytest.mark.parametrize(
    ("name", "kind", "failed", "what", "hint"),
    [
        ("Shop", TEST, False, "no test run of 'Shop' is recorded here", "only what ran"),
        ("JsonKit-1.0", None, True, "no run of 'JsonKit-1.0' has failed here", ""),
        ("JsonKti", BUILD, False, "no build of 'JsonKti' is recorded here", "did you mean 'JsonKit'?"),
    ],
)
def test_what_has_not_run_is_told(name: str, kind: StepKind | None, failed: bool, what: str, hint: str) -> None:
    world = World()
    with pytest.raises(UsageError) as caught:
        newest_log(name, kind, world.records, world.store, failed=failed)
    (problem,) = caught.value.problems
    assert (problem.code, problem.what) == ("log.no-run", what)
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(
    ("number", "end"),
    [(0, "succeeded"), (1, "exit code 1"), (3, "ended at its time limit"), (4, "its output could not be kept")],
)
def test_a_log_has_a_title(number: int, end: str) -> None:
    world = World()
    run = world.records.records[number]
    found = newest_log("", None, World().records, world.store, failed=False)._replace(run=run)
    assert log_title(found) == f"{run.snapshot.step}, 1970-01-01 00:0{number} UTC, 1.5 s: {end}"


def test_a_log_cannot_steer_a_terminal() -> None:
    world = World()
    found = newest_log("Shop", BUILD, world.records, world.store, failed=False)
    assert log_text(found) == "5\N{REPLACEMENT CHARACTER}[31m\n\N{REPLACEMENT CHARACTER}"
