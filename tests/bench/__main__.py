"""`python -m tests.bench [SIZE]...`: measures the budgets and writes bench.md and bench.json.

A case that fails is reported as failed, the others go on, and the end is 1.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import builds, product
from tests.bench.budgets import budgets
from tests.bench.machine import facts
from tests.bench.measure import aside, interleaved, run
from tests.bench.profile import import_profile
from tests.bench.report import report

ROOT = Path(__file__).resolve().parents[2]
_PACE = builds.Pace(3, 5, 2.1)
_HASTE = builds.Pace(1, 1, 0)
_LARGE = 5_000  # packages from which on a cold build is measured once
_SETS = ("create", "open", "commit", "diff")
_QUESTIONS = ("resolve", "conflict", "history")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("sizes", nargs="*", type=int, default=[100, 1000, 10000], help="of what is built")
    parser.add_argument("--pins", nargs="*", type=int, default=[10000, 100000], help="sizes of sets")
    parser.add_argument("--transitive", nargs="*", type=int, default=[1000], help="the sizes built with closures, too")
    parser.add_argument("--quick", action="store_true", help="once, and no long questions: to see whether it works")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of the report")
    chosen = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="brazil-bench-"))
    try:
        bench = Bench(place, quick=chosen.quick)
        bench.measure(chosen.sizes, chosen.pins, chosen.transitive)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "bench.json").write_text(json.dumps(bench.results, indent=2) + "\n")
    (chosen.out / "bench.md").write_text(report(bench.results))
    print(report(bench.results))
    sys.exit(bool(bench.results["failed"]))


class Bench:
    """One run: its results, case by case."""

    def __init__(self, place: Path, *, quick: bool) -> None:
        self.results: dict[str, Any] = {
            "machine": facts(place),
            "sizes": {},
            "transitive": {},
            "brought": {},
            "profiles": {},
            "failed": {},
        }
        self._place = place
        self._quick = quick
        self._pace = _HASTE if quick else _PACE
        self._begun = time.monotonic()

    def measure(self, sizes: list[int], pins: list[int], transitive: list[int]) -> None:
        """Measure all cases."""
        self._try("start-up", self._start_up)
        self._try("the first build on a machine", self._platform)
        self._try("store rates", self._rates)
        for size in sizes:
            self._try(f"{size} packages", partial(self._size, size))
            self._clear()
            if size in transitive and str(size) in self.results["sizes"]:
                self._try(f"{size} packages with transitive closures", partial(self._transitive, size))
                self._clear()
        for count in pins:
            for case in _SETS:
                self._bring("sets", case, count)
            self._clear()
        for count in (count for count in pins if count <= 10_000):
            self._bring("everyday", "pinned", count)
            self._clear()
            self._bring("sets", "again", count)
        for case in () if self._quick else _QUESTIONS:
            self._bring("sets", case)
            self._clear()

    def _try(self, name: str, work: Callable[[], None]) -> None:
        print(f"bench: {time.monotonic() - self._begun:5.0f} s: {name}", file=sys.stderr, flush=True)
        try:
            work()
        except Exception as error:  # whatever it is, the other cases go on, and the report tells
            self.results["failed"][name] = f"{type(error).__name__}: {error}"
            print(f"bench: {name} failed: {error}", file=sys.stderr, flush=True)

    def _pace_of(self, size: int) -> builds.Pace:
        return self._pace._replace(rounds=1) if size >= _LARGE else self._pace

    def _clear(self) -> None:
        aside(self._place / "case")

    def _start_up(self) -> None:
        variables = product.environment(self._place / "start")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "brazil --version": [*product.BRAZIL, "--version"],
            "brazil --help": [*product.BRAZIL, "--help"],
        }
        runs = {n: (lambda c=c: run(c, self._place, variables)[0]) for n, c in commands.items()}
        interleaved(runs, 1)  # not counted: files come from the disk
        costs = interleaved(runs, 2 * self._pace.often + 1)
        self.results["start-up"] = {name: cost.as_data() for name, cost in costs.items()}
        if "start-up" in self._missed(self.results):
            self.results["profiles"]["start-up"] = import_profile("--version", self._place, variables)

    def _platform(self) -> None:
        self.results["platform"] = builds.platform(self._place / "first", self._pace)

    def _rates(self) -> None:
        arguments = [sys.executable, "-m", "tests.bench.rates", str(self._place / "rates")]
        self.results["rates"] = json.loads(run(arguments + ["200"] * self._quick, ROOT)[1])

    def _size(self, size: int) -> None:
        pace = self._pace_of(size)
        built, found = builds.cold(self._place / "case", size, pace)
        self.results["sizes"][str(size)] = found
        self._try(f"{size} packages, small changes", lambda: found.update(builds.changes(built, pace)))
        alone = {**self.results, "sizes": {str(size): found}, "transitive": {}}
        if missed := self._missed(alone) & {"cold", "nothing", "leaf"}:
            self._try(f"{size} packages, profiles", partial(self._profile, built, missed))

    def _profile(self, built: builds.Built, missed: set[str]) -> None:
        for case, places in builds.profiles(built, missed, self._pace).items():
            self.results["profiles"][case] = {"size": len(built.packages), "places": places}

    def _transitive(self, size: int) -> None:
        # Once: bubblewrap reads the list of mounts again for each bind, so whole closures take the reference minutes.
        found = builds.cold(self._place / "case", size, self._pace._replace(rounds=1), whole=True)[1]
        self.results["transitive"][str(size)] = found

    def _bring(self, module: str, case: str, count: int | None = None) -> None:
        """Run a case of a module that prints its figures and its budgets."""
        name = case if count is None else f"{case} {count}"
        arguments = [sys.executable, "-m", f"tests.bench.{module}", case, str(self._place / "case")]

        def work() -> None:
            found = json.loads(run(arguments + ([] if count is None else [str(count)]), ROOT, dict(os.environ))[1])
            self.results["brought"][name] = {part: found[part] for part in ("figures", "budgets")}

        self._try(f"{name} ({module})", work)

    @staticmethod
    def _missed(results: Mapping[str, Any]) -> set[str]:
        return {budget.profile for budget in budgets(results) if not budget.met}


if __name__ == "__main__":
    main()
