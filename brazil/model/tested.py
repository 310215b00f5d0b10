"""What a test run found, case by case, whichever tool ran the tests."""

from enum import StrEnum
from typing import NamedTuple


class CaseEnd(StrEnum):
    """How one test case ended."""

    PASSED = "passed"
    FAILED = "failed"  # what was tested is wrong
    ERROR = "error"  # the test itself broke
    SKIPPED = "skipped"


class Case(NamedTuple):
    """One test case."""

    suite: str  # what it belongs to, such as a class or a file; may be empty
    name: str
    end: CaseEnd
    seconds: float = 0.0
    message: str = ""  # why it did not pass, in a line
    output: str = ""  # what it said, when it did not pass


class Tested(NamedTuple):
    """Everything that one test run left behind about its cases."""

    cases: tuple[Case, ...] = ()  # in the order of the files' names, then as they stand there
    unreadable: tuple[tuple[str, str], ...] = ()  # (file, why), sorted

    def count(self, *ends: CaseEnd) -> int:
        """How many cases ended in one of these ways."""
        return sum(case.end in ends for case in self.cases)
