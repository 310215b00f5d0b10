from collections.abc import Iterator, Mapping
from itertools import product
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.graph.closure import Closures
from brazil.graph.dependency import DependencyGraph
from brazil.graph.invariants import check
from brazil.model.conflict import Conflict
from brazil.model.digest import EMPTY
from brazil.model.names import Interface, PackageVersion
from brazil.model.package import Kind, Manifest
from brazil.model.versionset import PackageRecord
from brazil.resolve.explain import lines
from brazil.resolve.solver import Request, Resolution, resolve
from tests.strategies import World, worlds

K = TypeVar("K")
V = TypeVar("V")
NEW = 1_000  # higher than every number in a world
Atom = tuple[Interface, Interface, Kind]
Chosen = dict[Interface, tuple[int, Manifest]]


def solve(world: World) -> Resolution | Conflict:
    return resolve(world.request, world.base, world.memory())


def choices(world: World) -> list[list[tuple[Interface, int, Manifest]]]:
    options = []
    for interface in sorted({*world.catalog, *world.request.new}):
        if interface in world.request.new:
            options.append([(interface, NEW, world.request.new[interface])])
        else:
            options.append([(interface, n, m) for n, m in world.catalog[interface].items()] or [(interface, 0, None)])
    return options  # type: ignore[return-value]


def answers(world: World) -> Iterator[Chosen]:
    """Try every choice of versions."""
    for choice in product(*choices(world)):
        there = {interface: (number, m) for interface, number, m in choice if number}
        picked: Chosen = {}
        todo = list(world.request.targets)
        while todo:
            here = todo.pop()
            if here not in there:
                break
            if here not in picked:
                picked[here] = there[here]
                todo.extend(d.interface for d in there[here][1].dependencies)
        else:
            if valid(picked):
                yield picked


def valid(picked: Chosen) -> bool:
    return not check({i: PackageRecord(PackageVersion(i, n), "", EMPTY, m) for i, (n, m) in picked.items()})


def possible(world: World) -> bool:
    return next(answers(world), None) is not None


def keep(world: World, kept: set[Atom]) -> World:
    """The same world when only some dependencies are declared."""

    def cut(m: Manifest) -> Manifest:
        needs = (d for d in m.dependencies if (m.interface, d.interface, d.kind) in kept)
        return m._replace(dependencies=tuple(needs))

    return World(
        {i: {n: cut(m) for n, m in versions.items()} for i, versions in world.catalog.items()},
        world.base,
        Request(world.request.targets, {i: cut(m) for i, m in world.request.new.items()}),
    )


def atoms(world: World) -> list[Atom]:
    made = [*world.request.new.values(), *(m for versions in world.catalog.values() for m in versions.values())]
    return sorted({(m.interface, d.interface, d.kind) for m in made for d in m.dependencies})


def picked_by(world: World, resolution: Resolution) -> Chosen:
    return {
        i: (NEW, world.request.new[i]) if v is None else (v.number, world.catalog[i][v.number])
        for i, v in resolution.pins.items()
    }


@settings(max_examples=150)
@given(worlds())
def test_an_answer_is_found_exactly_when_there_is_one(world: World) -> None:
    answer = solve(world)
    if isinstance(answer, Conflict):
        assert not possible(world)
    else:
        picked = picked_by(world, answer)
        assert valid(picked)
        graph = DependencyGraph({i: m for i, (_, m) in picked.items()})
        assert list(answer.pins) == sorted(Closures(graph).reachable(world.request.targets))


@settings(max_examples=60)
@given(worlds())
def test_a_base_that_fits_is_kept(world: World) -> None:
    pinned = {i: {v.number: world.catalog[i][v.number]} for i, v in world.base.items()}
    narrow = World({i: pinned.get(i, {}) for i in world.catalog}, world.base, world.request)
    only = next(answers(narrow), None)
    answer = solve(world)
    if only is not None:
        assert isinstance(answer, Resolution)
        assert picked_by(world, answer) == only


@given(worlds(), st.data())
def test_removing_a_constraint_never_removes_a_solution(world: World, data: st.DataObject) -> None:
    declared = atoms(world)
    if isinstance(solve(world), Resolution) and declared:
        dropped = data.draw(st.sampled_from(declared))
        assert isinstance(solve(keep(world, {*declared} - {dropped})), Resolution)


def backwards(mapping: Mapping[K, V]) -> dict[K, V]:
    return dict(reversed(list(mapping.items())))


@given(worlds())
def test_the_order_of_mappings_is_no_input(world: World) -> None:
    again = World(
        {i: backwards(versions) for i, versions in backwards(world.catalog).items()},
        backwards(world.base),
        Request(tuple(reversed(world.request.targets)), backwards(world.request.new)),
    )
    answer, other = solve(world), solve(again)
    assert answer == other
    if isinstance(answer, Resolution) and isinstance(other, Resolution):
        assert list(answer.pins) == list(other.pins)


@settings(max_examples=250)
@given(worlds())
def test_every_need_of_a_conflict_is_necessary_and_together_they_suffice(world: World) -> None:
    conflict = solve(world)
    if isinstance(conflict, Resolution):
        return
    assert lines(conflict)
    core = {(n.package, n.needs, n.kind) for n in conflict.needs}
    assert len(core) == len(conflict.needs)
    if core:
        needed = {n.needs for n in conflict.needs}
        roots = {conflict.needs[0].package, *(n.package for n in conflict.needs if n.package not in needed)}
        world = world._replace(request=world.request._replace(targets=tuple(roots)))
    assert not possible(keep(world, core))
    for need in core:
        assert possible(keep(world, core - {need})), lines(conflict)
