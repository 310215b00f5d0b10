import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import nothing_left_running, shop, template  # noqa: F401 - fixtures
from tests.e2e.product import Answer, Product, commit_all, git
from tests.sandbox_case import endless, processes_with

pytestmark = pytest.mark.sandbox


def ends(processes: list["subprocess.Popen[str]"]) -> list[Answer]:
    """Wait for all; a deadlock ends here."""
    found = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        found.append(Answer(process.returncode, out, err))
    return found


def change(work: Product, name: str, text: str) -> None:
    (work.src(name) / "extra").write_text(text)


def test_processes_in_one_workspace_build_each_key_once(shop: Product) -> None:  # noqa: F811
    work = shop.workspace("Rates", "Stamp")
    for name in ("Rates", "Stamp"):
        change(work, name, "new\n")
    before = Counter(shop.runs())
    kinds = ["build", "test", "build", "test", "build", "build"]
    answers = ends([work.start(kind, "Shop", "--json") for kind in kinds])
    assert [answer.code for answer in answers] == [0] * len(kinds), answers
    ran = Counter(shop.runs()) - before
    assert ran, "something had to be built"
    assert set(ran.values()) == {1}, "no key was run twice"
    # What is there is what one of them alone would have made.
    assert work.ok("test", "Shop", "--json").ran == set()
    assert sorted(path.name for path in (work.cwd / "build").iterdir()) == ["Rates", "Stamp"]
    assert not list((work.cwd / ".brazil").glob("link-*"))


def test_workspaces_over_one_store_build_each_key_once(shop: Product) -> None:  # noqa: F811
    works = [shop.workspace("Money", name=f"work{n}") for n in range(4)]
    for work in works:
        change(work, "Money", "the same everywhere\n")
    before = Counter(shop.runs())
    answers = ends([work.start("build", "Shop", "--json") for work in works])
    assert [answer.code for answer in answers] == [0] * 4, answers
    assert set((Counter(shop.runs()) - before).values()) == {1}


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_publishers_of_different_packages_all_land(shop: Product, scheme: str) -> None:  # noqa: F811
    names = ["Rates", "Stamp", "Money", "Price"]
    folder = Path(shop.registry)
    shop.registry = scheme + shop.registry
    works = [shop.workspace(name, name=f"work-{name}") for name in names]
    commits = {}
    for work, name in zip(works, names, strict=True):
        change(work, name, f"of {name}\n")
        commits[name] = commit_all(work.src(name), f"change {name}")
    answers = ends([work.start("publish", "--json") for work in works])
    assert [answer.code for answer in answers] == [0] * 4, answers
    shown = works[0].ok("vs", "show", "shop/dev", "--json").data
    assert shown["number"] == 5
    assert {name: shown["pins"][f"{name}-1.0"]["commit"] for name in names} == commits, "no publication was lost"
    log = works[0].ok("vs", "log", "shop/dev", "--json").data["revisions"]
    assert [line["number"] for line in log] == [5, 4, 3, 2, 1, 0]
    git(folder, "fsck", "--strict")
    assert git(folder, "for-each-ref", "refs/brazil") == ""


def test_publishers_of_one_package_are_told_or_land(shop: Product) -> None:  # noqa: F811
    works = [shop.workspace("Rates", name=f"work{n}") for n in range(3)]
    for n, work in enumerate(works):
        change(work, "Rates", f"{n}\n")
        work.commit("Rates", f"change {n}")
    answers = ends([work.start("publish", "--json") for work in works])
    codes = Counter(answer.code for answer in answers)
    assert codes[0] >= 1, answers
    assert set(codes) <= {0, 7}, answers
    assert shop.revision() == 1 + codes[0]


def test_who_is_killed_while_others_wait_blocks_nobody(shop: Product) -> None:  # noqa: F811
    works = [shop.workspace("Rates", name=name) for name in ("one", "two", "three")]
    seconds = endless()
    for work in works:
        manifest = work.src("Rates") / "brazil.toml"
        manifest.write_text(manifest.read_text().replace("cp rate", f"sleep {seconds} || true\\ncp rate"))
    first = works[0].start("build", "--events")
    assert first.stdout
    assert any('"started"' in line for line in first.stdout)
    others = [work.start("build", "--events") for work in works[1:]]
    for other in others:
        assert other.stdout
        waits = next(line for line in other.stdout if '"note"' in line or '"started"' in line)
        assert f"process {first.pid}" in waits
    first.kill()
    first.communicate()
    while all(other.poll() is None for other in others):
        for process in processes_with(f"sleep\0{seconds}"):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)  # who runs it now goes on
        time.sleep(0.05)
    assert [answer.code for answer in ends(others)] == [0, 0]
