"""The ledger: entries of postings in one SQLite file.

An entry is written in one transaction or not at all, and only when its postings sum to zero. The rules that must hold
whoever opens the file (append-only, one entry per event) stand in the schema, not only in this code.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from os import PathLike
from types import TracebackType
from typing import NamedTuple, Self

import pymoney as money

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    event TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    about TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS posting (
    event TEXT NOT NULL REFERENCES entry (event),
    position INTEGER NOT NULL,
    account TEXT NOT NULL,
    minor INTEGER NOT NULL,
    PRIMARY KEY (event, position)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS entry_kept BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS entry_unchanged BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS posting_kept BEFORE DELETE ON posting
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS posting_unchanged BEFORE UPDATE ON posting
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


class LedgerError(ValueError):
    """An entry was refused; the ledger is as it was."""


class EventChangedError(LedgerError):
    """The event was posted before, with another content."""


class Posting(NamedTuple):
    """A change of one account."""

    account: str
    minor: int  # minor units of the entry's currency; what leaves the account is negative


class Ledger:
    """One ledger file; may be open in several processes."""

    def __init__(self, path: str | PathLike[str]) -> None:
        """Open a ledger; a file that is not there is made."""
        # We begin transactions ourselves: sqlite3 does it so late that two writers could read the same "not there".
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def post(self, event: str, currency: str, postings: Iterable[Posting], about: str = "") -> bool:
        """Add one entry; False when exactly this one was posted before.

        Raises:
            LedgerError: the entry does not balance.
            EventChangedError: the event was posted with another content.
        """
        wanted = list(postings)
        if not wanted:
            raise LedgerError(f"{event}: an entry needs postings")
        off = money.add(posting.minor for posting in wanted)
        if off:
            raise LedgerError(f"{event}: the entry is off balance by {money.format(off, currency)} {currency}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            there = self._entry(event)
            if there is None:
                self._db.execute("INSERT INTO entry VALUES (?, ?, ?)", (event, currency, about))
                for position, posting in enumerate(wanted):
                    self._db.execute("INSERT INTO posting VALUES (?, ?, ?, ?)", (event, position, *posting))
            elif there != (currency, about, wanted):
                raise EventChangedError(f"{event}: posted before with another content")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return there is None

    def balances(self) -> dict[tuple[str, str], int]:
        """Return (account, currency) -> minor units, sorted."""
        rows = self._db.execute(
            "SELECT account, currency, minor FROM posting JOIN entry USING (event) ORDER BY account, currency"
        )
        balances: dict[tuple[str, str], int] = {}
        for account, currency, minor in rows:
            balances[account, currency] = money.add((balances.get((account, currency), 0), minor))
        return balances

    def totals(self) -> dict[str, int]:
        """Return currency -> sum over all accounts, sorted; every value is zero, or the file was damaged."""
        # SQLite's sum() is exact for integers and fails when it overflows.
        rows = self._db.execute(
            "SELECT currency, sum(minor) FROM posting JOIN entry USING (event) GROUP BY currency ORDER BY currency"
        )
        return dict(rows.fetchall())

    def events(self) -> list[str]:
        """Return the ids of all events, sorted."""
        return [event for (event,) in self._db.execute("SELECT event FROM entry ORDER BY event")]

    def entries(self) -> Iterator[tuple[str, str, list[Posting]]]:
        """Yield (event, currency, postings) of every entry, sorted by event."""
        for event in self.events():
            entry = self._entry(event)
            assert entry  # nothing is ever deleted
            yield event, entry[0], entry[2]

    def _entry(self, event: str) -> tuple[str, str, list[Posting]] | None:
        entry = self._db.execute("SELECT currency, about FROM entry WHERE event = ?", (event,)).fetchone()
        if entry is None:
            return None
        rows = self._db.execute("SELECT account, minor FROM posting WHERE event = ? ORDER BY position", (event,))
        return (*entry, [Posting(account, minor) for account, minor in rows])
