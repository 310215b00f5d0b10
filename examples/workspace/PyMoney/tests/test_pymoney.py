import random
import unittest

import pymoney as money


class MoneyTest(unittest.TestCase):
    def test_what_is_written_reads_back(self) -> None:
        for minor in (0, 1, -1, 99, -12345, 2**63 - 1, -(2**63)):
            for currency in ("EUR", "JPY", "KWD"):
                self.assertEqual(money.parse(money.format(minor, currency), currency), minor)

    def test_texts_that_are_no_amounts_are_refused(self) -> None:
        for text in ("", "1e3", "1.234", "٣", "1\0", "0x10", "NaN", "12.34 "):
            with self.assertRaises(money.MoneyError, msg=text):
                money.parse(text, "EUR")
        with self.assertRaisesRegex(money.MoneyError, "unknown currency"):
            money.parse("1", "XXX")

    def test_numbers_beyond_64_bits_are_refused_and_not_cut(self) -> None:
        for attempt in (
            lambda: money.add([2**63 - 1, 1]),
            lambda: money.add([2**64]),
            lambda: money.split(2**64, [1]),
            lambda: money.split(1, [2**64]),
            lambda: money.format(2**64, "EUR"),
        ):
            with self.assertRaisesRegex(money.MoneyError, "out of range"):
                attempt()

    def test_a_split_loses_nothing_and_agrees_with_exact_arithmetic(self) -> None:
        chance = random.Random(1)
        for _ in range(2000):
            amount = chance.randint(-(10**12), 10**12)
            weights = [chance.randint(0, 1000) for _ in range(chance.randint(1, 9))] + [1]
            self.assertEqual(money.split(amount, weights), _largest_remainder(amount, weights))

    def test_weights_that_say_nothing_are_refused(self) -> None:
        for weights in ([], [0, 0], [1, -1]):
            with self.assertRaisesRegex(money.MoneyError, "weights"):
                money.split(100, weights)


def _largest_remainder(amount: int, weights: list[int]) -> list[int]:
    total, sign = sum(weights), -1 if amount < 0 else 1
    shares = [divmod(abs(amount) * weight, total) for weight in weights]
    parts = [share for share, _ in shares]
    left = abs(amount) - sum(parts)
    for place in sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))[:left]:
        parts[place] += 1
    return [sign * part for part in parts]


if __name__ == "__main__":
    unittest.main()
