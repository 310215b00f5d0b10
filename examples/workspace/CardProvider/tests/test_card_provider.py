import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from card_provider import LIMIT, connect, main, statement
from provider_api import PaymentRequest, Provider, RefusedError, UnavailableError
from provider_test_kit import ProviderContract

REQUEST = PaymentRequest("order-1/bob", "ada", "bob", "EUR", 500)


class CardProviderTest(ProviderContract, unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def connect(self) -> Provider:
        return connect(self.folder)

    def test_a_payment_over_the_limit_is_refused_and_leaves_nothing(self) -> None:
        with self.assertRaisesRegex(RefusedError, "limit"):
            self.connect().pay(REQUEST._replace(minor=LIMIT + 1))
        self.assertEqual(statement(self.folder), [])
        self.assertEqual(self.connect().pay(REQUEST._replace(minor=LIMIT)), "card-0001")

    def test_in_an_outage_nobody_knows_and_asking_again_pays_once(self) -> None:
        for outages in (1, 2, 3):
            (self.folder / "outage").write_text(f"{outages}\n")
            request = REQUEST._replace(key=f"order-{outages}")
            for _ in range(outages):
                with self.assertRaises(UnavailableError):
                    self.connect().pay(request)
            self.assertEqual(self.connect().pay(request), f"card-{outages:04}")
        self.assertEqual(len(statement(self.folder)), 3)

    def test_the_statement_lists_what_was_paid(self) -> None:
        self.connect().pay(REQUEST)
        self.connect().pay(REQUEST._replace(key="order-2/cem", currency="JPY", minor=70))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(main([str(self.folder)]), 0)
        self.assertEqual(out.getvalue(), "card-0001\tEUR\t500\ncard-0002\tJPY\t70\n")

    def test_a_bank_that_was_never_used_has_an_empty_statement(self) -> None:
        self.assertEqual(statement(self.folder), [])
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
