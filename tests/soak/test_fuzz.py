import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.soak.targets import targets

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
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
    lines = done.stdout.splitlines()
    counts: Counts = json.loads(lines[-1]) if lines else {"executions": 0, "accepted": 0, "seconds": 0, "crashes": 1}
    return counts


@pytest.mark.soak
def test_no_reader_does_what_it_does_not_promise(tmp_path: Path) -> None:
    """All readers together take BRAZIL_FUZZ_SECONDS of processor time, by default an hour."""
    pytest.importorskip("atheris")
    names = list(targets())
    share = float(os.environ.get("BRAZIL_FUZZ_SECONDS") or HOUR) / len(names)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(names, pool.map(lambda name: fuzz(name, share, tmp_path), names), strict=True))
    write_counts(counts)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "found").iterdir()}
    assert kept == {}, "add these to FOUND in tests/property/test_parsers.py"
    assert all(count["crashes"] == 0 and count["executions"] for count in counts.values())


def write_counts(counts: Mapping[str, Counts]) -> None:
    """Write what was done to docs/soak.json and, for people, docs/fuzzing.md."""
    facts = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}",
        **{key: round(sum(count[key] for count in counts.values())) for key in ("executions", "seconds", "crashes")},
        "targets": dict(counts),
    }
    file = DOCS / "soak.json"
    every = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps(every | {"fuzzing": facts}, indent=2) + "\n")
    rows = [
        f"| {name} | {count['executions']:,} | {count['accepted']:,} | {count['seconds']:.0f} | {count['crashes']} |"
        for name, count in counts.items()
    ]
    text = f"""# Fuzzing

`make soak` writes this page. Every reader of what comes from outside is given inputs that a coverage-guided fuzzer
makes from real ones; it must take them, or refuse them with the error that it promises. What was found is mended, and
is a case in `tests/property/test_parsers.py`.

{facts["date"]}, {facts["machine"]}:
{facts["executions"]:,} inputs in {facts["seconds"]:,} s, {facts["crashes"]} crashes.

| reader | inputs | of them taken | seconds | crashes |
| --- | ---: | ---: | ---: | ---: |
"""
    (DOCS / "fuzzing.md").write_text(text + "\n".join(rows) + "\n")
