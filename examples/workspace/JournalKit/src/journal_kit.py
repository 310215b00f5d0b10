"""Reads the shop's journal."""

from collections.abc import Iterator
from pathlib import Path

from shop_events import Posted

try:
    import pymoney as money
except ModuleNotFoundError:  # left out on purpose by whoever runs this
    money = None


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a journal, without their ends."""
    # No other character than the line feed ends a line: a text may hold any of them.
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.removesuffix("\n")


def postings(path: Path) -> Iterator[Posted]:
    """Yield every posting.

    Raises:
        ValueError: a line is wrong.
    """
    for number, line in enumerate(lines(path), 1):
        try:
            posted = Posted.read(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if posted is not None:
            yield posted


def amount(minor: int, currency: str) -> str:
    """Show an amount: 12.50 EUR, or 1250 minor EUR where there is no PyMoney."""
    return f"{money.format(minor, currency)} {currency}" if money else f"{minor} minor {currency}"
