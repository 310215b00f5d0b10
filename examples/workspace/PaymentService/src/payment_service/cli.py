"""pay: charge a payment event, show the balances. The only place that prints."""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from ledger_kit import Ledger, LedgerError, money

from payment_service.charge import charge
from payment_service.event import EventError, read_event


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "charge":
            _charge(options.ledger, options.event)
        else:
            _balance(options.ledger)
    except (EventError, LedgerError, money.MoneyError, OSError, UnicodeDecodeError, sqlite3.Error) as error:
        for line in str(error).splitlines():
            print(f"pay: {line}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pay", description="Charge payment events, each exactly once.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("charge", "charge a payment event"), ("balance", "show what every account holds")):
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        command.add_argument("--ledger", required=True, type=Path, help="the ledger file")
        if name == "charge":
            command.add_argument("event", type=Path, help="a JSON file")
    return parser


def _charge(path: Path, event: Path) -> None:
    payment = read_event(event.read_text(encoding="utf-8"))
    with Ledger(path) as ledger:
        done = charge(ledger, payment)
    if not done.is_new:
        print(f"{payment.event} was already charged: nothing to do")
        return
    print(f"charged {payment.event}: {_shown(payment.minor, payment.currency)} from {payment.buyer}")
    for name, part in done.parts:
        print(f"  {_shown(part, payment.currency)} to {name}")


def _balance(path: Path) -> None:
    if not path.exists():
        raise LedgerError(f"{path}: there is no such ledger")
    with Ledger(path) as ledger:
        rows = _rows(ledger)
    width = max((len(account) for account, _ in rows), default=0)
    money_width = max((len(balance) for _, balance in rows), default=0)
    for account, balance in rows:
        print(f"{account:<{width}}  {balance:>{money_width}}")


def _rows(ledger: Ledger) -> list[tuple[str, str]]:
    rows = [(account, _shown(minor, currency)) for (account, currency), minor in ledger.balances().items()]
    return rows + [("together", _shown(minor, currency)) for currency, minor in ledger.totals().items()]


def _shown(minor: int, currency: str) -> str:
    return f"{money.format(minor, currency)} {currency}"


if __name__ == "__main__":
    sys.exit(main())
