"""What is measured inside one process: opening a set, and moving content into and out of the store.

Run as `python -m tests.bench.library CASE FOLDER`; prints one JSON document.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from brazil.build_systems import option_specs
from brazil.formats.manifest import parse_manifest
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageName, version_set_name
from brazil.model.versionset import Draft, NewVersion, Policy, Reason
from brazil.operations.version_sets import create_set
from brazil.store.local import LocalStore
from brazil.wiring import Wiring
from tests.bench.product import environment
from tests.bench.synthetic import make_packages

SET = version_set_name("bench/pinned")
FILES = 20_000
LARGE = 256 << 20  # bytes


def make_set(folder: Path, count: int) -> None:
    """Publish a set that pins `count` packages; nothing is built."""
    packages = make_packages(count)
    pins = {}
    for package in packages:
        text = package.manifest("direct")
        manifest = parse_manifest(text.encode(), file="brazil.toml", systems=option_specs())
        against = tuple(Interface(PackageName(name), "1.0") for name in package.dependencies)
        commit = hashlib.sha1(package.name.encode(), usedforsecurity=False).hexdigest()
        pins[manifest.interface] = NewVersion(manifest, commit, digest_of(text.encode()), against)
    target = Interface(PackageName(packages[-1].name), "1.0")
    registry = Wiring(environment(folder)).registry
    empty = create_set(SET, Policy((target,)), registry)
    registry.commit(SET, empty.info.commit, Draft(Policy((target,)), dict(sorted(pins.items())), {}, Reason("publish")))


def open_set(folder: Path) -> dict[str, float]:
    """Open the newest revision, and work out the closure of its target and the order of everything."""
    started = time.perf_counter()
    revision = Wiring(environment(folder)).registry.revision(SET)
    opened = time.perf_counter()

    from brazil.graph.closure import Closures
    from brazil.graph.dependency import DependencyGraph

    graph = DependencyGraph(revision.manifests)
    closure = Closures(graph).runtime(revision.policy.targets[0])
    order = graph.build_order()
    ended = time.perf_counter()
    return {"pins": len(order), "closure": len(closure), "open-s": opened - started, "graph-s": ended - opened}


def rates(folder: Path) -> dict[str, float]:
    """Compare moving content in and out with bare hashing and bare links."""
    store = LocalStore(folder / "data", folder / "cache")
    found: dict[str, float] = {}
    large = folder / "large"
    large.mkdir()
    (large / "file").write_bytes(os.urandom(1 << 20) * (LARGE >> 20))
    found["hash-mb-s"] = LARGE / _seconds(lambda: _hash(large / "file")) / 1e6
    found["ingest-mb-s"] = LARGE / _seconds(lambda: store.ingest(large)) / 1e6
    small = folder / "small"
    for number in range(FILES):
        place = small / f"{number % 100:02d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / str(number)).write_text(f"{number}\n")
    bare = folder / "bare"
    bare.mkdir()
    paths = [str(path) for path in small.rglob("*") if path.is_file()]
    found["link-files-s"] = FILES / _seconds(lambda: [os.link(p, f"{bare}/{n}") for n, p in enumerate(paths)])
    for path in paths:  # ingest moves files, and what has two names would be copied
        Path(path).rename(f"{path}.own")
    for entry in bare.iterdir():
        entry.unlink()
    root: list[Digest] = []
    found["ingest-files-s"] = FILES / _seconds(lambda: root.append(store.ingest(small)))
    found["materialise-files-s"] = FILES / _seconds(lambda: store.tree_path(root[0]))
    return found


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _hash(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    return hasher.hexdigest()


def main() -> None:
    case, folder = sys.argv[1], Path(sys.argv[2])
    if case == "make":
        make_set(folder, int(sys.argv[3]))
    elif case == "open":
        print(json.dumps(open_set(folder)))
    else:
        folder.mkdir(parents=True)
        print(json.dumps(rates(folder)))


if __name__ == "__main__":
    main()
