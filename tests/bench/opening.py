"""Opens a set as a command does: with nothing imported that opening needs not. `python -m tests.bench.opening`.

Prints one JSON document: pins, size of the target's closure, and the seconds of both parts.
"""

import gc
import json
import os
import time

from brazil.graph.closure import Closures
from brazil.graph.dependency import DependencyGraph
from brazil.model.names import VersionSetName
from brazil.wiring import Wiring

SET = VersionSetName("bench/pinned")


def main() -> None:
    gc.set_threshold(100_000)  # as every command
    started = time.perf_counter()
    revision = Wiring(os.environ).registry.revision(SET)
    opened = time.perf_counter()
    graph = DependencyGraph(revision.manifests)
    closure = Closures(graph).runtime(revision.policy.targets[0])
    order = graph.build_order()
    ended = time.perf_counter()
    found = {"pins": len(order), "closure": len(closure), "open-s": opened - started, "graph-s": ended - opened}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
