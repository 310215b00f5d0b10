"""What would run, as text and JSON."""

from typing import Any

from brazil.build.forecast import Foreseen, Verdict
from brazil.operations.foreseeing import DryRun
from brazil.report.printable import printable
from brazil.report.table import columns, counted

_WORDS = {Verdict.RUNS: "would run", Verdict.MAY_RUN: "may run", Verdict.REMEMBERED: "remembered"}


def dry_run_lines(run: DryRun, *, every: bool) -> list[str]:
    """Write what would run, and in the last line the sum of it.

    Args:
        run: what is foreseen.
        every: also what would not run.
    """
    rows = [
        (_WORDS[f.verdict], str(step), f"{_why(f)}{_before(f)}")
        for step, f in run.steps.items()
        if every or f.verdict is not Verdict.REMEMBERED
    ]
    if every:
        base = run.base
        rows += [("unchanged", str(i), f"from {base.set} revision {base.number}") for i in run.unchanged]
    return [*(printable(line) for line in columns(rows)), _summary(run)]


def dry_run_data(run: DryRun) -> dict[str, Any]:
    """Give a dry run its documented JSON shape."""
    return {
        "steps": [
            {
                "package": str(step.interface),
                "kind": str(step.kind),
                "forecast": f.verdict.value,
                "action": str(f.snapshot.action) if f.snapshot else None,
                "reasons": list(f.reasons),
                "waits-for": [str(need) for need in f.waits],
                "seconds": None if f.seconds is None else round(f.seconds, 3),
            }
            for step, f in run.steps.items()
        ],
        "unchanged": [str(interface) for interface in run.unchanged],
        "seconds": round(run.seconds, 3),
        "at-most": round(run.at_most, 3),
        "without-estimate": run.unknown,
    }


def _why(foreseen: Foreseen) -> str:
    match foreseen.verdict:
        case Verdict.RUNS:
            return f"because {'; '.join(foreseen.reasons)}"
        case Verdict.MAY_RUN:
            return f"if the artifact of {' or '.join(str(need.interface) for need in foreseen.waits)} changes"
        case Verdict.REMEMBERED:
            return f"under {foreseen.snapshot.action.hash[:12]}" if foreseen.snapshot else ""


def _before(foreseen: Foreseen) -> str:
    return "" if foreseen.seconds is None else f" ({foreseen.seconds:.1f} s before)"


def _summary(run: DryRun) -> str:
    count = {verdict: sum(f.verdict is verdict for f in run.steps.values()) for verdict in Verdict}
    remembered = f"{counted(count[Verdict.REMEMBERED], 'result')} remembered"
    running = count[Verdict.RUNS] + count[Verdict.MAY_RUN]
    if not running:
        return f"dry run: nothing would run, {remembered}"
    parts = [f"{count[Verdict.RUNS]} would run"]
    if count[Verdict.MAY_RUN]:
        parts.append(f"{count[Verdict.MAY_RUN]} may run")
    times = [f"about {run.seconds:.1f} s"] if run.unknown < running else []
    if times and count[Verdict.MAY_RUN]:
        times.append(f"at most {run.at_most:.1f} s")
    if run.unknown:
        times.append(f"{run.unknown} without an estimate")
    return f"dry run: {', '.join([*parts, remembered])}; {', '.join(times)}"
