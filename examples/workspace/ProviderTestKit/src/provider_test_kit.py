"""A provider that does as a test says, and the tests that every provider must pass."""

from pathlib import Path
from typing import Any

from provider_api import PaymentRequest, Provider, RefusedError, UnavailableError

PAY = "pay"
REFUSE = "refuse"
UNAVAILABLE = "unavailable"  # nothing is paid
LOST = "lost"  # it is paid, and the answer is lost


class ScriptedProvider:
    """Answers its first calls as it is told, and all later ones well."""

    def __init__(self, *script: str) -> None:
        self._script = list(script)
        self.asked = 0
        self.paid: dict[str, PaymentRequest] = {}  # key -> what was paid, in this order

    def pay(self, request: PaymentRequest) -> str:
        """Answer as a Provider; see the script."""
        self.asked += 1
        answer = self._script.pop(0) if self._script else PAY
        if answer == UNAVAILABLE:
            raise UnavailableError("the test says so")
        if answer == REFUSE and request.key not in self.paid:  # who has paid cannot refuse
            raise RefusedError("the test says so")
        if self.paid.setdefault(request.key, request) != request:
            raise RefusedError(f"another payment was made under {request.key}")
        if answer == LOST:
            raise UnavailableError("paid, but the answer is lost")
        return f"test-{list(self.paid).index(request.key) + 1:04}"


def connect(_: Path) -> Provider:
    """Return a provider without a script."""
    return ScriptedProvider()


class ProviderContract:
    """Tests that every provider must pass, for a TestCase whose `connect()` gives the same provider each time."""

    request = PaymentRequest("order-1/bob", "ada", "bob", "EUR", 500)

    def connect(self) -> Provider:
        """Return the provider, as somebody who comes back later finds it."""
        raise NotImplementedError

    def test_the_same_key_pays_once(self: Any) -> None:
        first = self.connect().pay(self.request)
        self.assertEqual(self.connect().pay(self.request), first)
        self.assertNotEqual(self.connect().pay(self.request._replace(key="order-1/cem")), first)

    def test_another_payment_under_a_used_key_is_refused(self: Any) -> None:
        first = self.connect().pay(self.request)
        for change in ({"minor": 501}, {"buyer": "eve"}, {"seller": "cem"}, {"currency": "USD"}):
            with self.assertRaises(RefusedError):
                self.connect().pay(self.request._replace(**change))
        self.assertEqual(self.connect().pay(self.request), first)
