"""Reads from the store what a test run left in its report about its cases."""

from brazil.errors import IntegrityError
from brazil.formats.test_output import read_tests, reads
from brazil.model.digest import Digest
from brazil.model.tested import Tested
from brazil.ports import ContentStore

_LARGEST = 64 << 20  # bytes of all files that are read
_MOST = 10_000  # files
_DEEPEST = 20  # folders inside one another


def read_report(store: ContentStore, report: Digest) -> Tested:
    """Return the cases of a report; what cannot be read of it is told in the result."""
    files: dict[str, bytes] = {}
    unreadable: list[tuple[str, str]] = []
    waiting = [("", report, 0)]
    left = _LARGEST
    while waiting and len(files) < _MOST:
        below, digest, depth = waiting.pop()
        try:
            directory = store.read_directory(digest)
            for node in directory.files:
                path = f"{below}{node.name}"
                if not reads(path):
                    continue
                if node.digest.size > left:
                    unreadable.append((path, f"with it the report is larger than {_LARGEST >> 20} MiB"))
                else:
                    left -= node.digest.size
                    files[path] = store.read(node.digest)
        except IntegrityError as error:  # the run itself is known; only what it said of its cases is lost
            unreadable.append((below or ".", str(error)))
            continue
        if depth < _DEEPEST:
            waiting += [(f"{below}{node.name}/", node.digest, depth + 1) for node in directory.directories]
    tested = read_tests(files)
    return tested._replace(unreadable=tuple(sorted((*tested.unreadable, *unreadable))))
