"""The everyday path: a workspace over a large pinned set, in which a few packages are in use and nothing has changed.

Run as `python -m tests.bench.everyday pinned FOLDER [COUNT]`; prints one JSON document.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageName
from brazil.model.versionset import Draft, Reason, Result
from brazil.operations import workspaces
from brazil.wiring import Wiring
from tests.bench.measure import median, run
from tests.bench.opening import SET
from tests.bench.product import environment
from tests.bench.sets import make_set
from tests.bench.synthetic import SOURCES, Synthetic, make_packages

BUILD = [sys.executable, "-m", "brazil", "build"]
IN_USE = 10
_SETTLED = 2.1  # seconds after which the Stamp of a file is trusted


def pinned(folder: Path, count: int) -> Mapping[str, object]:
    """Measure nothing to do over a set of `count` pins whose artifacts are in the store; ten packages are in use."""
    variables = environment(folder)
    root = _make_workspace(folder, count, variables)
    for _ in range(2):  # the first one builds; only one whose files are old enough is remembered
        run(BUILD, root, variables)
        time.sleep(_SETTLED)
    said = run(BUILD, root, variables)[1]
    if said != f"nothing to do: {IN_USE} results remembered, nothing ran\n":
        raise RuntimeError(f"there was something to do:\n{said}")
    cost = median(BUILD, root, variables)
    return {
        "case": f"pinned set of {count} pins with {IN_USE} in use: nothing to do, whole process",
        "figures": {"nothing-ms": round(cost.wall * 1000, 1)},
        "budgets": {"nothing-ms": 150},
    }


def _make_workspace(folder: Path, count: int, variables: Mapping[str, str]) -> Path:
    make_set(folder, count)
    packages = make_packages(count)
    wiring = Wiring(variables)
    _record_results(packages, folder / "artifacts", wiring)
    chosen = packages[-IN_USE:]  # no pinned package needs one of them, so none has to be built anew
    workspace = workspaces.create_workspace(folder / "work", SET, None, wiring.registry)
    for package in chosen:
        _commit(package, workspace.checkout(PackageName(package.name)))
    names = tuple(sorted(PackageName(package.name) for package in chosen))
    workspace.save(workspace.read()._replace(packages=names))
    return workspace.root


def _record_results(packages: Sequence[Synthetic], staging: Path, wiring: Wiring) -> None:
    """Publish what a build of every pin would have left, with the artifacts in the store."""
    base = wiring.registry.revision(SET)
    platform = wiring.platform.platform
    results: dict[Interface, Result] = {}
    for package in packages:
        artifact = _artifact(package, staging / package.name, wiring)
        build = digest_of(package.name.encode())
        results[Interface(PackageName(package.name), "1.0")] = Result(platform.digest, build, artifact, build)
    draft = Draft(base.policy, base.records, {platform.name: results}, Reason("publish"))
    wiring.registry.commit(SET, base.info.commit, draft)


def _artifact(package: Synthetic, folder: Path, wiring: Wiring) -> Digest:
    sources = package.sources()
    heads = [f"{name}/{SOURCES[0]} edition 0\n" for name in package.dependencies]
    folder.mkdir(parents=True)
    (folder / "out.txt").write_text("".join([*(sources[name] for name in SOURCES), *heads]))
    return wiring.store.ingest(folder)


def _commit(package: Synthetic, checkout: Path) -> None:
    """Make a checkout that is a git repository with its files committed."""
    checkout.mkdir(parents=True)
    for name, text in {**package.sources(), "brazil.toml": package.manifest("direct")}.items():
        (checkout / name).write_text(text)
    plain = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    author = ["-c", "user.name=Bench", "-c", "user.email=bench@example.com"]
    for arguments in (["init", "--quiet"], ["add", "."], [*author, "commit", "--quiet", "--message", "all"]):
        subprocess.run(["git", *arguments], cwd=checkout, env=plain, check=True)


def main() -> None:
    case, folder = sys.argv[1], Path(sys.argv[2])
    count = int(sys.argv[3]) if sys.argv[3:] else 10_000
    print(json.dumps({"pinned": pinned}[case](folder, count)))


if __name__ == "__main__":
    main()
