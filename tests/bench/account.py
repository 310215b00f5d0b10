"""Runs one command and accounts for every process that it started. A program of its own: it has to be small.

`python -I -S account.py DESCRIPTOR PROGRAM [ARGUMENT]...` writes one JSON document to the descriptor: status as of
`wait`, wall and processor seconds, bytes of memory of the largest process and of the tree. Why there is this process:

- bubblewrap ends without waiting for the first process inside, so what ran inside would be in nobody's account. Here
  such processes are inherited, and waited for.
- The kernel counts the memory of whoever started a process as that process's own. So nothing smaller than this program
  can be told, about 12 MB.
"""

import ctypes
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

_PR_SET_CHILD_SUBREAPER = 36
_PERIOD = 0.05  # seconds between two looks at the tree; one takes 0.3 ms for ten processes


def main() -> None:
    descriptor, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(descriptor, False)
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("orphans cannot be inherited")
    started = time.perf_counter()
    first = os.posix_spawnp(command[0], command, os.environ)
    seen, done = [0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, done))
    watcher.start()
    status, wall = 0, 0.0
    with suppress(ChildProcessError):
        while True:
            process, ended = os.wait()
            if process == first:
                status, wall = ended, time.perf_counter() - started
    done.set()
    watcher.join()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    largest = usage.ru_maxrss << 10
    found = {"status": status, "wall": wall, "processor": usage.ru_utime + usage.ru_stime}
    os.write(descriptor, json.dumps(found | {"memory": largest, "tree": max(largest, *seen)}).encode())


def _watch(seen: list[int], done: threading.Event) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    while not done.wait(_PERIOD):
        seen[0] = max(seen[0], sum(map(_own_pages, _below(os.getpid()))) * page)


def _below(process: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208 - as below
            for child in _read(f"/proc/{process}/task/{thread}/children").split():
                yield int(child)
                yield from _below(int(child))


def _own_pages(process: int) -> int:
    """Return the pages in memory without those that come from files, which many share."""
    with suppress(OSError):
        _, resident, shared, *_ = map(int, _read(f"/proc/{process}/statm").split())
        return resident - shared
    return 0


def _read(path: str) -> str:
    with open(path) as file:  # noqa: PTH123 - pathlib would make this program a third larger
        return file.read()


if __name__ == "__main__":
    main()
