"""What is measured inside one process: moving content into and out of the store.

Run as `python -m tests.bench.library FOLDER`; prints one JSON document.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from brazil.model.digest import Digest
from brazil.store.local import LocalStore

FILES = 20_000
LARGE = 256 << 20  # bytes


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
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    print(json.dumps(rates(folder)))


if __name__ == "__main__":
    main()
