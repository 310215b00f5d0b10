"""`brazil ws list`, `clean` and `delete`; workspaces that are moved, copied or gone."""

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.product import Product, git

pytestmark = pytest.mark.sandbox


def roots(product: Product) -> dict[str, str | None]:
    """Name of the folder of each listed workspace -> its fault."""
    listed = product.ok("ws", "list", "--json").data["workspaces"]
    return {Path(item["root"]).name: item["fault"] for item in listed}


def test_workspaces_are_listed_wherever_they_are(shop: Product) -> None:
    assert shop.ok("ws", "list").out == "no workspace: 'brazil ws create' makes one\n"
    one = shop.workspace("Rates", name="one")
    shop.workspace(name="two")
    (listed, _) = shop.at(one.src("Rates")).ok("ws", "list", "--json").data["workspaces"]
    assert (listed["set"], listed["revision"], listed["in-use"]) == ("shop/dev", 1, ["Rates"])
    lines = shop.ok("ws", "list").out.splitlines()
    assert lines == [
        f"{shop.cwd}/one  shop/dev revision 1  1 package",
        f"{shop.cwd}/two  shop/dev revision 1  0 packages",
    ]


def test_a_workspace_that_was_moved_goes_on(shop: Product) -> None:
    work = shop.workspace("Rates", name="old")
    work.ok("build")
    (shop.cwd / "old").rename(shop.cwd / "new")
    moved = shop.at(shop.cwd / "new")
    assert moved.ok("build", "--json").data["succeeded"]
    assert moved.ok("build").out.startswith("nothing to do")
    assert roots(shop) == {"new": None, "old": "No such file or directory"}
    assert shop.ok("ws", "delete", "old").out == f"deleted {shop.cwd}/old\n"
    assert roots(shop) == {"new": None}


def test_a_copy_is_a_workspace_of_its_own(shop: Product) -> None:
    work = shop.workspace("Rates", name="one")
    work.ok("build")
    shutil.copytree(shop.cwd / "one", shop.cwd / "two", symlinks=True)
    copy = shop.at(shop.cwd / "two")
    (copy.src("Rates") / "rate").write_text("7\n")
    assert copy.ok("build", "--json").ran == {"build Rates-1.0"}
    assert (copy.cwd / "build" / "Rates" / "share" / "rate").read_text() == "7\n"
    assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == "19\n"
    assert work.ok("build").out.startswith("nothing to do")
    assert roots(shop) == {"one": None, "two": None}


def test_what_was_cleaned_is_made_again_from_the_store(shop: Product) -> None:
    work = shop.workspace("Rates")
    work.ok("build")
    link = work.cwd / "build" / "Rates"
    assert link.is_symlink()
    assert work.ok("ws", "clean").out.startswith(f"cleaned {work.cwd}: ")
    assert not link.is_symlink()
    assert [path.name for path in (work.cwd / ".brazil").iterdir()] == ["lock"]
    assert work.ok("build", "--json").ran == set()
    assert link.is_symlink()


def test_a_workspace_is_deleted_with_its_checkouts(shop: Product) -> None:
    work = shop.workspace("Rates", "Money")
    work.ok("build")
    shop.ok("ws", "delete", "work")
    assert not work.cwd.exists()
    assert roots(shop) == {}
    shop.workspace("Rates")


def test_a_workspace_has_one_path_however_it_is_named(shop: Product) -> None:
    one = shop.workspace("Rates", name="one")
    (shop.cwd / "deep").mkdir()
    one.ok("ws", "create", "../two", "--set", "shop/dev")
    shop.ok("ws", "create", "deep/../three", "--set", "shop/dev")
    shop.at(shop.cwd / "three").ok("ws", "show")
    assert roots(shop) == {"one": None, "two": None, "three": None}
    assert len(shop.ok("ws", "list", "--json").data["workspaces"]) == 3
    shop.ok("ws", "delete", "deep/../three")
    (shop.cwd / "link").symlink_to(one.cwd)
    assert shop.ok("ws", "delete", "link").out == f"deleted {one.cwd}\n"
    assert not one.cwd.exists()
    assert roots(shop) == {"two": None}


def test_names_of_any_bytes_are_told_in_json(shop: Product) -> None:
    work = shop.workspace("Rates")
    (Path(os.fsdecode(os.fsencode(work.src("Rates")) + b"/caf\xe9\x9b"))).write_text("")
    told = work.process("ws", "show", "--json").out
    assert told.isascii()
    assert "caf\\udce9\\udc9b" in told


def test_what_is_nowhere_else_is_not_deleted(shop: Product) -> None:
    work = shop.workspace("Rates", "Money")
    (work.src("Rates") / "rate").write_text("7\n")
    (work.src("Money") / "money.c").write_text("int x;\n")
    git(work.src("Money"), "commit", "-qam", "mine")
    (work.cwd / "notes.txt").write_text("")
    (work.cwd / "src" / "Other").mkdir()
    before = work.files()
    answer = shop.run("ws", "delete", "work")
    commit = git(work.src("Money"), "rev-parse", "HEAD")
    assert (answer.code, answer.err.splitlines()) == (
        2,
        [
            f"error: the checkout of Money holds work that is nowhere else: its commit {commit[:12]} is only there"
            " [workspace.unsaved]",
            "  hint: push or publish it, or add --force",
            "error: the checkout of Rates holds work that is nowhere else: not committed: rate [workspace.unsaved]",
            "  hint: push or publish it, or add --force",
            f"error: {work.cwd}/notes.txt is not of the workspace [workspace.foreign]",
            "  hint: move it away, or add --force",
            f"error: {work.cwd}/src/Other is not of the workspace [workspace.foreign]",
            "  hint: move it away, or add --force",
        ],
    )
    assert work.files() == before
    shop.ok("ws", "delete", "work", "--force")
    assert not work.cwd.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("delete", "none"),
            "error: {cwd}/none is no workspace [workspace.none]\n  hint: 'brazil ws list' lists yours",
        ),
        (("delete", "full"), "error: {cwd}/full is no workspace [workspace.none]"),
        (("delete", "torn"), "error: {cwd}/torn/brazil-workspace.toml:1: "),
        (("clean",), "error: {cwd} is not inside a workspace"),
        (("delete",), "error: missing argument 'FOLDER'"),
    ],
)
def test_what_is_no_workspace_is_left_alone(shop: Product, arguments: tuple[str, ...], message: str) -> None:
    for name in ("full", "torn"):
        (shop.cwd / name).mkdir()
    (shop.cwd / "full" / "file").write_text("")
    (shop.cwd / "torn" / "brazil-workspace.toml").write_text("[[")
    before = shop.files()
    answer = shop.run("ws", *arguments)
    assert answer.err.startswith(message.format(cwd=shop.cwd)), answer
    assert answer.code == 2
    assert shop.files() == before
