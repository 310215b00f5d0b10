"""Checks the shop's journal: plain integers, and none of the shop's own arithmetic."""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from journal_kit import amount, lines, postings
from shop_events import Refused, Settled


def faults(path: Path) -> tuple[list[str], str]:
    """Check a journal; return everything that is wrong, sorted, and what was looked at.

    Raises:
        ValueError: a line cannot be read.
    """
    found: list[str] = []
    sums: Counter[tuple[str, str]] = Counter()
    to_seller: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    count = 0
    for posted in postings(path):
        count += 1
        sums[posted.entry, posted.currency] += posted.minor
        to_seller[posted.entry][posted.account, posted.currency] += posted.minor
    found += [f"{e}: off balance by {amount(minor, currency)}" for (e, currency), minor in sums.items() if minor]
    settled = [order for order in map(Settled.read, lines(path)) if order]
    refused = [order for order in map(Refused.read, lines(path)) if order]
    for order in settled:
        paid = to_seller[order.order][f"seller:{order.seller}", order.currency]
        if paid != order.minor:
            wanted = amount(order.minor, order.currency)
            found.append(f"{order.order}: settled for {wanted}, posted {amount(paid, order.currency)}")
    uses = Counter(order.reference for order in settled)
    found += [f"{reference}: stands under {times} orders" for reference, times in uses.items() if times > 1]
    found += [f"{order.order}: refused, and posted all the same" for order in refused if to_seller.get(order.order)]
    return sorted(found), f"{count} postings, {len(settled) + len(refused)} orders"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a journal; return the exit code."""
    parser = argparse.ArgumentParser(prog="audit", description="Check the journal of a shop.")
    parser.add_argument("journal", type=Path, help="what `pay journal` wrote")
    try:
        found, about = faults(parser.parse_args(arguments).journal)
    except (OSError, ValueError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return 1
    print(*found, f"{about}: {f'{len(found)} wrong' if found else 'all in order'}", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
