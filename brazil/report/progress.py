"""Events as they come, as plain lines.

All of it goes to one text stream. Listeners are called by one thread at a time.
"""

from typing import IO

from brazil.events import (
    Emit,
    Event,
    Note,
    PlanReady,
    StepCached,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from brazil.model.action import StepKind
from brazil.report.printable import printable
from brazil.report.table import counted, first_line

_DONE = {StepKind.BUILD: "built", StepKind.TEST: "tested"}


def event_line(event: Event) -> str | None:
    """Write an event as one line (or more, for a failure), or None when it needs none."""
    match event:
        case Note(topic, text):
            return f"{topic:<9} {text}"
        case PlanReady(steps):
            builds = sum(step.kind is StepKind.BUILD for step in steps)
            tests = len(steps) - builds
            parts = [counted(n, one) for n, one in ((builds, "build"), (tests, "test run")) if n]
            # What waits for an artifact does not run when that comes out as before, and some results are remembered.
            return f"plan      up to {' and '.join(parts)}" if steps else None
        case StepCached(step):
            return f"cached    {step}"
        case StepStarted(step, _, reasons):
            return f"{step.kind:<9} {step.interface}  because {'; '.join(reasons)}"
        case StepFinished(step, _, seconds, same_output):
            note = ", the same artifact as before" if same_output and step.kind is StepKind.BUILD else ""
            return f"{_DONE[step.kind]:<9} {step.interface}  in {seconds:.1f} s{note}"
        case StepFailed(step, _, seconds, cause, log_tail, before):
            tail = "".join(f"\n  | {line}" for line in log_tail.splitlines())
            if before:
                test = "--test " if step.kind is StepKind.TEST else ""
                tail += f"\n  {counted(before, 'more line')} before these: brazil log {test}{step.interface}"
            return f"failed    {step} after {seconds:.1f} s: {first_line(cause)}{tail}"
        case StepSkipped(step, because):
            return f"skipped   {step}  because {because} failed"


def lines_to(stream: IO[str]) -> Emit:
    """Write events as plain lines: nothing about what was remembered, and the plan only when something runs."""
    held: list[str] = []

    def emit(event: Event) -> None:
        line = event_line(event)
        if not line or isinstance(event, StepCached):
            return
        held.append(line)
        if not isinstance(event, PlanReady):
            stream.write(printable("\n".join(held)) + "\n")  # as one: other processes write there too
            stream.flush()
            held.clear()

    return emit
