import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import pymoney as money
from wallet_kit import OverdrawnError, WalletError, Wallets

# Tries the same moves as everybody else, and says how many it made.
COMPETE = """
import sys
from wallet_kit import Wallets

with Wallets(sys.argv[1]) as wallets:
    print(sum(wallets.move(f"order-{n}", "bob", "EUR", n) for n in range(25)))
"""


class WalletsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "wallets.db"
        self.wallets = Wallets(self.path)
        self.addCleanup(self.wallets.__exit__, None, None, None)

    def test_the_same_move_is_made_once(self) -> None:
        self.assertTrue(self.wallets.move("one", "bob", "EUR", 500))
        self.assertFalse(self.wallets.move("one", "bob", "EUR", 500))
        self.assertEqual(self.wallets.balance("bob", "EUR"), 500)

    def test_another_move_under_a_used_key_is_refused(self) -> None:
        self.wallets.move("one", "bob", "EUR", 500)
        for owner, currency, minor in (("cem", "EUR", 500), ("bob", "USD", 500), ("bob", "EUR", 501)):
            with self.assertRaises(WalletError):
                self.wallets.move("one", owner, currency, minor)
        self.assertEqual(self.wallets.owners(), [("bob", "EUR")])

    def test_a_wallet_is_never_overdrawn(self) -> None:
        self.wallets.move("in", "bob", "EUR", 500)
        with self.assertRaisesRegex(OverdrawnError, "bob has 5.00 EUR"):
            self.wallets.move("out", "bob", "EUR", -501)
        self.assertTrue(self.wallets.move("out", "bob", "EUR", -500))
        self.assertEqual(self.wallets.balance("bob", "EUR"), 0)

    def test_currencies_are_kept_apart(self) -> None:
        self.wallets.move("one", "bob", "EUR", 500)
        with self.assertRaises(OverdrawnError):
            self.wallets.move("two", "bob", "USD", -1)

    def test_an_amount_that_does_not_fit_is_refused(self) -> None:
        self.wallets.move("one", "bob", "EUR", 2**63 - 1)
        with self.assertRaises(money.MoneyError):
            self.wallets.move("two", "bob", "EUR", 1)
        self.assertEqual(self.wallets.balance("bob", "EUR"), 2**63 - 1)

    def test_random_moves_with_repeats_add_up(self) -> None:
        chance = random.Random(5)
        moves = [(f"move-{n}", chance.choice("abc"), "EUR", chance.randint(1, 9999)) for n in range(80)]
        stream = moves * 2
        chance.shuffle(stream)
        made = sum(self.wallets.move(*move) for move in stream)
        self.assertEqual(made, len(moves))
        held = sum(self.wallets.balance(*wallet) for wallet in self.wallets.owners())
        self.assertEqual(held, sum(minor for *_, minor in moves))

    def test_processes_that_try_the_same_moves_make_each_once(self) -> None:
        command = [sys.executable, "-c", COMPETE, self.path]
        started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
        self.assertEqual(sum(int(process.communicate()[0]) for process in started), 25)
        self.assertEqual(self.wallets.balance("bob", "EUR"), sum(range(25)))


if __name__ == "__main__":
    unittest.main()
