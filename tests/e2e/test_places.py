"""Workspaces that were moved, copied, half deleted, put inside one another or beside other things than their store."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.product import Product, copy_shop, git

pytestmark = pytest.mark.sandbox

AGAIN = "nothing to do: 1 result remembered, nothing ran"


@pytest.fixture(scope="module")
def world(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A shop with a workspace `work` in which a changed Rates was built."""
    product = copy_shop(template, tmp_path_factory.mktemp("places") / "shop")
    work = product.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    work.ok("build")
    return product


@pytest.fixture
def copy(world: Product, tmp_path: Path) -> Product:
    """A copy of the workspace, elsewhere."""
    subprocess.run(["cp", "-a", "--", str(world.folder / "work"), str(tmp_path / "copy")], check=True)
    return world.at(tmp_path / "copy")


def _linked(work: Product) -> str:
    return (work.cwd / "build" / "Rates" / "share" / "rate").read_text()


def test_a_moved_workspace_is_the_same(copy: Product, tmp_path: Path) -> None:
    copy.cwd.rename(tmp_path / "moved")
    moved = copy.at(tmp_path / "moved")
    assert moved.ok("build").out.splitlines()[0] == AGAIN
    assert moved.ok("ws", "show").out.splitlines()[0] == str(tmp_path / "moved")


def test_a_copied_workspace_is_another(copy: Product, world: Product) -> None:
    (copy.src("Rates") / "rate").write_text("19\n\n\n")
    assert copy.ok("build", "--json").ran == {"build Rates-1.0"}
    first = world.at(world.folder / "work")
    assert first.ok("build").out.splitlines()[0] == AGAIN
    assert (_linked(first), _linked(copy)) == ("19\n\n", "19\n\n\n")


@pytest.mark.parametrize("inside", ["src", "src/Rates", "build", ".brazil", "other"])
def test_a_workspace_inside_another_is_refused(copy: Product, inside: str) -> None:
    (copy.cwd / inside).mkdir(exist_ok=True)
    answer = copy.at(copy.cwd / inside).run("ws", "create", "new", "--set", "shop/dev")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: {copy.cwd / inside / 'new'} is inside the workspace {copy.cwd} [workspace.exists]\n"
        "  hint: choose another folder\n"
    )
    assert not (copy.cwd / inside / "new").exists()


def test_a_workspace_put_inside_another_is_its_own(copy: Product, world: Product) -> None:
    inner = copy.cwd / "src" / "Rates" / "inner"
    subprocess.run(["cp", "-a", "--", str(world.folder / "work"), str(inner)], check=True)
    assert copy.at(inner / "src").ok("build").out.splitlines()[0] == AGAIN
    answer = copy.run("build")
    assert answer.code == 2, "the package around it holds repositories now"
    assert answer.err == (
        f"error: inner/src/Rates cannot be part of the source in {copy.src('Rates')}: "
        "it is a submodule or a nested repository [source.submodule]\n  hint: make it a package\n"
    )


@pytest.mark.parametrize("gone", [".brazil", "build", "src/Rates/.git/index"])
def test_what_can_be_made_again_is_not_missed(copy: Product, gone: str) -> None:
    path = copy.cwd / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert copy.ok("build").out.splitlines()[0] == AGAIN
    assert _linked(copy) == "19\n\n"
    assert copy.ok("ws", "use", "Stamp").code == 0
    answer = copy.run("ws", "drop", "Rates")
    changed = "brazil.toml, rate" if "index" in gone else "rate"
    assert answer.err == (
        f"error: the checkout of Rates holds work that is nowhere else: not committed: {changed} [workspace.unsaved]\n"
        "  hint: push or publish it, or add --force\n"
    )


HALF = [
    ("src", "it is not there", "put it back, or say 'brazil ws drop Rates'"),
    ("src/Rates", "it is not there", "put it back, or say 'brazil ws drop Rates'"),
    ("src/Rates/.git", "it has no '.git'", "run 'git init' there, or move it away and say 'brazil ws drop Rates'"),
    (
        "src/Rates/.git/HEAD",
        "not a git repository: '{checkout}/.git'",
        "move it away, then 'brazil ws drop Rates' and use it again",
    ),
]


