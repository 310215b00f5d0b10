"""Charging: a payment becomes one balanced entry of the ledger, once."""

from typing import NamedTuple

from ledger_kit import Ledger, Posting, money

from payment_service.event import Payment


class Charge(NamedTuple):
    """What came of a payment."""

    is_new: bool  # False: the same event was charged before, and nothing was done
    parts: tuple[tuple[str, int], ...]  # (seller, minor units) in the order of the event


def charge(ledger: Ledger, payment: Payment) -> Charge:
    """Charge the buyer and pay the sellers, or do nothing when the event was charged before.

    Raises:
        EventChangedError: another payment was charged under this event id.
    """
    parts = money.split(payment.minor, [seller.weight for seller in payment.sellers])
    shares = tuple((seller.name, part) for seller, part in zip(payment.sellers, parts, strict=True))
    postings = [Posting(f"buyer:{payment.buyer}", -payment.minor)]
    postings += [Posting(f"seller:{name}", part) for name, part in shares]
    return Charge(ledger.post(payment.event, payment.currency, postings, payment.canonical()), shares)
