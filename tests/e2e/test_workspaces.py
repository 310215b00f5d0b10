import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.product import Product, git

pytestmark = pytest.mark.sandbox


def test_life_of_a_workspace(shop: Product) -> None:
    assert shop.ok("ws", "create", "work", "--set", "shop/dev").out.startswith(f"created {shop.cwd}/work on shop/dev")
    work = shop.at(shop.cwd / "work")
    nothing = work.run("build")
    assert (nothing.code, "build.nothing-in-use" in nothing.err) == (2, True)
    work.ok("ws", "use", "Rates", "Money")
    shown = work.ok("ws", "show", "--json").data
    assert "Rates" in json.dumps(shown) and "Money" in json.dumps(shown)
    pinned = work.ok("vs", "show", "shop/dev", "--json").data["pins"]["Rates-1.0"]["commit"]
    assert git(work.src("Rates"), "rev-parse", "HEAD") == pinned
    assert git(work.src("Rates"), "status", "--porcelain") == ""
    work.ok("build")
    assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == "19\n"
    assert work.ok("ws", "drop", "Rates").out == "dropped Rates\n"
    assert not work.src("Rates").exists()
    assert not (work.cwd / "build" / "Rates").is_symlink()
    assert work.ok("ws", "use", "Rates").code == 0


def test_a_sync_that_cannot_say_what_moved_moves_nothing(shop: Product) -> None:
    work = shop.workspace("Rates")
    work.edit("Rates", "rate", "19", "19 ")
    work.commit("Rates")
    work.ok("publish")
    shutil.rmtree(shop.home / "data" / "sources.git")  # the commit, which was not pushed, is in the checkout alone
    for ref in git(Path(shop.registry), "for-each-ref", "--format=%(refname)", "refs/sources").split():
        git(Path(shop.registry), "update-ref", "-d", ref)
    before = work.ok("ws", "show").out
    told = work.run("ws", "sync")
    assert (told.code, work.ok("ws", "show").out) == (5, before), told


def test_build_takes_what_the_checkout_holds_tracked_or_not(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "brazil.toml").write_text(
        (work.src("Rates") / "brazil.toml").read_text().replace("cp rate", "cp rate* .hidden")
    )
    (work.src("Rates") / "rates.new").write_text("7\n")
    (work.src("Rates") / ".hidden").write_text("")
    (work.src("Rates") / "rates.ignored").write_text("")
    (work.src("Rates") / ".gitignore").write_text("*.ignored\n")
    work.ok("build")
    built = {path.name for path in (work.cwd / "build" / "Rates" / "share").iterdir()}
    assert built == {"rate", "rates.new", ".hidden"}
    (work.src("Rates") / "rates.new").unlink()
    work.ok("build")
    assert not (work.cwd / "build" / "Rates" / "share" / "rates.new").exists()


def test_edit_during_a_build_is_not_part_of_it(shop: Product, tmp_path: Path) -> None:
    """The build of the captured content is seen to start; then the checkout is edited while it runs."""
    work = shop.workspace("Rates")
    manifest = work.src("Rates") / "brazil.toml"
    # Waits for nothing outside, which it could not see: it takes its time and then reads its source again.
    manifest.write_text(manifest.read_text().replace("cp rate", "sleep 1\\ncp rate"))
    process = work.start("build", "--events")
    assert process.stdout
    for line in process.stdout:
        if json.loads(line)["event"] == "started":
            (work.src("Rates") / "rate").write_text("edited\n")
            break
    process.stdout.read()
    assert process.wait(120) == 0
    assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == "19\n"


