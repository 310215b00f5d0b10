"""The cases that build: the same packages with brazil, with ninja, and with ninja and every command under bare bwrap.

Who is compared takes turns, and the outputs of all have to be equal before a figure counts.
"""

import time
from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from brazil.sandbox.bubblewrap import find_bubblewrap
from tests.bench import product, reference
from tests.bench.measure import Cost, aside, interleaved, run
from tests.bench.profile import Place, build_profile
from tests.bench.synthetic import Synthetic, closures_of, make_packages

NINJA, BWRAP, OURS = "ninja", "ninja+bwrap", "brazil"
BUILD = [*product.BRAZIL, "build"]

Costs = dict[str, dict[str, float]]  # who -> figures


class Pace(NamedTuple):
    """How often and how patiently something is measured."""

    rounds: int  # of what takes seconds or more
    often: int  # rounds of what takes less
    settled: float  # seconds of rest after a build; with less than 2.1, files are too fresh to be trusted


class Built(NamedTuple):
    """The folders of one size, built and not changed since."""

    folder: Path
    packages: Sequence[Synthetic]

    @property
    def root(self) -> Path:
        """The workspace of brazil."""
        return self.folder / OURS / "all"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of brazil."""
        return product.environment(self.folder / OURS / "home")

    def once(self, who: str) -> Cost:
        """Build whatever there is to build."""
        return run(BUILD, self.root, self.variables)[0] if who == OURS else _ninja(self.folder / who)

    def change(self, package: Synthetic, edition: int) -> None:
        """Edit a source of one package, for everybody."""
        text = package.sources(edition)["one.txt"]
        for who in (NINJA, BWRAP):
            (self.folder / who / "src" / package.name / "one.txt").write_text(text)
        (self.root / "src" / package.name / "one.txt").write_text(text)


def cold(folder: Path, count: int, pace: Pace, *, whole: bool = False) -> tuple[Built, dict[str, Any]]:
    """Build everything from nothing: no output, no cache, no description of this machine.

    Args:
        folder: new.
        count: of packages.
        pace: how often.
        whole: a build sees its transitive closure, not only its direct dependencies.
    """
    packages = make_packages(count)
    built = Built(folder, packages)
    closures = closures_of(packages) if whole else {p.name: p.dependencies for p in packages}
    bwrap = str(find_bubblewrap().path)
    runs: dict[str, Callable[[], Cost]] = {
        NINJA: partial(_cold_ninja, folder / NINJA, packages, "", closures),
        BWRAP: partial(_cold_ninja, folder / BWRAP, packages, bwrap, closures),
        OURS: partial(_cold_brazil, folder / OURS, packages, "transitive" if whole else "direct"),
    }
    if whole:
        del runs[NINJA]  # without a sandbox it binds nothing
    costs = interleaved(runs, pace.rounds)
    others = [who for who in runs if who != OURS]
    members = sum(map(len, closures.values()))
    found = {"cold": _data(costs), "members": members, "equal outputs": _compare(built, others)}
    return built, found


def changes(built: Built, pace: Pace) -> dict[str, Any]:
    """Build again with nothing to do, with one leaf changed and with one hub changed.

    Args:
        built: by all; has new content afterwards.
        pace: how often; a hub as often as what takes long.
    """
    everybody = (NINJA, BWRAP, OURS)
    time.sleep(pace.settled)
    for who in everybody:  # one that is not counted: the one before saw files that were too fresh to be remembered
        built.once(who)
    found: dict[str, Any] = {"nothing": _data(interleaved({w: partial(built.once, w) for w in everybody}, pace.often))}
    consumers = [name for package in built.packages for name in package.dependencies]
    hub = max(built.packages, key=lambda package: consumers.count(package.name))
    edition = 0
    for case, package, times in (("leaf", built.packages[-1], pace.often), ("hub", hub, pace.rounds)):
        costs: dict[str, list[Cost]] = {who: [] for who in everybody}
        for _ in range(times):
            edition += 1
            time.sleep(pace.settled)  # nobody edits a file every second
            built.change(package, edition)
            for who in everybody:
                costs[who].append(built.once(who))
        found[case] = _data({who: sorted(several)[(times - 1) // 2] for who, several in costs.items()})
    _compare(built, (NINJA, BWRAP))
    return {**found, "consumers of the hub": consumers.count(hub.name)}


def platform(folder: Path, pace: Pace) -> dict[str, Any]:
    """Measure what the first build on a machine takes longer, because it describes the machine."""
    package = Synthetic("Alone", ())
    pairs = []
    for number in range(pace.rounds):
        place = folder / str(number)
        first = _cold_brazil(place, [package], "direct")
        (place / "all" / "src" / package.name / "one.txt").write_text("edited\n")
        pairs.append((first, run(BUILD, place / "all", product.environment(place / "home"))[0]))
    first, second = sorted(pairs, key=lambda pair: pair[0].wall - pair[1].wall)[(pace.rounds - 1) // 2]
    return {"first": first.as_data(), "second": second.as_data()}


def profiles(built: Built, cases: Container[str], pace: Pace) -> dict[str, list[Place]]:
    """Say where brazil's threads are.

    Args:
        built: by brazil; has new content afterwards.
        cases: of "nothing", "leaf" and "cold".
        pace: how patiently.
    """
    found: dict[str, list[Place]] = {}
    for _ in range(2):
        time.sleep(pace.settled)
        built.once(OURS)
    if "nothing" in cases:
        found["nothing"] = build_profile(built.root, built.variables, times=10)
    if "leaf" in cases:
        (built.root / "src" / built.packages[-1].name / "one.txt").write_text("edited for the profile\n")
        found["leaf"] = build_profile(built.root, built.variables)
    if "cold" in cases:
        _new_workspace(built.folder / OURS, built.packages, "direct")
        found["cold"] = build_profile(built.root, built.variables)
    return found


def _ninja(folder: Path) -> Cost:
    return run(reference.NINJA, folder)[0]


def _cold_ninja(folder: Path, packages: Sequence[Synthetic], bwrap: str, closures: Mapping[str, Sequence[str]]) -> Cost:
    aside(folder)
    reference.write_ninja(folder, packages, bwrap, closures)
    return _ninja(folder)


def _cold_brazil(folder: Path, packages: Sequence[Synthetic], closure: str) -> Cost:
    root = _new_workspace(folder, packages, closure)
    return run(BUILD, root, product.environment(folder / "home"))[0]


def _new_workspace(folder: Path, packages: Sequence[Synthetic], closure: str) -> Path:
    aside(folder)
    folder.mkdir(parents=True)
    return product.make_workspace(folder, packages, closure, product.environment(folder / "home"))


def _compare(built: Built, others: Sequence[str]) -> int:
    for package in built.packages:
        ours = (built.root / "build" / package.name / "out.txt").read_bytes()
        for who in others:
            if ours != (built.folder / who / "out" / package.name / "out.txt").read_bytes():
                raise RuntimeError(f"the outputs of {package.name} differ: {who} and {OURS}")
    return len(built.packages)


def _data(costs: Mapping[str, Cost]) -> Costs:
    return {who: cost.as_data() for who, cost in costs.items()}
