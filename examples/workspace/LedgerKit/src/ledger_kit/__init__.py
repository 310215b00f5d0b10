"""An append-only double-entry ledger that always balances."""

from ledger_kit.ledger import EventChangedError, Ledger, LedgerError, Posting

__all__ = ["EventChangedError", "Ledger", "LedgerError", "Posting"]
