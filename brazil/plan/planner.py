"""Which Steps a request needs, and which of them needs which.

A Plan holds no digest of anything that is not built yet: a Step names its closure by interface, and its inputs
become known while the Plan is walked. Members that need no Step are given with their artifact.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from brazil.build_systems.base import Recipe
from brazil.graph.closure import Closures
from brazil.model.action import StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface
from brazil.model.package import Manifest
from brazil.plan.environment import artifact_path

ToolClosures = tuple[tuple[Interface, tuple[Interface, ...]], ...]


class Step(NamedTuple):
    """One thing to run: a package's build, or its tests."""

    id: StepId
    script: str  # run by /bin/sh -eu in /brazil/src
    environment: tuple[tuple[str, str], ...]  # from the recipe, sorted
    timeout: int  # seconds
    source: Digest
    closure: tuple[Interface, ...]  # what it sees in /brazil/pkg and through search paths, sorted
    tools: ToolClosures  # what it reaches through launchers, each with its own closure
    needs: tuple[StepId, ...]  # Steps of the Plan that must succeed before, sorted

    @property
    def members(self) -> tuple[Interface, ...]:
        """Everything below /brazil/pkg: the closure and the tools with theirs, sorted."""
        return tuple(sorted({*self.closure, *(member for _, closure in self.tools for member in closure)}))


class Plan(NamedTuple):
    """Steps in an order in which they could run one by one, and the artifacts that are there already."""

    steps: Mapping[StepId, Step]
    artifacts: Mapping[Interface, Digest]


def required_builds(
    wanted: Iterable[Interface],
    inputs: Callable[[Interface], Iterable[Interface]],
    available: Callable[[Interface], bool],
) -> set[Interface]:
    """Find what must be built so that all of `wanted` have an artifact.

    Args:
        wanted: what must have an artifact in the end.
        inputs: the build and tool closures of an interface.
        available: whether its artifact is there and may be used as it is.
    """
    required: set[Interface] = set()
    looked_at: set[Interface] = set()
    stack = list(wanted)
    while stack:
        interface = stack.pop()
        if interface in looked_at:
            continue
        looked_at.add(interface)
        if not available(interface):
            required.add(interface)
            stack.extend(inputs(interface))
    return required


def make_plan(
    builds: Iterable[Interface],
    tests: Iterable[Interface],
    *,
    manifests: Mapping[Interface, Manifest],
    closures: Closures,
    sources: Mapping[Interface, Digest],
    recipes: Mapping[Interface, Recipe],
    artifacts: Mapping[Interface, Digest],
    order: Iterable[Interface],
) -> Plan:
    """Make the Steps that build `builds` and test those of `tests` that have tests.

    Args:
        builds: what gets a build Step.
        tests: what gets a test Step when its recipe has tests.
        manifests: of everything in the set.
        closures: over the same set.
        sources: of everything that gets a Step.
        recipes: of everything that gets a Step.
        artifacts: of everything that a Step reads and that gets no build Step.
        order: every interface, dependencies first.
    """
    building = set(builds)
    testing = {interface for interface in tests if recipes[interface].test}
    steps: dict[StepId, Step] = {}
    for interface in order:
        for kind, chosen in ((StepKind.BUILD, building), (StepKind.TEST, testing)):
            if interface not in chosen:
                continue
            recipe = recipes[interface]
            closure = closures.build(interface) if kind is StepKind.BUILD else closures.test(interface)
            step = Step(
                id=StepId(interface, kind),
                script=recipe.build if kind is StepKind.BUILD else recipe.test,
                environment=_environment(recipe, closure),
                timeout=manifests[interface].timeout,
                source=sources[interface],
                closure=closure,
                tools=closures.tools(interface),
                needs=(),
            )
            needs = tuple(StepId(member, StepKind.BUILD) for member in step.members if member in building)
            steps[step.id] = step._replace(needs=needs)
    return Plan(_runnable_order(steps), artifacts)


def _environment(recipe: Recipe, closure: tuple[Interface, ...]) -> tuple[tuple[str, str], ...]:
    if not recipe.names_closure:
        return recipe.environment
    return tuple(sorted((*recipe.environment, ("BRAZIL_CLOSURE", ":".join(map(artifact_path, closure))))))


def _runnable_order(steps: Mapping[StepId, Step]) -> dict[StepId, Step]:
    """Put the tests after the builds they need: test dependencies may come later in build order."""
    builds = {i: s for i, s in steps.items() if i.kind is StepKind.BUILD}
    return {**builds, **{i: s for i, s in steps.items() if i.kind is StepKind.TEST}}
