"""Stale and new are never mixed: what stands on a change is built again before anything reads it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.build.candidate import Builder, Candidate
from brazil.build.stale import stale_packages
from brazil.graph.closure import Closures
from brazil.graph.dependency import DependencyGraph
from brazil.model.action import StepId, StepKind
from brazil.model.names import Interface
from brazil.model.package import Manifest
from brazil.registry.memory_registry import MemoryRegistry
from brazil.source.mirror import SourceMirror
from tests.candidates import STORE, artifact_of, candidate_of, tree
from tests.fakes.clock import ManualClock
from tests.fakes.sandbox import PLATFORM
from tests.strategies import pinned

REGISTRY = MemoryRegistry(actor="Ada <ada@example.com>", clock=ManualClock())


def usable(candidate: Candidate) -> set[Interface]:
    """What may be taken as it is recorded, found without `affected`: what it was built against is the same."""
    before = Closures(DependencyGraph(candidate.base.manifests))
    good: set[Interface] = set()
    for interface in candidate.graph.build_order():
        inputs = candidate.closures.inputs(interface)
        if interface not in candidate.fresh and inputs == before.inputs(interface) and good.issuperset(inputs):
            good.add(interface)
    return good


@settings(deadline=None)
@given(pinned(), pinned(), st.data())
def test_a_plan_never_reads_what_stands_on_something_older(
    manifests: dict[Interface, Manifest], edited: dict[Interface, Manifest], data: st.DataObject
) -> None:
    some = st.sets(st.sampled_from(sorted(manifests)))
    candidate = candidate_of(manifests, data.draw(some, "in use"), edited)
    wanted, tests = data.draw(some, "asked for"), data.draw(some, "to be tested")
    sources: SourceMirror = None  # type: ignore[assignment]  # every source is in the store
    plan = Builder(STORE, sources, REGISTRY, PLATFORM).plan(candidate, wanted, tests)
    built: set[Interface] = set()
    for step in plan.steps.values():
        for member in step.members:
            assert (member in built) != (member in plan.artifacts), f"{step.id} reads {member}, of which there are two"
            assert member not in built or StepId(member, StepKind.BUILD) in step.needs
        if step.id.kind is StepKind.BUILD:
            built.add(step.id.interface)
    good = usable(candidate)
    assert plan.artifacts.keys() <= good, "nothing stale is ever read or given to who asked"
    assert plan.artifacts == {i: artifact_of(i) for i in plan.artifacts}
    assert wanted <= built | plan.artifacts.keys()
    assert built.isdisjoint(good), "nothing is built without need"

    # Whatever else stands on something that came out otherwise is told of, and was not touched.
    made = {i: tree(f"new artifact of {i}") for i in built}
    stale = stale_packages(candidate, candidate.base.results[PLATFORM.name], {**plan.artifacts, **made})
    assert set(stale) == manifests.keys() - good - built - candidate.fresh.keys()
