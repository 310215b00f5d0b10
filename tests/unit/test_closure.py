import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brazil.errors import UsageError
from brazil.graph.closure import Affected, Closures
from brazil.graph.dependency import DependencyGraph
from brazil.model.names import Interface, PackageName
from brazil.model.package import Dependency, Kind, Manifest
from tests.strategies import INTERFACES, iface, manifest, pinned

ORDERS = (
    manifest(
        "OrderService-1.0", normal="JsonKit-2.0 HttpKit-1.0", runtime="LogSink-1.0", test="TestKit-1.0", tool="Python-3"
    ),
    manifest("HttpKit-1.0", normal="JsonKit-2.0"),
    manifest("TestKit-1.0", normal="JsonKit-1.0"),
    *map(manifest, ("LogSink-1.0", "Python-3", "JsonKit-1.0", "JsonKit-2.0")),
)
RUN = (Kind.NORMAL, Kind.RUNTIME)


def closures(*manifests: Manifest) -> Closures:
    return Closures(DependencyGraph({m.interface: m for m in manifests}))


def names(words: str) -> tuple[Interface, ...]:
    return tuple(sorted(map(iface, words.split())))


def test_the_worked_closures_of_the_order_service() -> None:
    c, orders = closures(*ORDERS), iface("OrderService-1.0")
    assert c.runtime(orders) == names("OrderService-1.0 JsonKit-2.0 HttpKit-1.0 LogSink-1.0")
    assert c.build(orders) == names("JsonKit-2.0 HttpKit-1.0")
    assert c.test(orders) == names("OrderService-1.0 JsonKit-2.0 HttpKit-1.0 LogSink-1.0 TestKit-1.0 JsonKit-1.0")
    assert c.tools(orders) == ((iface("Python-3"), names("Python-3")),)
    assert c.inputs(orders) == names("JsonKit-2.0 HttpKit-1.0 Python-3")
    assert c.reachable([orders]) == {m.interface for m in ORDERS}


def test_the_worked_publication_of_json_kit() -> None:
    revised = (m if m.name != "TestKit" else manifest("TestKit-1.0", normal="JsonKit-2.0") for m in ORDERS)
    affected = closures(*revised).affected([iface("JsonKit-2.0")])
    assert affected == Affected(frozenset(names("JsonKit-2.0 HttpKit-1.0 TestKit-1.0 OrderService-1.0")), frozenset())


def test_consumers_at_run_time_or_in_tests_are_only_tested() -> None:
    c = closures(*ORDERS)
    assert c.affected([iface("LogSink-1.0")]) == Affected(
        frozenset(names("LogSink-1.0")), frozenset(names("OrderService-1.0"))
    )
    assert c.affected([iface("JsonKit-1.0")]) == Affected(
        frozenset(names("JsonKit-1.0 TestKit-1.0")), frozenset(names("OrderService-1.0"))
    )
    assert c.affected([iface("Python-3")]).rebuild == set(names("Python-3 OrderService-1.0"))


def test_a_rebuilt_consumer_affects_its_own_consumers() -> None:
    c = closures(manifest("App-1", normal="Lib-1"), manifest("Lib-1", tool="Gen-1"), manifest("Gen-1"))
    assert iface("Gen-1") not in c.inputs(iface("App-1"))
    assert c.affected([iface("Gen-1")]).rebuild == set(names("App-1 Lib-1 Gen-1"))


def test_overrides_act_only_where_they_are_declared() -> None:
    c = closures(
        manifest("Top-1", normal="Mid-1"),
        manifest("Mid-1", normal="Low-1 Kit-2 Log-1", winners="Kit-2", removed="Log-1"),
        manifest("Low-1", normal="Kit-1"),
        manifest("Kit-1", normal="Deep-1"),
        manifest("Log-1"),
        *map(manifest, ("Kit-2", "Deep-1")),
    )
    assert c.runtime(iface("Mid-1")) == names("Mid-1 Low-1 Kit-2")
    assert c.build(iface("Mid-1")) == names("Low-1 Kit-2")
    assert c.runtime(iface("Top-1")) == names("Top-1 Mid-1 Low-1 Kit-1 Kit-2 Deep-1 Log-1")
    assert iface("Log-1") in c.reachable([iface("Mid-1")])


def test_a_direct_build_closure_sees_direct_dependencies_alone() -> None:
    c = closures(manifest("A-1", normal="B-1", closure="direct"), manifest("B-1", normal="C-1"), manifest("C-1"))
    assert c.build(iface("A-1")) == names("B-1")
    assert c.runtime(iface("A-1")) == names("A-1 B-1 C-1")


def test_a_direct_consumer_is_rebuilt_only_for_what_it_sees() -> None:
    c = closures(manifest("A-1", normal="B-1", closure="direct"), manifest("B-1", runtime="C-1"), manifest("C-1"))
    assert c.affected([iface("C-1")]) == Affected(frozenset(names("C-1")), frozenset(names("A-1 B-1")))


def test_tests_may_need_a_consumer() -> None:
    c = closures(manifest("Json-1", test="TestKit-1"), manifest("TestKit-1", normal="Json-1"))
    assert c.graph.cycle() is None
    assert c.test(iface("Json-1")) == names("Json-1 TestKit-1")
    assert c.graph.build_order() == (iface("Json-1"), iface("TestKit-1"))


def test_what_is_not_pinned_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        closures(manifest("JsonKit-1.0")).runtime(iface("JsonKit-1.1"))
    assert caught.value.problems[0].hint == "did you mean 'JsonKit-1.0'?"


