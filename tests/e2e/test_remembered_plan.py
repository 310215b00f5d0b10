"""The remembered Plan and the trace are two files: a kill between them, or two builds at once, must not mix them."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.product import Product

pytestmark = pytest.mark.sandbox


@pytest.fixture
def work(shop: Product) -> Product:
    inside = shop.workspace("Rates", "Shop")
    inside.ok("build")
    return inside


def traces(work: Product, kind: str) -> Path:
    (path,) = (work.cwd / ".brazil" / "traces").glob(f"*.{kind}")
    return path


def edit(work: Product, rate: str, script: str) -> None:
    (work.src("Rates") / "rate").write_text(rate)
    shop = work.src("Shop") / "shop.sh"
    shop.write_text(f"#!/bin/sh\n# {script}\n" + shop.read_text())


def test_only_what_is_affected_is_looked_at(work: Product) -> None:
    plan = traces(work, "plan")
    before = plan.read_bytes()
    edit(work, "19\n", "one")
    assert work.ok("build").out == "1 built, 0 tested, 1 remembered\n"
    assert plan.read_bytes().startswith(before)
    assert len(plan.read_bytes()) < 2 * len(before)


def test_a_kill_between_plan_and_trace_builds_against_what_is_there(work: Product, tmp_path: Path) -> None:
    """The Plan already says what Rates gave for a source that, to the trace, was never seen."""
    trace = traces(work, "trace")
    shutil.copy(trace, tmp_path / "before")
    (work.src("Rates") / "rate").write_text("20\n")
    work.ok("build")
    shutil.copy(tmp_path / "before", trace)
    edit(work, "19\n", "two")
    assert work.ok("build").code == 0
    assert work.ok("build", "--json").ran == set(), "with everything looked at, nothing was left to do"


def test_the_trace_of_another_build_finds_no_plan(work: Product, tmp_path: Path) -> None:
    """Another process that began alike has left its Plan, and this one its trace."""
    trace, plan = traces(work, "trace"), traces(work, "plan")
    for path in (trace, plan):
        shutil.copy(path, tmp_path / path.suffix)
    (work.src("Rates") / "rate").write_text("20\n")
    work.ok("build")
    ours = trace.read_bytes()
    shutil.copy(tmp_path / ".trace", trace)
    shutil.copy(tmp_path / ".plan", plan)
    edit(work, "21\n", "three")
    work.ok("build")
    trace.write_bytes(ours)
    edit(work, "20\n", "four")
    assert work.ok("build").code == 0
    assert work.ok("build", "--json").ran == set(), "with everything looked at, nothing was left to do"
