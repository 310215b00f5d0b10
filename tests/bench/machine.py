"""What a report says of the run: when, on which machine, with which versions."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from brazil import __version__
from brazil.sandbox.bubblewrap import find_bubblewrap
from tests.bench.reference import NINJA

_ROOT = Path(__file__).resolve().parents[2]


def facts(place: Path) -> dict[str, str]:
    """Gather them.

    Args:
        place: the folder in which everything is measured.
    """
    changed = bool(_say("git", "status", "--porcelain", "--untracked-files=no"))
    known = Path(os.environ.get("BRAZIL_DATA", "/nonexistent"))
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _say("git", "rev-parse", "--short=12", "HEAD") + (", with changes" if changed else ""),
        "processors": f"{len(os.sched_getaffinity(0))} of {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "file system": _say("df", "--output=fstype", str(place)).split()[-1],
        "load before": f"{os.getloadavg()[0]:.1f} runnable processes in the last minute",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "brazil": __version__,
        "bubblewrap": str(find_bubblewrap()).removeprefix("bubblewrap "),
        "ninja": _say(NINJA[0], "--version"),
        "git": _say("git", "--version").removeprefix("git version "),
        "facts to resolve": "real ones"
        if (known / "module-registry.json.gz").is_file()
        else "made ones: not in BRAZIL_DATA",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _say(*command: str) -> str:
    return subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True).stdout.strip()
