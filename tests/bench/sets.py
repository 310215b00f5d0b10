"""What is measured of version sets: made, opened, changed, compared and resolved at scale.

Run as `python -m tests.bench.sets CASE FOLDER [COUNT]`; prints one JSON document: the case, its figures and budgets
for some of them, with the unit at the end of each name. FOLDER may hold a set of an earlier case, of the same COUNT.
"""

import gc
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from brazil.build_systems import option_specs
from brazil.formats.manifest import parse_manifest
from brazil.model.conflict import Conflict
from brazil.model.digest import digest_of
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.versionset import (
    Draft,
    NewVersion,
    PackageRecord,
    Policy,
    Reason,
    Revision,
    RevisionDiff,
    diff_revisions,
)
from brazil.ports import Moved, Registry
from brazil.resolve.catalog import MemoryCatalog
from brazil.resolve.solver import Request, Resolution, resolve
from brazil.wiring import Wiring
from tests.bench.facts import history, modules, question
from tests.bench.measure import median, run
from tests.bench.opening import SET
from tests.bench.product import environment
from tests.bench.synthetic import make_packages

ROOT = Path(__file__).resolve().parents[2]
CHANGED = 50
RUNS = 5

Found = tuple[dict[str, float], dict[str, float]]  # figures, budgets
_GIT = {"processes": 0}


def make_set(folder: Path, count: int) -> float:
    """Publish a set that pins `count` packages, none of them built; return the seconds that committing it took."""
    pins: dict[Interface, NewVersion] = {}
    for package in make_packages(count):
        text = package.manifest("direct")
        manifest = parse_manifest(text.encode(), file="brazil.toml", systems=option_specs())
        against = tuple(Interface(PackageName(name), "1.0") for name in package.dependencies)
        pins[manifest.interface] = NewVersion(manifest, _commit(package.name), digest_of(text.encode()), against)
    policy = Policy((max(pins),))
    registry = Wiring(environment(folder)).registry
    empty = registry.create_set(SET, Draft(policy, {}, {}, Reason("create")))
    draft = Draft(policy, dict(sorted(pins.items())), {}, Reason("publish"))
    return _seconds(lambda: registry.commit(SET, empty.info.commit, draft))


def create(folder: Path, count: int) -> Found:
    """Make a set at once."""
    seconds = make_set(folder, count)
    return {"create-s": seconds, "create-per-pin-ms": seconds * 1000 / count, "repository-mb": _size(folder)}, {}


def opened(folder: Path, count: int) -> Found:
    """Open it in a process of its own, and work out the closure of its target and the order of everything."""
    _there(folder, count)
    command = [sys.executable, "-m", "tests.bench.opening"]
    cost = median(command, ROOT, environment(folder), RUNS)
    inner = json.loads(run(command, ROOT, environment(folder))[1])
    figures = {"open-process-s": cost.wall, "open-processor-s": cost.processor, "open-mb": cost.memory / 1e6}
    figures |= {"open-set-s": inner["open-s"], "open-graph-s": inner["graph-s"], "open-closure": inner["closure"]}
    return figures, {"open-process-s": 0.45 if count <= 10_000 else 4.0}


def commit(folder: Path, count: int) -> Found:
    """Make a revision that changes some pins."""
    registry = _there(folder, count)
    revision = registry.revision(SET)
    times, started = [], _GIT["processes"]
    for edition in range(RUNS):
        draft = _changed(revision, f"{revision.info.number} {edition}")
        begun = time.perf_counter()
        made = registry.commit(SET, revision.info.commit, draft)
        times.append(time.perf_counter() - begun)
        assert not isinstance(made, Moved)
        revision = made
    figures = {"commit-ms": statistics.median(times) * 1000, "commit-git": (_GIT["processes"] - started) / RUNS}
    return figures, {"commit-ms": 55 if count <= 10_000 else 110}


def diff(folder: Path, count: int) -> Found:
    """Compare the newest revision with the one before."""
    registry = _there(folder, count)
    newest = registry.revision(SET)
    if newest.info.number < 2:
        made = registry.commit(SET, newest.info.commit, _changed(newest, "diff"))
        assert not isinstance(made, Moved)
        newest = made
    costs = [_compared(folder, newest.info.number) for _ in range(RUNS)]
    opening, comparing, changes = (statistics.median(cost) for cost in zip(*costs, strict=True))
    figures = {"diff-open-both-ms": opening * 1000, "diff-ms": comparing * 1000, "diff-changes": changes}
    return figures, {"diff-ms": 100}


def _compared(folder: Path, number: int) -> tuple[float, float, int]:
    """Open a revision and the one before, and compare them, once: what was compared before is quicker."""
    registry = Wiring(environment(folder)).registry
    pair, found = list[Revision](), list[RevisionDiff]()
    opening = _seconds(lambda: pair.extend(registry.revision(SET, n) for n in (number - 1, number)))
    comparing = _seconds(lambda: found.append(diff_revisions(*pair)))
    return opening, comparing, len(found[0].changes)


