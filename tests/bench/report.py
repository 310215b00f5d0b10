"""The results of a run as Markdown: the budgets first, then where they are missed, then all figures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.bench.budgets import Budget, budgets, per_member

_CASES = {
    "cold": "cold build",
    "nothing": "nothing to do",
    "leaf": "one leaf changed",
    "hub": "one hub changed",
}


def report(results: Mapping[str, Any]) -> str:
    """Write everything."""
    held = budgets(results)
    sections = [
        "# Benchmarks",
        "Made by `make bench`. All figures are of one run; others had their turn between ours, so compare the ratios.",
        "\n".join(f"- {name}: {value}" for name, value in results["machine"].items()),
        *_failures(results["failed"]),
        *_budgets(held),
        *_profiles(results["profiles"], held),
        *_builds(results["sizes"]),
        *_growth(results["sizes"]),
        *_whole(results),
        *_platform(results.get("platform")),
        *_start(results.get("start-up")),
        *_brought(results),
        _MEANING,
    ]
    return "\n\n".join(sections) + "\n"


def _failures(failed: Mapping[str, str]) -> Iterator[str]:
    if failed:
        yield "## Failed"
        yield "\n".join(f"- {case}: {' '.join(message.split())[-500:]}" for case, message in failed.items())


def _budgets(held: Sequence[Budget]) -> Iterator[str]:
    missed = sum(not budget.met for budget in held)
    yield "## Budgets"
    yield f"{len(held) - missed} of {len(held)} are met."
    rows = (
        (b.work, f"{_figure(b.measured)} {b.unit}", b.against, f"{_figure(b.limit)} {b.unit}", b.verdict) for b in held
    )
    yield _table(("work", "measured", "reference", "budget", "verdict"), rows)


def _profiles(profiles: Mapping[str, Any], held: Sequence[Budget]) -> Iterator[str]:
    if not profiles:
        return
    missed = {budget.profile for budget in held if not budget.met}
    if not missed & profiles.keys():
        return
    yield "## Where the time goes"
    yield "What is missed, at the largest size that misses it. Threads are looked at every ms; waiting counts, too."
    for case in ("cold", "nothing", "leaf"):
        if case in missed and case in profiles:
            found = profiles[case]
            yield f"brazil, {_CASES[case]}, {found['size']} packages: where its threads are."
            rows = ((f"`{f}`", "itself" if f == c else f"`{c}`", f"{share:.1%}") for f, c, share in found["places"])
            yield _table(("function", "in", "share"), rows)
    if "start-up" in missed and "start-up" in profiles:
        yield "`brazil --version`: the modules that take longest to import."
        yield _table(("module", "own ms"), ((f"`{name}`", f"{own:.2f}") for name, own in profiles["start-up"]))


def _builds(sizes: Mapping[str, Any]) -> Iterator[str]:
    for size, found in sizes.items():
        yield f"## {size} packages"
        hub = f"; the hub has {found['consumers of the hub']}" if "consumers of the hub" in found else ""
        yield f"{found['members'] / int(size):.1f} direct dependencies on average{hub}. Outputs equal: all."
        rows = []
        for case, name in _CASES.items():
            for who, cost in found.get(case, {}).items():
                base = found[case][_reference(case)]["wall-s"]
                rows.append((name, who, *_cost(cost), f"{cost['wall-s'] / base:.2f}"))
        yield _table(("case", "who", *_COST, "ratio"), rows)


def _growth(sizes: Mapping[str, Any]) -> Iterator[str]:
    if len(sizes) < 2:
        return
    yield "## Growth"
    yield "Wall time for each package, in ms, and that of each size as a ratio to the size before."
    rows = []
    for case, name in _CASES.items():
        for who in ("ninja", "ninja+bwrap", "brazil"):
            cells, before = [], None
            for size, found in sizes.items():
                if case not in found:  # it failed
                    cells.append("")
                    continue
                each = found[case][who]["wall-s"] / int(size) * 1000
                cells.append(f"{each:.3f}" if before is None else f"{each:.3f} (x {each / before:.2f})")
                before = each
            rows.append((name, who, *cells))
    yield _table(("case", "who", *sizes), rows)


def _whole(results: Mapping[str, Any]) -> Iterator[str]:
    for size, found in results["transitive"].items():
        mean = found["members"] / int(size)
        yield f"## {size} packages with transitive closures"
        yield f"The same packages, {mean:.1f} members on average. A member's cost is that over the direct case."
        extra = per_member(results, size)
        base = found["cold"]["ninja+bwrap"]["wall-s"]
        rows = (
            (who, *_cost(cost), f"{cost['wall-s'] / base:.2f}", f"{extra[who]:.1f}")
            for who, cost in found["cold"].items()
        )
        yield _table(("who", *_COST, "ratio", "us/member"), rows)


def _platform(found: Mapping[str, Any] | None) -> Iterator[str]:
    if found:
        once = found["first"]["wall-s"] - found["second"]["wall-s"]
        yield "## The first build on a machine"
        yield f"It describes the machine, once: {once:.2f} s. Every cold build above includes that."
        yield _table(("one package", *_COST), ((name, *_cost(cost)) for name, cost in found.items()))


def _start(found: Mapping[str, Any] | None) -> Iterator[str]:
    if found:
        base = found["python -c pass"]["wall-s"]
        yield "## Start-up"
        rows = ((f"`{name}`", *_cost(cost), f"{cost['wall-s'] / base:.2f}") for name, cost in found.items())
        yield _table(("command", *_COST, "ratio"), rows)


def _brought(results: Mapping[str, Any]) -> Iterator[str]:
    several = {**results["brought"], **({"store rates": results["rates"]} if "rates" in results else {})}
    if several:
        yield "## Version sets, resolving, and the store"
        rows = (
            (case, name, _figure(value)) for case, found in several.items() for name, value in found["figures"].items()
        )
        yield _table(("case", "figure, with its unit", "value"), rows)


def _reference(case: str) -> str:
    return "ninja" if case == "nothing" else "ninja+bwrap"


_COST = ("wall s", "processor s", "largest MB", "tree MB")


def _cost(cost: Mapping[str, float]) -> tuple[str, ...]:
    return (
        f"{cost['wall-s']:.3f}",
        f"{cost['processor-s']:.2f}",
        f"{cost['memory-mb']:.0f}",
        f"{cost['tree-mb']:.0f}",
    )


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(header)
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows))


_MEANING = """## What the figures mean

- Ratios are to ninja where there is nothing to do, else to ninja with every command under bare bubblewrap.
- A cold build begins with no output, no cache, and no description of the machine.
- Wall time is until the command ends. Processor time, user and system, is of all its processes: those which
  bubblewrap leaves to others are inherited and waited for. The largest process is by its peak of resident memory, of
  which the first 12 MB cannot be told. The tree is what all had to themselves at once, looked at every 50 ms.
- What takes part of a second is the median of five or more runs, a cold build of up to 1,000 packages that of three.
  With transitive closures, and above 1,000 packages, there is one run.
- An edited hub changes the outputs of its consumers, but not the lines that theirs take. brazil stops there; ninja
  builds everything above.
- The Step itself, in the budget of one leaf, is what one changed leaf costs ninja under bubblewrap."""
