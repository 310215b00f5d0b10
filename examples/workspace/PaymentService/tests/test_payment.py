import contextlib
import io
import json
import random
import tempfile
import unittest
from pathlib import Path

from ledger_kit import EventChangedError, Ledger
from payment_service.charge import charge
from payment_service.cli import main
from payment_service.event import EventError, Payment, Seller, read_event

ORDER = {
    "event": "order-1",
    "buyer": "ada",
    "amount": "100.00",
    "currency": "EUR",
    "sellers": [{"name": "bob", "weight": 2}, {"name": "cem", "weight": 1}],
}


class EventTest(unittest.TestCase):
    def test_a_payment_is_read(self) -> None:
        sellers = (Seller("bob", 2), Seller("cem", 1))
        self.assertEqual(read_event(json.dumps(ORDER)), Payment("order-1", "ada", 10000, "EUR", sellers))

    def test_the_layout_of_the_json_is_no_content(self) -> None:
        turned = json.dumps(dict(reversed(ORDER.items())), indent=4)
        self.assertEqual(read_event(turned).canonical(), read_event(json.dumps(ORDER)).canonical())

    def test_every_fault_is_told_at_once(self) -> None:
        wrong = ORDER | {
            "buyer": "",
            "amount": 100.0,
            "tip": 1,
            "sellers": [{"name": "bob"}, {"name": "b", "weight": 0}],
        }
        with self.assertRaises(EventError) as caught:
            read_event(json.dumps(wrong))
        self.assertEqual(
            [line.split(":")[0] for line in str(caught.exception).splitlines()],
            ["tip", "buyer", "amount", "sellers[0]", "sellers[1].weight"],
        )

    def test_what_is_no_payment_is_refused(self) -> None:
        for change in (
            {"amount": "0.00"},
            {"amount": "-1.00"},
            {"amount": "1e2"},
            {"amount": "100.001"},
            {"currency": "XXX"},
            {"event": "a\nb"},
            {"sellers": []},
            {"sellers": [{"name": "bob", "weight": True}]},
            {"sellers": [{"name": "bob", "weight": 1}, {"name": "bob", "weight": 1}]},
        ):
            with self.assertRaises(EventError, msg=change):
                read_event(json.dumps(ORDER | change))
        for text in ("", "[]", "{", '{"event": "a", "event": "b"}', "[" * 100000):
            with self.assertRaises(EventError, msg=text[:20]):
                read_event(text)


class ChargeTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.ledger = Ledger(Path(folder.name) / "test.ledger")
        self.addCleanup(self.ledger.__exit__, None, None, None)

    def test_the_same_event_charges_once(self) -> None:
        payment = read_event(json.dumps(ORDER))
        first, second = charge(self.ledger, payment), charge(self.ledger, payment)
        self.assertTrue(first.is_new)
        self.assertFalse(second.is_new)
        self.assertEqual(first.parts, (("bob", 6667), ("cem", 3333)))
        self.assertEqual(
            self.ledger.balances(),
            {("buyer:ada", "EUR"): -10000, ("seller:bob", "EUR"): 6667, ("seller:cem", "EUR"): 3333},
        )

    def test_another_payment_under_a_charged_id_is_refused(self) -> None:
        payment = read_event(json.dumps(ORDER))
        charge(self.ledger, payment)
        before = self.ledger.balances()
        for other in (
            payment._replace(minor=10001),
            payment._replace(buyer="eve"),
            # The same cents to the same sellers, but not what was asked for.
            payment._replace(sellers=(Seller("bob", 4), Seller("cem", 2))),
        ):
            with self.assertRaises(EventChangedError):
                charge(self.ledger, other)
        self.assertEqual(self.ledger.balances(), before)

    def test_any_stream_of_events_with_repeats_balances(self) -> None:
        chance = random.Random(3)
        payments = [
            Payment(
                f"order-{number}",
                chance.choice(["ada", "eve"]),
                chance.randint(1, 10**6),
                chance.choice(["EUR", "JPY"]),
                tuple(Seller(name, chance.randint(1, 99)) for name in chance.sample(["bob", "cem", "dan"], k=2)),
            )
            for number in range(60)
        ]
        stream = payments * 3
        chance.shuffle(stream)
        charged = [payment.event for payment in stream if charge(self.ledger, payment).is_new]
        self.assertEqual(sorted(charged), sorted(payment.event for payment in payments))
        self.assertEqual(set(self.ledger.totals().values()), {0})
        paid = -sum(minor for (account, _), minor in self.ledger.balances().items() if account.startswith("buyer:"))
        self.assertEqual(paid, sum(payment.minor for payment in payments))


class PayTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def pay(self, *words: str) -> tuple[int, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = main([words[0], "--ledger", str(self.folder / "shop.ledger"), *words[1:]])
        return code, out.getvalue(), err.getvalue()

    def event(self, **change: object) -> str:
        path = self.folder / "event.json"
        path.write_text(json.dumps(ORDER | change))
        return str(path)

    def test_charge_twice_and_look(self) -> None:
        charged = "charged order-1: 100.00 EUR from ada\n  66.67 EUR to bob\n  33.33 EUR to cem\n"
        self.assertEqual(self.pay("charge", self.event()), (0, charged, ""))
        self.assertEqual(self.pay("charge", self.event()), (0, "order-1 was already charged: nothing to do\n", ""))
        self.assertEqual(
            self.pay("balance")[1],
            "buyer:ada   -100.00 EUR\nseller:bob    66.67 EUR\nseller:cem    33.33 EUR\ntogether       0.00 EUR\n",
        )

    def test_what_is_refused_says_why(self) -> None:
        self.pay("charge", self.event())
        code, out, err = self.pay("charge", self.event(amount="100.01"))
        self.assertEqual((code, out, err), (1, "", "pay: order-1: posted before with another content\n"))
        code, out, err = self.pay("charge", self.event(amount="lots", buyer=""))
        self.assertEqual((code, len(err.splitlines())), (1, 2))
        self.assertEqual(self.pay("charge", "missing.json")[0], 1)

    def test_a_ledger_that_is_not_there_is_not_made_by_looking(self) -> None:
        self.assertEqual(self.pay("balance")[0], 1)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
