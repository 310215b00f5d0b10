"""Every error a user can meet, by what the reader can do next.

One mechanism answers all bad input: whoever finds something wrong gathers `Problem` values and raises
once. The kind of the exception fixes the exit code; the problems are data, and sentences, colour and
JSON are made from them in `report/`. Outcomes that are part of the work (a build that failed, a request
without solution, a lost publication) are results, not exceptions.

Plain classes instead of dataclasses: importing `dataclasses` costs 29 ms at every start.
"""

from typing import ClassVar, NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong, told in the order a reader needs it.

    Texts start in lower case and have no final stop.
    """

    code: str  # stable and documented, such as "manifest.unknown-key"
    what: str  # what failed, on what
    because: str = ""  # the reason, when it is not plain from `what`
    hint: str = ""  # what to do, such as the nearest valid name
    file: str = ""  # the file as the user knows it; empty: not about a file
    line: int = 0  # 1-based; 0: unknown
    key: str = ""  # dotted key inside the file, such as "build.timeout"


class BrazilError(Exception):
    """Base of all our errors: one or more problems of one kind."""

    kind: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 70

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("an error needs at least one problem")
        super().__init__(*problems)
        self.problems = problems

    @property
    def code(self) -> str:
        """The stable code of the first problem."""
        return self.problems[0].code

    def __str__(self) -> str:
        first, *rest = self.problems
        place = ":".join(str(part) for part in (first.file, first.line) if part)
        text = f"{place}: {first.what}" if place else first.what
        if first.because:
            text += f": {first.because}"
        return text if not rest else f"{text} (and {len(rest)} more)"


class UsageError(BrazilError):
    """The input is wrong: fix it and try again. Nothing was changed."""

    kind = "usage"
    exit_code = 2


class HermeticityError(BrazilError):
    """Something reached, or would have to reach, outside what was declared."""

    kind = "hermeticity"
    exit_code = 4


class IntegrityError(BrazilError):
    """Stored content is not what its name says: repair or rebuild it."""

    kind = "integrity"
    exit_code = 4


class UnavailableError(BrazilError):
    """Something needed is not there now: wait, install or free it, then retry."""

    kind = "unavailable"
    exit_code = 5


class InternalError(BrazilError):
    """A bug in brazil: report it."""

    kind = "internal"
    exit_code = 70
