import unittest
from pathlib import Path

from provider_api import PaymentRequest, RefusedError, UnavailableError, connect, pay
from provider_test_kit import LOST, REFUSE, UNAVAILABLE, ScriptedProvider

REQUEST = PaymentRequest("order-1/bob", "ada", "bob", "EUR", 500)


class PayTest(unittest.TestCase):
    def setUp(self) -> None:
        self.waited: list[float] = []

    def pay(self, provider: ScriptedProvider, tries: int = 3) -> str:
        return pay(provider, REQUEST, tries=tries, wait=self.waited.append)

    def test_an_answer_is_not_waited_for(self) -> None:
        self.assertEqual(self.pay(ScriptedProvider()), "test-0001")
        self.assertEqual(self.waited, [])

    def test_an_outage_is_waited_for_longer_each_time(self) -> None:
        self.assertEqual(self.pay(ScriptedProvider(UNAVAILABLE, UNAVAILABLE)), "test-0001")
        self.assertEqual(self.waited, sorted(self.waited))
        self.assertEqual(len(self.waited), 2)

    def test_an_outage_that_lasts_is_told(self) -> None:
        provider = ScriptedProvider(*[UNAVAILABLE] * 3)
        with self.assertRaises(UnavailableError):
            self.pay(provider)
        self.assertEqual(provider.asked, 3)

    def test_a_lost_answer_does_not_pay_twice(self) -> None:
        provider = ScriptedProvider(LOST)
        self.assertEqual(self.pay(provider), "test-0001")
        self.assertEqual((provider.asked, len(provider.paid)), (2, 1))

    def test_a_refusal_is_final(self) -> None:
        provider = ScriptedProvider(REFUSE)
        with self.assertRaises(RefusedError):
            self.pay(provider)
        self.assertEqual((provider.asked, provider.paid), (1, {}))


class ConnectTest(unittest.TestCase):
    def test_a_provider_is_found_by_the_name_of_its_module(self) -> None:
        self.assertIsInstance(connect("provider_test_kit", Path()), ScriptedProvider)

    def test_a_provider_that_is_not_there_is_told(self) -> None:
        with self.assertRaises(ModuleNotFoundError):
            connect("no_such_provider", Path())


if __name__ == "__main__":
    unittest.main()
