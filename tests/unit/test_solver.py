from collections.abc import Mapping, Sequence

import pytest

from brazil.graph.closure import Closures
from brazil.graph.dependency import DependencyGraph
from brazil.model.conflict import Conflict, ConflictKind, Suggestion, SuggestionKind
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.package import Dependency, Kind, Manifest
from brazil.resolve import search
from brazil.resolve.catalog import MemoryCatalog
from brazil.resolve.explain import explain, lines
from brazil.resolve.question import Nogood, Pick
from brazil.resolve.solver import Request, Resolution, resolve
from tests.strategies import iface, manifest


class CountingCatalog(MemoryCatalog):
    reads = 0

    def manifest(self, interface: Interface, number: int) -> Manifest:
        self.reads += 1
        return super().manifest(interface, number)


def ask(
    targets: str, versions: Sequence[tuple[int, Manifest]], base: str = "", new: Sequence[Manifest] = ()
) -> Resolution | Conflict:
    pins = [PackageVersion(iface(w.rpartition(".")[0]), int(w.rpartition(".")[2])) for w in base.split()]
    request = Request(tuple(map(iface, targets.split())), {m.interface: m for m in new})
    return resolve(request, {p.interface: p for p in pins}, MemoryCatalog(versions))


def pins(answer: Resolution | Conflict) -> str:
    assert isinstance(answer, Resolution), lines(answer)
    return " ".join(f"{i}.new" if v is None else str(v) for i, v in answer.pins.items())


def conflict(answer: Resolution | Conflict) -> Conflict:
    assert isinstance(answer, Conflict), answer
    return answer


ORDERS = manifest(
    "OrderService-1.0",
    normal="JsonKit-2.0@7 HttpKit-1.0@8",
    runtime="LogSink-1.0@10",
    test="TestKit-1.0@12",
    tool="Python-3@14",
)
SHOP = (
    (3, manifest("HttpKit-1.0", normal="JsonKit-2.0@4")),
    (5, manifest("JsonKit-1.0")),
    (7, manifest("JsonKit-2.0")),
    (2, manifest("LogSink-1.0")),
    (1, manifest("Python-3")),
    (4, manifest("TestKit-1.0", normal="JsonKit-1.0@4")),
)
BASE = "HttpKit-1.0.3 JsonKit-1.0.5 JsonKit-2.0.7 LogSink-1.0.2 Python-3.1 TestKit-1.0.4"
NEW_TEST_KIT = (5, manifest("TestKit-1.0", normal="JsonKit-2.0@4"))


def test_the_worked_candidate_is_refused_with_every_reason_and_a_remedy() -> None:
    found = conflict(ask("OrderService-1.0", SHOP, BASE, [ORDERS]))
    assert lines(found) == (
        "conflict: JsonKit, interfaces 1.0 and 2.0, in the test closure of OrderService-1.0 [conflict.two-interfaces]",
        "  OrderService-1.0 needs JsonKit-2.0        (dependencies, line 7)",
        "  OrderService-1.0 tests need TestKit-1.0   (test-dependencies, line 12)",
        "  TestKit-1.0 needs JsonKit-1.0             (its dependencies, line 4)",
        "  so both lines of JsonKit meet. This removes the conflict:",
        '    1. set resolves-conflict-dependencies JsonKit = "2.0" in OrderService',
    )
    assert (found.root, found.closure) == (iface("OrderService-1.0"), "test")


def test_the_worked_candidate_takes_a_test_kit_that_fits() -> None:
    answer = ask("OrderService-1.0", [*SHOP, NEW_TEST_KIT], BASE, [ORDERS])
    assert pins(answer) == "HttpKit-1.0.3 JsonKit-2.0.7 LogSink-1.0.2 OrderService-1.0.new Python-3.1 TestKit-1.0.5"


def test_the_worked_remedy_works() -> None:
    answer = ask("OrderService-1.0", SHOP, BASE, [ORDERS._replace(winners=(iface("JsonKit-2.0"),))])
    assert "JsonKit-1.0.5 JsonKit-2.0.7" in pins(answer)