def test_moved_workspace_still_works(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("20\n")
    work.ok("build", "Shop")
    moved = shop.cwd / "elsewhere" / "under another name"
    moved.parent.mkdir()
    work.cwd.rename(moved)
    work = shop.at(moved)
    assert work.ok("build", "Shop", "--json").ran == set(), "its place is no input of anything"
    assert (moved / "build" / "Rates" / "share" / "rate").read_text() == "20\n"
    inside = shop.at(moved / "src" / "Rates")
    assert inside.ok("build").out.startswith("nothing to do"), "any folder of it will do"
    assert work.process("exec", "Shop", "--", "shop", "1").out == "21\n"


def test_two_workspaces_over_one_store_share_what_was_built(shop: Product) -> None:
    one, two = (shop.workspace("Rates", name=name) for name in ("one", "two"))
    for work in (one, two):
        (work.src("Rates") / "rate").write_text("21\n")
    first = one.ok("build", "Shop", "--json")
    assert first.ran == {"build Rates-1.0", "build Shop-1.0"}
    second = two.ok("build", "Shop", "--json")
    assert second.ran == set()
    assert second.data["artifacts"] == first.data["artifacts"]
    (two.src("Rates") / "rate").write_text("22\n")
    two.ok("build")
    assert (one.cwd / "build" / "Rates" / "share" / "rate").read_text() == "21\n"


def test_sync_moves_the_base_and_keeps_what_is_in_use(shop: Product) -> None:
    old = shop.workspace("Stamp", name="old")
    (old.src("Stamp") / "stamp.sh").write_text("#!/bin/sh\necho mine\n")
    publisher = shop.workspace("Rates", name="publisher")
    (publisher.src("Rates") / "rate").write_text("19\n\n")
    publisher.commit("Rates", "a blank line")
    publisher.ok("publish")
    artifact = shop.ok("vs", "show", "shop/dev", "--json").data["results"]["linux-x86_64"]["Rates-1.0"]["artifact"]
    assert old.ok("build", "Rates", "--json").data["artifacts"]["Rates-1.0"] != artifact, "nothing moves by itself"
    assert "a blank line" in old.ok("ws", "sync").out
    assert old.ok("build", "Rates", "--json").data["artifacts"]["Rates-1.0"] == artifact
    assert (old.src("Stamp") / "stamp.sh").read_text() == "#!/bin/sh\necho mine\n"
    assert old.ok("ws", "sync").out == "shop/dev revision 2 is the base already\n"
    old.ok("ws", "sync", "--revision", "1")
    assert old.ok("build", "Rates", "--json").data["artifacts"]["Rates-1.0"] != artifact
    assert shop.ok("ws", "create", "before", "--set", "shop/dev@1", "--json").data["revision"] == 1


def test_drop_keeps_commits_that_are_nowhere_else(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("23\n")
    work.commit("Rates")
    for _ in range(2):
        refused = work.run("ws", "drop", "Rates")
        assert (refused.code, "workspace.unsaved" in refused.err) == (2, True)
        work.run("publish", "--dry-run")  # which takes the commit, and tells nobody of it
    assert work.ok("ws", "drop", "Rates", "--force").code == 0
    assert not work.src("Rates").exists()


def test_drop_lets_go_of_commits_that_are_published(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    work.commit("Rates")
    work.ok("publish")
    work.ok("ws", "drop", "Rates")


def test_checkout_of_a_branch_or_commit(shop: Product) -> None:
    work = shop.workspace()
    head = git(shop.repositories / "Stamp", "rev-parse", "main")
    work.ok("ws", "use", "Stamp", "--commit", "main")
    work.ok("ws", "use", "Rates", "--head")
    work.ok("ws", "use", "Money", "--commit", git(shop.repositories / "Money", "rev-parse", "main")[:12])
    assert git(work.src("Stamp"), "rev-parse", "HEAD") == head


def test_pinned_consumer_is_built_from_its_pin_when_it_is_asked_for(shop: Product) -> None:
    """What is not checked out is built again where it stands on what is; what is off the path is listed as stale."""
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "return", "if (a == 5) return 6; return")
    answer = work.ok("build", "Price", "--json")
    assert answer.ran == {"build Money-1.0", "build Price-1.0"}
    assert answer.data["stale"] == ["Shop-1.0"]
    told = work.ok("build", "Price").out
    assert "stale, because they were built against what is pinned: Shop-1.0" in told
    assert re.search(r"^  up to date with 1 build and 1 test run, about \d+.\d s: brazil test Shop-1.0$", told, re.M)
    catch_up = answer.data["catch-up"]
    assert (catch_up["builds"], catch_up["tests"], catch_up["without-estimate"]) == (1, 1, 0)


def test_deleted_cache_and_state_cost_work_and_nothing_else(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("20\n")
    before = work.ok("build", "Shop", "--json").data["artifacts"]
    shutil.rmtree(shop.home / "cache")
    shutil.rmtree(work.cwd / ".brazil")
    shutil.rmtree(work.cwd / "build")
    again = work.ok("build", "Shop", "--json")
    assert (again.ran, again.data["artifacts"]) == (set(), before)
    assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == "20\n"
