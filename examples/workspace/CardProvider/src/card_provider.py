"""A payment provider for cards. The bank is one SQLite file."""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from provider_api import PaymentRequest, Provider, RefusedError, UnavailableError

LIMIT = 100_000  # minor units that a card pays at once

_SCHEMA = """
CREATE TABLE IF NOT EXISTS payment (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor INTEGER NOT NULL
);
"""


class CardProvider:
    """Pays by card; may be used from several processes."""

    def __init__(self, folder: Path) -> None:
        self._file, self._outage = folder / "bank.db", folder / "outage"

    def pay(self, request: PaymentRequest) -> str:
        """Make a payment once for each key."""
        outage = self._next_outage()
        if outage and outage % 2 == 0:
            raise UnavailableError("the bank does not answer")
        number = self._paid(request)
        if outage:
            raise UnavailableError("the bank was not heard")
        return _reference(number)

    def _paid(self, request: PaymentRequest) -> int:
        with closing(sqlite3.connect(self._file, isolation_level=None, timeout=30)) as bank:
            bank.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            bank.execute("BEGIN IMMEDIATE")
            there = bank.execute(
                "SELECT number, key, buyer, seller, currency, minor FROM payment WHERE key = ?", (request.key,)
            ).fetchone()
            if there is None:
                if request.minor > LIMIT:
                    raise RefusedError("over the limit of the card")
                values = "INSERT INTO payment (key, buyer, seller, currency, minor) VALUES (?, ?, ?, ?, ?)"
                number = bank.execute(values, request).lastrowid
                bank.execute("COMMIT")
                assert number is not None
                return number
        number, *paid = there
        if PaymentRequest(*paid) != request:
            raise RefusedError(f"another payment was made under {request.key}")
        return int(number)

    def _next_outage(self) -> int:
        """Return how many requests still fail, this one included."""
        if not self._outage.exists():
            return 0
        left = int(self._outage.read_text())
        self._outage.write_text(f"{max(left - 1, 0)}\n")
        return left


def connect(folder: Path) -> Provider:
    """Return the provider whose bank is in a folder."""
    return CardProvider(folder)


def statement(folder: Path) -> list[tuple[str, str, int]]:
    """Return (reference, currency, minor units) of every payment, in the order they were made."""
    file = folder / "bank.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as bank:
        rows = bank.execute("SELECT number, currency, minor FROM payment ORDER BY number").fetchall()
    return [(_reference(number), currency, minor) for number, currency, minor in rows]


def _reference(number: int) -> str:
    return f"card-{number:04}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a statement; return the exit code."""
    parser = argparse.ArgumentParser(prog="card-statement", description="Print what was paid by card.")
    parser.add_argument("folder", type=Path, help="where the bank is")
    for row in statement(parser.parse_args(arguments).folder):
        print(*row, sep="\t")
    return 0


if __name__ == "__main__":
    sys.exit(main())