def test_rebuilds_are_told_when_they_were_counted() -> None:
    found = conflict(ask("OrderService-1.0", SHOP, BASE, [ORDERS]))
    (winner,) = found.suggestions
    told = found._replace(suggestions=(winner._replace(rebuilds=2), winner._replace(rebuilds=1)))
    assert lines(told)[-3:] == (
        "  so both lines of JsonKit meet. Any one of these removes the conflict:",
        '    1. set resolves-conflict-dependencies JsonKit = "2.0" in OrderService   rebuilds 2 packages',
        '    2. set resolves-conflict-dependencies JsonKit = "2.0" in OrderService   rebuilds 1 package',
    )


def test_a_conflict_is_told_from_the_root_of_the_closure_not_from_the_target() -> None:
    over = [(1, manifest("Top-1", normal="Mid-1")), (1, manifest("Mid-1", tool="OrderService-1.0"))]
    found = conflict(ask("Top-1", [*SHOP, *over], BASE, [ORDERS]))
    assert found == conflict(ask("OrderService-1.0", SHOP, BASE, [ORDERS]))


def test_reasons_are_numbered_and_told_once() -> None:
    found = conflict(ask("OrderService-1.0", SHOP, BASE, [ORDERS]))
    assert explain(found._replace(needs=found.needs * 2)) == explain(found)
    assert [reason.number for reason in explain(found).reasons] == [1, 2, 3]


def test_the_merged_log_sink_brings_what_we_lack_and_leaves_what_we_have() -> None:
    versions = [
        *SHOP,
        NEW_TEST_KIT,
        (8, manifest("JsonKit-2.0")),
        (10, manifest("JsonKit-2.0")),
        (6, manifest("Clock-1.0")),
        (11, ORDERS),
    ]
    base = "HttpKit-1.0.3 JsonKit-2.0.8 LogSink-1.0.2 OrderService-1.0.11 Python-3.1 TestKit-1.0.5"
    merged = manifest("LogSink-1.0", normal="Clock-1.0 JsonKit-2.0")
    answer = ask("OrderService-1.0", versions, base, [merged])
    assert pins(answer) == (
        "Clock-1.0.6 HttpKit-1.0.3 JsonKit-2.0.8 LogSink-1.0.new OrderService-1.0.11 Python-3.1 TestKit-1.0.5"
    )


def test_a_base_pin_stays_and_what_is_not_pinned_is_the_newest() -> None:
    versions = [(1, manifest("A-1", normal="B-1 C-1")), *((n, manifest(i)) for i in ("B-1", "C-1") for n in (1, 2, 3))]
    assert pins(ask("A-1", versions, "B-1.2")) == "A-1.1 B-1.2 C-1.3"


def test_a_base_pin_that_is_too_low_moves_to_the_newest() -> None:
    versions = [(n, manifest("B-1")) for n in (1, 2, 3, 4)]
    assert pins(ask("A-1", versions, "B-1.1", [manifest("A-1", test="B-1>=2")])) == "A-1.new B-1.4"


def test_a_new_version_is_higher_than_any_other() -> None:
    new = [manifest("A-1", normal="B-1>=99"), manifest("B-1")]
    assert pins(ask("A-1", [(1, manifest("B-1"))], "B-1.1", new)) == "A-1.new B-1.new"


def test_an_older_version_is_taken_when_newer_ones_do_not_fit() -> None:
    versions = [
        (1, manifest("A-1", normal="B-1 C-1")),
        (3, manifest("B-1", normal="Kit-2")),
        (2, manifest("B-1", normal="Gone-1")),
        (1, manifest("B-1")),
        (1, manifest("C-1", normal="Kit-1")),
        (1, manifest("Kit-1")),
        (1, manifest("Kit-2")),
    ]
    assert pins(ask("A-1", versions)) == "A-1.1 B-1.1 C-1.1 Kit-1.1"


