from collections.abc import Iterable, Mapping

from brazil.model.action import StepId, StepKind
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageName
from brazil.plan.planner import Plan, Step

NOWHERE = digest_of(b"")  # an empty Directory has the bytes of an empty blob


def iface(name: str) -> Interface:
    return Interface(PackageName(name), "1.0")


def build_of(name: str) -> StepId:
    return StepId(iface(name), StepKind.BUILD)


def checks_of(name: str) -> StepId:
    return StepId(iface(name), StepKind.TEST)


def step(
    step_id: StepId,
    needs: Iterable[str] = (),
    source: Digest = NOWHERE,
    script: str = "make",
    closure: Iterable[str] | None = None,
) -> Step:
    """A Step that sees, unless told otherwise, the artifacts of what it needs."""
    built = sorted(needs)
    seen = tuple(map(iface, sorted(built if closure is None else closure)))
    return Step(step_id, script, (), 60, source, seen, (), tuple(map(build_of, built)))


def plan(*steps: Step, artifacts: Mapping[Interface, Digest] | None = None) -> Plan:
    return Plan({s.id: s for s in steps}, artifacts or {})
