import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.soak.counts import keep
from tests.soak.targets import targets

REPOSITORY = Path(__file__).resolve().parents[2]
HOUR = 3600

Counts = dict[str, float]


def fuzz(name: str, seconds: float, folder: Path) -> Counts:
    """Fuzz one reader in a process of its own; one that ends without counts has found something."""
    found = folder / "found"
    found.mkdir(exist_ok=True)
    words = [sys.executable, "-m", "tests.soak.fuzz", name, str(seconds), str(folder / "corpus"), str(found)]
    done = subprocess.run(
        ["nice", *words], cwd=REPOSITORY, capture_output=True, text=True, errors="replace", check=False
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]  # the fuzzer itself may say more
    counts: Counts = json.loads(told[-1]) if told else {"executions": 0, "accepted": 0, "seconds": 0, "crashes": 1}
    return counts


@pytest.mark.soak
def test_no_reader_does_what_it_does_not_promise(tmp_path: Path) -> None:
    """All readers together take BRAZIL_FUZZ_SECONDS of processor time, by default an hour."""
    pytest.importorskip("atheris")
    names = list(targets())
    share = float(os.environ.get("BRAZIL_FUZZ_SECONDS") or HOUR) / len(names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(names, pool.map(lambda name: fuzz(name, share, tmp_path), names), strict=True))
    totals = {key: round(sum(count[key] for count in counts.values())) for key in ("executions", "seconds", "crashes")}
    keep("fuzzing", {**totals, "targets": counts})
    kept = {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()}
    assert kept == {}, "add these to FOUND in tests/property/test_parsers.py"
    assert all(count["crashes"] == 0 and count["executions"] for count in counts.values())
