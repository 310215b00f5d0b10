import tempfile
import unittest
from pathlib import Path
from unittest import mock

import journal_kit
from shop_events import Posted


class JournalTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "journal"

    def test_only_postings_are_read(self) -> None:
        self.path.write_text("Posted\te\tbuyer:ada\tEUR\t-5\nSettled\tto\tcome\nPosted\te\tseller:bob\tEUR\t5\n")
        found = list(journal_kit.postings(self.path))
        self.assertEqual(found, [Posted("e", "buyer:ada", "EUR", -5), Posted("e", "seller:bob", "EUR", 5)])

    def test_a_wrong_line_is_told_by_its_number(self) -> None:
        self.path.write_text("\nPosted\te\tbuyer:ada\tEUR\n")
        with self.assertRaisesRegex(ValueError, "line 2"):
            list(journal_kit.postings(self.path))

    def test_a_text_may_hold_what_other_readers_take_for_the_end_of_a_line(self) -> None:
        posted = Posted("e\r\x85\u2028", "a", "EUR", 1)
        self.path.write_bytes(f"{posted.write()}\n".encode())
        self.assertEqual(list(journal_kit.postings(self.path)), [posted])

    def test_an_amount_is_shown_with_and_without_pymoney(self) -> None:
        self.assertEqual(journal_kit.amount(1250, "EUR"), "12.50 EUR")
        with mock.patch.object(journal_kit, "money", None):
            self.assertEqual(journal_kit.amount(1250, "EUR"), "1250 minor EUR")


if __name__ == "__main__":
    unittest.main()
