"""What is said when nothing ran; apart from the rest of `report`, because it is said on the quickest path."""

TYPE_CHECKING = False  # as every checker knows it; importing it takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Sequence


def nothing_ran(results: int) -> str:
    """Say plainly that every result was remembered."""
    return f"nothing to do: {_counted(results, 'result')} remembered, nothing ran"


def stale_lines(stale: "Sequence[object]", catch_up: "Sequence[float]") -> list[str]:
    """Name pinned packages that still stand on what is pinned, and what brings them up to date.

    Args:
        stale: the packages.
        catch_up: builds, test runs, seconds, and Steps without an estimate; unless nothing is stale.
    """
    if not stale:
        return []
    builds, tests, seconds, unknown = catch_up
    work = _counted(builds, "build") + (f" and {_counted(tests, 'test run')}" if tests else "")
    times = [f"about {seconds:.1f} s"] if unknown < builds + tests else []
    times += [f"{unknown} without an estimate"] if unknown else []
    names = " ".join(map(str, stale))
    return [
        f"stale, because they were built against what is pinned: {names}",
        f"  up to date with {', '.join([work, *times])}: brazil {'test' if tests else 'build'} {names}",
    ]


def _counted(number: float, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
