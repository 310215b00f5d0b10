"""What is said when nothing ran; apart from the rest of `report`, because it is said on the quickest path."""

TYPE_CHECKING = False  # as every checker knows it; importing it takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Sequence


def nothing_ran(results: int) -> str:
    """Say plainly that every result was remembered."""
    return f"nothing to do: {results} result{'' if results == 1 else 's'} remembered, nothing ran"


def stale_lines(stale: "Sequence[object]") -> list[str]:
    """Name pinned packages that still stand on what is pinned."""
    if not stale:
        return []
    names = " ".join(map(str, stale))
    return [f"stale, because they were built against what is pinned: {names}", f"  build them: brazil build {names}"]
