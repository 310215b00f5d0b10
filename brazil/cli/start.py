"""Where a command line begins: with the quick answer if there is one, else with click and all that follows."""

import os
from collections.abc import Sequence

from brazil.cli.unchanged import look_at_words, told


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code."""
    look = look_at_words(arguments, os.environ)
    if look and told(look):
        return 0

    from brazil.cli.main import run

    return run(list(arguments), look)
