"""What is told to somebody who comes into a closure or a sandbox."""

from brazil.model.action import SandboxRequest
from brazil.operations.entering import Inside
from brazil.operations.standing import SCRIPT, Failure
from brazil.plan.key import script_of
from brazil.report.printable import printable
from brazil.report.table import counted, first_line

_SHOWN = 3  # lines of a script
_RERUN = f'sh -eux -c "${SCRIPT}"'


def inside_lines(place: Inside) -> list[str]:
    """Say where a shell stands."""
    count = len(place.members)
    lines = [f"inside the {place}: {count} package{'s' * (count != 1)} at /brazil/pkg; 'exit' leaves"]
    if place.tools:
        lines.append(f"tools first on PATH: {', '.join(str(tool) for tool, _ in place.tools)}")
    return [printable(line) for line in lines]


def sandbox_lines(request: SandboxRequest) -> list[str]:
    """Say where a shell in the sandbox of a build or test stands."""
    return [
        f"inside the sandbox of {request.label}, as before it runs; 'exit' leaves, and all of it is removed",
        f"what it runs: {_RERUN}",
    ]


def failure_lines(failure: Failure) -> list[str]:
    """Say where a shell in the tree of a failed run stands."""
    run = failure.run
    why = first_line(run.cause) or ("its time was over" if run.ended_by == "timeout" else f"exit code {run.exit_code}")
    lines = [
        f"inside the sandbox of {run.request.label} as it failed: {why}",
        *_script_lines(script_of(run.request.command)),
        f"log: {run.folder}/log",
        f"once more: {_RERUN}",
        "'exit' leaves; what you change stays here until the next failure or success, and is never part of a result",
    ]
    if failure.others:
        lines.append(f"kept as well: {', '.join(failure.others)}")
    return [printable(line) for line in lines]


def _script_lines(script: str) -> list[str]:
    """Show a short script, or how a long one begins: some are a program of many lines."""
    lines = [line for line in script.splitlines() if line.strip()]
    if len(lines) <= _SHOWN:
        return [f"  | {line}" for line in lines]
    more = counted(len(lines) - _SHOWN, "more line")
    return [*(f"  | {line}" for line in lines[:_SHOWN]), f'  and {more}: printf %s "${SCRIPT}"']
