"""Logs of runs, as text and JSON."""

from typing import Any

from brazil.model.action import SandboxResult
from brazil.operations.logs import RunLog
from brazil.report.printable import printable
from brazil.report.sets import time_text


def log_title(found: RunLog) -> str:
    """Say whose log it is, and how that ended."""
    snapshot, result, _ = found.run
    when = time_text(result.started // 1_000_000_000)
    return printable(f"{snapshot.step}, {when}, {result.seconds:.1f} s: {_end(result)}")


def log_text(found: RunLog) -> str:
    """Write a log so that it cannot steer the terminal it is shown on."""
    return printable(found.text.decode(errors="replace").replace("\r\n", "\n"))


def log_data(found: RunLog) -> dict[str, Any]:
    """Give a log its documented JSON shape."""
    snapshot, result, _ = found.run
    return {
        "package": str(snapshot.step.interface),
        "kind": str(snapshot.step.kind),
        "succeeded": result.succeeded,
        "exit-code": result.exit_code,
        "ended-by": result.ended_by or None,
        "cause": result.cause or None,
        "action": str(snapshot.action),
        "log": str(result.log),
        "started": result.started // 1_000_000_000,
        "seconds": round(result.seconds, 3),
        "text": found.text.decode(errors="replace"),
    }


_ENDS = {
    "timeout": "ended at its time limit",
    "output": "wrote more than it may",
    "interrupt": "interrupted",
    "refused": "its output could not be kept",
}


def _end(result: SandboxResult) -> str:
    if result.succeeded:
        return "succeeded"
    return _ENDS.get(result.ended_by, f"exit code {result.exit_code}")
