"""The quick answer to `brazil build` and `brazil test`: whether anything has changed since the same was built before.

Asked before click and everything else is imported, because at most sizes the imports would take longer than the
look. Whatever is not plain here is left to the complete way.
"""

import os
import sys

from brazil.places import find_places
from brazil.report.unchanged import nothing_ran, stale_lines
from brazil.sandbox.known_platform import known_digest
from brazil.store.mark import store_mark
from brazil.workspace.place import find_root
from brazil.workspace.trace import Look, look, read_file, trace_key

TYPE_CHECKING = False  # as every checker knows it; importing it takes longer than this module
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def look_at(kind: str, names: "Sequence[str]", environment: "Mapping[str, str]") -> Look | None:
    """Look what has changed since the same was built before; None when that cannot be said."""
    root = find_root(os.getcwd())
    places = find_places(environment)
    platform = known_digest(places.platforms, "")
    if root is None or platform is None:
        return None
    try:
        content = read_file(root)
    except OSError:
        return None  # which is told where it is read in earnest
    return look(
        root, trace_key(root, content, kind, names, platform=platform, store=store_mark(places.store, places.cache))
    )


def told(found: Look) -> bool:
    """Say that there is nothing to do; False when there may be, or nothing can be said."""
    if not found.nothing_changed:
        return False
    lines = [nothing_ran(found.trace.results), *stale_lines(*found.trace.stale)]
    try:
        sys.stdout.write("\n".join((*lines, "")))
        sys.stdout.flush()
    except OSError:
        return False  # the complete way fails alike, and says why
    return True
