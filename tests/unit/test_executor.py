import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.build.executor import Execution, Machine, Outcome, reasons
from brazil.errors import IntegrityError, Problem, UnavailableError
from brazil.events import Emit, Event, Note, PlanReady, StepCached, StepFailed, StepFinished, StepSkipped, StepStarted
from brazil.model.action import Platform, SandboxRequest, Snapshot, StepId
from brazil.model.digest import Digest, digest_of
from brazil.model.tree import Directory, FileNode
from brazil.plan.planner import Plan, Step
from brazil.plan.state import State
from brazil.sandbox.failed import FailedFolders
from brazil.store.local import LocalStore
from brazil.store.memory import MemoryStore
from tests.fakes.sandbox import PLATFORM, Failure, MemoryRecords, ScriptedSandbox, Work, names_of_inputs
from tests.steps import build_of, checks_of, iface, plan, step

WAIT = 60  # seconds after which a test that waits has failed


class Bench:
    """A machine whose sandbox is scripted."""

    def __init__(self, work: Work = names_of_inputs, jobs: int = 2, store: MemoryStore | LocalStore | None = None):
        self.store = store or MemoryStore()
        self.records = MemoryRecords()
        self.work = work
        self.jobs = jobs
        self.events: list[Event] = []
        self.sandbox = ScriptedSandbox(self.store, work)

    def source(self, text: str) -> Digest:
        return self.store.write_directory(Directory((FileNode("text", self.store.write(text.encode())),)))

    def execution(
        self,
        what: Plan,
        emit: Emit | None = None,
        *,
        previous: Mapping[StepId, Snapshot | None] | None = None,
        earlier_outputs: Mapping[StepId, Digest | None] | None = None,
        keep_going: bool = False,
    ) -> Execution:
        return Execution(
            what,
            Machine(self.store, self.store, self.sandbox, self.records, self.jobs, FailedFolders(Path("/nowhere"))),
            previous={s: snapshot for s, snapshot in (previous or {}).items() if snapshot},
            earlier_outputs={s: output for s, output in (earlier_outputs or {}).items() if output},
            keep_going=keep_going,
            emit=emit or self.events.append,
        )

    def run(
        self,
        what: Plan,
        *,
        previous: Mapping[StepId, Snapshot | None] | None = None,
        earlier_outputs: Mapping[StepId, Digest | None] | None = None,
        keep_going: bool = False,
    ) -> dict[StepId, Outcome]:
        self.events.clear()
        self.sandbox = ScriptedSandbox(self.store, self.work)
        return self.execution(what, previous=previous, earlier_outputs=earlier_outputs, keep_going=keep_going).run()


def chain(source: Digest) -> Plan:
    return plan(step(build_of("A"), source=source), step(build_of("B"), "A"), step(checks_of("B"), ["A", "B"]))


def states(outcomes: Mapping[StepId, Outcome]) -> dict[str, str]:
    return {str(s): outcome.state.value for s, outcome in outcomes.items()}


def failing(*labels: str) -> Work:
    return lambda request: Failure() if request.label in labels else names_of_inputs(request)


def test_steps_run_in_order_and_are_remembered() -> None:
    bench = Bench()
    source = bench.source("one")
    first = bench.run(chain(source))
    assert bench.sandbox.calls == ["build A-1.0", "build B-1.0", "test B-1.0"]
    assert list(first) == [build_of("A"), build_of("B"), checks_of("B")]
    assert set(states(first).values()) == {"succeeded"}
    assert [type(e) for e in bench.events] == [PlanReady, *[StepStarted, StepFinished] * 3]
    second = bench.run(chain(source))
    assert bench.sandbox.calls == []
    assert set(states(second).values()) == {"remembered"}
    assert [type(e) for e in bench.events] == [PlanReady, *[StepCached] * 3]
    assert {s: o.output for s, o in first.items()} == {s: o.output for s, o in second.items()}


