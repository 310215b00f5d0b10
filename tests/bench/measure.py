"""Runs a command as a whole process and accounts for everything it started."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What one run took."""

    wall: float  # seconds
    processor: float  # seconds, user and system, of the command and all it waited for
    memory: int  # bytes, the largest single process

    def as_data(self) -> dict[str, float]:
        """For JSON."""
        return {"wall-s": round(self.wall, 4), "processor-s": round(self.processor, 4), "memory-mb": self.memory >> 20}


def run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run to the end and return the cost and what was written to stdout.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    output, errors = process.stdout, process.stderr
    assert output is not None
    assert errors is not None
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.append(errors.read()))
    reader.start()
    text = output.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    reader.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}:\n{text}\n{told[0][-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10), text


def median(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, runs: int = 5) -> Cost:
    """Run several times after one that is not counted; return the run with the median wall time."""
    run(arguments, folder, environment)
    costs = sorted((run(arguments, folder, environment)[0] for _ in range(runs)), key=lambda c: c.wall)
    return costs[runs // 2]
