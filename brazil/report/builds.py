"""What builds, publications and conflicts came to, as text and JSON."""

from collections.abc import Mapping
from typing import Any

from brazil.build.executor import Outcome
from brazil.build.stale import CatchUp
from brazil.model.action import StepId
from brazil.model.conflict import Conflict
from brazil.model.tested import Tested
from brazil.operations.building import WorkspaceBuild
from brazil.operations.publishing import AlreadyPublished, BuildsFailed, Overlap, Published, PublishOutcome
from brazil.operations.version_sets import DiffReport
from brazil.plan.state import State
from brazil.report.printable import printable
from brazil.report.sets import diff_data, info_data
from brazil.report.summary import kept_lines, outcome_summary
from brazil.report.table import columns, first_line
from brazil.report.tested import tested_data, tested_lines
from brazil.report.unchanged import stale_lines
from brazil.resolve.explain import explain, lines

TestRuns = Mapping[StepId, Tested]  # what was found, of the runs that left a report


def build_lines(build: WorkspaceBuild, found: TestRuns) -> list[str]:
    """Write what a build in a workspace came to."""
    return [
        *tested_lines(found, build.outcomes),
        outcome_summary(build.outcomes),
        *stale_lines(build.stale, build.catch_up or ()),
        *kept_lines(build.kept),
    ]


def explain_lines(build: WorkspaceBuild) -> list[str]:
    """Say of every Step why it ran or why it did not, and what was taken as the base has it."""
    base = build.candidate.base.info
    rows = [(_ENDS[outcome.state], str(step), _why(outcome)) for step, outcome in build.outcomes.items()]
    rows += [("unchanged", str(interface), f"from {base.set} revision {base.number}") for interface in build.unchanged]
    return [printable(line) for line in columns(rows)]


_ENDS = {
    State.REMEMBERED: "remembered",
    State.SUCCEEDED: "ran",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
}


def _why(outcome: Outcome) -> str:
    if outcome.because:
        return f"because {outcome.because} failed"
    if outcome.state is State.REMEMBERED and outcome.snapshot:
        return f"under {outcome.snapshot.action.hash[:12]}"
    return f"because {'; '.join(outcome.reasons)}"


def build_data(build: WorkspaceBuild, found: TestRuns) -> dict[str, Any]:
    """Give a build its documented JSON shape."""
    return {
        "succeeded": build.succeeded,
        "steps": steps_data(build.outcomes, found),
        "artifacts": {str(interface): str(digest) for interface, digest in build.artifacts.items()},
        "stale": [str(interface) for interface in build.stale],
        "catch-up": _catch_up_data(build.catch_up),
        "unchanged": [str(interface) for interface in build.unchanged],
        "kept": [str(step) for step in build.kept],
    }


def _catch_up_data(catch_up: CatchUp | None) -> dict[str, Any] | None:
    if catch_up is None:
        return None
    return {
        "builds": catch_up.builds,
        "tests": catch_up.tests,
        "seconds": round(catch_up.seconds, 3),
        "without-estimate": catch_up.unknown,
    }


def steps_data(outcomes: Mapping[StepId, Outcome], found: TestRuns) -> list[dict[str, Any]]:
    """Give every Step its documented JSON shape, in the order of the Plan."""
    return [
        {
            "package": str(step.interface),
            "kind": str(step.kind),
            "state": outcome.state.value,
            "action": str(outcome.snapshot.action) if outcome.snapshot else None,
            "output": str(outcome.output) if outcome.output else None,
            "log": str(outcome.log) if outcome.log else None,
            "seconds": round(outcome.seconds, 3),
            "cause": outcome.cause or None,
            "because": str(outcome.because) if outcome.because else None,
            "reasons": list(outcome.reasons),
            "tests": tested_data(found.get(step)),
        }
        for step, outcome in outcomes.items()
    ]


def publish_lines(outcome: PublishOutcome, found: TestRuns) -> list[str]:
    """Write what a publication came to."""
    match outcome:
        case Published(before, after, _, outcomes):
            if after:
                return [outcome_summary(outcomes), f"published {before.set} revision {after.info.number}"]
            stays = f"{before.set} stays at revision {before.number}"
            return [outcome_summary(outcomes), f"dry run: {stays}, and this would pass"]
        case AlreadyPublished(revision, by_token):
            why = "this request was published before" if by_token else "every commit is pinned already"
            return [f"nothing to publish: {why}, {revision.set} is at revision {revision.number}"]
        case BuildsFailed():
            return [*tested_lines(found, outcome.outcomes), *_failure_lines(outcome)]
        case Overlap(head, packages):
            lines = [f"not published: revision {head.number} of {head.set} moved the same packages"]
            lines += [f"  {interface}: yours {ours[:12]}, theirs {theirs[:12]}" for interface, ours, theirs in packages]
            return [*lines, "  hint: move there with 'brazil ws sync', take their commits over, then publish again"]
        case Conflict():
            return conflict_text(outcome)


def publish_data(outcome: PublishOutcome, report: DiffReport | None, found: TestRuns) -> dict[str, Any]:
    """Give a publication its documented JSON shape."""
    match outcome:
        case Published(before, after, _, outcomes):
            return {
                "outcome": "published" if after else "dry-run",
                "before": info_data(before),
                "revision": info_data(after.info) if after else None,
                "steps": steps_data(outcomes, found),
                "diff": diff_data(report) if report else None,
            }
        case AlreadyPublished(revision, by_token):
            return {"outcome": "already-published", "revision": info_data(revision), "by-token": by_token}
        case BuildsFailed(base, outcomes, base_is_broken):
            return {
                "outcome": "failed",
                "before": info_data(base),
                "base-is-broken": base_is_broken,
                "steps": steps_data(outcomes, found),
            }
        case Overlap(head, packages):
            return {
                "outcome": "overlap",
                "head": info_data(head),
                "packages": [{"package": str(i), "ours": ours, "theirs": theirs} for i, ours, theirs in packages],
            }
        case Conflict():
            return {"outcome": "conflict", **conflict_data(outcome)}


def conflict_data(conflict: Conflict) -> dict[str, Any]:
    """Give a conflict its documented JSON shape."""
    told = explain(conflict)
    return {
        "conflict": {
            "kind": str(conflict.kind),
            "title": told.title,
            "subject": [str(interface) for interface in conflict.subject],
            "root": str(conflict.root) if conflict.root else None,
            "closure": conflict.closure or None,
            "reasons": [{"number": r.number, "text": r.text, "place": r.place} for r in told.reasons],
            "remedies": [{"number": r.number, "text": r.text} for r in told.remedies],
        }
    }


def conflict_text(conflict: Conflict) -> list[str]:
    """Write a conflict."""
    return [printable(line) for line in lines(conflict)]


def exit_code(outcome: PublishOutcome) -> int:
    """Say which exit code tells an outcome."""
    match outcome:
        case Published() | AlreadyPublished():
            return 0
        case BuildsFailed(_, _, base_is_broken):
            return 6 if base_is_broken else 1
        case Conflict():
            return 3
        case Overlap():
            return 7


def _failure_lines(failed: BuildsFailed) -> list[str]:
    text = [outcome_summary(failed.outcomes)]
    text.append(f"not published: {failed.base.set} stays at revision {failed.base.number}")
    for step, outcome in failed.outcomes.items():
        if outcome.state is State.FAILED:
            text.append(f"  {step} failed: {first_line(outcome.cause)}")
    if failed.base_is_broken:
        text.append("  nothing of this change is in what failed: the revision it stands on is broken")
    return text
