import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from brazil.errors import Problem, UnavailableError
from brazil.registry.git_registry import GitRegistry
from tests.e2e.product import SHOP, Answer, Product, git, toml

pytestmark = pytest.mark.sandbox


def test_change_is_published_with_everything_it_touches(shop: Product) -> None:
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "return", "if (a == 77) return 78; return")
    commit = work.commit("Money", "a special price")
    answer = work.ok("publish", "-m", "special", "--json")
    assert answer.data["outcome"] == "published"
    assert answer.ran == {f"{kind} {name}-1.0" for kind in ("build", "test") for name in ("Money", "Price", "Shop")}
    diff = work.ok("vs", "diff", "shop/dev", "1", "2", "--json").data
    kinds = {change["package"]: change["kind"] for change in diff["changes"]}
    assert kinds == {"Money-1.0": "changed", "Price-1.0": "rebuilt", "Shop-1.0": "rebuilt"}
    assert [c["id"] for c in diff["changes"][0]["commits"]] == [commit]
    assert diff["unchanged"] == 2


def test_comment_moves_one_pin_and_builds_one_package(shop: Product) -> None:
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "return", "/* add */ return")
    work.commit("Money")
    answer = work.ok("publish", "--json")
    assert {step for step in answer.ran if step.startswith("build")} == {"build Money-1.0"}
    assert [change["package"] for change in answer.data["diff"]["changes"]] == ["Money-1.0"]


def test_failing_consumer_is_named_and_nothing_is_published(shop: Product) -> None:
    work = shop.workspace("Money")
    work.edit("Money", "money.c", "a + b", "a - b")
    work.commit("Money")
    refs = work.refs()
    answer = work.run("publish")
    assert answer.code == 1
    assert "not published: shop/dev stays at revision 1" in answer.err
    assert "test Price-1.0 failed: exit code 1" in answer.err
    assert work.refs() == refs
    told = work.run("publish", "--json")
    assert (told.code, told.data["outcome"], told.data["base-is-broken"]) == (1, "failed", False)
    assert told.states["test Price-1.0"] == "failed"
    assert told.states["build Money-1.0"] == "remembered", "finished builds stay"


def test_override_without_effect_is_told(shop: Product) -> None:
    work = shop.workspace("Money")
    with (work.src("Money") / "brazil.toml").open("a") as file:
        file.write('\n[remove-dependencies]\nRates = "1.0"\n')
    work.commit("Money")
    answer = work.ok("publish", "--dry-run")
    assert (
        "unused    Money-1.0 names Rates-1.0 in remove-dependencies: no closure of it holds that interface"
        in answer.err
    )


