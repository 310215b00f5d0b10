"""Payment orders: what is to be paid to each seller of an event, and what became of it.

An order is open until the provider has answered; then it is settled or refused, for ever.
"""

import sqlite3
from collections.abc import Iterable
from enum import StrEnum
from os import PathLike
from types import TracebackType
from typing import NamedTuple, Self

import pymoney as money

from payment_service.event import Payment

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS payment_order (
    id TEXT PRIMARY KEY,
    event TEXT NOT NULL REFERENCES event (id),
    position INTEGER NOT NULL,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor INTEGER NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL
) WITHOUT ROWID;
"""


class OrderError(ValueError):
    """It was refused, and nothing was changed."""


class State(StrEnum):
    """What became of an order."""

    OPEN = "open"
    SETTLED = "settled"  # paid, credited and posted
    REFUSED = "refused"


class Order(NamedTuple):
    """What one seller gets for one event."""

    id: str  # `<event>/<seller>`: the key under which provider, wallets and ledger know it
    buyer: str
    seller: str
    currency: str
    minor: int  # more than zero
    state: State = State.OPEN
    note: str = ""  # settled: the provider's reference; refused: why


class Orders:
    """One file of orders."""

    def __init__(self, path: str | PathLike[str]) -> None:
        """Open the orders; a file that is not there is made."""
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def open(self, payment: Payment) -> bool:
        """Make the orders of an event; False when they were made before.

        Raises:
            OrderError: another payment came under this event id.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            there = self._db.execute("SELECT content FROM event WHERE id = ?", (payment.event,)).fetchone()
            if there is None:
                self._db.execute("INSERT INTO event VALUES (?, ?)", (payment.event, payment.canonical()))
                for position, order in enumerate(split(payment)):
                    row = (order.id, payment.event, position, *order[1:])
                    self._db.execute("INSERT INTO payment_order VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            elif there != (payment.canonical(),):
                raise OrderError(f"{payment.event}: another payment came under this id before")
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return there is None

    def close(self, order: Order, state: State, note: str) -> None:
        """Say what became of an open order; what was said before stays."""
        self._db.execute(
            "UPDATE payment_order SET state = ?, note = ? WHERE id = ? AND state = ?",
            (state, note, order.id, State.OPEN),
        )

    def of(self, event: str) -> list[Order]:
        """Return the orders of an event, in the order of its sellers."""
        return self._orders("WHERE event = ? ORDER BY position", (event,))

    def all(self) -> list[Order]:
        """Return every order, sorted by event."""
        return self._orders("ORDER BY event, position", ())

    def _orders(self, which: str, values: Iterable[str]) -> list[Order]:
        rows = self._db.execute(
            f"SELECT id, buyer, seller, currency, minor, state, note FROM payment_order {which}", tuple(values)
        )
        return [Order(*row)._replace(state=State(row[5])) for row in rows]


def split(payment: Payment) -> list[Order]:
    """Split a payment into orders by the weights of its sellers; nothing is lost, and nobody is ordered nothing."""
    parts = money.split(payment.minor, [seller.weight for seller in payment.sellers])
    return [
        Order(f"{payment.event}/{seller.name}", payment.buyer, seller.name, payment.currency, part)
        for seller, part in zip(payment.sellers, parts, strict=True)
        if part
    ]
