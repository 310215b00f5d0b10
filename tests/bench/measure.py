"""Runs a command as a whole process and accounts for everything it started."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_ACCOUNT = [sys.executable, "-I", "-S", str(Path(__file__).with_name("account.py"))]


class Cost(NamedTuple):
    """What one run took."""

    wall: float  # seconds, until its first process ended
    processor: float  # seconds, user and system, of all its processes
    memory: int  # bytes, the largest single process
    tree: int  # bytes, all processes at once without what they share from files; looked at now and then

    def as_data(self) -> dict[str, float]:
        """For JSON."""
        return {
            "wall-s": round(self.wall, 4),
            "processor-s": round(self.processor, 4),
            "memory-mb": round(self.memory / 1e6, 1),
            "tree-mb": round(self.tree / 1e6, 1),
        }


def run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run to the end and return the cost and what was written to stdout.

    Raises:
        RuntimeError: it failed.
    """
    reader, writer = os.pipe()
    with os.fdopen(reader) as account:
        try:
            ran = subprocess.run(
                [*_ACCOUNT, str(writer), *arguments],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                pass_fds=[writer],
                check=False,
            )
        finally:
            os.close(writer)
        told = account.read()
    found = json.loads(told) if told else {"status": ran.returncode}
    if found.pop("status"):
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}")
    return Cost(**found), ran.stdout


def interleaved(runs: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Run each in turn, several times over, so that a busy moment of the machine meets all of them.

    Returns:
        For each the run with the median wall time.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, once in runs.items():
            costs[name].append(once())
    return {name: sorted(found)[(rounds - 1) // 2] for name, found in costs.items()}


def median(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, runs: int = 5) -> Cost:
    """Run several times after one that is not counted; return the run with the median wall time."""
    run(arguments, folder, environment)
    return interleaved({"": lambda: run(arguments, folder, environment)[0]}, runs)[""]


def aside(folder: Path) -> None:
    """Make room for a new folder; the old one is kept beside it until the end of the benchmark.

    ext4 passes over inodes that were deleted in the last minutes, one by one, so whoever makes files after that is
    slower: a cold build of 500 packages right after another one was removed took 9.5 s instead of 5.4 s.
    """
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}-{time.monotonic_ns()}"))
