"""What is told to somebody who comes into a closure."""

from brazil.operations.entering import Inside
from brazil.report.printable import printable


def inside_lines(place: Inside) -> list[str]:
    """Say where a shell stands."""
    count = len(place.members)
    lines = [f"inside the {place}: {count} package{'s' * (count != 1)} at /brazil/pkg; 'exit' leaves"]
    if place.tools:
        lines.append(f"tools first on PATH: {', '.join(str(tool) for tool, _ in place.tools)}")
    return [printable(line) for line in lines]
