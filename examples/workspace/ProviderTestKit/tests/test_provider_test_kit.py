import unittest

from provider_api import PaymentRequest, Provider, RefusedError, UnavailableError
from provider_test_kit import LOST, REFUSE, UNAVAILABLE, ProviderContract, ScriptedProvider

REQUEST = PaymentRequest("order-1/bob", "ada", "bob", "EUR", 500)


class ScriptTest(unittest.TestCase):
    def test_the_script_is_played_in_order(self) -> None:
        provider = ScriptedProvider(UNAVAILABLE, LOST, REFUSE)
        with self.assertRaises(UnavailableError):
            provider.pay(REQUEST)
        self.assertEqual(provider.paid, {})
        with self.assertRaises(UnavailableError):
            provider.pay(REQUEST)
        self.assertEqual(provider.paid, {REQUEST.key: REQUEST})
        with self.assertRaises(RefusedError):
            provider.pay(REQUEST._replace(key="order-2/bob"))
        self.assertEqual(provider.pay(REQUEST), "test-0001")

    def test_what_was_paid_is_not_refused_later(self) -> None:
        provider = ScriptedProvider(LOST, REFUSE)
        with self.assertRaises(UnavailableError):
            provider.pay(REQUEST)
        self.assertEqual(provider.pay(REQUEST), "test-0001")


class ContractTest(ProviderContract, unittest.TestCase):
    def setUp(self) -> None:
        self.provider = ScriptedProvider()

    def connect(self) -> Provider:
        return self.provider


class ForgetfulProvider:
    """What the contract is for: it pays whenever it is asked."""

    def __init__(self) -> None:
        self.count = 0

    def pay(self, _: PaymentRequest) -> str:
        self.count += 1
        return str(self.count)


class BreachTest(unittest.TestCase):
    def test_a_provider_that_pays_twice_is_found(self) -> None:
        forgetful = ForgetfulProvider()

        class Breach(ProviderContract, unittest.TestCase):
            def connect(self) -> Provider:
                return forgetful

        result = unittest.defaultTestLoader.loadTestsFromTestCase(Breach).run(unittest.TestResult())
        self.assertEqual((result.testsRun, len(result.failures)), (2, 2))


if __name__ == "__main__":
    unittest.main()