@pytest.mark.parametrize(("gone", "because", "hint"), HALF, ids=[case[0] for case in HALF])
def test_a_checkout_that_is_half_there(copy: Product, gone: str, because: str, hint: str) -> None:
    path = copy.cwd / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    checkout = copy.src("Rates")
    because = because.format(checkout=checkout)
    told = f"error: {checkout} is no git checkout: {because} [source.no-checkout]\n  hint: {hint}\n"
    for words in ("build", "test", "publish", "exec Shop -- true"):
        answer = copy.run(*words.split())
        assert (answer.code, answer.out, answer.err) == (2, "", told)
    assert f"{checkout} is no git checkout: {because}" in copy.ok("ws", "show").out
    assert copy.ok("ws", "use", "Stamp").code == 0
    if checkout.exists():
        answer = copy.run("ws", "drop", "Rates")
        assert (answer.code, answer.err) == (2, told), "what is in it may be worth something"
        checkout.rename(copy.cwd / "aside")
    assert copy.ok("ws", "drop", "Rates").out == "dropped Rates\n"
    assert copy.ok("ws", "use", "Rates").code == 0


def test_a_folder_that_is_no_workspace_any_more(copy: Product) -> None:
    (copy.cwd / "brazil-workspace.toml").unlink()
    for words in ("build", "publish", "ws show", "ws use Stamp", "ws drop Rates", "ws sync"):
        answer = copy.run(*words.split())
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == (
            f"error: {copy.cwd} is not inside a workspace: "
            "there is no brazil-workspace.toml here or above [workspace.none]\n"
            "  hint: run 'brazil ws create NAME --set SET', or change into a workspace\n"
        )
    assert (copy.src("Rates") / "rate").exists()


PIPES = [".gitignore", ".gitattributes", ".git/info/exclude", ".git/info/attributes", ".git/HEAD", ".git/index"]


@pytest.mark.parametrize("name", [*PIPES, ".git/config"])
def test_a_pipe_where_git_reads_a_list_holds_nobody_up(copy: Product, name: str) -> None:
    pipe = copy.src("Rates") / name
    pipe.parent.mkdir(exist_ok=True)
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    told = (
        f"error: {name} cannot be read in {copy.src('Rates')}: "
        "it is a pipe or a device, which git would wait for [source.endless]\n  hint: remove it\n"
    )
    (copy.src("Rates") / "rate").write_text("19\n\n\n\n")
    for words in ("build", "publish", "ws drop Rates"):
        answer = copy.run(*words.split())
        assert (answer.code, answer.out, answer.err) == (2, "", told)
    assert f"{name} cannot be read" in copy.ok("ws", "show").out


def test_a_manifest_that_git_ignores(copy: Product) -> None:
    checkout = copy.src("Rates")
    (checkout / ".gitignore").write_text("*.toml\n")
    assert copy.ok("build", "--json").ran <= {"build Rates-1.0"}, "it is tracked"
    git(checkout, "rm", "-q", "--cached", "brazil.toml")
    answer = copy.run("build")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: {checkout}/brazil.toml: Rates has no brazil.toml at the top of its repository: "
        "git ignores the one that is there [manifest.missing]\n"
        "  hint: take it out of .gitignore, or say 'git add --force brazil.toml'\n"
    )


KINDS = [("link", "it is a link"), ("folder", "it is a folder")]


@pytest.mark.parametrize(("kind", "because"), KINDS, ids=[case[0] for case in KINDS])
def test_a_manifest_that_is_no_file(copy: Product, kind: str, because: str) -> None:
    file = copy.src("Rates") / "brazil.toml"
    file.rename(file.with_name("other.toml"))
    if kind == "link":
        file.symlink_to("other.toml")
    else:
        file.mkdir()
        (file / "x").write_text("x")
    answer = copy.run("build")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: {file}: Rates has no brazil.toml at the top of its repository: {because} [manifest.missing]\n"
        "  hint: make it a file\n"
    )


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Another file system, onto which nothing can be linked."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "brazil-test", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("part", ["work", "home/data", "home/cache"])
def test_each_part_may_be_on_another_file_system(world: Product, disk: Path, tmp_path: Path, part: str) -> None:
    shop = copy_shop(world, tmp_path / "shop")
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n\n\n\n")
    work.commit("Rates")
    folder = shop.folder / part
    folder.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", "--", str(folder), str(disk / "it")], check=True)
    shutil.rmtree(folder)
    folder.symlink_to(disk / "it")
    if part == "work":
        work = shop.at(disk / "it")
    assert work.ok("test", "Shop", "--json").ran
    assert _linked(work) == "19\n\n\n\n\n"
    work.ok("publish")
    if part == "work":
        work.ok("ws", "sync")
        work.ok("ws", "drop", "Rates")