def resolved(_: Path, __: int) -> Found:
    """Choose versions of everything from nothing, where only I1 and I2 have to hold."""
    asked = question(modules(), coherent=False)
    answer = resolve(asked.request, {}, asked.catalog)
    assert isinstance(answer, Resolution)
    return {
        "resolve-s": _best(lambda: resolve(asked.request, {}, asked.catalog)),
        "resolve-pins": len(answer.pins),
    }, {"resolve-s": 1.0}


def conflict(_: Path, __: int) -> Found:
    """Explain why there is no choice when I4 and I5 have to hold, too."""
    asked = question(modules(), coherent=True)
    answer = resolve(asked.request, {}, asked.catalog)
    assert isinstance(answer, Conflict)
    return {
        "conflict-s": _best(lambda: resolve(asked.request, {}, asked.catalog)),
        "conflict-reasons": len(answer.needs),
    }, {"conflict-s": 1.25}


def again(_: Path, count: int) -> Found:
    """Choose versions again after one package came to need another one."""
    packages = make_packages(count)
    manifests = {}
    for package in packages:
        manifest = parse_manifest(package.manifest("direct").encode(), file="brazil.toml", systems=option_specs())
        manifests[manifest.interface] = manifest
    versions = {interface: PackageVersion(interface, 1) for interface in sorted(manifests)}
    used = {d.interface for m in manifests.values() for d in m.dependencies}
    targets = tuple(interface for interface in versions if interface not in used)
    changed = manifests[targets[len(targets) // 2]]
    request = Request(targets, {changed.interface: changed})
    catalog = MemoryCatalog((1, manifest) for manifest in manifests.values())
    answer = resolve(request, versions, catalog)
    assert isinstance(answer, Resolution)
    return {
        "resolve-again-ms": _best(lambda: resolve(request, versions, catalog)) * 1000,
        "resolve-again-pins": len(answer.pins),
    }, {"resolve-again-ms": 100}


def stored(folder: Path, count: int) -> Found:
    """Store the whole history of a distribution, a revision each."""
    registry = Wiring(environment(folder)).registry
    policy = Policy()
    revision = registry.create_set(SET, Draft(policy, {}, {}, Reason("create")))
    changes = history()[: count or None]
    started = time.perf_counter()
    for number, change in enumerate(changes, 1):
        pins: dict[Interface, PackageRecord | NewVersion] = dict(revision.records)
        for interface in change.removed:
            pins.pop(interface, None)
        pins |= change.pins
        made = registry.commit(SET, revision.info.commit, Draft(policy, pins, {}, Reason("publish", text=f"{number}")))
        assert not isinstance(made, Moved)
        revision = made
    seconds = time.perf_counter() - started
    figures = {"history-revisions": len(changes), "history-pins": len(revision.records), "history-s": seconds}
    figures |= {"history-revision-ms": seconds * 1000 / len(changes), "history-mb": _size(folder)}
    return figures, {"history-mb": 8}


def _there(folder: Path, count: int) -> Registry:
    if not (folder / "data").is_dir():
        make_set(folder, count)
    return Wiring(environment(folder)).registry


def _changed(revision: Revision, edition: str) -> Draft:
    """Publish new sources of some packages, evenly spread; who consumes them is not built again."""
    pins: dict[Interface, PackageRecord | NewVersion] = dict(revision.records)
    for interface in list(pins)[:: max(1, len(pins) // CHANGED)][:CHANGED]:
        old = revision.records[interface]
        against = tuple(version.interface for version in old.against)
        pins[interface] = NewVersion(old.manifest, _commit(f"{interface} {edition}"), old.source, against)
    return Draft(revision.policy, pins, {}, Reason("publish", text=edition))


def _commit(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _size(folder: Path) -> float:
    repository = folder / "data" / "registry.git"
    return sum(path.stat().st_size for path in repository.rglob("*") if path.is_file()) / 1e6


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _best(work: Callable[[], object]) -> float:
    return min(_seconds(work) for _ in range(RUNS))


CASES: Mapping[str, Callable[[Path, int], Found]] = {
    "create": create,
    "open": opened,
    "commit": commit,
    "diff": diff,
    "resolve": resolved,
    "conflict": conflict,
    "again": again,
    "history": stored,
}


def _count_git(event: str, _: tuple[Any, ...]) -> None:
    _GIT["processes"] += event == "subprocess.Popen"


def main() -> None:
    case, folder = sys.argv[1], Path(sys.argv[2])
    gc.set_threshold(100_000)  # as every command
    sys.addaudithook(_count_git)
    figures, budgets = CASES[case](folder, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    found = {"case": case, "figures": {n: round(v, 4) for n, v in figures.items()}, "budgets": budgets}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
