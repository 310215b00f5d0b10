import json
import os
import subprocess

import pytest

from tests.e2e.product import Product, toml

pytestmark = pytest.mark.sandbox


def test_second_build_runs_nothing_and_says_so(shop: Product) -> None:
    work = shop.workspace("Money", "Price")
    work.ok("build")
    before = work.runs()
    again = work.ok("build")
    assert again.out == "nothing to do: 2 results remembered, nothing ran\n"
    assert "because" not in again.err
    assert work.runs() == before


def test_untouched_checkout_of_what_is_published_needs_no_build(shop: Product) -> None:
    work = shop.workspace("Money")
    answer = work.ok("build", "Shop", "--json")
    assert answer.ran == set()
    assert answer.data["stale"] == []


def test_test_run_that_passed_is_remembered(shop: Product) -> None:
    work = shop.workspace("Rates")
    assert work.ok("test", "--json").ran == set(), "the publication tested just this"
    (work.src("Rates") / "rate").write_text("20\n")
    assert work.ok("test", "--json").ran == {"build Rates-1.0", "test Rates-1.0"}
    again = work.ok("test").out.splitlines()
    assert again[0] == "nothing to do: 2 results remembered, nothing ran"
    assert again[1] == "stale, because they were built against what is pinned: Shop-1.0"


def test_comment_in_the_library_rebuilds_it_and_nothing_else(shop: Product) -> None:
    work = shop.workspace("Money")
    before = work.ok("build", "Shop", "--json")
    work.edit("Money", "money.c", "int money_add", "/* exact */ int money_add")
    answer = work.ok("build", "Shop", "--json")
    assert answer.ran == {"build Money-1.0"}
    assert answer.states["build Shop-1.0"] == "remembered"
    assert answer.data["artifacts"] == before.data["artifacts"]
    work.edit("Money", "money.c", "exact", "really exact")
    assert "built     Money-1.0" in (told := work.ok("build").err)
    assert "the same artifact as before" in told


def test_real_change_rebuilds_exactly_the_consumers(shop: Product) -> None:
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "a + b", "b + a + 0 * a - 0")
    work.edit("Money", "money.c", "return", "if (a == 77) return 78; return")
    alone = work.ok("build", "--json")
    assert alone.ran == {"build Money-1.0"}
    assert alone.data["stale"] == ["Price-1.0", "Shop-1.0"]
    whole = work.ok("build", "Shop", "--json")
    # Price links to the library and copies nothing of it, so it comes out as before; Shop only reads it at run time.
    assert whole.ran == {"build Price-1.0", "build Shop-1.0"}
    assert "build Rates-1.0" not in whole.states
    assert "build Stamp-1.0" not in whole.states
    assert whole.data["stale"] == []


def test_events_tell_why_each_step_ran(shop: Product) -> None:
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "a + b", "b - -a + (a == 77)")
    answer = work.ok("build", "Shop", "--events")
    events = [json.loads(line) for line in answer.out.splitlines()]
    why = {e["step"]: " ".join(e["reasons"]) for e in events if e["event"] == "started"}
    assert set(why) == {"build Money-1.0", "build Price-1.0", "build Shop-1.0"}
    assert why["build Money-1.0"].startswith("source changed: ")
    assert why["build Price-1.0"].startswith("Money-1.0 changed: ")
    assert "Money-1.0 changed: " in why["build Shop-1.0"]


