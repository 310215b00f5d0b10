"""The nearest valid name, for hints."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(text: str, valid: Iterable[str]) -> str:
    """Return "did you mean X", or nothing when no valid name is near."""
    choices = sorted(valid)
    folded = {choice.casefold(): choice for choice in reversed(choices)}
    found = get_close_matches(text.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean {folded[found[0]]}?" if found else ""
