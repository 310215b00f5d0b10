import pytest

from brazil.graph.invariants import check, unused_overrides
from brazil.model.digest import digest_of
from brazil.model.names import Interface, PackageVersion
from brazil.model.package import Manifest
from brazil.model.versionset import PackageRecord, Result
from tests.strategies import iface, manifest

SOURCE = digest_of(b"source")


def records(
    *manifests: Manifest, against: str = "", numbers: dict[str, int] | None = None
) -> dict[Interface, PackageRecord]:
    """Pin build 1 of each, or what `numbers` says; `against` ("A-1: B-1.1 C-1.2; ...") is what was recorded."""
    then = dict(part.split(":") for part in against.split(";") if part)
    seen = {iface(k.strip()): tuple(version(w) for w in v.split()) for k, v in then.items()}
    return {
        m.interface: PackageRecord(
            PackageVersion(m.interface, (numbers or {}).get(str(m.interface), 1)),
            "0" * 40,
            SOURCE,
            m,
            seen.get(m.interface, ()),
        )
        for m in manifests
    }


def version(text: str) -> PackageVersion:
    interface, _, number = text.rpartition(".")
    return PackageVersion(iface(interface), int(number))


def results(pins: dict[Interface, PackageRecord], **artifacts: bytes) -> dict[Interface, Result]:
    return {i: Result("f" * 64, SOURCE, digest_of(artifacts.get(i.name, b"artifact")), SOURCE) for i in pins}


def codes(*args: object) -> list[tuple[str, str]]:
    return [(p.code.removeprefix("invariant."), f"{p.what}: {p.because}") for p in check(*args)]  # type: ignore[arg-type]


ORDERS = (
    manifest("OrderService-1.0", normal="JsonKit-2.0 HttpKit-1.0", test="TestKit-1.0", tool="Python-3"),
    manifest("HttpKit-1.0", normal="JsonKit-2.0"),
    *map(manifest, ("Python-3", "JsonKit-1.0", "JsonKit-2.0")),
)
OLD_KIT = manifest("TestKit-1.0", normal="JsonKit-1.0")
NEW_KIT = manifest("TestKit-1.0", normal="JsonKit-2.0")


def test_the_worked_candidate_breaks_i4_through_its_tests() -> None:
    assert codes(records(*ORDERS, OLD_KIT)) == [
        ("coherent", "JsonKit, interfaces 1.0 and 2.0, in closures of OrderService-1.0: they meet in: test")
    ]
    assert codes(records(*ORDERS, NEW_KIT)) == []


def test_both_lines_may_be_pinned_when_no_closure_holds_both() -> None:
    tools = (manifest("Top-1", normal="JsonKit-2.0", tool="Old-1"), manifest("Old-1", normal="JsonKit-1.0"))
    assert codes(records(*tools, *ORDERS[-2:])) == []


def test_a_winner_or_a_removal_settles_it_for_its_package_only() -> None:
    for override in ({"winners": "JsonKit-2.0"}, {"removed": "JsonKit-1.0"}):
        orders = manifest("Mid-1", normal="JsonKit-2.0 TestKit-1.0", **override)
        pins = (orders, OLD_KIT, *ORDERS[-2:])
        assert codes(records(*pins)) == []
        broken = codes(records(*pins, manifest("Top-1", normal="Mid-1")))
        assert [what for _, what in broken] == [
            "JsonKit, interfaces 1.0 and 2.0, in closures of Top-1: they meet in: build, runtime, test"
        ]


def test_a_package_and_another_line_of_itself_meet() -> None:
    assert len(check(records(manifest("A-2", runtime="B-1"), manifest("B-1", normal="A-1"), manifest("A-1")))) == 1


@pytest.mark.parametrize("table", ["normal", "runtime", "test", "tool"])
def test_every_kind_of_dependency_has_to_be_pinned(table: str) -> None:
    found = check(records(manifest("A-1", **{table: "B-1@4"})))
    assert [(p.code, p.what, p.line) for p in found] == [("invariant.closed", "B-1 is not pinned", 4)]


