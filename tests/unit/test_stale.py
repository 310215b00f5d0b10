"""What is stale after a build, and what it costs to catch up."""

from brazil.build.stale import CatchUp, catch_up, stale_packages, steps_to_catch_up
from brazil.model.action import StepId
from brazil.model.digest import digest_of
from brazil.model.names import Interface, PackageVersion
from brazil.report.unchanged import stale_lines
from tests.candidates import artifact_of, candidate_of
from tests.fakes.sandbox import PLATFORM
from tests.strategies import iface, manifest

# Shop -> Price -> Money, Shop -> Rates, and Rates is tested with Kit -> Money.
SHOP = {
    m.interface: m
    for m in (
        manifest("Shop-1", normal="Price-1 Rates-1"),
        manifest("Price-1", normal="Money-1"),
        manifest("Money-1"),
        manifest("Rates-1", test="Kit-1"),
        manifest("Kit-1", normal="Money-1"),
    )
}


def names(words: str) -> list[Interface]:
    return [iface(word) for word in words.split()]


def stale(in_use: str, built: str, *, same: str = "", pristine: str = "") -> str:
    """Name what is stale when some packages are in use and some were built; those that are the `same` came out so."""
    candidate = candidate_of(SHOP, names(in_use))
    fresh = {
        i: f._replace(source=candidate.base.records[i].source) if i in names(pristine) else f
        for i, f in candidate.fresh.items()
    }
    artifacts = {i: artifact_of(i) if i in names(same) else digest_of(str(i).encode()) for i in names(built)}
    recorded = candidate.base.results[PLATFORM.name]
    return " ".join(map(str, stale_packages(candidate._replace(fresh=fresh), recorded, artifacts)))


def test_consumers_of_what_came_out_otherwise_are_stale() -> None:
    assert stale("Money-1", "Money-1") == "Kit-1 Price-1 Shop-1"
    assert stale("Money-1", "Money-1 Price-1") == "Kit-1 Shop-1"
    assert stale("Money-1", "Money-1", same="Money-1") == ""
    assert stale("Money-1 Price-1", "Money-1") == "Kit-1 Shop-1", "what is in use is built when it is asked for"


def test_a_checkout_that_was_not_built_counts_by_its_source() -> None:
    assert stale("Money-1 Rates-1", "Money-1", same="Money-1") == "Shop-1"
    assert stale("Money-1 Rates-1", "Money-1", same="Money-1", pristine="Rates-1") == ""


def test_consumers_of_a_pin_that_moved_are_stale() -> None:
    candidate = candidate_of(SHOP, names("Rates-1"))
    money = iface("Money-1")
    record = candidate.records[money]
    moved = record._replace(version=PackageVersion(money, 2), source=digest_of(b"the source of build 2"))
    candidate = candidate._replace(records={**candidate.records, money: moved})
    made = {iface("Rates-1"): artifact_of(iface("Rates-1"))}
    recorded = candidate.base.results[PLATFORM.name]
    assert stale_packages(candidate, recorded, made) == tuple(names("Kit-1 Price-1 Shop-1"))
    assert stale_packages(candidate, recorded, {**made, money: artifact_of(money)}) == (), "it came out as before"


def steps(stale: str, unbuilt: str = "", tested: str = "") -> str:
    closures = candidate_of(SHOP, ()).closures
    return ", ".join(map(str, steps_to_catch_up(names(stale), names(unbuilt), names(tested), closures)))


def test_catching_up_builds_what_is_stale_and_tests_what_has_tests() -> None:
    assert steps("Price-1 Shop-1") == "build Price-1, build Shop-1"
    assert steps("Price-1 Shop-1", tested="Shop-1") == "build Price-1, build Shop-1, test Shop-1"


def test_what_is_in_use_and_needed_is_built_too() -> None:
    assert steps("Shop-1", unbuilt="Rates-1") == "build Rates-1, build Shop-1"
    assert steps("Price-1", unbuilt="Rates-1") == "build Price-1"
    assert steps("Rates-1", unbuilt="Kit-1") == "build Rates-1"
    assert steps("Rates-1", unbuilt="Kit-1", tested="Rates-1") == "build Kit-1, build Rates-1, test Rates-1"


def test_the_cost_says_what_is_not_in_it() -> None:
    known = {"build A-1": 2.0, "test A-1": 1.5}
    found = steps_to_catch_up(names("A-1 B-1"), (), names("A-1"), candidate_of(SHOP, ()).closures)

    def seconds(step: StepId) -> float | None:
        return known.get(str(step))

    assert catch_up(found, seconds) == CatchUp(2, 1, 3.5, 1)
    assert catch_up((), seconds) == CatchUp(0, 0, 0.0, 0)


def test_the_sentence() -> None:
    assert stale_lines((), ()) == []
    assert stale_lines(("A-1", "B-1"), (2, 1, 3.45, 1)) == [
        "stale, because they were built against what is pinned: A-1 B-1",
        "  up to date with 2 builds and 1 test run, about 3.5 s, 1 without an estimate: brazil test A-1 B-1",
    ]
    assert stale_lines(("A-1",), (1, 0, 0.0, 1)) == [
        "stale, because they were built against what is pinned: A-1",
        "  up to date with 1 build, 1 without an estimate: brazil build A-1",
    ]
