import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import pymoney as money
from ledger_kit import EventChangedError, Ledger, LedgerError, Posting

# Posts one entry, and kills itself just before the given SQL statement.
CRASH = """
import os, signal, sys
from ledger_kit import Ledger, Posting

path, statement = sys.argv[1], int(sys.argv[2])
ledger = Ledger(path)
seen = 0

def crash(_):
    global seen
    seen += 1
    if seen == statement:
        os.kill(os.getpid(), signal.SIGKILL)

ledger._db.set_trace_callback(crash)
ledger.post("second", "EUR", [Posting("a", -5), Posting("b", 2), Posting("c", 3)])
"""

# Posts the same 25 entries as everybody else and says how many were new.
COMPETE = """
import sys
from ledger_kit import Ledger, Posting

with Ledger(sys.argv[1]) as ledger:
    print(sum(ledger.post(f"event-{n}", "EUR", [Posting("a", -n), Posting("b", n)]) for n in range(25)))
"""


class LedgerTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "test.ledger"

    def open(self) -> Ledger:
        ledger = Ledger(self.path)
        self.addCleanup(ledger.__exit__, None, None, None)
        return ledger

    def test_random_transfers_always_balance(self) -> None:
        chance = random.Random(7)
        ledger = self.open()
        expected: dict[tuple[str, str], int] = {}
        for number in range(200):
            currency = chance.choice(["EUR", "JPY", "KWD"])
            amount = chance.randint(1, 10**9)
            parts = money.split(amount, [chance.randint(0, 5) for _ in range(chance.randint(1, 4))] + [1])
            postings = [Posting("buyer", -amount)]
            postings += [Posting(f"seller-{n}", part) for n, part in enumerate(parts)]
            self.assertTrue(ledger.post(f"event-{number}", currency, postings))
            for account, minor in postings:
                expected[account, currency] = expected.get((account, currency), 0) + minor
            self.assertEqual(set(ledger.totals().values()), {0})
        self.assertEqual(ledger.balances(), dict(sorted(expected.items())))

    def test_the_same_event_posts_once(self) -> None:
        ledger = self.open()
        postings = [Posting("a", -5), Posting("b", 5)]
        self.assertTrue(ledger.post("one", "EUR", postings))
        self.assertFalse(ledger.post("one", "EUR", postings))
        self.assertEqual(ledger.balances(), {("a", "EUR"): -5, ("b", "EUR"): 5})

    def test_entries_come_back_as_they_were_posted(self) -> None:
        ledger = self.open()
        for event in ("two", "one"):
            ledger.post(event, "EUR", [Posting("b", 5), Posting("a", -5)])
        expected = [(event, "EUR", [Posting("b", 5), Posting("a", -5)]) for event in ("one", "two")]
        self.assertEqual(list(ledger.entries()), expected)

    def test_another_content_under_a_posted_id_is_refused(self) -> None:
        ledger = self.open()
        ledger.post("one", "EUR", [Posting("a", -5), Posting("b", 5)], "book")
        for currency, postings, about in (
            ("USD", [Posting("a", -5), Posting("b", 5)], "book"),
            ("EUR", [Posting("a", -6), Posting("b", 6)], "book"),
            ("EUR", [Posting("a", -5), Posting("c", 5)], "book"),
            ("EUR", [Posting("a", -5), Posting("b", 5)], "pen"),
        ):
            with self.assertRaises(EventChangedError):
                ledger.post("one", currency, postings, about)
        self.assertEqual(ledger.balances(), {("a", "EUR"): -5, ("b", "EUR"): 5})

    def test_an_entry_off_balance_is_refused(self) -> None:
        ledger = self.open()
        with self.assertRaisesRegex(LedgerError, "off balance by 0.01 EUR"):
            ledger.post("one", "EUR", [Posting("a", -5), Posting("b", 6)])
        with self.assertRaisesRegex(LedgerError, "needs postings"):
            ledger.post("one", "EUR", [])
        with self.assertRaisesRegex(money.MoneyError, "out of range"):
            ledger.post("one", "EUR", [Posting("a", 2**63 - 1), Posting("b", 1), Posting("c", -(2**63))])
        self.assertEqual(ledger.events(), [])

    def test_the_file_itself_refuses_to_change_an_entry(self) -> None:
        self.open().post("one", "EUR", [Posting("a", -5), Posting("b", 5)])
        raw = sqlite3.connect(self.path)
        self.addCleanup(raw.close)
        for statement in (
            "DELETE FROM posting",
            "UPDATE posting SET minor = minor * 2",
            "DELETE FROM entry",
            "UPDATE entry SET currency = 'USD'",
        ):
            with self.assertRaisesRegex(sqlite3.IntegrityError, "append-only"):
                raw.execute(statement)

    def test_a_crash_before_any_statement_leaves_whole_entries(self) -> None:
        self.open().post("first", "EUR", [Posting("a", -1), Posting("b", 1)])
        crashes = 0
        while True:
            crashed = subprocess.run([sys.executable, "-c", CRASH, self.path, str(crashes + 1)], check=False)
            ledger = self.open()
            self.assertEqual(set(ledger.totals().values()), {0})
            if crashed.returncode == 0:
                break
            self.assertEqual(crashed.returncode, -signal.SIGKILL)
            self.assertEqual(ledger.events(), ["first"])
            crashes += 1
        # Begin, a look at the entry, the entry, three postings, commit: all were tried.
        self.assertGreaterEqual(crashes, 6)
        self.assertEqual(ledger.events(), ["first", "second"])
        self.assertEqual(sum(ledger.balances().values()), 0)

    def test_processes_that_post_the_same_events_post_each_once(self) -> None:
        competitors = [
            subprocess.Popen([sys.executable, "-c", COMPETE, self.path], stdout=subprocess.PIPE) for _ in range(3)
        ]
        posted = [int(competitor.communicate()[0]) for competitor in competitors]
        self.assertEqual(sum(posted), 25)
        self.assertEqual(self.open().balances(), {("a", "EUR"): -300, ("b", "EUR"): 300})


if __name__ == "__main__":
    unittest.main()