def test_what_one_version_cannot_have_another_that_asks_for_less_can() -> None:
    versions = [(n, manifest("X-1")) for n in (1, 2)]
    asks = [(2, manifest("Q-1", normal="X-1>=3")), (1, manifest("Q-1", normal="X-1>=2"))]
    assert pins(ask("Q-1", [*versions, *asks])) == "Q-1.1 X-1.2"


def test_reasons_against_different_versions_count_only_together() -> None:
    versions = [
        (2, manifest("Q-1", normal="X-1>=2 Y-2")),
        (1, manifest("Q-1", normal="X-1 Y-2")),
        (2, manifest("X-1", normal="Y-1")),
        (1, manifest("X-1")),
        (1, manifest("Y-1")),
        (1, manifest("Y-2")),
    ]
    assert pins(ask("Q-1", versions)) == "Q-1.1 X-1.1 Y-2.1"


def test_a_version_that_names_a_winner_is_told_from_one_that_does_not() -> None:
    needs = "Kit-1 Mid-1"
    versions = [
        (1, manifest("A-1", normal=needs)),
        (2, manifest("A-1", normal=needs, winners="Kit-1")),
        (1, manifest("Mid-1", normal="Kit-2")),
        (1, manifest("Kit-1")),
        (1, manifest("Kit-2")),
    ]
    assert pins(ask("A-1", versions, "A-1.1")) == "A-1.2 Kit-1.1 Kit-2.1 Mid-1.1"


def test_a_package_may_ask_in_its_tests_for_a_build_of_itself() -> None:
    versions = [(n, manifest("A-1", test="A-1>=2")) for n in (1, 2)]
    assert pins(ask("A-1", versions, "A-1.1")) == "A-1.2"


def test_what_nothing_needs_any_more_is_left_out() -> None:
    assert pins(ask("A-1", [(1, manifest("B-1"))], "B-1.1", [manifest("A-1"), manifest("C-1")])) == "A-1.new"


def test_something_missing_is_answered_with_other_lines_or_the_nearest_name() -> None:
    other_line = conflict(ask("A-1", [(1, manifest("JsonKit-2.0"))], new=[manifest("A-1", tool="JsonKit-1.0@3")]))
    assert lines(other_line) == (
        "conflict: there is no JsonKit-1.0 [conflict.missing]",
        "  A-1 is built with JsonKit-1.0   (build-tools, line 3)",
        "  so JsonKit-1.0 would have to be published first, or together with this."
        " Any one of these removes the conflict:",
        "    1. use JsonKit-2.0 instead of JsonKit-1.0 in A",
        "    2. take JsonKit along: publish it with -p JsonKit, or have it in the workspace with ws use JsonKit",
    )
    misspelt = conflict(ask("JsonKitt-1.0", [(1, manifest("JsonKit-1.0"))], "JsonKit-1.0.1"))
    assert misspelt.needs == ()
    assert misspelt.suggestions == (
        Suggestion(SuggestionKind.USE, None, iface("JsonKit-1.0")),
        Suggestion(SuggestionKind.TOGETHER, None, iface("JsonKitt-1.0")),
    )


def test_what_is_in_the_request_with_another_interface_cannot_be_taken_along_once_more() -> None:
    found = conflict(ask("A-1", [], new=[manifest("A-1", normal="Kit-1"), manifest("Kit-2")]))
    assert found.suggestions == (Suggestion(SuggestionKind.USE, iface("A-1"), iface("Kit-2")),)


def test_nothing_new_enough() -> None:
    versions = [(n, manifest("B-1")) for n in (1, 2)]
    found = conflict(
        ask("Z-1 A-1", versions, "B-1.1", [manifest("Z-1", normal="B-1"), manifest("A-1", runtime="B-1>=3@5")])
    )
    assert lines(found) == (
        "conflict: no build of B-1 is new enough [conflict.at-least]",
        "  A-1 needs B-1.3 or newer to run   (runtime-dependencies, line 5)",
        "  but the newest usable build of B-1 is 2",
    )


