"""What the tests of build systems share: what a run of the real sandbox left, and starters."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from brazil.build.tested import read_report
from brazil.build_systems.starter import starter
from brazil.model.digest import parse_digest
from brazil.model.names import PackageName
from brazil.model.tested import Tested
from brazil.store.local import LocalStore
from tests.e2e.product import Product, open_shop, options


def missing(*programs: str) -> str:
    """Say which programs, or files by their paths, this machine has not; empty: it has them all."""
    absent = [p for p in programs if not (Path(p).exists() if "/" in p else shutil.which(p, path="/usr/bin:/bin"))]
    return f"there is no {', '.join(absent)} on this machine" if absent else ""


def need(*programs: str) -> pytest.MarkDecorator:
    """Skip what needs programs that this machine has not, and say which."""
    return pytest.mark.skipif(bool(missing(*programs)), reason=missing(*programs))


class Run(NamedTuple):
    """One run of a Step, as its record tells it."""

    exit_code: int
    ended_by: str  # such as "timeout"; empty: by itself
    log: str
    files: Mapping[str, bytes]  # of the artifact or the report, path -> content; links and folders are left out
    digest: str  # of the same; empty: the run left nothing
    tested: Tested  # what a test run told of its cases


def runs(product: Product) -> dict[str, Run]:
    """Return the last run of every Step, such as "test JsonKit-1.0"."""
    found: dict[str, tuple[int, Run]] = {}
    store = LocalStore(product.home / "data" / "store", product.home / "cache")
    for path in (product.home / "data" / "records").glob("*/*/[0-9]*.json"):
        record = json.loads(path.read_text())
        result, step = record["result"], "{kind} {package}".format(**record["step"])
        if step in found and found[step][0] > result["started"]:
            continue
        log, output = parse_digest(result["log"]), next(iter(result["outputs"].values()), "")
        assert log
        files, root = {}, parse_digest(output)
        if root:
            folder = store.tree_path(root)
            files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        tested = read_report(store, root) if root and step.startswith("test ") else Tested()
        run = Run(result["exit-code"], result["ended-by"], store.read(log).decode(), files, output, tested)
        found[step] = (result["started"], run)
    return {step: run for step, (_, run) in found.items()}


@contextlib.contextmanager
def one_processor() -> Iterator[None]:
    """What is started inside may use one processor of the machine's."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def publish(folder: Path, packages: Mapping[str, Mapping[str, str]], target: str) -> Product:
    """Make a shop in a new folder and publish all of it, for one package's sake."""
    product = open_shop(folder, packages, [f"{target}-1.0"])
    product.ok("publish", "--set", "shop/dev", *options("-p", packages))
    return product


def built_elsewhere(folder: Path, packages: Mapping[str, Mapping[str, str]], target: str) -> dict[str, Run]:
    """Build a package and what it needs from checkouts, in another home and folder, on one processor."""
    product = open_shop(folder, packages, [f"{target}-1.0"])
    work = product.workspace(*packages)
    with one_processor():
        work.ok("build", target, "--jobs", "1")
    return runs(product)


def starter_files(system: str, name: str) -> dict[str, str]:
    """Return the files that a new package of a build system begins with."""
    return {path: data.decode() for path, data in starter(system, PackageName(name)).items()}
