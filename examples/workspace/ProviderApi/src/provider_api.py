"""What the shop asks of a payment provider, and how it asks again when nobody knows what came of it."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol


class RefusedError(Exception):
    """The provider will never make this payment; the message says why."""


class UnavailableError(Exception):
    """The provider did not answer. The payment may have been made or not: ask again, with the same key."""


class PaymentRequest(NamedTuple):
    """One payment."""

    key: str  # the same key is one payment, however often it is asked for
    buyer: str
    seller: str
    currency: str
    minor: int  # minor units, more than zero


class Provider(Protocol):
    """Somebody who moves money."""

    def pay(self, request: PaymentRequest) -> str:
        """Make a payment, or say that it was made before; return the provider's reference of it.

        Raises:
            RefusedError: it will never be made, or another one was made under this key.
            UnavailableError: nobody knows.
        """
        ...


def pay(
    provider: Provider, request: PaymentRequest, *, tries: int = 3, wait: Callable[[float], None] = time.sleep
) -> str:
    """Make a payment, and ask again while the provider does not answer.

    Args:
        provider: who makes it.
        request: what to pay.
        tries: how often to ask, at least once.
        wait: waits so many seconds between two tries.

    Raises:
        RefusedError: it will never be made.
        UnavailableError: the last try was not answered either.
    """
    for attempt in range(1, tries):
        try:
            return provider.pay(request)
        except UnavailableError:
            wait(0.05 * 2**attempt)
    return provider.pay(request)


def connect(module: str, folder: Path) -> Provider:
    """Return the provider of a module that is there when the shop runs; it has a function `connect` too."""
    provider: Provider = importlib.import_module(module).connect(folder)
    return provider
