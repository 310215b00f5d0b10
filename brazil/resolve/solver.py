"""Resolver: targets, base pins and a catalog to pins that keep I1, I2, I4 and I5, or to a Conflict.

The pins are exactly what the targets need, by any kind. A base pin stays if it fits, else the newest version that
fits is taken. If anything fits it is found. The same input gives the same answer, whatever the order of mappings.
The needs of a Conflict are a smallest core: found by asking again without each of them.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from brazil.model.conflict import Conflict, ConflictKind, Need, Suggestion, SuggestionKind
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.nearest import nearest
from brazil.model.package import Kind, Manifest
from brazil.resolve.catalog import Catalog
from brazil.resolve.question import RUN, Atom, Failure, Nogood, Question
from brazil.resolve.search import search

_KINDS = {kind: place for place, kind in enumerate(Kind)}


class Request(NamedTuple):
    """What is to be resolved."""

    targets: tuple[Interface, ...]  # everything in the answer is there because a target needs it
    new: Mapping[Interface, Manifest]  # about to be published: the only versions of these interfaces that will do


class Resolution(NamedTuple):
    """Versions that fit together."""

    pins: Mapping[Interface, PackageVersion | None]  # sorted; None: the new version


def resolve(request: Request, base: Mapping[Interface, PackageVersion], catalog: Catalog) -> Resolution | Conflict:
    """Choose a version of everything the targets need, as close to the base pins as the preferences say.

    Args:
        request: targets and new versions.
        base: pins to keep where they fit.
        catalog: what else there is.
    """
    question = Question(request.targets, request.new, base, catalog)
    answer = search(question)
    if isinstance(answer, Nogood):
        return _explained(question, answer)
    return Resolution({interface: _version(interface, answer[interface].number, base) for interface in sorted(answer)})


def _version(
    interface: Interface, number: int | None, base: Mapping[Interface, PackageVersion]
) -> PackageVersion | None:
    if number is None:
        return None
    pinned = base.get(interface)
    return pinned if pinned and pinned.number == number else PackageVersion(interface, number)


def _explained(question: Question, nogood: Nogood) -> Conflict:
    """Make a Conflict of the nogood without conditions: the smallest core, seen from where it arises."""
    targets, core = question.targets, _core(question, question.targets, nogood.atoms)
    # How a target comes to need the root of the trouble would only lengthen the story.
    for root in sorted({package for package, _, _ in core}):
        if len(targets) == 1 and _is_loop(core):
            break  # the same from each of its packages, and to look from all of 200 takes minutes
        alone = search(question.restricted((root,), core))
        if isinstance(alone, Nogood):
            smaller = _core(question, (root,), alone.atoms)
            if len(smaller) < len(core) or len(targets) > 1:
                targets, core = (root,), smaller
    final = search(question.restricted(targets, core))
    failure = final.failure if isinstance(final, Nogood) else nogood.failure
    return Conflict(
        kind=failure.kind,
        subject=failure.subject,
        needs=_in_order(question, core, targets),
        root=failure.root or (next(iter(targets), None) if core else None),
        closure=failure.closure,
        newest=_newest(question, failure),
        suggestions=tuple(_suggestions(question, targets, core, failure)),
    )


def _core(question: Question, targets: tuple[Interface, ...], atoms: frozenset[Atom]) -> frozenset[Atom]:
    """Drop dependencies as long as there is no answer without them."""
    for atom in sorted(atoms, reverse=True):
        if atom in atoms:
            without = search(question.restricted(targets, atoms - {atom}))
            if isinstance(without, Nogood):
                atoms = without.atoms
    return atoms


def _is_loop(core: frozenset[Atom]) -> bool:
    """Say whether every package of a smallest core needs one other and is needed by one."""
    needing, needed = {package for package, _, _ in core}, {need for _, need, _ in core}
    return needing == needed and len(needing) == len(core)


def _in_order(question: Question, core: frozenset[Atom], roots: tuple[Interface, ...]) -> tuple[Need, ...]:
    """Put needs in the order in which they are reached, each right before what it leads to."""
    by_package: dict[Interface, list[Atom]] = {}
    for atom in sorted(core, key=lambda a: (_KINDS[a[2]], a[1]), reverse=True):
        by_package.setdefault(atom[0], []).append(atom)
    needs: list[Need] = []
    for root in (*roots, *sorted(by_package)):
        todo = by_package.pop(root, [])
        while todo:
            atom = todo.pop()
            needs.append(_need(question, atom))
            todo.extend(by_package.pop(atom[1], ()))
    return tuple(needs)


def _need(question: Question, atom: Atom) -> Need:
    """Tell a need in the words of the preferred version that has it."""
    package, interface, kind = atom
    for number in question.numbers(package):
        for d in question.pick(package, number).needs:
            if d.interface == interface and d.kind is kind:
                return Need(package, interface, kind, d.line, d.at_least)
    return Need(package, interface, kind)


def _newest(question: Question, failure: Failure) -> int:
    if failure.kind is not ConflictKind.AT_LEAST:
        return 0
    return max((number or 0 for number in question.numbers(failure.subject[0])), default=0)


def _suggestions(
    question: Question, targets: tuple[Interface, ...], core: frozenset[Atom], failure: Failure
) -> Iterator[Suggestion]:
    if failure.kind is ConflictKind.MISSING:
        package = next((p for p, need, _ in sorted(core) if need == failure.subject[0]), None)
        for near in _near(question, failure.subject[0]):
            yield Suggestion(SuggestionKind.USE, package, near)
        # What is in the request already has another interface there.
        if failure.subject[0].name not in {interface.name for interface in question.new}:
            yield Suggestion(SuggestionKind.TOGETHER, None, failure.subject[0])
    if failure.kind is ConflictKind.TWO_INTERFACES and failure.root is not None:
        root = failure.root
        own = [i for i in failure.subject if any((root, i, kind) in core for kind in RUN)]
        for interface in own if len(own) == 1 else failure.subject:
            helped = search(question.restricted(targets, core, (root, interface)))
            if not isinstance(helped, Nogood):
                yield Suggestion(SuggestionKind.WINNER, root, interface)


def _near(question: Question, missing: Interface) -> list[Interface]:
    """Return other lines of the package; if there are none, lines of the package with the nearest name."""
    known = {*question.base, *question.new}
    near = nearest(missing.name, {interface.name for interface in known})
    for name in filter(None, (missing.name, PackageName(near))):
        lines = {*question.catalog.interfaces(name), *(i for i in known if i.name == name)} - {missing}
        if lines:
            return sorted(lines)
    return []
