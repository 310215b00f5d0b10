import contextlib
import importlib.util
import io
import tempfile
import unittest
from pathlib import Path

from audit import faults, main
from shop_events import Posted, Refused, Settled

GOOD = [
    Posted("order-1/bob", "buyer:ada", "EUR", -6667),
    Posted("order-1/bob", "seller:bob", "EUR", 6667),
    Settled("order-1/bob", "bob", "EUR", 6667, "card-0001"),
    Refused("order-1/cem", "cem", "over the limit"),
]


class AuditTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "journal"

    def faults(self, *records: Posted | Settled | Refused) -> list[str]:
        self.path.write_text("".join(f"{record.write()}\n" for record in records))
        return faults(self.path)[0]

    def test_a_good_journal_is_in_order(self) -> None:
        self.assertEqual(self.faults(*GOOD), [])

    def test_an_entry_off_balance_is_found(self) -> None:
        found = self.faults(*GOOD, Posted("order-1/bob", "fees", "EUR", 1))
        self.assertEqual(found, ["order-1/bob: off balance by 1 minor EUR"])

    def test_currencies_do_not_make_up_for_one_another(self) -> None:
        self.assertEqual(len(self.faults(Posted("e", "a", "EUR", 5), Posted("e", "b", "USD", -5))), 2)

    def test_an_order_that_was_not_posted_is_found(self) -> None:
        found = self.faults(*GOOD[2:])
        self.assertEqual(found, ["order-1/bob: settled for 6667 minor EUR, posted 0 minor EUR"])

    def test_a_reference_under_two_orders_is_found(self) -> None:
        again = [record._replace(**{record._fields[0]: "order-2/bob"}) for record in GOOD[:3]]
        self.assertEqual(self.faults(*GOOD, *again), ["card-0001: stands under 2 orders"])

    def test_a_refused_order_that_was_posted_is_found(self) -> None:
        found = self.faults(*GOOD[:2], Refused("order-1/bob", "bob", "no"))
        self.assertEqual(found, ["order-1/bob: refused, and posted all the same"])

    def test_the_program_says_what_it_found(self) -> None:
        self.faults(*GOOD)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(main([str(self.path)]), 0)
        self.assertEqual(out.getvalue(), "2 postings, 2 orders: all in order\n")
        self.path.write_text("Posted\n")
        with contextlib.redirect_stderr(io.StringIO()) as err:
            self.assertEqual(main([str(self.path)]), 1)
        self.assertIn("line 1", err.getvalue())

    def test_the_arithmetic_of_the_shop_is_not_here(self) -> None:
        self.assertIsNone(importlib.util.find_spec("pymoney"))


if __name__ == "__main__":
    unittest.main()
