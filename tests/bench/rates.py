"""What is measured inside one process: moving content into and out of the store.

Run as `python -m tests.bench.rates FOLDER [FILES]`; prints one JSON document, with medians.
"""

import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from brazil.model.digest import Digest
from brazil.store.local import LocalStore

FILES = 20_000
LARGE = 256 << 20  # bytes
ROUNDS = 3


def rates(folder: Path, files: int, large: int) -> dict[str, float]:
    """Compare moving content in and out with bare hashing and bare links, once.

    Args:
        folder: new.
        files: small ones, to link.
        large: bytes of the one to hash.
    """
    store = LocalStore(folder / "data", folder / "cache")
    found: dict[str, float] = {}
    whole = folder / "large"
    whole.mkdir()
    (whole / "file").write_bytes(os.urandom(1 << 20) * (large >> 20))
    found["hash-mb-s"] = large / _seconds(lambda: _hash(whole / "file")) / 1e6
    found["ingest-mb-s"] = large / _seconds(lambda: store.ingest(whole)) / 1e6
    small = folder / "small"
    for number in range(files):
        place = small / f"{number % 100:02d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / str(number)).write_text(f"{number}\n")
    bare = folder / "bare"
    bare.mkdir()
    paths = [str(path) for path in small.rglob("*") if path.is_file()]
    found["link-files-s"] = files / _seconds(lambda: [os.link(p, f"{bare}/{n}") for n, p in enumerate(paths)])
    for path in paths:  # ingest moves files, and what has two names would be copied
        Path(path).rename(f"{path}.own")
    for entry in bare.iterdir():
        entry.unlink()
    root: list[Digest] = []
    found["ingest-files-s"] = files / _seconds(lambda: root.append(store.ingest(small)))
    found["materialise-files-s"] = files / _seconds(lambda: store.tree_path(root[0]))
    found["ingest-of-hash"] = found["ingest-mb-s"] / found["hash-mb-s"]
    found["materialise-of-link"] = found["materialise-files-s"] / found["link-files-s"]
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
    folder, files = Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else FILES
    several = []
    for number in range(ROUNDS):
        (folder / str(number)).mkdir(parents=True)
        several.append(rates(folder / str(number), files, max(1 << 20, LARGE * files // FILES)))
    figures = {name: round(statistics.median(found[name] for found in several), 3) for name in several[0]}
    print(json.dumps({"case": "rates", "figures": figures, "budgets": {}}))


if __name__ == "__main__":
    main()