def test_a_change_back_is_remembered(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("20\n")
    assert work.ok("build", "Shop", "--json").ran == {"build Rates-1.0", "build Shop-1.0"}
    (work.src("Rates") / "rate").write_text("19\n")
    assert work.ok("build", "Shop", "--json").ran == set()


def test_touched_files_and_ignored_files_are_no_change(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / ".git" / "info" / "exclude").write_text("*.o\n")
    (work.src("Rates") / "x.o").write_text("object")
    (work.src("Rates") / "rate").touch()
    assert work.ok("build", "--json").ran == set()


def test_failed_step_skips_what_needs_it_and_is_run_again(shop: Product) -> None:
    work = shop.workspace("Money", "Rates")
    work.edit("Money", "money.c", "return", "retrun")
    (work.src("Rates") / "rate").write_text("21\n")
    answer = work.run("build", "Shop", "--json", "--keep-going")
    assert answer.code == 1
    assert answer.states["build Money-1.0"] == "failed"
    assert answer.states["build Price-1.0"] == answer.states["build Shop-1.0"] == "skipped"
    assert answer.states["build Rates-1.0"] == "succeeded"
    again = work.run("build", "Money")
    assert (again.code, again.err.splitlines()[-2:]) == (
        1,
        [
            "0 built, 0 tested, 0 remembered, 1 failed",
            "look at build Money-1.0 where it failed: brazil shell --failed Money-1.0",
        ],
    )
    assert "retrun" in again.err, "the log's last lines are shown"


def test_changed_manifest_is_a_changed_source(shop: Product) -> None:
    work = shop.workspace("Rates")
    text = toml("Rates", build={"build": 'mkdir "$BRAZIL_OUT/share"\necho 3 > "$BRAZIL_OUT/share/rate"'})
    (work.src("Rates") / "brazil.toml").write_text(text)
    assert work.ok("build", "--json").ran == {"build Rates-1.0"}
    assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == "3\n"


def test_nothing_to_do_is_never_said_of_what_is_gone(shop: Product) -> None:
    """The quick answer to a second build holds only while everything that it stands on is there."""
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("20\n")
    answer = work.ok("build", "--json")
    assert work.ok("build", "--json").ran == set()
    link = work.cwd / "build" / "Rates"
    link.unlink()
    work.ok("build")
    assert (link / "share" / "rate").read_text() == "20\n"
    for part in (shop.home / "data" / "store", shop.home / "cache"):
        subprocess.run(["rm", "-rf", "--", str(part)], check=True)
    again = work.ok("build", "--json")
    assert again.ran == {"build Rates-1.0"}
    assert again.data["artifacts"] == answer.data["artifacts"]


def test_a_link_that_is_gone_is_made_again(shop: Product) -> None:
    work = shop.workspace("Shop")
    work.ok("build")
    link = work.cwd / "build" / "Shop"
    link.unlink()
    assert work.ok("build").out == "nothing to do: 1 result remembered, nothing ran\n"
    assert (link / "bin" / "shop").is_file()


def test_a_link_that_another_request_moved_is_moved_back(shop: Product) -> None:
    work = shop.workspace("Rates", "Shop")
    rate = work.cwd / "build" / "Rates" / "share" / "rate"
    work.ok("build")
    (work.src("Rates") / "rate").write_text("20\n")
    work.ok("build", "Rates")
    assert rate.read_text() == "20\n"
    (work.src("Rates") / "rate").write_text("19\n")
    assert work.ok("build").out == "nothing to do: 2 results remembered, nothing ran\n"
    assert rate.read_text() == "19\n"


def test_edits_in_quick_succession_are_built_without_planning_everything(shop: Product) -> None:
    work = shop.workspace("Rates", "Shop")
    work.ok("build")
    for rate in ("20", "21", "22"):
        (work.src("Rates") / "rate").write_text(f"{rate}\n")
        assert work.ok("build").err.splitlines()[0] == "plan      up to 2 builds"
        assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == f"{rate}\n"
    work.edit("Shop", "shop.sh", "exec", "exec  ")
    assert work.ok("build").err.splitlines()[0] == "plan      up to 1 build"


def test_edit_of_the_same_size_and_time_is_seen(shop: Product) -> None:
    work = shop.workspace("Rates")
    rate = work.src("Rates") / "rate"
    work.ok("build")
    work.ok("build")
    before = rate.stat()
    rate.write_text("91\n")
    os.utime(rate, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert work.ok("build", "--json").ran == {"build Rates-1.0"}


def test_new_manifest_or_package_in_use_is_seen(shop: Product) -> None:
    work = shop.workspace("Rates")
    work.ok("build")
    work.ok("build")
    work.ok("ws", "use", "Stamp")
    (work.src("Stamp") / "stamp.sh").write_text("#!/bin/sh\necho new\n")
    assert work.ok("build", "--json").ran == {"build Stamp-1.0"}
    work.ok("ws", "drop", "Stamp", "--force")
    assert set(work.ok("build", "--json").states) == {"build Rates-1.0"}


def test_failure_is_not_remembered_as_nothing_to_do(shop: Product) -> None:
    work = shop.workspace("Rates")
    work.edit("Rates", "brazil.toml", "cp rate", "false\\ncp rate")
    for _ in range(3):
        answer = work.run("build", "--json")
        assert (answer.code, answer.states) == (1, {"build Rates-1.0": "failed"})
