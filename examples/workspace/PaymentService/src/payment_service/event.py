"""Payment events: JSON text to a checked value. All faults of an event are told at once."""

import json
from typing import NamedTuple

import pymoney as money


class EventError(ValueError):
    """The text is no payment event; the message has one fault per line."""


class Seller(NamedTuple):
    """Who gets a part of a payment."""

    name: str
    weight: int  # of all weights together


class Payment(NamedTuple):
    """One payment as the shop asked for it."""

    event: str  # id, given by whoever sends the event
    buyer: str
    minor: int  # minor units, more than zero
    currency: str
    sellers: tuple[Seller, ...]  # in the order of the event: it decides who gets an odd cent

    def canonical(self) -> str:
        """Return one text per content, however the JSON was laid out."""
        return json.dumps(self, separators=(",", ":"))


def read_event(text: str) -> Payment:
    """Read an event.

    Raises:
        EventError: the text is not JSON or not a payment.
    """
    try:
        data = json.loads(text, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        raise EventError(f"not JSON: {error}") from error
    faults: list[str] = []
    if not isinstance(data, dict):
        raise EventError("an event is a JSON object")
    unknown = data.keys() - {"event", "buyer", "amount", "currency", "sellers"}
    faults += [f"{key}: no such key" for key in sorted(unknown)]
    event, buyer, amount, currency = (_text(data, key, faults) for key in ("event", "buyer", "amount", "currency"))
    sellers = _sellers(data.get("sellers"), faults)
    minor = 0
    if amount and currency:
        try:
            minor = money.parse(amount, currency)
        except money.MoneyError as error:
            faults.append(f"amount: {error}")
        else:
            if minor <= 0:
                faults.append("amount: must be more than zero")
    if faults:
        raise EventError("\n".join(faults))
    return Payment(event, buyer, minor, currency, sellers)


def _text(data: dict[str, object], key: str, faults: list[str]) -> str:
    value = data.get(key)
    if isinstance(value, str) and value and value.isprintable():
        return value
    faults.append(f"{key}: must be a text of printable characters")
    return ""


def _sellers(value: object, faults: list[str]) -> tuple[Seller, ...]:
    if not isinstance(value, list) or not value:
        faults.append("sellers: must be a list with at least one seller")
        return ()
    sellers: list[Seller] = []
    for place, item in enumerate(value):
        if not isinstance(item, dict) or item.keys() != {"name", "weight"}:
            faults.append(f"sellers[{place}]: must have a name and a weight, nothing else")
            continue
        name, weight = item["name"], item["weight"]
        if not isinstance(name, str) or not name or not name.isprintable():
            faults.append(f"sellers[{place}].name: must be a text of printable characters")
        elif any(seller.name == name for seller in sellers):
            faults.append(f"sellers[{place}].name: {name} is there twice")
        elif type(weight) is not int or not 0 < weight < 2**31:
            faults.append(f"sellers[{place}].weight: must be a whole number from 1 to {2**31 - 1}")
        else:
            sellers.append(Seller(name, weight))
    return tuple(sellers)


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # json keeps the last of two equal keys, so that two readers may see two amounts.
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key is there twice")
    return data
