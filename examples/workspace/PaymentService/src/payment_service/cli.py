"""pay: charge a payment event, show the balances, write the journal. The only place that prints."""

import argparse
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymoney as money
from ledger_kit import Ledger, LedgerError
from provider_api import UnavailableError, connect
from wallet_kit import WalletError, Wallets

from payment_service.charge import Shop, charge
from payment_service.event import EventError, Payment, read_event
from payment_service.journal import journal
from payment_service.orders import OrderError, Orders, State

TRY_AGAIN = 75  # EX_TEMPFAIL


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "charge":
            return _charge(options.shop, read_event(options.event.read_text(encoding="utf-8")))
        if not options.shop.is_dir():
            raise OrderError(f"{options.shop}: there is no such shop")
        with _open(options.shop) as shop:
            print(*(_balances(shop) if options.command == "balance" else journal(shop.orders, shop.ledger)), sep="\n")
    except UnavailableError as error:
        print(f"pay: {error}; charge the event again later", file=sys.stderr)
        return TRY_AGAIN
    except (EventError, OrderError, LedgerError, WalletError, money.MoneyError, OSError, UnicodeDecodeError,
            sqlite3.Error) as error:  # fmt: skip
        for line in str(error).splitlines():
            print(f"pay: {line}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pay", description="Charge payment events, each exactly once.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("charge", "charge a payment event"),
        ("balance", "show what every account and every wallet holds"),
        ("journal", "write what others read of the shop"),
    ):
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        command.add_argument(
            "--shop", required=True, type=Path, metavar="FOLDER", help="where the shop keeps its files"
        )
        if name == "charge":
            command.add_argument("event", type=Path, help="a JSON file")
    return parser


@contextmanager
def _open(folder: Path) -> Iterator[Shop]:
    # The provider is not compiled in: which one it is, is said when the service runs.
    provider = connect(os.environ.get("SHOP_PROVIDER", "card_provider"), folder)
    with (
        Orders(folder / "orders.db") as orders,
        Ledger(folder / "ledger.db") as ledger,
        Wallets(folder / "wallets.db") as wallets,
    ):
        yield Shop(orders, ledger, wallets, provider)


def _charge(folder: Path, payment: Payment) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    with _open(folder) as shop:
        done = charge(shop, payment)
    if not done.is_new:
        print(f"{payment.event} was already charged: nothing to do")
    else:
        print(f"{payment.event}: {_shown(payment.minor, payment.currency)} from {payment.buyer}")
        for order in done.orders:
            refused = "refused: " * (order.state is State.REFUSED)
            print(f"  {_shown(order.minor, order.currency)} to {order.seller}, {refused}{order.note}")
    return 1 if any(order.state is State.REFUSED for order in done.orders) else 0


def _balances(shop: Shop) -> list[str]:
    rows = [(account, _shown(minor, currency)) for (account, currency), minor in shop.ledger.balances().items()]
    rows += [("together", _shown(minor, currency)) for currency, minor in shop.ledger.totals().items()]
    rows += [(f"wallet:{o}", _shown(shop.wallets.balance(o, c), c)) for o, c in shop.wallets.owners()]
    width = max((len(account) for account, _ in rows), default=0)
    money_width = max((len(balance) for _, balance in rows), default=0)
    return [f"{account:<{width}}  {balance:>{money_width}}" for account, balance in rows]


def _shown(minor: int, currency: str) -> str:
    return f"{money.format(minor, currency)} {currency}"


if __name__ == "__main__":
    sys.exit(main())
