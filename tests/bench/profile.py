"""Where the time goes, for what missed its budget."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_SAMPLER = [sys.executable, "-P", str(Path(__file__).with_name("sampler.py"))]
_ROWS = 12
_IMPORT = re.compile(r"import time: +(\d+) \| +(\d+) \| +(\S+)")


class Place(NamedTuple):
    """Where threads of brazil were seen."""

    function: str  # of brazil
    calling: str  # the innermost function; the same when it computed itself
    share: float  # of all that was seen, 0 to 1; the shares of threads that work at once add up


def build_profile(root: Path, variables: Mapping[str, str], times: int = 1) -> list[Place]:
    """Run a build and say where its threads were most often.

    Args:
        root: of the workspace.
        variables: its environment.
        times: how often it is run; what takes a few ms is seen a few times only.
    """
    report = root.parent / "sampled.json"
    seen: Counter[tuple[str, str]] = Counter()
    for _ in range(times):
        subprocess.run([*_SAMPLER, str(report), "build"], cwd=root, env=variables, check=True, capture_output=True)
        for function, calling, count in json.loads(report.read_text()):
            seen[function, calling] += count
    return [Place(*place, round(count / seen.total(), 4)) for place, count in seen.most_common(_ROWS)]


def import_profile(command: str, folder: Path, variables: Mapping[str, str]) -> list[tuple[str, float]]:
    """Run a command of brazil and return the modules that took longest by themselves, with milliseconds."""
    arguments = [sys.executable, "-X", "importtime", "-m", "brazil", command]
    ran = subprocess.run(arguments, cwd=folder, env=variables, check=True, capture_output=True, text=True)
    found = [(name, int(own) / 1000) for own, _, name in _IMPORT.findall(ran.stderr)]
    return sorted(found, key=lambda module: -module[1])[:_ROWS]
