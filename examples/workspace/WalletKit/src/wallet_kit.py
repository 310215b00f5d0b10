"""Wallets: what each owner can spend, by currency. A move is made once for each key, or not at all."""

import sqlite3
from os import PathLike
from types import TracebackType
from typing import Self

import pymoney as money

_SCHEMA = """
CREATE TABLE IF NOT EXISTS move (
    key TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS move_of ON move (owner, currency);
"""


class WalletError(ValueError):
    """A move was refused; the wallets are as they were."""


class OverdrawnError(WalletError):
    """There is not so much in the wallet."""


class Wallets:
    """One file of wallets; may be open in several processes."""

    def __init__(self, path: str | PathLike[str]) -> None:
        """Open the wallets; a file that is not there is made."""
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def move(self, key: str, owner: str, currency: str, minor: int) -> bool:
        """Put money into a wallet, or take it out when `minor` is negative; False when this was done before.

        Raises:
            OverdrawnError: less would be left than nothing.
            WalletError: another move was made under this key.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            row = self._db.execute("SELECT owner, currency, minor FROM move WHERE key = ?", (key,)).fetchone()
            if row is None:
                left = money.add([self.balance(owner, currency), minor])
                if left < 0:
                    raise OverdrawnError(f"{key}: {owner} has {money.format(left - minor, currency)} {currency}")
                self._db.execute("INSERT INTO move VALUES (?, ?, ?, ?)", (key, owner, currency, minor))
            elif row != (owner, currency, minor):
                raise WalletError(f"{key}: another move was made under this key")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return row is None

    def balance(self, owner: str, currency: str) -> int:
        """Return what a wallet holds, in minor units."""
        rows = self._db.execute("SELECT minor FROM move WHERE owner = ? AND currency = ?", (owner, currency))
        return money.add(minor for (minor,) in rows)

    def owners(self) -> list[tuple[str, str]]:
        """Return (owner, currency) of every wallet, sorted."""
        return self._db.execute("SELECT DISTINCT owner, currency FROM move ORDER BY owner, currency").fetchall()
