"""What a walk of a Plan came to, in a line."""

from collections.abc import Mapping, Sequence

from brazil.build.executor import Outcome
from brazil.model.action import StepId, StepKind
from brazil.model.tested import Tested
from brazil.operations.again import BuildAgain
from brazil.plan.state import State
from brazil.report.tested import tested_lines
from brazil.report.unchanged import nothing_ran, stale_lines


def again_lines(again: BuildAgain, found: Mapping[StepId, Tested]) -> list[str]:
    """Write what building again came to."""
    return [
        *tested_lines(found, again.outcomes),
        outcome_summary(again.outcomes, again.untouched),
        *stale_lines(*again.stale),
        *kept_lines(again.kept),
    ]


def outcome_summary(outcomes: Mapping[StepId, Outcome], untouched: int = 0) -> str:
    """Sum a walk up in one line, which says plainly when nothing ran.

    Args:
        outcomes: of the Steps that were looked at.
        untouched: how many more were remembered without a look.
    """
    count = {state: sum(o.state is state for o in outcomes.values()) for state in State}
    built = sum(o.state is State.SUCCEEDED and s.kind is StepKind.BUILD for s, o in outcomes.items())
    tested = count[State.SUCCEEDED] - built
    remembered = count[State.REMEMBERED] + untouched
    if count[State.REMEMBERED] == len(outcomes):
        return nothing_ran(remembered)
    parts = [f"{built} built", f"{tested} tested", f"{remembered} remembered"]
    parts += [f"{count[state]} {state.value}" for state in (State.FAILED, State.SKIPPED) if count[state]]
    return ", ".join(parts)


def kept_lines(kept: Sequence[StepId]) -> list[str]:
    """Say how to look at what failed."""
    lines = []
    for step in kept:
        both = any(other != step and other.interface == step.interface for other in kept)
        test = " --test" if both and step.kind is StepKind.TEST else ""
        lines.append(f"look at {step} where it failed: brazil shell --failed{test} {step.interface}")
    return lines
