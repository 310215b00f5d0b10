import contextlib
import io
import json
import os
import random
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from ledger_kit import Ledger
from payment_service.charge import Charge, Shop, charge
from payment_service.cli import TRY_AGAIN, main
from payment_service.event import EventError, Payment, Seller, read_event
from payment_service.journal import journal
from payment_service.orders import OrderError, Orders, State, split
from provider_api import UnavailableError
from provider_test_kit import LOST, PAY, REFUSE, UNAVAILABLE, ScriptedProvider
from wallet_kit import Wallets

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


class SplitTest(unittest.TestCase):
    def split(self, minor: int, *weights: int) -> list[int]:
        sellers = tuple(Seller(f"s{place}", weight) for place, weight in enumerate(weights))
        return [order.minor for order in split(Payment("e", "ada", minor, "EUR", sellers))]

    def test_an_odd_cent_goes_to_whoever_comes_first(self) -> None:
        self.assertEqual(self.split(100, 1, 1, 1), [34, 33, 33])
        self.assertEqual(self.split(10000, 2, 1), [6667, 3333])

    def test_nobody_is_ordered_nothing(self) -> None:
        self.assertEqual(self.split(1, 1, 1), [1])

    def test_no_split_loses_a_cent(self) -> None:
        chance = random.Random(4)
        for _ in range(300):
            minor = chance.randint(1, 10**9)
            parts = self.split(minor, *[chance.randint(1, 99) for _ in range(chance.randint(1, 6))])
            self.assertEqual(sum(parts), minor)


class ChargeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.closing = contextlib.ExitStack()
        self.addCleanup(self.closing.close)
        self.folder = Path(self.closing.enter_context(tempfile.TemporaryDirectory()))

    def shop(self, *script: str) -> Shop:
        """A shop whose provider does as it is told, and remembers what it was told before."""
        return self.with_provider(ScriptedProvider(*script))

    def with_provider(self, provider: ScriptedProvider) -> Shop:
        return Shop(
            self.closing.enter_context(Orders(self.folder / "orders.db")),
            self.closing.enter_context(Ledger(self.folder / "ledger.db")),
            self.closing.enter_context(Wallets(self.folder / "wallets.db")),
            provider,
            wait=lambda _: None,
        )

    def charge(self, shop: Shop, **change: object) -> Charge:
        return charge(shop, read_event(json.dumps(ORDER | change)))

    def test_an_event_becomes_an_order_for_each_seller(self) -> None:
        shop = self.shop()
        done = self.charge(shop)
        self.assertTrue(done.is_new)
        self.assertEqual(
            [(o.id, o.minor, o.state, o.note) for o in done.orders],
            [("order-1/bob", 6667, State.SETTLED, "test-0001"), ("order-1/cem", 3333, State.SETTLED, "test-0002")],
        )
        self.assertEqual(
            shop.ledger.balances(),
            {("buyer:ada", "EUR"): -10000, ("seller:bob", "EUR"): 6667, ("seller:cem", "EUR"): 3333},
        )
        self.assertEqual(shop.wallets.balance("bob", "EUR"), 6667)

    def test_the_same_event_charges_once(self) -> None:
        provider = ScriptedProvider()
        first, second = self.charge(self.with_provider(provider)), self.charge(self.with_provider(provider))
        self.assertTrue(first.is_new)
        self.assertEqual(second, first._replace(is_new=False))
        self.assertEqual((provider.asked, len(provider.paid)), (2, 2))

    def test_another_payment_under_a_charged_id_is_refused(self) -> None:
        shop = self.shop()
        self.charge(shop)
        before = shop.ledger.balances()
        for change in (
            {"amount": "100.01"},
            {"buyer": "eve"},
            # The same cents to the same sellers, but not what was asked for.
            {"sellers": [{"name": "bob", "weight": 4}, {"name": "cem", "weight": 2}]},
        ):
            with self.assertRaises(OrderError):
                self.charge(shop, **change)
        self.assertEqual(shop.ledger.balances(), before)

    def test_a_refused_order_moves_no_money_and_stays_refused(self) -> None:
        shop = self.shop(PAY, REFUSE)
        done = self.charge(shop)
        self.assertEqual([order.state for order in done.orders], [State.SETTLED, State.REFUSED])
        self.assertEqual(shop.wallets.owners(), [("bob", "EUR")])
        self.assertEqual(shop.ledger.events(), ["order-1/bob"])
        self.assertFalse(self.charge(shop).is_new)

    def test_an_outage_leaves_the_rest_for_later(self) -> None:
        provider = ScriptedProvider(PAY, UNAVAILABLE, UNAVAILABLE, LOST)
        with self.assertRaises(UnavailableError):
            self.charge(self.with_provider(provider))
        shop = self.with_provider(provider)
        states = [order.state for order in shop.orders.of("order-1")]
        self.assertEqual(states, [State.SETTLED, State.OPEN])
        done = self.charge(shop)
        self.assertTrue(done.is_new)
        self.assertEqual(len(provider.paid), 2)
        self.assertEqual(shop.wallets.balance("cem", "EUR"), 3333)

    def test_a_crash_after_any_step_is_made_good_by_charging_again(self) -> None:
        for number, step in enumerate(
            ("provider_test_kit.ScriptedProvider.pay", "wallet_kit.Wallets.move", "ledger_kit.Ledger.post",
             "payment_service.orders.Orders.close")
        ):  # fmt: skip
            event, provider = f"order-{number}", ScriptedProvider()
            module, _, method = step.rpartition(".")
            owner, name = module.rsplit(".", 1)
            real = getattr(getattr(__import__(owner, fromlist=[name]), name), method)

            def crash(*words: object, real=real) -> None:  # type: ignore[no-untyped-def]
                real(*words)
                raise KeyboardInterrupt

            with mock.patch(step, crash), self.assertRaises(KeyboardInterrupt):
                self.charge(self.with_provider(provider), event=event)
            shop = self.with_provider(provider)
            self.charge(shop, event=event)
            self.assertEqual(len(provider.paid), 2, step)
            self.assertEqual({order.state for order in shop.orders.of(event)}, {State.SETTLED})
            self.assertEqual(shop.wallets.balance("bob", "EUR"), 6667 * (number + 1))
            self.assertEqual(shop.ledger.balances()["buyer:ada", "EUR"], -10000 * (number + 1))

    def test_any_stream_of_events_with_repeats_and_failures_balances(self) -> None:
        chance = random.Random(3)
        payments = [
            Payment(
                f"order-{number}",
                chance.choice(["ada", "eve"]),
                chance.randint(1, 10**6),
                chance.choice(["EUR", "JPY"]),
                tuple(Seller(name, chance.randint(1, 99)) for name in chance.sample(["bob", "cem", "dan"], k=2)),
            )
            for number in range(30)
        ]
        stream = payments * 3
        chance.shuffle(stream)
        provider = ScriptedProvider(*chance.choices([PAY, REFUSE, UNAVAILABLE, LOST], k=120))
        shop = self.with_provider(provider)
        for payment in [*stream, *payments]:
            with contextlib.suppress(UnavailableError):
                charge(shop, payment)
        self.assertEqual(set(shop.ledger.totals().values()), {0})
        settled = [order for order in shop.orders.all() if order.state is State.SETTLED]
        self.assertEqual(sorted(provider.paid), sorted(order.id for order in settled))
        paid = -sum(minor for (account, _), minor in shop.ledger.balances().items() if account.startswith("buyer:"))
        self.assertEqual(paid, sum(order.minor for order in settled))
        self.assertEqual(paid, sum(shop.wallets.balance(*wallet) for wallet in shop.wallets.owners()))

    def test_the_journal_tells_what_was_posted_and_what_became_of_orders(self) -> None:
        shop = self.shop(PAY, REFUSE)
        self.charge(shop)
        self.assertEqual(
            list(journal(shop.orders, shop.ledger)),
            [
                "Posted\torder-1/bob\tbuyer:ada\tEUR\t-6667",
                "Posted\torder-1/bob\tseller:bob\tEUR\t6667",
                "Settled\torder-1/bob\tbob\tEUR\t6667\ttest-0001",
                "Refused\torder-1/cem\tcem\tthe test says so",
            ],
        )


class PayTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def pay(self, *words: str) -> tuple[int, str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = main([words[0], "--shop", str(self.folder / "shop"), *words[1:]])
        return code, out.getvalue(), err.getvalue()

    def event(self, **change: object) -> str:
        path = self.folder / "event.json"
        path.write_text(json.dumps(ORDER | change))
        return str(path)

    def test_charge_twice_and_look(self) -> None:
        charged = "order-1: 100.00 EUR from ada\n  66.67 EUR to bob, card-0001\n  33.33 EUR to cem, card-0002\n"
        self.assertEqual(self.pay("charge", self.event()), (0, charged, ""))
        self.assertEqual(self.pay("charge", self.event()), (0, "order-1 was already charged: nothing to do\n", ""))
        self.assertEqual(
            self.pay("balance")[1],
            "buyer:ada   -100.00 EUR\nseller:bob    66.67 EUR\nseller:cem    33.33 EUR\ntogether       0.00 EUR\n"
            "wallet:bob    66.67 EUR\nwallet:cem    33.33 EUR\n",
        )
        self.assertEqual(len(self.pay("journal")[1].splitlines()), 6)

    def test_what_is_refused_says_why(self) -> None:
        self.pay("charge", self.event())
        code, out, err = self.pay("charge", self.event(amount="100.01"))
        self.assertEqual((code, out, err), (1, "", "pay: order-1: another payment came under this id before\n"))
        code, out, err = self.pay("charge", self.event(amount="lots", buyer=""))
        self.assertEqual((code, len(err.splitlines())), (1, 2))
        self.assertEqual(self.pay("charge", "missing.json")[0], 1)
        code, out, err = self.pay("charge", self.event(event="order-2", amount="9000.00"))
        self.assertEqual((code, err), (1, ""))
        self.assertIn("6000.00 EUR to bob, refused: over the limit of the card", out)

    def test_an_outage_asks_to_try_again(self) -> None:
        (self.folder / "shop").mkdir()
        (self.folder / "shop" / "outage").write_text("4\n")
        code, out, err = self.pay("charge", self.event())
        self.assertEqual((code, out), (TRY_AGAIN, ""))
        self.assertIn("charge the event again later", err)
        self.assertEqual(self.pay("charge", self.event())[0], 0)

    def test_another_provider_is_chosen_when_the_service_runs(self) -> None:
        with mock.patch.dict(os.environ, {"SHOP_PROVIDER": "provider_test_kit"}):
            self.assertIn("to bob, test-0001", self.pay("charge", self.event())[1])

    def test_a_shop_that_is_not_there_is_not_made_by_looking(self) -> None:
        self.assertEqual(self.pay("balance")[0], 1)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
