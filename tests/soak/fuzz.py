"""Coverage-guided fuzzing of one reader: `python -m tests.soak.fuzz TARGET SECONDS CORPUS FOUND`.

The last line on standard output is JSON: executions, seconds, and how many inputs did what is not promised. Each of
those is in the folder FOUND; the first of a kind ends the run, because the fuzzer ends with it.
"""

import json
import os
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["brazil", "tomllib", "json.decoder"]):
    from tests.soak.targets import attempt, known_inputs, targets

_LONGEST = 4096  # bytes of an input; the fuzzer finds little in longer ones
_SLOW = 10  # seconds; an input that takes longer counts as a failure


def main(name: str, seconds: str, corpus: str, found: str) -> None:
    """Fuzz until the time is over or something is found."""
    target = targets()[name]
    place = known_inputs(Path(corpus), name, target)
    prefix = f"{found}/{place.name}-"
    started = time.monotonic()
    deadline = started + float(seconds)
    executions = taken = 0

    def once(data: bytes) -> None:
        nonlocal executions, taken
        executions += 1
        try:
            taken += attempt(target, data)
        except Exception:
            report(1)
            raise
        if time.monotonic() > deadline:
            report(0)
            os._exit(0)

    def report(crashes: int) -> None:
        spent = round(time.monotonic() - started, 1)
        facts = {"executions": executions, "accepted": taken, "seconds": spent, "crashes": crashes}
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()

    limits = [f"-max_len={_LONGEST}", f"-timeout={_SLOW}", "-rss_limit_mb=2048"]
    options = [*limits, f"-artifact_prefix={prefix}", "-verbosity=0", "-print_final_stats=0", "-close_fd_mask=0"]
    atheris.Setup([name, *options, str(place)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    os.environ["BRAZIL_HOME"] = "/nonexistent"
    main(*sys.argv[1:])