def test_a_step_sees_exactly_the_artifacts_it_needs() -> None:
    seen: dict[str, SandboxRequest] = {}

    def work(request: SandboxRequest) -> Mapping[str, bytes]:
        seen[request.label] = request
        return names_of_inputs(request)

    bench = Bench(work)
    outcomes = bench.run(chain(bench.source("one")))
    artifact = {s: o.output for s, o in outcomes.items()}
    assert seen["build A-1.0"].inputs == ()
    assert seen["build B-1.0"].inputs == (("pkg/A-1.0", artifact[build_of("A")]),)
    assert dict(seen["test B-1.0"].inputs)["pkg/B-1.0"] == artifact[build_of("B")]
    assert seen["build A-1.0"].command.output_paths == ("pkg/A-1.0",)
    assert seen["test B-1.0"].command.output_paths == ("report",)


def test_what_the_plan_brings_is_used_as_it_is() -> None:
    bench = Bench()
    artifact = bench.source("recorded")
    what = plan(
        step(build_of("B"), closure=["A"], source=bench.source("b")),
        artifacts={iface("A"): artifact},
    )
    outcomes = bench.run(what)
    snapshot = outcomes[build_of("B")].snapshot
    assert snapshot
    assert dict(snapshot.inputs)["pkg/A-1.0"] == artifact
    assert bench.sandbox.calls == ["build B-1.0"]


def test_an_empty_plan_ends_at_once() -> None:
    bench = Bench()
    assert bench.run(plan()) == {}
    assert [event[:2] for event in bench.events] == [((), ())]


def test_a_changed_source_runs_what_it_changes() -> None:
    bench = Bench()
    first = bench.run(chain(bench.source("one")))
    snapshots = {s: o.snapshot for s, o in first.items()}
    bench.run(chain(bench.source("two")), previous=snapshots)
    assert bench.sandbox.calls == ["build A-1.0", "build B-1.0", "test B-1.0"]
    told = [e.reasons for e in bench.events if isinstance(e, StepStarted)]
    assert told[0][0].startswith("source changed: ")
    assert told[1][0].startswith("A-1.0 changed: ")


def test_the_same_output_stops_the_rebuild() -> None:
    def ignores_source(request: SandboxRequest) -> dict[str, bytes]:
        return {"out": f"{request.label} {request.inputs}".encode()}

    bench = Bench(ignores_source)
    first = bench.run(chain(bench.source("one")))
    outputs = {s: o.output for s, o in first.items()}
    second = bench.run(chain(bench.source("with a comment")), earlier_outputs=outputs)
    assert bench.sandbox.calls == ["build A-1.0"]
    assert list(states(second).values()) == ["succeeded", "remembered", "remembered"]
    (finished,) = [e for e in bench.events if isinstance(e, StepFinished)]
    assert finished.same_output


DIAMOND = plan(
    step(build_of("A")),
    step(build_of("B"), "A"),
    step(build_of("C"), "A"),
    step(build_of("D"), ["B", "C"]),
    step(build_of("E"), "A"),
)


def test_what_needs_a_failure_is_skipped_and_the_rest_too() -> None:
    bench = Bench(failing("build B-1.0"), jobs=1)
    outcomes = bench.run(DIAMOND)
    assert bench.sandbox.calls == ["build A-1.0", "build B-1.0"]
    assert states(outcomes) == {
        "build A-1.0": "succeeded",
        "build B-1.0": "failed",
        "build C-1.0": "skipped",
        "build D-1.0": "skipped",
        "build E-1.0": "skipped",
    }
    assert {o.because for o in outcomes.values() if o.state is State.SKIPPED} == {build_of("B")}
    (failed,) = [e for e in bench.events if isinstance(e, StepFailed)]
    assert (failed.cause, failed.log_tail) == ("exit code 1", "it went wrong")
    assert sum(isinstance(e, StepSkipped) for e in bench.events) == 3


def test_keep_going_runs_what_does_not_need_the_failure() -> None:
    bench = Bench(failing("build B-1.0"))
    outcomes = bench.run(DIAMOND, keep_going=True)
    assert [s for s, state in states(outcomes).items() if state == "skipped"] == ["build D-1.0"]
    assert sorted(bench.sandbox.calls) == ["build A-1.0", "build B-1.0", "build C-1.0", "build E-1.0"]


