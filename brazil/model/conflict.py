"""Conflict: why no pins satisfy a request, as data; sentences are made from it in `resolve/explain.py`."""

from enum import StrEnum
from typing import NamedTuple

from brazil.model.names import Interface
from brazil.model.package import Kind


class Need(NamedTuple):
    """One dependency that takes part in a conflict."""

    package: Interface  # whose manifest says so
    needs: Interface
    kind: Kind
    line: int = 0  # 1-based line of that manifest; 0: unknown
    at_least: int = 0  # lowest build number that will do; 0: any


class ConflictKind(StrEnum):
    """What makes a request impossible."""

    MISSING = "missing"  # something needed does not exist
    AT_LEAST = "at-least"  # no build number is high enough for everybody
    TWO_INTERFACES = "two-interfaces"  # two lines of one package meet in a closure (I4)
    CYCLE = "cycle"  # packages need each other (I5)


class SuggestionKind(StrEnum):
    """What could be done about a conflict."""

    USE = "use"  # name `interface` instead of the missing one
    TOGETHER = "together"  # have `interface`, which was never published, in the request too
    WINNER = "winner"  # let `interface` win in the closures of `package`


class Suggestion(NamedTuple):
    """One change that removes a conflict."""

    kind: SuggestionKind
    package: Interface | None  # whose manifest to change; None: the request itself
    interface: Interface
    rebuilds: int = 0  # packages that have to be rebuilt then; 0: not counted


class Conflict(NamedTuple):
    """A request without solution.

    The needs alone make it impossible, and every one of them is necessary: drop one and the conflict is gone.
    """

    kind: ConflictKind
    # What is missing or too old; the two interfaces that meet, sorted; the cycle, from its smallest member on.
    subject: tuple[Interface, ...]
    needs: tuple[Need, ...]  # in the order they are reached from the root
    root: Interface | None = None  # where it arises: the root of the closure; None: the request itself
    closure: str = ""  # "runtime" or "test" for two interfaces; else empty
    newest: int = 0  # highest build number there is, for AT_LEAST
    suggestions: tuple[Suggestion, ...] = ()