def test_dry_run_publishes_nothing(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    work.commit("Rates")
    refs = work.refs()
    answer = work.ok("publish", "--dry-run")
    assert answer.out.splitlines()[-1] == "dry run: shop/dev stays at revision 1, and this would pass"
    assert work.refs() == refs
    assert work.ok("publish", "--json").ran == set(), "what the dry run built is used"


def test_what_fails_after_a_publication_does_not_hide_it(shop: Product, tmp_path: Path) -> None:
    work = shop.workspace("Rates")
    reports = tmp_path / "reports"
    (reports / "Rates-1.0.xml").mkdir(parents=True)
    gone = UnavailableError(Problem("git.unreachable", "the repository cannot be reached"))
    told = "warning: the repository cannot be reached [git.unreachable]\n"
    for revision, style in ((2, ()), (3, ("--json",))):
        (work.src("Rates") / "rate").write_text("19\n" * revision)
        work.commit("Rates")
        with mock.patch("brazil.operations.version_sets.diff_sets", side_effect=gone):
            answer = work.ok("publish", "--junit", str(reports), *style)
        assert told in answer.err
        assert f"warning: the test results cannot be written to {reports}: Is a directory [test.junit]" in answer.err
        if style:
            assert (answer.data["revision"]["number"], answer.data["diff"]) == (revision, None)
        else:
            assert answer.out.endswith(f"published shop/dev revision {revision}\n")


def test_same_token_gives_the_same_answer_and_builds_nothing(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    work.commit("Rates")
    first = work.ok("publish", "--token", "request-1", "--json").data
    (work.src("Rates") / "rate").write_text("77\n")  # would fail Shop's tests
    work.commit("Rates")
    refs, runs = work.refs(), work.runs()
    again = work.ok("publish", "--token", "request-1", "--json").data
    assert again == {"schema": 1, "outcome": "already-published", "revision": first["revision"], "by-token": True}
    assert (work.refs(), work.runs()) == (refs, runs)


def test_what_is_pinned_already_is_not_published_again(shop: Product) -> None:
    refs = shop.refs()
    answer = shop.ok("publish", "--set", "shop/dev", "-p", "Money")
    assert answer.out == "nothing to publish: every commit is pinned already, shop/dev is at revision 1\n"
    assert shop.refs() == refs


def test_who_finds_everything_published_clears_what_a_killed_publication_left(shop: Product) -> None:
    registry = Path(shop.registry)
    git(registry, "update-ref", "refs/brazil/pending/1-1", "refs/heads/sets/shop/dev.set")
    left = [registry / "packed-refs.lock", registry / "refs" / "brazil" / "pending" / "1-1.lock"]
    for path in left:
        path.touch()
        os.utime(path, (0, 0))
    assert shop.ok("publish", "--set", "shop/dev", "-p", "Money").out.startswith("nothing to publish")
    assert not any(path.exists() for path in left)
    assert git(registry, "for-each-ref", "refs/brazil") == ""


def test_broken_base_is_told_from_a_broken_change(shop: Product) -> None:
    """A pinned package no longer builds, and its artifact is gone: the change that met this is not to blame."""
    # How friendly a process is to others is among the few things of a machine that a build can still see.
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    fragile = f'test "$(nice)" = {priority}\ntouch "$BRAZIL_OUT/made"'
    shop.add("Fragile", {"brazil.toml": toml("Fragile", build={"build": fragile})})
    shop.add(
        "Both",
        {
            "brazil.toml": toml(
                "Both",
                dependencies={"Fragile": "1.0", "Rates": "1.0"},
                build={"build": 'cp -r /brazil/pkg/Rates-1.0/share "$BRAZIL_OUT/"'},
            )
        },
    )
    shop.ok("vs", "create", "both", "--target", "Both-1.0")
    shop.ok("publish", "--set", "both", "-p", "Both", "-p", "Fragile", "-p", "Rates")
    for folder in (shop.home / "data" / "store", shop.home / "cache"):
        subprocess.run(["rm", "-rf", "--", str(folder)], check=True)
    work = shop.workspace("Rates", set_name="both")
    (work.src("Rates") / "rate").write_text("20\n")
    work.commit("Rates")
    refs = work.refs()
    process = work.start("publish", "--json", preexec_fn=lambda: os.nice(1))
    out, err = process.communicate(timeout=120)
    assert process.returncode == 6, err
    answer = Answer(process.returncode, out, err)
    assert answer.data["base-is-broken"] is True
    assert answer.states["build Fragile-1.0"] == "failed"
    assert work.refs() == refs


def _meanwhile(action: Callable[[], Any]) -> Any:
    """Do something just before the first commit of a publication reaches the registry."""
    commit = GitRegistry.commit
    todo = [action]

    def late(self: GitRegistry, *arguments: Any) -> Any:
        if todo:
            todo.pop()()
        return commit(self, *arguments)

    return mock.patch.object(GitRegistry, "commit", late)


def _published(product: Product, name: str, file: str, text: str, done: list[Answer]) -> Callable[[], None]:
    """Prepare another user's publication, made in a process of its own."""
    work = product.workspace(name, name=f"other-{name}")
    (work.src(name) / file).write_text(text)
    work.commit(name)

    def publish() -> None:
        done.append(work.process("publish"))

    return publish


def test_publications_that_do_not_overlap_both_land(shop: Product) -> None:
    others: list[Answer] = []
    other = shop.workspace("Stamp", "Rates", name="other")
    (other.src("Stamp") / "stamp.sh").write_text("#!/bin/sh\necho stamped again\n")
    other.commit("Stamp")
    other.edit("Rates", "brazil.toml", 'interface = "1.0"', 'interface = "2.0"')
    other.commit("Rates", "another line of the same package")
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    work.commit("Rates")
    with _meanwhile(lambda: others.append(other.process("publish", "--target", "Rates-2.0"))):
        ours = work.ok("publish", "--json")
    assert [other.code for other in others] == [0]
    assert ours.data["revision"]["number"] == 3
    assert "checking again on top of it" in ours.err
    kinds = work.ok("vs", "diff", "shop/dev", "1", "3", "--json").data["changes"]
    changed = {change["package"] for change in kinds if change["kind"] == "changed"}
    assert changed == {"Rates-1.0", "Stamp-1.0"}


def test_lost_to_an_overlapping_publication(shop: Product) -> None:
    others: list[Answer] = []
    theirs = _published(shop, "Rates", "rate", "19 \n", others)
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    ours = work.commit("Rates")
    with _meanwhile(theirs):
        answer = work.run("publish", "--json")
    assert [other.code for other in others] == [0]
    assert (answer.code, answer.data["outcome"]) == (7, "overlap")
    (package,) = answer.data["packages"]
    assert (package["package"], package["ours"]) == ("Rates-1.0", ours)
    assert work.revision() == 2, "theirs, and nothing of ours"
    again = work.run("publish")
    assert (again.code, "yours" in again.err, work.revision()) == (7, True, 2), "and asking again takes nothing back"


def test_two_processes_publish_at_once_and_no_update_is_lost(shop: Product) -> None:
    users = []
    for name, file, text in (("Rates", "rate", "19\n\n"), ("Stamp", "stamp.sh", "#!/bin/sh\necho again\n")):
        work = shop.workspace(name, name=f"of-{name}")
        (work.src(name) / file).write_text(text)
        work.commit(name)
        users.append(work)
    processes = [user.start("publish") for user in users]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert shop.revision() == 3
    diff = shop.ok("vs", "diff", "shop/dev", "1", "3", "--json").data
    assert shop.ok("vs", "diff", "shop/dev", "1", "--json").data == diff
    assert shop.ok("vs", "diff", "shop/dev@1", "3", "--json").data == diff
    assert {c["package"] for c in diff["changes"] if c["kind"] == "changed"} == {"Rates-1.0", "Stamp-1.0"}


def test_fresh_machine_builds_the_same_from_the_registry_alone(shop: Product, tmp_path: Path) -> None:
    """The packages' repositories are gone; the registry, at a URL, has all that was published."""
    gone = tmp_path / "gone" / "Gift"
    shop.add("Gift", {"brazil.toml": toml("Gift", build={"build": 'echo 1 > "$BRAZIL_OUT/gift"'})}, folder=gone.parent)
    shop.ok("vs", "create", "gift", "--target", "Gift-1.0")
    shop.ok("publish", "--set", "gift", "-p", "Gift")
    before = shop.ok("vs", "show", "gift", "--json").data["results"]["linux-x86_64"]["Gift-1.0"]["artifact"]
    shutil.rmtree(gone.parent)
    folder = tmp_path / "fresh machine"
    folder.mkdir()
    fresh = Product(folder, repositories=gone.parent, registry=f"file://{shop.registry}")
    work = fresh.workspace(set_name="gift")
    answer = work.ok("build", "Gift", "--json")
    assert answer.ran == {"build Gift-1.0"}
    assert answer.data["artifacts"] == {"Gift-1.0": before}
    work.ok("ws", "use", "Gift")
    assert (work.src("Gift") / "brazil.toml").is_file()


def test_everything_again_on_a_fresh_machine_gives_the_recorded_artifacts(shop: Product, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    fresh = Product(folder, repositories=shop.repositories, registry=f"file://{shop.registry}")
    work = fresh.workspace()
    answer = work.ok("build", *SHOP, "--json")
    recorded = shop.ok("vs", "show", "shop/dev", "--json").data["results"]
    (results,) = recorded.values()
    assert answer.data["artifacts"] == {i: result["artifact"] for i, result in results.items()}
    assert answer.ran == {f"build {name}-1.0" for name in SHOP}


def test_publication_to_a_registry_at_a_url(shop: Product, tmp_path: Path) -> None:
    folder = tmp_path / "colleague"
    folder.mkdir()
    colleague = Product(folder, repositories=shop.repositories, registry=f"file://{shop.registry}")
    work = colleague.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    commit = work.commit("Rates")
    work.ok("publish", "-m", "from elsewhere")
    assert shop.revision() == 2
    assert f"refs/sources/Rates/{commit}" in git(Path(shop.registry), "for-each-ref", "--format=%(refname)")
