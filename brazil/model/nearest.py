"""The valid name that somebody probably meant, for hints of every layer."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(text: str, valid: Iterable[str]) -> str:
    """Return the valid name that is nearest to a text, case aside; empty when none is near."""
    folded = {name.casefold(): name for name in sorted(valid, reverse=True)}
    found = get_close_matches(text.casefold(), folded, n=1)
    return folded[found[0]] if found else ""


def did_you_mean(text: str, valid: Iterable[str]) -> str:
    """Return the hint that names the nearest valid name; empty when none is near."""
    near = nearest(text, valid)
    return f"did you mean '{near}'?" if near else ""