def test_failures_are_never_remembered_but_always_recorded() -> None:
    bench = Bench(failing("build A-1.0"))
    what = plan(step(build_of("A")))
    for _ in range(2):
        (outcome,) = bench.run(what).values()
        assert bench.sandbox.calls == ["build A-1.0"]
        assert outcome.output is None
        assert outcome.log == digest_of(b"it went wrong\n")
    snapshot = outcome.snapshot
    assert snapshot
    assert [r.result.exit_code for r in bench.records.runs(snapshot.action)] == [1, 1]
    assert {tuple(r.isolation) for r in bench.records.records} == {("everything",)}
    bench.work = names_of_inputs
    assert states(bench.run(what)) == {"build A-1.0": "succeeded"}
    assert [r.result.exit_code for r in bench.records.records] == [1, 1, 0]


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (Failure(3), "exit code 3"),
        (Failure(137, "timeout"), "time limit of 60 s"),
        (Failure(137, "output"), "output larger than 8 GiB"),
        (Failure(137, "interrupt"), "interrupted"),
    ],
)
def test_the_cause_of_a_failure_is_told(failure: Failure, cause: str) -> None:
    bench = Bench(lambda _: failure)
    (outcome,) = bench.run(plan(step(build_of("A")))).values()
    assert (outcome.state, outcome.cause) == (State.FAILED, cause)


def test_only_the_end_of_a_log_is_shown() -> None:
    log = b"".join(b"line %d \xff\n" % n for n in range(100))
    bench = Bench(lambda _: Failure(log=log))
    (outcome,) = bench.run(plan(step(build_of("A")))).values()
    (failed,) = [e for e in bench.events if isinstance(e, StepFailed)]
    assert failed.log_tail.splitlines()[0] == "line 80 \N{REPLACEMENT CHARACTER}"
    assert outcome.log == digest_of(log)


def test_an_output_that_cannot_be_kept_is_a_failure_of_the_step() -> None:
    bench = Bench(lambda _: Failure(0, "refused", b"said before\n", "the output 'x' cannot be kept: it is a FIFO"))
    outcomes = bench.run(plan(step(build_of("A")), step(build_of("B"), "A")), keep_going=True)
    assert list(states(outcomes).values()) == ["failed", "skipped"]
    assert outcomes[build_of("A")].cause == "the output 'x' cannot be kept: it is a FIFO"
    assert outcomes[build_of("A")].log == digest_of(b"said before\n")
    (record,) = bench.records.records
    assert (record.result.ended_by, record.result.succeeded) == ("refused", False)


def test_an_error_in_a_worker_ends_the_walk() -> None:
    def work(request: SandboxRequest) -> Mapping[str, bytes]:
        raise UnavailableError(Problem("sandbox.setup", "no namespaces"))

    bench = Bench(work)
    before = threading.active_count()
    with pytest.raises(UnavailableError, match="no namespaces"):
        bench.run(DIAMOND)
    assert bench.sandbox.stopped.is_set()
    assert threading.active_count() == before
    assert bench.sandbox.calls == ["build A-1.0"]


def test_an_interrupt_stops_what_runs_and_waits_for_it() -> None:
    begun = threading.Event()

    def endless(_: SandboxRequest) -> Failure:
        begun.set()
        assert bench.sandbox.stopped.wait(WAIT)
        return Failure(137, "interrupt")

    def listener(event: Event) -> None:
        if isinstance(event, StepSkipped):
            assert begun.wait(WAIT)
            raise KeyboardInterrupt  # in the thread that owns the walk, as a signal would be

    bench = Bench()
    both = plan(step(build_of("A")), step(build_of("B")), step(build_of("C"), "B"))
    before = threading.active_count()
    bench.sandbox = ScriptedSandbox(
        bench.store, lambda request: endless(request) if request.label == "build A-1.0" else Failure()
    )
    with pytest.raises(KeyboardInterrupt):
        bench.execution(both, listener, keep_going=True).run()
    assert threading.active_count() == before, "every worker was joined"
    assert begun.is_set()


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_no_more_run_at_a_time_than_jobs(jobs: int) -> None:
    full = threading.Barrier(jobs)

    def work(request: SandboxRequest) -> Mapping[str, bytes]:
        full.wait(WAIT)  # passes only when as many as allowed run together
        return names_of_inputs(request)

    bench = Bench(work, jobs)
    bench.run(plan(*(step(build_of(f"P{n}")) for n in range(6))))
    assert bench.sandbox.most == jobs


