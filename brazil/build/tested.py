"""Reads from the store what a test run left in its report about its cases."""

from collections.abc import Iterator

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
    left = _LARGEST
    for path, digest in _about_cases(store, report, unreadable):
        if len(files) == _MOST:
            because = f"{_MOST:,} files of cases were read before it: this one and others are left out"
            unreadable.append((path, because))
            break
        if digest.size > left:
            unreadable.append((path, f"with it the report is larger than {_LARGEST >> 20} MiB"))
            continue
        try:
            files[path] = store.read(digest)
            left -= digest.size
        except IntegrityError as error:  # the run itself is known; only what it said of its cases is lost
            unreadable.append((path, str(error)))
    tested = read_tests(files)
    return tested._replace(unreadable=tuple(sorted((*tested.unreadable, *unreadable))))


def _about_cases(
    store: ContentStore, report: Digest, unreadable: list[tuple[str, str]]
) -> Iterator[tuple[str, Digest]]:
    """Yield the files of a report that are about cases; adds to `unreadable` the folders that are not looked at."""
    waiting = [("", report, 0)]
    while waiting:
        below, digest, depth = waiting.pop()
        try:
            directory = store.read_directory(digest)
        except IntegrityError as error:
            unreadable.append((below or ".", str(error)))
            continue
        yield from ((f"{below}{node.name}", node.digest) for node in directory.files if reads(f"{below}{node.name}"))
        folders = [(f"{below}{node.name}/", node.digest, depth + 1) for node in directory.directories]
        if depth < _DEEPEST:
            waiting += folders
        else:
            unreadable += [(path, "it is too deep to be looked at") for path, _, _ in folders]
