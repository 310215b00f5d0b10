"""The quick answer to `brazil build` and `brazil test`: whether anything has changed since the same was built before.

Asked before click and everything else is imported, because at most sizes the imports would take longer than the
look. Whatever is not plain here is left to the complete way.
"""

import os
import sys
from collections.abc import Mapping, Sequence

from brazil.report.unchanged import nothing_ran, stale_lines
from brazil.wiring import Wiring
from brazil.workspace.place import find_root
from brazil.workspace.trace import Look, look, trace_key

KINDS = ("build", "test")


def look_at_words(words: Sequence[str], environment: Mapping[str, str]) -> Look | None:
    """Look what has changed since the same command line was answered before; None when that cannot be said."""
    if not words or words[0] not in KINDS or any(word.startswith("-") for word in words):
        return None
    return look_at(words[0], words[1:], environment)


def look_at(kind: str, names: Sequence[str], environment: Mapping[str, str]) -> Look | None:
    """Look what has changed since the same was built before; None when that cannot be said."""
    root = find_root(os.getcwd())
    wiring = Wiring(environment)
    platform = wiring.platform_digest()
    if root is None or platform is None:
        return None
    try:
        key = trace_key(root, kind, names, platform=platform, store=wiring.store_mark())
    except OSError:
        return None  # the workspace's file cannot be read, which is told where it is read in earnest
    return look(root, key)


def told(found: Look) -> bool:
    """Say that there is nothing to do; False when there may be, or nothing can be said."""
    if not found.nothing_changed:
        return False
    lines = [nothing_ran(found.trace.results), *stale_lines(found.trace.stale)]
    try:
        sys.stdout.write("\n".join((*lines, "")))
        sys.stdout.flush()
    except OSError:
        return False  # the complete way fails alike, and says why
    return True
