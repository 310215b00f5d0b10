"""Where a command line begins: with the quick answer if there is one, else with click and all that follows."""

import os

TYPE_CHECKING = False  # as every checker knows it; importing it takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Sequence

_QUICK = ("build", "test")


def run(arguments: "Sequence[str]") -> int:
    """Run a command line and return its exit code."""
    if "_BRAZIL_COMPLETE" in os.environ:
        from brazil.cli.complete import answer

        return answer(os.environ)

    look = None
    if arguments and arguments[0] in _QUICK and not any(word.startswith("-") for word in arguments):
        from brazil.cli.unchanged import look_at, told

        look = look_at(arguments[0], arguments[1:], os.environ)
        if look and told(look):
            return 0

    from brazil.cli.main import run

    return run(list(arguments), look)
