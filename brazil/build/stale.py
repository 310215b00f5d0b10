"""Pinned packages that still stand on what is pinned although something else is in use, and what catching up takes.

They are only told of. Nothing that is built ever reads an artifact of theirs: whatever a change affects gets a Step
when it is asked for or needed, see `candidate`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from brazil.build.candidate import Candidate
from brazil.graph.closure import Closures
from brazil.model.action import StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface
from brazil.model.versionset import Result
from brazil.plan.planner import required_builds


class CatchUp(NamedTuple):
    """What it takes at most to bring stale packages up to date; remembered results make it less."""

    builds: int
    tests: int
    seconds: float  # what those that are known took when they last ran, one after the other
    unknown: int  # builds and test runs of which nothing is known


def stale_packages(
    candidate: Candidate, recorded: Mapping[Interface, Result], artifacts: Mapping[Interface, Digest]
) -> tuple[Interface, ...]:
    """Find pinned consumers, sorted, of what is not as the base has it, that were neither built nor asked for.

    Args:
        candidate: of the build.
        recorded: results of the base for the platform.
        artifacts: of everything that the build made or took from the base.
    """
    before = candidate.base.records
    changed = {i: fresh.source for i, fresh in candidate.fresh.items()}
    changed |= {
        i: now.source for i, now in candidate.records.items() if i in before and now.version != before[i].version
    }

    def differs(interface: Interface) -> bool:
        if interface in artifacts:
            return interface not in recorded or artifacts[interface] != recorded[interface].artifact
        # It was not built, so its artifact is not known.
        return interface not in before or changed[interface] != before[interface].source

    affected = candidate.closures.affected(filter(differs, changed))
    return tuple(sorted(affected.rebuild - artifacts.keys() - changed.keys()))


def steps_to_catch_up(
    stale: Collection[Interface], unbuilt: Iterable[Interface], tested: Collection[Interface], closures: Closures
) -> tuple[StepId, ...]:
    """Return the Steps that bring stale packages up to date and test them again, sorted.

    Args:
        stale: the packages.
        unbuilt: packages in use that were not built; those that are needed are built too.
        tested: those of the stale packages that have tests.
        closures: over the set.
    """
    missing = set(unbuilt)
    builds = set(stale)
    if missing:
        wanted = builds.union(*(closures.test(interface) for interface in tested))
        missing |= builds
        builds = required_builds(wanted, closures.inputs, lambda interface: interface not in missing)
    kinds = ((StepKind.BUILD, builds), (StepKind.TEST, tested))
    return tuple(sorted(StepId(interface, kind) for kind, chosen in kinds for interface in chosen))


def catch_up(steps: Iterable[StepId], seconds: Callable[[StepId], float | None]) -> CatchUp:
    """Sum Steps up.

    Args:
        steps: that bring everything up to date.
        seconds: what a Step took when it last ran; None when that is not known.
    """
    took = {step: seconds(step) for step in steps}
    builds = sum(step.kind is StepKind.BUILD for step in took)
    known = [s for s in took.values() if s is not None]
    return CatchUp(builds, len(took) - builds, sum(known), len(took) - len(known))