def test_needs_and_consumers_are_by_kind() -> None:
    g = closures(*ORDERS).graph
    assert g.needs(iface("OrderService-1.0"), Kind.RUNTIME, Kind.TEST) == names("LogSink-1.0 TestKit-1.0")
    assert len(g.needs(iface("OrderService-1.0"))) == 5
    assert g.consumers(iface("JsonKit-2.0")) == names("HttpKit-1.0 OrderService-1.0")
    assert g.consumers(iface("LogSink-1.0"), Kind.NORMAL) == ()


def test_why_is_a_shortest_path() -> None:
    g = closures(*ORDERS).graph
    assert list(map(str, g.why(iface("OrderService-1.0"), iface("JsonKit-1.0")))) == [
        "OrderService-1.0",
        "TestKit-1.0",
        "JsonKit-1.0",
    ]
    assert g.why(iface("OrderService-1.0"), iface("JsonKit-1.0"), *RUN) == ()


def test_a_shortest_cycle_starts_at_its_smallest_member() -> None:
    c = closures(
        manifest("A-1", normal="B-1"),
        manifest("B-1", normal="C-1"),
        manifest("C-1", tool="D-1"),
        manifest("D-1", runtime="B-1 C-1"),
    )
    assert c.graph.cycle() == (iface("C-1"), iface("D-1"))
    with pytest.raises(UsageError, match="C-1 needs D-1 needs C-1"):
        c.graph.build_order()
    assert closures(manifest("A-1", tool="A-1")).graph.cycle() == (iface("A-1"),)


def test_a_chain_of_many_thousands_needs_no_recursion() -> None:
    line = [Interface(PackageName(f"P{i:05d}"), "1") for i in range(20_000)]
    needs = {line[-1]: Manifest(line[-1], "make")}
    for here, need in pairwise(line):
        needs[here] = Manifest(here, "make", dependencies=(Dependency(need, Kind.NORMAL),))
    c = Closures(DependencyGraph(needs))
    assert c.graph.build_order() == tuple(reversed(line))
    assert len(c.runtime(line[0])) == len(line)
    assert len(c.affected([line[-1]]).rebuild) == len(line)
    assert len(c.reachable([line[0]])) == len(line)


class CountingGraph(DependencyGraph):
    asked: set[Interface]

    def manifest(self, interface: Interface) -> Manifest:
        self.asked.add(interface)
        return super().manifest(interface)


def test_one_closure_visits_what_it_reaches_and_nothing_else() -> None:
    others = (manifest(f"Other{i}-1", normal="HttpKit-1.0") for i in range(500))
    graph = CountingGraph({m.interface: m for m in (*ORDERS, *others)})
    graph.asked = set()
    c = Closures(graph)
    c.runtime(iface("OrderService-1.0"))
    assert graph.asked == set(c.runtime(iface("OrderService-1.0")))


def test_order_and_closures_never_import_networkx() -> None:
    code = (
        "import sys; from tests.unit.test_closure import ORDERS, closures; c = closures(*ORDERS);"
        "c.graph.build_order(), c.affected([ORDERS[0].interface]), c.test(ORDERS[0].interface);"
        "sys.exit('networkx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def slow_runtime(manifests: dict[Interface, Manifest], root: Manifest, first: tuple[Kind, ...]) -> set[Interface]:
    """The definition, by going over everything until nothing changes."""
    named = {w.name for w in root.winners}
    banned = {*root.removed, *(i for i in manifests if i.name in named and i not in root.winners)}
    members = set(root.of_kind(*first)) - banned
    while more := {d for m in members for d in manifests[m].of_kind(*RUN)} - members - banned:
        members |= more
    return members


@given(pinned(), st.permutations(INTERFACES))
def test_closures_are_what_their_definitions_say(manifests: dict[Interface, Manifest], order: list[Interface]) -> None:
    c = Closures(DependencyGraph({i: manifests[i] for i in order}))
    for package in order:
        root = manifests[package]
        assert c.runtime(package) == tuple(sorted(slow_runtime(manifests, root, RUN) | {package}))
        assert c.test(package) == tuple(sorted(slow_runtime(manifests, root, (*RUN, Kind.TEST)) | {package}))
        if root.closure == "transitive":
            assert c.build(package) == tuple(sorted(slow_runtime(manifests, root, (Kind.NORMAL,))))
        assert set(c.build(package)) <= set(c.runtime(package)) <= set(c.test(package))
        assert set(c.test(package)) <= c.reachable([package])


@given(pinned(), st.sampled_from(INTERFACES))
def test_affected_is_the_smallest_set_that_keeps_everything_consistent(
    manifests: dict[Interface, Manifest], changed: Interface
) -> None:
    c = Closures(DependencyGraph(manifests))
    rebuild = {changed}
    while more := {p for p in manifests if not rebuild.isdisjoint(c.inputs(p))} - rebuild:
        rebuild |= more
    retest = {p for p in manifests if not rebuild.isdisjoint(c.test(p))} - rebuild
    assert c.affected([changed]) == Affected(frozenset(rebuild), frozenset(retest))


@given(pinned())
def test_build_order_puts_dependencies_first(manifests: dict[Interface, Manifest]) -> None:
    graph = DependencyGraph(manifests)
    place = {p: i for i, p in enumerate(graph.build_order())}
    assert sorted(place) == sorted(manifests)
    for package in manifests:
        assert all(place[need] < place[package] for need in graph.needs(package, *RUN, Kind.TOOL))
    assert DependencyGraph(dict(reversed(manifests.items()))).build_order() == graph.build_order()
