"""The benchmarks run from one end to the other, with ten packages; nothing is said of their figures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.sandbox
def test_every_case_of_the_benchmarks_runs(tmp_path: Path) -> None:
    out = tmp_path / "not" / "there"
    sizes = ["10", "--pins", "10", "--transitive", "10"]
    command = [sys.executable, "-m", "tests.bench", *sizes, "--quick", "--out", str(out)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads((out / "bench.json").read_text())
    assert found["failed"] == {}
    assert ran.returncode == 0, ran.stderr
    assert {size: cases["equal outputs"] for size, cases in found["sizes"].items()} == {"10": 10}
    assert found["transitive"]["10"]["equal outputs"] == 10
    assert found["sizes"]["10"].keys() >= {"cold", "nothing", "leaf", "hub"}
    sets = ["create 10", "open 10", "commit 10", "diff 10", "pinned 10", "again 10"]
    assert list(found["brought"]) == sets
    assert {"start-up", "platform", "rates"} <= found.keys()
    assert (out / "bench.md").read_text() == ran.stdout.removesuffix("\n")
    assert "## Budgets" in ran.stdout
