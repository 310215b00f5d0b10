"""The journal: what others read of the shop, as lines of ShopEvents."""

from collections.abc import Iterator

from ledger_kit import Ledger
from shop_events import Posted, Refused, Settled

from payment_service.orders import Orders, State


def journal(orders: Orders, ledger: Ledger) -> Iterator[str]:
    """Yield every posting of the ledger, then every order that is closed; the same shop gives the same lines."""
    for entry, currency, postings in ledger.entries():
        for account, minor in postings:
            yield Posted(entry, account, currency, minor).write()
    for order in orders.all():
        if order.state is State.SETTLED:
            yield Settled(order.id, order.seller, order.currency, order.minor, order.note).write()
        elif order.state is State.REFUSED:
            yield Refused(order.id, order.seller, order.note).write()