def test_the_longest_chain_goes_first() -> None:
    bench = Bench(jobs=1)
    bench.run(plan(step(build_of("A")), step(build_of("B")), step(build_of("C"), "B"), step(build_of("D"), "C")))
    assert bench.sandbox.calls[0] == "build B-1.0"


def test_two_walks_run_the_same_key_once() -> None:
    inside = threading.Event()
    go_on = threading.Event()

    def work(request: SandboxRequest) -> Mapping[str, bytes]:
        inside.set()
        assert go_on.wait(WAIT)
        return names_of_inputs(request)

    bench = Bench(work)
    what = plan(step(build_of("A")))
    found: list[dict[StepId, Outcome]] = []
    told: list[Event] = []

    def second_listener(event: Event) -> None:
        told.append(event)
        if isinstance(event, Note):
            go_on.set()

    first = threading.Thread(target=lambda: found.append(bench.execution(what).run()))
    first.start()
    assert inside.wait(WAIT)
    found.append(bench.execution(what, second_listener).run())
    first.join(WAIT)
    assert bench.sandbox.calls == ["build A-1.0"]
    assert {state for outcomes in found for state in states(outcomes).values()} == {"succeeded", "remembered"}
    (note,) = [e for e in told if isinstance(e, Note)]
    assert "build A-1.0 waits for process" in note.text


def test_who_waits_runs_what_the_other_failed_to() -> None:
    bench = Bench(lambda _: Failure())
    what = plan(step(build_of("A")))
    (outcome,) = bench.run(what).values()
    assert outcome.snapshot
    action = outcome.snapshot.action
    waits = threading.Event()
    found: list[dict[StepId, Outcome]] = []
    bench.sandbox = ScriptedSandbox(bench.store, names_of_inputs)
    with bench.store.claim(action, "somebody else", lambda _: None):
        walk = bench.execution(what, lambda e: waits.set() if isinstance(e, Note) else None)
        thread = threading.Thread(target=lambda: found.append(walk.run()))
        thread.start()
        assert waits.wait(WAIT)
    thread.join(WAIT)
    assert states(found[0]) == {"build A-1.0": "succeeded"}


def test_a_walk_that_waits_for_another_can_be_ended() -> None:
    bench = Bench()
    what = plan(step(build_of("A")), step(build_of("B")))
    outcomes = bench.run(what)
    snapshot = outcomes[build_of("A")].snapshot
    assert snapshot
    bench.store = MemoryStore()
    waits = threading.Event()

    def work(request: SandboxRequest) -> Mapping[str, bytes]:
        assert waits.wait(WAIT)
        raise UnavailableError(Problem("sandbox.setup", "broken"))

    bench.sandbox = ScriptedSandbox(bench.store, work)
    with (
        bench.store.claim(snapshot.action, "somebody else", lambda _: None),
        pytest.raises(UnavailableError, match="broken"),
    ):
        bench.execution(what, lambda e: waits.set() if isinstance(e, Note) else None).run()


def test_a_remembered_result_without_its_output_is_run_again() -> None:
    bench = Bench()
    assert isinstance(bench.store, MemoryStore)
    what = chain(bench.source("one"))
    first = bench.run(what)
    lost = first[build_of("A")].output
    assert lost
    bench.store.forget(bench.store.read_directory(lost).files[0].digest)
    second = bench.run(what)
    assert bench.sandbox.calls == ["build A-1.0"]
    assert {s: o.output for s, o in first.items()} == {s: o.output for s, o in second.items()}


def blob_of_output(store: LocalStore, place: Path, output: Digest) -> Path:
    (node,) = store.read_directory(output).files
    return place / "data" / "blobs" / node.digest.hash[:2] / node.digest.hash


@pytest.mark.parametrize("same_process", [True, False])
def test_a_damaged_output_on_disk_is_built_again(tmp_path: Path, same_process: bool) -> None:
    store = LocalStore(tmp_path / "data", tmp_path / "cache")
    bench = Bench(store=store)
    what = chain(bench.source("one"))
    first = bench.run(what)
    output = first[build_of("A")].output
    assert output
    path = blob_of_output(store, tmp_path, output)
    path.chmod(0o644)
    path.write_bytes(b"x" * path.stat().st_size)
    again = Bench(store=store if same_process else LocalStore(tmp_path / "data", tmp_path / "cache"))
    if same_process:
        # What this process saw whole it believes to be whole, until it meets the damage.
        with pytest.raises(IntegrityError):
            store.copy_tree(output, tmp_path / "copy")
    second = again.run(what)
    assert again.sandbox.calls == ["build A-1.0"]
    assert {s: o.output for s, o in first.items()} == {s: o.output for s, o in second.items()}


