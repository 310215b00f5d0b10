"""What this machine can do, as text and JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from brazil.errors import Problem
from brazil.report.table import columns


def examination_lines(
    isolation: Mapping[str, str], problems: Iterable[Problem], places: Mapping[str, object]
) -> list[str]:
    """Write what was found to hold, what is missing and what provides it."""
    lines = ["what builds are isolated from here, found by trying:"] if isolation else ["no build can run here"]
    lines += columns(sorted(isolation.items()), indent="  ")
    lines += ["files of this user:", *columns([(name, str(path)) for name, path in places.items()], indent="  ")]
    for problem in problems:
        because = f": {problem.because}" if problem.because else ""
        lines.append(f"missing: {problem.what}{because} [{problem.code}]")
        if problem.hint:
            lines.append(f"  hint: {problem.hint}")
    return lines


def examination_data(
    isolation: Mapping[str, str], problems: Iterable[Problem], places: Mapping[str, object]
) -> dict[str, Any]:
    """Give the examination its documented JSON shape."""
    return {
        "isolation": dict(isolation),
        "missing": [problem._asdict() for problem in problems],
        "places": {name: str(path) for name, path in places.items()},
    }
