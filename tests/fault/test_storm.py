import multiprocessing
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.fault.storm import COMMANDS, KINDS, Hit, survive_all
from tests.soak.counts import keep

pytestmark = pytest.mark.sandbox

RUNS = 500


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in memory where there is one: every case copies a whole home."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


def told(hits: Sequence[Hit]) -> list[str]:
    return [f"{hit.case} ({hit.point}, {hit.code}): {fault}" for hit in hits for fault in hit.faults]


def test_commands_survive_faults_at_any_operation(place: Path) -> None:
    kinds = ("kill", "after", "terminate", "enospc", "kill", "interrupt", "eio", "impatient")
    parts = [(n * 0.618) % 1 for n in range(21)]  # evenly spread, whatever the number
    commands = list(COMMANDS)
    cases = [(commands[n % len(commands)], kinds[n % len(kinds)], part) for n, part in enumerate(parts)]
    hits = survive_all(str(place), cases)
    assert told(hits) == []
    assert all(hit.point != "none" for hit in hits if hit.case.kind in ("kill", "after"))
    assert sum(hit.code == -9 for hit in hits) >= 5, "many of them really were killed"


def soak_cases() -> list[tuple[str, str, float]]:
    """Spread half of the cases evenly over each command, choose the others at random."""
    chosen = random.Random(1)
    cases = []
    for n in range(RUNS):
        command = tuple(COMMANDS)[n % len(COMMANDS)]
        kind = KINDS[n // len(COMMANDS) % len(KINDS)]
        round_, rounds = n // (len(COMMANDS) * len(KINDS)), -(-RUNS // (len(COMMANDS) * len(KINDS)))
        cases.append((command, kind, round_ / rounds if round_ % 2 else chosen.random()))
    return cases


@pytest.mark.soak
def test_storm(place: Path) -> None:
    begun = time.monotonic()
    cases = soak_cases()
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        parts = []
        for number in range(workers):
            (place / str(number)).mkdir()
            parts.append(pool.submit(survive_all, str(place / str(number)), cases[number::workers]))
        hits = [hit for part in parts for hit in part.result()]
    keep("storm", counts(hits, time.monotonic() - begun))
    assert told(hits) == []


def counts(hits: Sequence[Hit], seconds: float) -> dict[str, object]:
    return {
        "cases": len(hits),
        "kills": sum(hit.code == -9 for hit in hits),
        "faults": sum(hit.case.kind in ("enospc", "eio") and hit.point != "none" for hit in hits),
        "signals": sum(hit.code in (130, 143, -15) for hit in hits),
        "failures": sum(bool(hit.faults) for hit in hits),
        "seconds": round(seconds),
        "commands": dict(sorted(Counter(hit.case.command for hit in hits).items())),
        "kinds": dict(sorted(Counter(hit.case.kind for hit in hits).items())),
        "points": dict(sorted(Counter(hit.point for hit in hits).items())),
        "exit codes": {str(code): n for code, n in sorted(Counter(hit.code for hit in hits).items())},
    }
