"""Explain a Conflict: title, numbered reasons, conclusion and numbered suggestions, as data and as lines."""

from typing import NamedTuple, assert_never

from brazil.model.conflict import Conflict, ConflictKind, Need, Suggestion, SuggestionKind
from brazil.model.names import Interface
from brazil.model.package import TABLES, Kind


class Reason(NamedTuple):
    """One necessary cause."""

    number: int  # 1, 2, 3 ... in the order they are reached
    need: Need
    text: str  # "OrderService-1.0 needs JsonKit-2.0"
    place: str  # "dependencies, line 7"


class Remedy(NamedTuple):
    """One thing that would remove the conflict."""

    number: int  # 1, 2, 3 ...
    suggestion: Suggestion
    text: str


class Explanation(NamedTuple):
    """A Conflict as a reader needs it."""

    title: str
    reasons: tuple[Reason, ...]
    conclusion: str
    remedies: tuple[Remedy, ...]


def explain(conflict: Conflict) -> Explanation:
    """Number what a conflict says; nothing is said twice."""
    needs = dict.fromkeys(conflict.needs)
    suggestions = dict.fromkeys(conflict.suggestions)
    return Explanation(
        title=_title(conflict),
        reasons=tuple(Reason(i, n, _need(n), _place(n, conflict.root)) for i, n in enumerate(needs, 1)),
        conclusion=_conclusion(conflict),
        remedies=tuple(Remedy(i, s, _remedy(s, conflict)) for i, s in enumerate(suggestions, 1)),
    )


def lines(conflict: Conflict) -> tuple[str, ...]:
    """Write a conflict as lines of text, without a final stop or line end."""
    told = explain(conflict)
    width = max((len(reason.text) for reason in told.reasons), default=0)
    text = [f"conflict: {told.title} [conflict.{conflict.kind}]"]
    text += [f"  {reason.text.ljust(width)}   ({reason.place})" for reason in told.reasons]
    if not told.remedies:
        return (*text, f"  {told.conclusion}")
    text.append(f"  {told.conclusion}. {_offer(len(told.remedies))}:")
    wide = max(len(remedy.text) for remedy in told.remedies)
    for remedy in told.remedies:
        count = remedy.suggestion.rebuilds
        rebuilds = f"   rebuilds {count} package{'s' if count > 1 else ''}" if count else ""
        text.append(f"    {remedy.number}. {remedy.text.ljust(wide) if count else remedy.text}{rebuilds}")
    return tuple(text)


def _offer(count: int) -> str:
    return "This removes the conflict" if count == 1 else "Any one of these removes the conflict"


def _title(conflict: Conflict) -> str:
    first = conflict.subject[0]
    match conflict.kind:
        case ConflictKind.MISSING:
            return f"there is no {first}"
        case ConflictKind.AT_LEAST:
            return f"no build of {first} is new enough"
        case ConflictKind.TWO_INTERFACES:
            versions = " and ".join(interface.version for interface in conflict.subject)
            return f"{first.name}, interfaces {versions}, in the {conflict.closure} closure of {conflict.root}"
        case ConflictKind.CYCLE:
            return f"{_circle(conflict.subject)} need each other"
    assert_never(conflict.kind)


_CIRCLE = 12  # names in a title


def _circle(cycle: tuple[Interface, ...]) -> str:
    names = [*map(str, cycle), str(cycle[0])]
    if len(names) > _CIRCLE:
        names[2:-2] = [f"{len(names) - 4} more"]
    return " -> ".join(names)


def _conclusion(conflict: Conflict) -> str:
    first = conflict.subject[0]
    match conflict.kind:
        case ConflictKind.MISSING:
            return f"so {first} would have to be published first, or together with this"
        case ConflictKind.AT_LEAST:
            return f"but the newest usable build of {first} is {conflict.newest}" if conflict.newest else "so none fits"
        case ConflictKind.TWO_INTERFACES:
            return f"so {'both' if len(conflict.subject) == 2 else 'several'} lines of {first.name} meet"
        case ConflictKind.CYCLE:
            return "so none of them can be built first"
    assert_never(conflict.kind)


def _need(need: Need) -> str:
    wanted = f"{need.needs}.{need.at_least} or newer" if need.at_least else str(need.needs)
    match need.kind:
        case Kind.NORMAL:
            return f"{need.package} needs {wanted}"
        case Kind.RUNTIME:
            return f"{need.package} needs {wanted} to run"
        case Kind.TEST:
            return f"{need.package} tests need {wanted}"
        case Kind.TOOL:
            return f"{need.package} is built with {wanted}"
    assert_never(need.kind)


def _place(need: Need, root: Interface | None) -> str:
    table = TABLES[need.kind] if need.package == root else f"its {TABLES[need.kind]}"
    return f"{table}, line {need.line}" if need.line else table


def _remedy(suggestion: Suggestion, conflict: Conflict) -> str:
    interface = suggestion.interface
    match suggestion.kind:
        case SuggestionKind.USE:
            place = f" in {suggestion.package.name}" if suggestion.package else ""
            return f"use {interface} instead of {conflict.subject[0]}{place}"
        case SuggestionKind.TOGETHER:
            name = interface.name
            return f"take {name} along: publish it with -p {name}, or have it in the workspace with ws use {name}"
        case SuggestionKind.WINNER:
            assert suggestion.package is not None
            key = f'resolves-conflict-dependencies {interface.name} = "{interface.version}"'
            return f"set {key} in {suggestion.package.name}"
    assert_never(suggestion.kind)
