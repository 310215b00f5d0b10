"""The report of the benchmarks: what is held against which budget, and how it is written."""

from typing import Any

import pytest

from tests.bench.budgets import Budget, budgets, per_member
from tests.bench.report import report


def cost(wall: float, memory: float = 20.0) -> dict[str, float]:
    return {"wall-s": wall, "processor-s": wall, "memory-mb": memory, "tree-mb": memory}


def size(cold: float, nothing: float, leaf: float) -> dict[str, Any]:
    return {
        "members": 250,
        "equal outputs": 100,
        "consumers of the hub": 7,
        "cold": {"ninja": cost(1.0), "ninja+bwrap": cost(2.0), "brazil": cost(cold, 40.0)},
        "nothing": {"ninja": cost(0.1), "ninja+bwrap": cost(0.1), "brazil": cost(nothing)},
        "leaf": {"ninja": cost(0.11), "ninja+bwrap": cost(0.12), "brazil": cost(leaf)},
        "hub": {"ninja": cost(1.0), "ninja+bwrap": cost(1.5), "brazil": cost(0.5)},
    }


@pytest.fixture
def results() -> dict[str, Any]:
    return {
        "machine": {"date": "2026-01-02", "kernel": "6.1"},
        "sizes": {"100": size(3.0, 0.15, 0.2), "200": size(5.0, 0.3, 0.5)},
        "transitive": {"100": {"members": 1250, "cold": {"ninja+bwrap": cost(2.5), "brazil": cost(3.02)}}},
        "brought": {
            "open 10": {"figures": {"open-process-s": 0.2, "open-mb": 30}, "budgets": {"open-process-s": 0.45}}
        },
        "profiles": {},
        "failed": {},
    }


def held(results: dict[str, Any]) -> dict[str, Budget]:
    return {budget.work: budget for budget in budgets(results)}


def test_a_cold_build_and_nothing_to_do_are_held_against_twice_the_reference(results: dict[str, Any]) -> None:
    found = held(results)
    assert found["cold build of 100"].met
    assert found["cold build of 200"].verdict == "**missed** by 25%"
    assert found["nothing to do, 100 in use"].verdict == "met, 0.75 of it"
    assert found["nothing to do, 200 in use"].limit == 0.2


def test_a_leaf_may_take_what_nothing_and_the_step_under_bubblewrap_take_and_50_ms(results: dict[str, Any]) -> None:
    found = held(results)
    assert found["one leaf changed of 100"].limit == pytest.approx(0.15 + 0.05 + 0.02)
    assert found["one leaf changed of 100"].met
    assert not found["one leaf changed of 200"].met


def test_a_member_costs_what_whole_closures_take_over_direct_ones(results: dict[str, Any]) -> None:
    assert per_member(results, "100") == pytest.approx({"ninja+bwrap": 500.0, "brazil": 20.0})
    assert held(results)["cold build of 100 with transitive closures (mean 12.5 members)"].met


def test_what_has_a_lower_limit_is_missed_below_it() -> None:
    rate = Budget("ingest", 90.0, 100.0, "MB/s", least=True)
    assert rate.verdict == "**missed** by 10%"
    assert rate._replace(measured=120.0).met
    assert rate._replace(measured=250.0, least=False).verdict == "**missed**: 2.5 times it"


def test_memory_may_grow_from_ten_thousand_on(results: dict[str, Any]) -> None:
    results["sizes"]["20000"] = results["sizes"]["100"]
    found = held(results)
    assert found["memory, 200 packages"][1:4] == (40.0, 300, "MB")
    assert found["memory, 20000 packages"].limit == 600
    assert found["memory, a set of 10 pins opened"].measured == 30


def test_the_report_has_the_budgets_first_and_growth_from_size_to_size(results: dict[str, Any]) -> None:
    text = report(results)
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Budgets",
        "## 100 packages",
        "## 200 packages",
        "## Growth",
        "## 100 packages with transitive closures",
        "## Version sets, resolving, and the store",
        "## What the figures mean",
    ]
    assert "| cold build of 200 | 5 s | ninja+bwrap 2.000 s | 4 s | **missed** by 25% |" in text
    assert "| cold build | brazil | 30.000 | 25.000 (x 0.83) |" in text
    assert "| one hub changed | brazil | 0.500 | 0.50 | 20 | 20 | 0.33 |" in text
    assert "| open a set, closure and order of its target, whole process, 10 pins | 0.2 s |" in text


def test_a_failed_case_is_told_and_the_others_stay(results: dict[str, Any]) -> None:
    whole = results["sizes"]["200"]
    results["sizes"]["200"] = {name: whole[name] for name in ("members", "equal outputs", "cold")}
    results["failed"] = {"200 packages, small changes": "RuntimeError: ninja\n  failed"}
    text = report(results)
    assert "- 200 packages, small changes: RuntimeError: ninja failed" in text
    assert "| cold build of 200 |" in text
    assert "one leaf changed of 200" not in text
    assert "| nothing to do | brazil | 1.500 |  |" in text


def test_where_the_time_goes_is_told_of_what_missed(results: dict[str, Any]) -> None:
    places = [["brazil/a.py:f", "brazil/a.py:f", 0.5], ["brazil/a.py:g", "threading.py:wait", 0.25]]
    results["profiles"] = {case: {"size": 200, "places": places} for case in ("cold", "nothing", "leaf")}
    text = report(results)
    assert "brazil, nothing to do, 200 packages" in text
    assert "| `brazil/a.py:f` | itself | 50.0% |\n| `brazil/a.py:g` | `threading.py:wait` | 25.0% |" in text
    results["sizes"].pop("200")
    assert "Where the time goes" not in report(results)