class Project(NamedTuple):
    """Packages in build order, each with the earlier ones it needs, and a history of their sources."""

    needs: tuple[frozenset[int], ...]
    history: tuple[tuple[int, ...], ...]  # one source per package, again and again


@st.composite
def projects(draw: st.DrawFn) -> Project:
    size = draw(st.integers(1, 6))
    needs = tuple(
        draw(st.frozensets(st.integers(0, n - 1), max_size=3)) if n else frozenset[int]() for n in range(size)
    )
    sources = st.tuples(*[st.integers(0, 3)] * size)
    return Project(needs, tuple(draw(st.lists(sources, min_size=1, max_size=4))))


def project_plan(project: Project, bench: Bench, sources: tuple[int, ...]) -> Plan:
    steps: list[Step] = []
    for number, needs in enumerate(project.needs):
        names = [f"P{n}" for n in sorted(needs)]
        source = bench.source(str(sources[number]))
        steps.append(step(build_of(f"P{number}"), names, source))
        steps.append(step(checks_of(f"P{number}"), [*names, f"P{number}"], source))
    return plan(*sorted(steps, key=lambda s: s.id.kind))


def compile_half(store: MemoryStore) -> Work:
    """A compiler: the output depends on the inputs and on half of the source, so the other half is a comment."""

    def work(request: SandboxRequest) -> Mapping[str, bytes]:
        source = store.read(store.read_directory(request.source).files[0].digest)
        return {"out": f"{int(source) // 2} {[d.hash for _, d in request.inputs]}".encode()}

    return work


def fresh_bench() -> Bench:
    store = MemoryStore()
    return Bench(compile_half(store), store=store)


@settings(max_examples=40)
@given(projects())
def test_an_incremental_build_is_a_build_from_nothing(project: Project) -> None:
    kept = fresh_bench()
    for sources in project.history:
        outcomes = kept.run(project_plan(project, kept, sources))
        ran = kept.sandbox.calls
        nothing = fresh_bench()
        expected = nothing.run(project_plan(project, nothing, sources))
        assert {s: o.output for s, o in outcomes.items()} == {s: o.output for s, o in expected.items()}
        assert len(set(ran)) == len(ran)
        kept.run(project_plan(project, kept, sources))
        assert kept.sandbox.calls == [], "a second build runs nothing"


@settings(max_examples=40)
@given(projects())
def test_only_what_a_change_reaches_runs(project: Project) -> None:
    bench = fresh_bench()
    before: dict[StepId, Snapshot | None] = {}
    for sources in project.history:
        outcomes = bench.run(project_plan(project, bench, sources))
        now = {s: o.snapshot for s, o in outcomes.items()}
        changed = {str(s) for s in now if now[s] != before.get(s)}
        assert set(bench.sandbox.calls) <= changed
        before = now


def test_the_reasons_of_a_run_name_what_changed() -> None:
    one, two = digest_of(b"1"), digest_of(b"2")
    before = Snapshot(build_of("B"), one, PLATFORM, (("pkg/A-1.0", one), ("pkg/C-1.0", one), ("src", one)))
    assert reasons(before, None) == ("never run before",)
    assert reasons(before, before) == ("its result is not in the store",)
    assert reasons(before._replace(action=two), before) == ("its command or environment changed",)
    now = before._replace(
        inputs=(("pkg/A-1.0", two), ("pkg/D-1.0", two), ("src", two)), platform=Platform("x", "host", "cd" * 32)
    )
    assert reasons(now, before) == (
        f"A-1.0 changed: {one.hash[:8]} -> {two.hash[:8]}",
        "C-1.0 is gone",
        f"D-1.0 is new: {two.hash[:8]}",
        f"source changed: {one.hash[:8]} -> {two.hash[:8]}",
        "the platform changed: abababab -> cdcdcdcd",
    )
