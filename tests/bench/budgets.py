"""The budgets: which figure of a run is held against what."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_MEMBER_US = 25  # for binding one member of a closure
_LEAF_S = 0.05
_MEMORY_MB = 300

# The figures of the modules that bring their budgets with them; what is not here goes by its own name.
_WORK = {
    "nothing-ms": "nothing to do, ten of the pins in use",
    "open-process-s": "open a set, closure and order of its target, whole process",
    "commit-ms": "a revision that changes 50 pins",
    "diff-ms": "compare two revisions",
    "resolve-s": "resolve all modules from nothing, I1 and I2",
    "conflict-s": "explain why all modules cannot be resolved",
    "resolve-again-ms": "resolve again after one change",
    "history-mb": "the history of a distribution in a registry",
}


class Budget(NamedTuple):
    """One figure and its limit."""

    work: str
    measured: float
    limit: float
    unit: str
    against: str = ""  # the reference in the same run
    profile: str = ""  # the case that shows where the time goes
    least: bool = False  # the limit is a lower one

    @property
    def met(self) -> bool:
        """Whether the figure keeps it."""
        return self.measured >= self.limit if self.least else self.measured <= self.limit

    @property
    def verdict(self) -> str:
        """For a table."""
        part = self.measured / self.limit
        if self.met:
            return f"met, {part:.2f} of it"
        if part >= 2:
            return f"**missed**: {part:.1f} times it"
        return f"**missed** by {abs(part - 1):.0%}"


def budgets(results: Mapping[str, Any]) -> list[Budget]:
    """List the budgets of which there are figures, in the order of what a user waits for most."""
    return [
        *_cold(results),
        *_whole(results),
        *_nothing(results),
        *_leaf(results),
        *_start(results),
        *_brought(results),
        *_rates(results),
        *_memory(results),
    ]


def _cold(results: Mapping[str, Any]) -> Iterator[Budget]:
    for size, found in results["sizes"].items():
        reference = found["cold"]["ninja+bwrap"]["wall-s"]
        ours = found["cold"]["brazil"]["wall-s"]
        yield Budget(f"cold build of {size}", ours, 2 * reference, "s", f"ninja+bwrap {reference:.3f} s", "cold")


def _whole(results: Mapping[str, Any]) -> Iterator[Budget]:
    for size, found in results["transitive"].items():
        extra = per_member(results, size)
        work = f"cold build of {size} with transitive closures (mean {found['members'] / int(size):.1f} members)"
        yield Budget(
            work, extra["brazil"], _MEMBER_US, "us/member", f"ninja+bwrap {extra['ninja+bwrap']:.1f} us/member"
        )


def per_member(results: Mapping[str, Any], size: str) -> dict[str, float]:
    """Return for each who binds closures the microseconds that a further member costs, over the direct case."""
    whole, direct = results["transitive"][size], results["sizes"][size]
    members = whole["members"] - direct["members"]
    costs = whole["cold"]
    return {who: (costs[who]["wall-s"] - direct["cold"][who]["wall-s"]) / max(1, members) * 1e6 for who in costs}


def _nothing(results: Mapping[str, Any]) -> Iterator[Budget]:
    for size, found in _changed(results):
        reference = found["nothing"]["ninja"]["wall-s"]
        ours = found["nothing"]["brazil"]["wall-s"]
        yield Budget(f"nothing to do, {size} in use", ours, 2 * reference, "s", f"ninja {reference:.3f} s", "nothing")


def _leaf(results: Mapping[str, Any]) -> Iterator[Budget]:
    for size, found in _changed(results):
        step = found["leaf"]["ninja+bwrap"]["wall-s"] - found["nothing"]["ninja+bwrap"]["wall-s"]
        limit = found["nothing"]["brazil"]["wall-s"] + _LEAF_S + max(0.0, step)
        against = f"nothing to do {found['nothing']['brazil']['wall-s']:.3f} s, the Step under bwrap {step:.3f} s"
        yield Budget(f"one leaf changed of {size}", found["leaf"]["brazil"]["wall-s"], limit, "s", against, "leaf")


def _start(results: Mapping[str, Any]) -> Iterator[Budget]:
    if found := results.get("start-up"):
        reference = found["python -c pass"]["wall-s"]
        ours = found["brazil --version"]["wall-s"]
        against = f"`python -c pass` {reference:.3f} s"
        yield Budget("`brazil --version`", ours, 4 * reference, "s", against, "start-up")


def _brought(results: Mapping[str, Any]) -> Iterator[Budget]:
    for name, found in results["brought"].items():
        count = name.partition(" ")[2]
        for figure, limit in found["budgets"].items():
            work = _WORK.get(figure, figure) + (f", {count} pins" if count else "")
            yield Budget(work, found["figures"][figure], limit, figure.rpartition("-")[2].replace("mb", "MB"))


def _rates(results: Mapping[str, Any]) -> Iterator[Budget]:
    if found := results.get("rates"):
        figures = found["figures"]
        for work, bare, unit in (("ingest", "hash", "MB/s"), ("materialise", "link", "files/s")):
            reference = figures[f"{bare}-{unit.lower().replace('/', '-')}"]
            limit = 0.8 * reference
            part = figures[f"{work}-of-{bare}"]  # the median of the rounds, each against its own bare rate
            yield Budget(work, part * reference, limit, unit, f"bare {bare} {reference:.0f} {unit}", least=True)


def _memory(results: Mapping[str, Any]) -> Iterator[Budget]:
    for size, found in results["sizes"].items():
        largest = max(
            found[case]["brazil"]["memory-mb"] for case in ("cold", "nothing", "leaf", "hub") if case in found
        )
        yield Budget(f"memory, {size} packages", largest, _MEMORY_MB * max(1.0, int(size) / 10_000), "MB")
    opened = {
        name.partition(" ")[2]: f["figures"] for name, f in results["brought"].items() if "open-mb" in f["figures"]
    }
    for count, figures in opened.items():
        limit = _MEMORY_MB * max(1.0, int(count) / 10_000)
        yield Budget(f"memory, a set of {count} pins opened", figures["open-mb"], limit, "MB")


def _changed(results: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((size, found) for size, found in results["sizes"].items() if "nothing" in found)
