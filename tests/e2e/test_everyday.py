"""`brazil build` and `brazil test` with the options of a day's work: --all, --explain, --dry-run."""

import pytest

from brazil.source import capture
from tests.e2e.product import Product

pytestmark = pytest.mark.sandbox


def test_all_is_every_package_of_the_set(shop: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_FRESH", 0)
    work = shop.workspace("Rates")
    for words in (("--all", "Money"), ("-a", "Money", "Rates")):
        refused = work.run("build", *words)
        assert (refused.code, "[command.usage]" in refused.err) == (2, True)
    untouched = work.ok("build", "--all", "--json").data
    assert untouched["unchanged"] == ["Money-1.0", "Price-1.0", "Stamp-1.0"], "what nothing affects has no Step"
    assert sorted(untouched["artifacts"]) == ["Money-1.0", "Price-1.0", "Rates-1.0", "Shop-1.0", "Stamp-1.0"]
    (work.src("Rates") / "rate").write_text("20\n")
    answer = work.ok("build", "--all", "--json")
    assert answer.ran == {"build Rates-1.0", "build Shop-1.0"}
    assert answer.data["stale"] == []
    before = work.runs()
    assert work.ok("build", "--all").out == "nothing to do: 2 results remembered, nothing ran\n"
    assert work.ok("build", "--all").out == "nothing to do: 2 results remembered, nothing ran\n", "also by the trace"
    assert work.ok("build").out.startswith("nothing to do: 1 result remembered"), "which is not that of another request"
    assert work.runs() == before
    broken = work.run("test", "--all", "--json", "--jobs", "1")
    assert (broken.code, broken.states["test Shop-1.0"]) == (1, "failed"), "1 and 20 are not 20"
    work.edit("Rates", "rate", "20", "retrun")
    work.edit("Rates", "brazil.toml", "cp rate", "false\\ncp rate")
    kept = work.run("test", "--all", "--keep-going", "--json").states
    assert (kept["build Rates-1.0"], kept["build Shop-1.0"], kept["test Price-1.0"]) == (
        "failed",
        "skipped",
        "remembered",
    )


def test_all_needs_nothing_in_use(shop: Product) -> None:
    work = shop.workspace()
    assert work.ok("build", "--all").out == "nothing to do: 0 results remembered, nothing ran\n"
    assert work.ok("test", "--all", "--json").ran == set(), "the publication tested all of it"


def test_explain_tells_of_every_step(shop: Product) -> None:
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "int money_add", "/* exact */ int money_add")
    answer = work.ok("build", "Shop", "--explain").out.splitlines()
    assert answer[0].startswith("ran         build Money-1.0  because source changed: ")
    assert answer[1].startswith("remembered  build Price-1.0  under ")
    assert answer[2].startswith("remembered  build Shop-1.0   under ")
    assert answer[3:5] == [
        "unchanged   Rates-1.0        from shop/dev revision 1",
        "unchanged   Stamp-1.0        from shop/dev revision 1",
    ]
    assert answer[5] == "1 built, 0 tested, 2 remembered"
    data = work.ok("build", "Shop", "--explain", "--json").data
    assert data["unchanged"] == ["Rates-1.0", "Stamp-1.0"]
    assert data["steps"][1]["action"].startswith(answer[1].rpartition(" ")[2])
    work.edit("Money", "money.c", "return", "retrun")
    failed = work.run("build", "Shop", "--explain")
    assert [line.split()[0] for line in failed.out.splitlines()] == ["failed", "skipped", "skipped", *["unchanged"] * 2]
    assert failed.out.splitlines()[1].endswith("because build Money-1.0 failed")
    reasons = [step["reasons"] for step in work.run("build", "Shop", "--json").data["steps"]]
    assert reasons[0][0].startswith("source changed: ")
    assert reasons[1:] == [[], []]


def test_dry_run_says_what_a_build_then_does_and_changes_nothing(shop: Product) -> None:
    work = shop.workspace("Money", "Rates")
    assert work.ok("build", "Shop", "-n").out == "dry run: nothing would run, 4 results remembered\n"
    work.edit("Money", "money.c", "return", "if (a == 77) return 78; return")
    before, runs = work.files(), work.runs()
    said = work.ok("build", "Shop", "--dry-run", "--explain").out.splitlines()
    assert said[0].startswith("would run   build Money-1.0  because source changed: ")
    assert said[0].endswith(" s before)")
    assert said[1].startswith("may run     build Price-1.0  if the artifact of Money-1.0 changes (")
    assert said[2].startswith("remembered  build Rates-1.0  under ")
    assert said[3].startswith("may run     build Shop-1.0   if the artifact of Money-1.0 or Price-1.0 changes (")
    assert said[4] == "unchanged   Stamp-1.0        from shop/dev revision 1"
    assert said[5].startswith("dry run: 1 would run, 2 may run, 1 result remembered; about ")
    data = work.ok("test", "Shop", "--dry-run", "--json").data
    told = {f"{step['kind']} {step['package']}": step["forecast"] for step in data["steps"]}
    assert (data["without-estimate"], data["at-most"] >= data["seconds"] > 0) == (0, True)
    assert (work.files(), work.runs()) == (before, runs)
    assert [path.name for path in (work.cwd / ".brazil").iterdir()] == ["lock"], "no trace of it is left"
    really = work.run("test", "Shop", "--json").states
    assert told.keys() == really.keys()
    for step, forecast in told.items():
        ran = really[step] in ("succeeded", "failed")
        assert {"runs": ran, "may-run": True, "remembered": not ran}[forecast], step
    for words in (("--events",), ("--junit", "x")):
        assert work.run("test", "--dry-run", *words).code == 2
    (work.src("Rates") / "brazil.toml").write_text("nonsense")
    assert work.run("build", "-n").code == 2
