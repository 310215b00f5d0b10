"""The mark of a store, for whoever remembers that something is in it."""

import os


def store_mark(data: str, cache: str) -> str:
    """Return a text that changes whenever something that was in the store, or in its cache, may be gone.

    Args:
        data: folder of the store.
        cache: folder of its materialised Trees.
    """
    # What is set aside or removed changes the quarantine; a folder that was deleted and made again is another one.
    return f"{_stamp(f'{data}/blobs/quarantine')} {_stamp(f'{data}/actions')[:1]} {_stamp(f'{cache}/trees')[:1]}"


def _stamp(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns)
