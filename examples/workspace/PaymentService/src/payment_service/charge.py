"""Charging: an event becomes orders, and each open order is paid, credited, posted and closed, in this sequence.

Every step but the last is keyed by the order's id and done once however often it is asked for; closing comes last. So
after a crash or an outage the same event can simply be charged again.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from ledger_kit import Ledger, Posting
from provider_api import PaymentRequest, Provider, RefusedError, pay
from wallet_kit import Wallets

from payment_service.event import Payment
from payment_service.orders import Order, Orders, State


class Shop(NamedTuple):
    """What a payment touches."""

    orders: Orders
    ledger: Ledger
    wallets: Wallets
    provider: Provider
    wait: Callable[[float], None] = time.sleep


class Charge(NamedTuple):
    """What came of an event."""

    is_new: bool  # False: every order of it was closed before, and nothing was done
    orders: list[Order]  # in the order of its sellers, none of them open


def charge(shop: Shop, payment: Payment) -> Charge:
    """Do for an event whatever is not done yet.

    Raises:
        OrderError: another payment came under this event id.
        UnavailableError: the provider does not answer; charge the event again, later.
    """
    shop.orders.open(payment)
    waiting = [order for order in shop.orders.of(payment.event) if order.state is State.OPEN]
    for order in waiting:
        _carry_out(shop, order)
    return Charge(bool(waiting), shop.orders.of(payment.event))


def _carry_out(shop: Shop, order: Order) -> None:
    request = PaymentRequest(order.id, order.buyer, order.seller, order.currency, order.minor)
    try:
        reference = pay(shop.provider, request, wait=shop.wait)
    except RefusedError as refusal:
        shop.orders.close(order, State.REFUSED, str(refusal))
        return
    shop.wallets.move(order.id, order.seller, order.currency, order.minor)
    postings = [Posting(f"buyer:{order.buyer}", -order.minor), Posting(f"seller:{order.seller}", order.minor)]
    shop.ledger.post(order.id, order.currency, postings, reference)
    shop.orders.close(order, State.SETTLED, reference)
