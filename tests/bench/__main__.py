"""`python -m tests.bench [SIZE]...`: measures the budgets and writes docs/bench.md and docs/bench.json."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brazil import __version__
from brazil.sandbox.bubblewrap import find_bubblewrap
from tests.bench import product, reference
from tests.bench.measure import Cost, median, run
from tests.bench.synthetic import Synthetic, make_packages

ROOT = Path(__file__).resolve().parents[2]
BRAZIL = [sys.executable, "-m", "brazil"]
LIBRARY = [sys.executable, "-m", "tests.bench.library"]
SETS = [sys.executable, "-m", "tests.bench.sets"]
DOCS = ROOT / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("sizes", nargs="*", type=int, default=[100, 1000, 10000])
    parser.add_argument("--pins", nargs="*", type=int, default=[10000, 100000], help="sizes of sets that are opened")
    parser.add_argument("--transitive", nargs="*", type=int, default=[1000], help="sizes built with whole closures")
    parser.add_argument("--out", type=Path, default=DOCS)
    chosen = parser.parse_args()
    results: dict[str, Any] = {"machine": machine(), "sizes": {}}
    place = Path(tempfile.mkdtemp(prefix="brazil-bench-"))
    try:
        results["start-up"] = start_up(place)
        results["store"] = json.loads(run([*LIBRARY, str(place / "rates")], ROOT)[1])
        results["open"] = {str(pins): open_set(place / f"pins-{pins}", pins) for pins in chosen.pins}
        for size in chosen.sizes:
            results["sizes"][str(size)] = measure_size(place / str(size), size)
            shutil.rmtree(place / str(size))
        results["transitive"] = {str(size): transitive(place / f"whole-{size}", size) for size in chosen.transitive}
    finally:
        shutil.rmtree(place, ignore_errors=True)
    (chosen.out / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    (chosen.out / "bench.md").write_text(report(results))
    print(report(results))


def machine() -> dict[str, str]:
    bwrap = find_bubblewrap()
    ninja = run(["ninja", "--version"], Path("/"))[1].strip()
    git = run(["git", "--version"], Path("/"))[1].strip()
    return {
        "processors": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "brazil": __version__,
        "bubblewrap": str(bwrap),
        "ninja": ninja,
        "git": git,
    }


def start_up(place: Path) -> dict[str, Any]:
    variables = product.environment(place / "start")
    return {
        "python -c pass": median([sys.executable, "-c", "pass"], place, variables, 11).as_data(),
        "brazil --version": median([*BRAZIL, "--version"], place, variables, 11).as_data(),
        "brazil --help": median([*BRAZIL, "--help"], place, variables, 11).as_data(),
    }


def measure_size(folder: Path, size: int) -> dict[str, Any]:
    tell(f"{size} packages: making them")
    packages = make_packages(size)
    found: dict[str, Cost] = {}
    bwrap = str(find_bubblewrap().path)
    for name, program in (("ninja", ""), ("ninja+bwrap", bwrap)):
        reference.write_ninja(folder / name, packages, program, None)
        tell(f"{size} packages: {name}")
        found[f"cold {name}"] = run(["ninja", "--quiet"], folder / name)[0]
        found[f"nothing {name}"] = median(["ninja", "--quiet"], folder / name)
    variables = product.environment(folder / "home")
    root = product.make_workspace(folder, packages, "direct", variables)
    tell(f"{size} packages: brazil")
    build = [*BRAZIL, "build"]
    found["cold brazil"] = run(build, root, variables)[0]
    compare_outputs(folder / "ninja+bwrap", root, packages)
    run(build, root, variables)
    found["nothing brazil"] = median(build, root, variables)
    for kind, package in (("leaf", packages[-1]), ("hub", packages[0])):
        source = root / "src" / package.name / "one.txt"
        source.write_text(package.sources(edition=1)["one.txt"])
        found[f"one {kind} brazil"] = run(build, root, variables)[0]
        other = folder / "ninja+bwrap" / "src" / package.name / "one.txt"
        other.write_text(package.sources(edition=1)["one.txt"])
        found[f"one {kind} ninja+bwrap"] = run(["ninja", "--quiet"], folder / "ninja+bwrap")[0]
    compare_outputs(folder / "ninja+bwrap", root, packages)
    return {name: cost.as_data() for name, cost in found.items()}


def open_set(folder: Path, pins: int) -> dict[str, float]:
    tell(f"a set of {pins} pins")
    figures: dict[str, float] = json.loads(run([*SETS, "open", str(folder), str(pins)], ROOT)[1])["figures"]
    return figures


def transitive(folder: Path, size: int) -> dict[str, Any]:
    tell(f"{size} packages with transitive closures")
    packages = make_packages(size)
    closures: dict[str, list[str]] = {}
    for package in packages:
        below = (name for direct in package.dependencies for name in (direct, *closures[direct]))
        closures[package.name] = sorted(set(below))
    bwrap = str(find_bubblewrap().path)
    reference.write_ninja(folder / "ninja", packages, bwrap, closures)
    ninja = run(["ninja", "--quiet"], folder / "ninja")[0]
    variables = product.environment(folder / "home")
    root = product.make_workspace(folder, packages, "transitive", variables)
    brazil = run([*BRAZIL, "build"], root, variables)[0]
    compare_outputs(folder / "ninja", root, packages)
    members = sum(map(len, closures.values())) / size
    return {"members": round(members, 1), "ninja+bwrap": ninja.as_data(), "brazil": brazil.as_data()}


def compare_outputs(ninja: Path, root: Path, packages: Sequence[Synthetic]) -> None:
    for package in packages:
        ours = (root / "build" / package.name / "out.txt").read_bytes()
        if ours != (ninja / "out" / package.name / "out.txt").read_bytes():
            raise RuntimeError(f"the outputs of {package.name} differ")


def report(results: dict[str, Any]) -> str:
    lines = ["# Benchmarks", "", "Made by `make bench`; one run, so compare the ratios, not the times.", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    start = results["start-up"]
    base = start["python -c pass"]["wall-s"]
    lines += ["", "## Start-up", "", "| command | wall s | times `python -c pass` | memory MB |", "|---|---|---|---|"]
    lines += [
        f"| `{name}` | {cost['wall-s']:.3f} | {cost['wall-s'] / base:.1f} | {cost['memory-mb']} |"
        for name, cost in start.items()
    ]
    for size, costs in results["sizes"].items():
        lines += ["", f"## {size} packages", "", "| case | who | wall s | ratio | processor s | memory MB |"]
        lines += ["|---|---|---|---|---|---|"]
        for name, cost in costs.items():
            case, _, who = name.rpartition(" ")
            reference_name = f"{case} {'ninja' if case == 'nothing' else 'ninja+bwrap'}"
            ratio = cost["wall-s"] / costs[reference_name]["wall-s"]
            row = (case, who, f"{cost['wall-s']:.3f}", f"{ratio:.2f}", f"{cost['processor-s']:.2f}", cost["memory-mb"])
            lines.append("| " + " | ".join(map(str, row)) + " |")
    lines += [
        "",
        "## Transitive closures",
        "",
        "| packages | mean members | who | wall s | ratio |",
        "|---|---|---|---|---|",
    ]
    for size, found in results["transitive"].items():
        base = found["ninja+bwrap"]["wall-s"]
        for who in ("ninja+bwrap", "brazil"):
            wall = found[who]["wall-s"]
            lines.append(f"| {size} | {found['members']} | {who} | {wall:.2f} | {wall / base:.2f} |")
    lines += ["", "## Opening a set, closure and order of its target", ""]
    lines += ["| pins | whole process s | open s | graph s | memory MB |", "|---|---|---|---|---|"]
    for pins, found in results["open"].items():
        row = (pins, *(found[f"open-{name}"] for name in ("process-s", "set-s", "graph-s", "mb")))
        lines.append("| " + " | ".join(map(str, row)) + " |")
    store = results["store"]
    lines += [
        "",
        "## The store against bare hashing and bare links",
        "",
        "| what | rate | of the bare rate |",
        "|---|---|---|",
    ]
    for name, bare, unit in (
        ("ingest-mb-s", "hash-mb-s", "MB/s"),
        ("ingest-files-s", "link-files-s", "files/s"),
        ("materialise-files-s", "link-files-s", "files/s"),
    ):
        lines.append(f"| {name.split('-')[0]} | {store[name]:.0f} {unit} | {store[name] / store[bare]:.2f} |")
    lines += ["", "Ratios are to ninja for nothing to do, else to ninja with every command under bare bubblewrap.", ""]
    return "\n".join(lines)


def tell(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