def test_a_pin_is_at_least_what_its_consumers_ask_for() -> None:
    pins = (manifest("A-1", test="B-1>=3"), manifest("B-1"))
    assert codes(records(*pins, numbers={"B-1": 2})) == [
        ("closed", "B-1.2 is pinned: A-1 needs build 3 or newer (test-dependencies)")
    ]
    assert codes(records(*pins, numbers={"B-1": 3})) == []


def test_a_pin_holds_its_own_interface() -> None:
    pins = {iface("A-2"): records(manifest("A-1"))[iface("A-1")]}
    assert codes(pins) == [("unique", "the pin of A-2 holds A-1: a pin is one build of its interface")]


def test_a_cycle_is_named_but_not_one_through_tests() -> None:
    circle = (manifest("A-1", normal="B-1"), manifest("B-1", tool="C-1"), manifest("C-1", runtime="B-1"))
    assert codes(records(*circle)) == [("acyclic", "packages need each other: B-1 -> C-1 -> B-1")]
    assert codes(records(manifest("A-1", normal="B-1"), manifest("B-1", test="A-1"))) == []


PAIR = (manifest("App-1", normal="Lib-1", tool="Gen-1"), manifest("Lib-1"), manifest("Gen-1"))


def test_what_was_recorded_is_compared_with_what_is_pinned() -> None:
    pins = records(*PAIR, against="App-1: Gen-1.1 Lib-1.1", numbers={"Lib-1": 2})
    now = results(pins)
    old = version("Lib-1.1")
    assert codes(pins, now) == []  # the artifact of build 1 is not known
    assert codes(pins, now, {old: now[iface("Lib-1")].artifact}) == []  # early cut-off
    assert codes(pins, now, {old: digest_of(b"other")}) == [
        ("consistent", "App-1.1 was built against Lib-1.1: the artifact of Lib-1.2 is another")
    ]


def test_what_a_valid_revision_pins_just_so_is_trusted_until_something_it_was_built_against_moves() -> None:
    before = records(*PAIR, against="App-1: Gen-1.1 Lib-1.1")
    assert codes(before, results(before), {}, before) == []
    old = {version("Lib-1.1"): digest_of(b"other")}
    moved = records(*PAIR, against="App-1: Gen-1.1 Lib-1.1", numbers={"Lib-1": 2})
    assert [kind for kind, _ in codes(moved, results(moved), old, before)] == ["consistent"]
    grown = records(manifest("App-1", normal="Lib-1"), *PAIR[1:], against="App-1: Gen-1.1 Lib-1.1")
    assert [kind for kind, _ in codes(grown, results(grown), {}, before)] == ["consistent"]


def test_a_record_names_all_it_was_built_against_and_nothing_else() -> None:
    pins = records(*PAIR, against="App-1: Lib-1.1; Lib-1: Gen-1.1")
    assert codes(pins) == []  # nothing was built yet
    assert codes(pins, results(pins)) == [
        ("consistent", "App-1.1 was built with other packages: Gen-1 is in its build and tool closures now"),
        ("consistent", "Lib-1.1 was built with other packages: Gen-1 is not in its build and tool closures now"),
    ]


def test_every_pin_has_a_result_and_nothing_else_has() -> None:
    pins = records(manifest("A-1"))
    assert codes(pins, results(records(manifest("B-1")))) == [
        ("consistent", "a result of B-1 is recorded: it is not pinned"),
        ("consistent", "no result of A-1.1 is recorded: it was not built"),
    ]


def test_overrides_that_name_something_absent_are_reported() -> None:
    pins = {
        m.interface: m
        for m in (
            manifest("A-1", normal="B-1", test="C-1", winners="B-1 C-1 D-1", removed="E-1"),
            *map(manifest, ("B-1", "C-1", "D-1", "E-1")),
        )
    }
    assert [p.what for p in unused_overrides(pins, pins)] == [
        "A-1 names D-1 in resolves-conflict-dependencies",
        "A-1 names E-1 in remove-dependencies",
    ]
