"""Runs brazil and looks now and then at where each of its threads is.

`python -P sampler.py REPORT ARGUMENT...` runs `brazil ARGUMENT...` and writes to REPORT, as JSON, how often a thread
was seen where: in which function of brazil, and what that one was calling. A tracing profiler would see one thread
only, and make calls dearer than they are.
"""

import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

_PERIOD = 0.001  # seconds between two looks
_ROOT = Path(__file__).resolve().parents[2]
_OURS = str(_ROOT / "brazil") + os.sep


def main() -> None:
    report = sys.argv[1]
    code = 1
    seen: Counter[tuple[str, str]] = Counter()
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, done), daemon=True)
    # Whoever looks has to get its turn while others compute; with the default of 5 ms it would look too rarely.
    sys.setswitchinterval(_PERIOD / 2)
    watcher.start()
    try:
        from brazil.__main__ import answer  # inside, so that what it takes to start is seen

        code = answer(sys.argv[2:])
    finally:
        done.set()
        watcher.join()
        Path(report).write_text(json.dumps([[*place, count] for place, count in seen.most_common()]))
    sys.exit(code)


def _watch(seen: Counter[tuple[str, str]], done: threading.Event) -> None:
    own = threading.get_ident()
    while not done.wait(_PERIOD):
        for thread, frame in sys._current_frames().items():
            if thread != own:
                seen[_place(frame)] += 1


def _place(innermost: FrameType) -> tuple[str, str]:
    """Return the innermost function of brazil, and what it was in; the same where it computes itself."""
    calling = _name(innermost)
    frame: FrameType | None = innermost
    while frame is not None:
        if frame.f_code.co_filename.startswith(_OURS):
            return _name(frame), calling
        frame = frame.f_back
    return "(start and end)", calling


def _name(frame: FrameType) -> str:
    file = frame.f_code.co_filename
    where = file.removeprefix(f"{_ROOT}{os.sep}") if file.startswith(_OURS) else file.rpartition(os.sep)[2]
    return f"{where}:{frame.f_code.co_qualname}"


if __name__ == "__main__":
    main()
