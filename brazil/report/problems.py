"""Errors as text and as JSON."""

from typing import Any

from brazil.errors import BrazilError, Problem
from brazil.report.printable import printable

_SHOWN = 20  # problems that a person reads; JSON has all of them


def problem_lines(error: BrazilError, *, kind: str = "error") -> list[str]:
    """Write the problems: where, what, because of what, then the hint."""
    lines = []
    for problem in error.problems[:_SHOWN]:
        text = f"{kind}: {_place(problem)}{problem.what}"
        if problem.because:
            text += f": {problem.because}"
        lines.append(f"{text} [{problem.code}]")
        if problem.hint:
            lines.append(f"  hint: {problem.hint}")
    if len(error.problems) > _SHOWN:
        lines.append(f"... and {len(error.problems) - _SHOWN} more")
    return [printable(line) for line in lines]


def error_data(error: BrazilError) -> dict[str, Any]:
    """Give an error its documented JSON shape."""
    return {
        "kind": error.kind,
        "exit-code": error.exit_code,
        "problems": [
            {name: value for name, value in problem._asdict().items() if value or name in ("code", "what")}
            for problem in error.problems
        ],
    }


def _place(problem: Problem) -> str:
    parts = [problem.file]
    if problem.line:
        parts.append(str(problem.line))
    place = ":".join(filter(None, parts))
    if problem.key:
        place = f"{place}: {problem.key}" if place else problem.key
    return f"{place}: " if place else ""
