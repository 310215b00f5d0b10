"""What a dry run says, decided from literals: no store, no sandbox, no folder."""

from collections.abc import Iterable, Mapping

import pytest

from brazil.build.forecast import Foreseen, Verdict, forecast, span
from brazil.errors import Problem, UsageError
from brazil.model.action import Snapshot, StepId, StepKind
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface
from brazil.plan.planner import Plan, Step
from tests.fakes.sandbox import PLATFORM
from tests.steps import build_of, checks_of, iface, plan, step

OLD, NEW, MADE = (digest_of(text) for text in (b"old source", b"new source", b"artifact"))
CHAIN = plan(step(build_of("A"), source=NEW), step(build_of("B"), "A"), step(checks_of("B"), ["A", "B"]))


def snapshot_of(what: Step, artifacts: Mapping[Interface, Digest]) -> Snapshot:
    inputs = (("src", what.source), *((f"pkg/{member}", artifacts[member]) for member in what.members))
    return Snapshot(what.id, digest_of(repr((what.id, inputs)).encode()), PLATFORM, tuple(sorted(inputs)))


class Oracle:
    """Remembers what it is told to, and took two seconds for everything that it knows."""

    def __init__(self, remembered: Iterable[Snapshot] = (), clash: bool = False) -> None:
        self.known = {snapshot.action: made(snapshot.step) for snapshot in remembered}
        self.clash = clash

    def snapshot(self, step: Step, artifacts: Mapping[Interface, Digest], *, exact: bool) -> Snapshot | None:
        if self.clash and exact:
            raise UsageError(Problem("tool.clash", "two tools"))
        return None if self.clash else snapshot_of(step, artifacts)

    def remembered(self, step: Step, snapshot: Snapshot) -> Digest | None:
        return self.known.get(snapshot.action)

    def seconds(self, snapshot: Snapshot) -> float | None:
        return 2.0 if snapshot.action in self.known else None


def made(what: StepId) -> Digest:
    return digest_of(f"made by {what}".encode())


def history_of(what: Plan, source: Digest) -> dict[StepId, Snapshot]:
    """What every Step read when A had another source, and each came out as `made` says."""
    artifacts = {s.interface: made(s) for s in what.steps if s.kind is StepKind.BUILD} | dict(what.artifacts)
    before = [s._replace(source=source) if s.source == NEW else s for s in what.steps.values()]
    return {s.id: snapshot_of(s, artifacts) for s in before}


def foresee(what: Plan, remembered: Iterable[Snapshot], previous: Mapping[StepId, Snapshot]) -> dict[str, Foreseen]:
    outputs = {s: made(s) for s in previous}
    found = forecast(what, Oracle(remembered), previous=previous, earlier_outputs=outputs)
    assert list(found) == list(what.steps)
    return {str(s): foreseen for s, foreseen in found.items()}


def test_what_waits_for_a_changed_source_runs_only_if_the_artifact_changes() -> None:
    before = history_of(CHAIN, OLD)
    found = foresee(CHAIN, before.values(), before)
    first = found["build A-1.0"]
    assert (first.verdict, first.waits, first.seconds) == (Verdict.RUNS, (), 2.0)
    assert first.reasons == (f"source changed: {OLD.hash[:8]} -> {NEW.hash[:8]}",)
    assert first.snapshot == snapshot_of(CHAIN.steps[build_of("A")], {})
    assert found["build B-1.0"] == Foreseen(Verdict.MAY_RUN, None, (), (build_of("A"),), 2.0)
    assert found["test B-1.0"] == Foreseen(Verdict.MAY_RUN, None, (), (build_of("A"), build_of("B")), 2.0)


def test_nothing_changed_is_all_remembered_under_exact_keys() -> None:
    now = history_of(CHAIN, NEW)
    found = foresee(CHAIN, now.values(), now)
    assert {f.verdict for f in found.values()} == {Verdict.REMEMBERED}
    assert [f.snapshot for f in found.values()] == list(now.values())
    assert {f.seconds for f in found.values()} == {None}


def test_a_change_back_is_remembered_with_what_follows_from_it() -> None:
    back = history_of(CHAIN, NEW)
    found = foresee(CHAIN, back.values(), history_of(CHAIN, OLD))
    assert {f.verdict for f in found.values()} == {Verdict.REMEMBERED}


def test_what_is_new_itself_runs_whatever_it_waits_for() -> None:
    both = plan(step(build_of("A"), source=NEW), step(build_of("B"), "A", source=NEW))
    before = history_of(both, OLD)
    found = foresee(both, before.values(), before)["build B-1.0"]
    assert (found.verdict, found.waits, found.snapshot) == (Verdict.RUNS, (build_of("A"),), None)
    assert found.reasons == (f"source changed: {OLD.hash[:8]} -> {NEW.hash[:8]}",)


def test_what_never_ran_runs_and_has_no_estimate() -> None:
    found = foresee(CHAIN, (), {})
    assert [f.verdict for f in found.values()] == [Verdict.RUNS] * 3
    assert [f.seconds for f in found.values()] == [None] * 3
    assert found["build A-1.0"].reasons == ("never run before",)
    assert found["build B-1.0"].reasons == ("what A-1.0 came to before is not known here",)


def test_a_result_that_was_lost_is_a_reason() -> None:
    before = history_of(CHAIN, NEW)
    found = foresee(CHAIN, [s for step_id, s in before.items() if step_id != build_of("A")], before)
    assert found["build A-1.0"].reasons == ("its result is not in the store",)
    assert found["build B-1.0"].verdict is Verdict.MAY_RUN


def test_artifacts_that_the_base_has_are_known() -> None:
    what = plan(step(build_of("B"), closure=["A"]), artifacts={iface("A"): MADE})
    now = history_of(what, NEW)
    assert foresee(what, now.values(), now)["build B-1.0"].verdict is Verdict.REMEMBERED


def test_inputs_that_do_not_go_together_are_told_when_they_are_certain() -> None:
    with pytest.raises(UsageError):
        forecast(CHAIN, Oracle(clash=True), previous={}, earlier_outputs={})


DIAMOND = plan(step(build_of("A")), step(build_of("B"), "A"), step(build_of("C"), "A"), step(build_of("D"), ["B", "C"]))
SECONDS = {build_of("A"): 1.0, build_of("B"): 2.0, build_of("C"): 5.0, build_of("D"): 1.0}


@pytest.mark.parametrize(("jobs", "expected"), [(1, 9.0), (2, 7.0), (8, 7.0)])
def test_the_span_of_a_walk_depends_on_its_jobs(jobs: int, expected: float) -> None:
    assert span(DIAMOND, SECONDS, jobs) == expected


def test_the_span_counts_only_what_has_an_estimate() -> None:
    assert span(DIAMOND, {build_of("C"): 5.0}, 2) == 5.0
    assert span(plan(), {}, 2) == 0.0
