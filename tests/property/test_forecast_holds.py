"""What a dry run says is what a build then does."""

from collections.abc import Collection, Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.build.executor import Execution, Machine, Outcome
from brazil.build.forecast import MachineOracle, Verdict, forecast
from brazil.events import ignore
from brazil.model.action import SandboxRequest
from brazil.model.digest import Digest
from brazil.model.tree import Directory, FileNode
from brazil.plan.planner import Plan
from brazil.plan.state import State
from brazil.sandbox.failed import FailedFolders
from brazil.store.memory import MemoryStore
from tests.fakes.sandbox import MemoryRecords, ScriptedSandbox, names_of_inputs
from tests.steps import build_of, checks_of, plan, step

NAMES = "ABCDE"


class Bench:
    """A machine on which some packages come out the same whatever their source says."""

    def __init__(self, deaf: Collection[str]) -> None:
        self.store = MemoryStore()
        self.deaf = {f"build {name}-1.0" for name in deaf}
        sandbox = ScriptedSandbox(self.store, self.work)
        self.machine = Machine(self.store, self.store, sandbox, MemoryRecords(), 2, FailedFolders(Path("/nowhere")))

    def work(self, request: SandboxRequest) -> Mapping[str, bytes]:
        return {"same": request.label.encode()} if request.label in self.deaf else names_of_inputs(request)

    def source(self, text: str) -> Digest:
        return self.store.write_directory(Directory((FileNode("text", self.store.write(text.encode())),)))

    def plan(self, needs: Mapping[str, Collection[str]], edited: Collection[str]) -> Plan:
        source = {name: self.source(f"{name} {name in edited}") for name in NAMES}
        builds = [step(build_of(name), needs[name], source[name]) for name in NAMES]
        return plan(*builds, *(step(checks_of(name), {name, *needs[name]}, source[name]) for name in "CE"))

    def run(self, what: Plan, before: Mapping[object, Outcome]) -> dict[object, Outcome]:
        execution = Execution(what, self.machine, previous={}, earlier_outputs={}, keep_going=False, emit=ignore)
        return {**before, **execution.run()}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, set[str]]:
    """For each package its closure: what it needs, with what that needs in turn."""
    found: dict[str, set[str]] = {}
    for place, name in enumerate(NAMES):
        direct = draw(st.sets(st.sampled_from(NAMES[:place]))) if place else set()
        found[name] = direct.union(*(found[need] for need in direct))
    return found


SOME = st.sets(st.sampled_from(NAMES))


@settings(deadline=None, max_examples=60)
@given(graphs(), SOME, SOME, st.booleans())
def test_what_is_foreseen_comes_true(
    needs: dict[str, set[str]], deaf: set[str], edited: set[str], ran_before: bool
) -> None:
    bench = Bench(deaf)
    before = bench.run(bench.plan(needs, ()), {}) if ran_before else {}
    what = bench.plan(needs, edited)
    previous = {o.step: o.snapshot for o in before.values() if o.snapshot}
    outputs = {o.step: o.output for o in before.values() if o.output}
    foreseen = forecast(what, MachineOracle(bench.machine), previous=previous, earlier_outputs=outputs)
    after = bench.run(what, {})
    for step_id, said in foreseen.items():
        outcome = after[step_id]
        ran = outcome.state is State.SUCCEEDED
        match said.verdict:
            case Verdict.REMEMBERED:
                expected = False
            case Verdict.RUNS:
                expected = True
            case Verdict.MAY_RUN:
                expected = any(after[need].output != outputs[need] for need in said.waits)
        assert ran == expected, f"{step_id} was said to be {said}"
        assert said.snapshot in (None, outcome.snapshot), "a key that is told is exact"
        assert (said.seconds is None) == (said.verdict is Verdict.REMEMBERED or not ran_before)
    assert ran_before or not any(f.verdict is Verdict.MAY_RUN for f in foreseen.values())