def test_a_cycle_is_named_by_its_packages() -> None:
    new = [manifest("A-1", normal="B-1"), manifest("B-1", tool="C-1@2"), manifest("C-1", runtime="B-1@3")]
    found = conflict(ask("A-1", [], "", new))
    assert lines(found) == (
        "conflict: B-1 -> C-1 -> B-1 need each other [conflict.cycle]",
        "  B-1 is built with C-1   (build-tools, line 2)",
        "  C-1 needs B-1 to run    (its runtime-dependencies, line 3)",
        "  so none of them can be built first",
    )


def test_tests_may_need_a_consumer() -> None:
    new = [manifest("Json-1", test="TestKit-1"), manifest("TestKit-1", normal="Json-1")]
    assert pins(ask("Json-1", [], "", new)) == "Json-1.new TestKit-1.new"


def test_two_tools_may_need_two_lines() -> None:
    versions = [(1, manifest(f"Kit-{n}")) for n in (1, 2)]
    new = [manifest("A-1", tool="X-1 Y-1"), manifest("X-1", normal="Kit-1"), manifest("Y-1", normal="Kit-2")]
    assert pins(ask("A-1", versions, "", new)) == "A-1.new Kit-1.1 Kit-2.1 X-1.new Y-1.new"


def test_the_answer_is_what_the_targets_reach() -> None:
    answer = ask("OrderService-1.0", [*SHOP, NEW_TEST_KIT, (1, manifest("Idle-1"))], f"{BASE} Idle-1.1", [ORDERS])
    assert isinstance(answer, Resolution)
    by_version = {PackageVersion(m.interface, n): m for n, m in (*SHOP, NEW_TEST_KIT)}
    manifests = {i: by_version[v] if v else ORDERS for i, v in answer.pins.items()}
    assert Closures(DependencyGraph(manifests)).reachable([ORDERS.interface]) == answer.pins.keys()


def counted_looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the size of each complete choice whose closures and cycles are looked at."""
    looks: list[int] = []
    real = search.violations

    def look(picks: Mapping[Interface, Pick]) -> list[Nogood]:
        looks.append(len(picks))
        return real(picks)

    monkeypatch.setattr(search, "violations", look)
    return looks


def test_a_pinned_set_is_read_once_and_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 2_000
    line = [Interface(PackageName(f"P{i:05d}"), "1") for i in range(size)]
    made = {
        p: Manifest(p, "make", dependencies=tuple(Dependency(d, Kind.NORMAL) for d in line[i + 1 : i + 4]))
        for i, p in enumerate(line)
    }
    catalog = CountingCatalog([(n, m) for m in made.values() for n in (1, 2)])
    base = {p: PackageVersion(p, 1) for p in line}
    looks = counted_looks(monkeypatch)
    answer = resolve(Request((line[0],), {line[9]: made[line[9]]}), base, catalog)
    assert isinstance(answer, Resolution)
    assert len(answer.pins) == size
    assert catalog.reads == size - 1
    assert looks == [size]


def test_versions_that_need_the_same_are_ruled_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = [(n, manifest("TestKit-1.0", normal="JsonKit-1.0", removed=f"X-{n}")) for n in range(1, 300)]
    looks = counted_looks(monkeypatch)
    found = conflict(ask("OrderService-1.0", [*SHOP, *versions], BASE, [ORDERS]))
    assert found.kind is ConflictKind.TWO_INTERFACES
    assert len(looks) < 20


def test_a_long_cycle_is_looked_at_twice_for_each_of_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 100
    new = [manifest(f"P{n:03}-1", normal=f"P{(n + 1) % size:03}-1") for n in range(size)]
    looks = counted_looks(monkeypatch)
    found = conflict(ask("P005-1 Other-1", [(1, manifest("Other-1"))], "", new))
    assert (found.kind, len(found.needs), len(found.subject)) == (ConflictKind.CYCLE, size, size)
    assert len(looks) < 3 * size
