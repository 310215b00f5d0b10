import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from brazil.build_systems import SYSTEMS
from brazil.sandbox.bubblewrap import HostFacts, explain_refusal
from tests.e2e.other_user import OtherUser
from tests.e2e.systems import missing
from tests.shown import PAGES, ROOT, Example, anchors, examples, links, pattern

NEEDED = {name: system.programs for name, system in SYSTEMS.items()} | {"own": ("python3",)}
WITH_EXAMPLES = [page for page in PAGES if examples(page)]
OF_BUILD_SYSTEMS = [page for page in WITH_EXAMPLES if page.parent.name == "build-systems"]
SETS = re.compile(r"^brazil vs create (\S+)", re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like this checkout after `make demo`, whose `.venv` runs the code under test."""
    folder = tmp_path_factory.mktemp("readme") / "checkout"
    for path in ROOT.iterdir():
        folder.mkdir(exist_ok=True)
        if not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    write_program(folder / ".venv" / "bin", sys.executable)
    return folder


def write_program(folder: Path, python: str) -> None:
    folder.mkdir(parents=True)
    program = folder / "brazil"
    program.write_text(f'#!/bin/sh\nexec "{python}" -m brazil "$@"\n')
    program.chmod(0o755)


class Played(NamedTuple):
    """The blocks of a page, run in order by one user."""

    told: list[Example]
    home: Path
    results: list[tuple[int, str]]  # exit code and output of each block
    made: object  # the results of the version set that the page of a build system makes


def begin_play(page: Path, folder: Path) -> tuple[list[str], Path]:
    """Write the blocks of a page where somebody with a new home runs them; return the command and the home."""
    home = folder / "home"
    home.mkdir(parents=True)
    place = shlex.quote(str(folder))
    lines = ["set -e"]
    for number, example in enumerate(examples(page)):
        (folder / f"{number}.sh").write_text(example.commands)
        lines.append(f". {place}/{number}.sh > {place}/{number}.out 2>&1 < /dev/null")
        lines.append(f"echo 0 > {place}/{number}.code")
    if sets := SETS.findall("".join(example.commands for example in examples(page))):
        lines.append(f"brazil vs show {sets[0]} --json > {place}/made.json")
    (folder / "all.sh").write_text("\n".join(lines) + "\n")
    return ["bash", "--noprofile", "--norc", f"{folder}/all.sh"], home


def end_play(page: Path, folder: Path) -> Played:
    """Read what became of each block."""
    told = examples(page)
    results = []
    for number in range(len(told)):
        output = folder / f"{number}.out"
        code = 0 if (folder / f"{number}.code").exists() else 1
        results.append((code, output.read_text() if output.exists() else "it was not reached"))
    made = folder / "made.json"
    return Played(told, folder / "home", results, json.loads(made.read_text())["results"] if made.exists() else results)


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A page, played in one fresh shell."""
    page: Path = request.param
    if page.parent.name == "build-systems" and (absent := missing(*NEEDED[page.stem])):
        pytest.skip(absent)
    folder = tmp_path_factory.mktemp("play") / "it"
    command, home = begin_play(page, folder)
    programs = os.environ["PATH"]
    if page != ROOT / "README.md":  # there the first block says how to get `brazil`
        programs = f"{checkout}/.venv/bin:{programs}"
    environment = {"HOME": str(home), "PATH": programs, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    subprocess.run(command, cwd=checkout, env=environment, check=False)
    return end_play(page, folder)


def on_a_terminal(output: str) -> str:
    """Leave out what the live view of a terminal does not keep."""
    return "".join(line for line in output.splitlines(keepends=True) if not re.match(r"(plan|cached) {2,}", line))


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "played",
    [pytest.param(page, marks=[pytest.mark.slow] * (page in OF_BUILD_SYSTEMS)) for page in WITH_EXAMPLES],
    ids=name,
    indirect=True,
)
def test_what_a_page_shows_is_what_happens(played: Played) -> None:
    for example, (code, output) in zip(played.told, played.results, strict=True):
        place = f"{name(example.page)}:{example.line}"
        assert code == 0, f"{place}: {output}"
        if example.output:
            wanted = pattern(example.output, str(played.home))
            assert wanted.search(on_a_terminal(output)), f"{place} shows\n{example.output}\nand this happens\n{output}"


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("played", [*OF_BUILD_SYSTEMS, ROOT / "docs" / "closures.md"], ids=name, indirect=True)
def test_another_user_elsewhere_gets_the_same_artifacts(played: Played, other_user: OtherUser) -> None:
    page = played.told[0].page
    folder = other_user.folder / "of another user" / page.stem
    command, home = begin_play(page, folder)
    write_program(folder / "bin", other_user.python)
    other_user.own(folder)
    programs = f"{folder}/bin:{other_user.environment['PATH']}"
    done = other_user.run(command, folder, {"HOME": str(home), "PATH": programs})
    assert done.returncode == 0, f"{done.stderr}\n{end_play(page, folder).results}"
    assert played.made
    assert end_play(page, folder).made == played.made


def test_the_page_of_every_build_system_has_an_example() -> None:
    assert [page.stem for page in OF_BUILD_SYSTEMS] == sorted(NEEDED)


def test_the_tour_shows_every_step() -> None:
    commands = "".join(example.commands for example in examples(ROOT / "docs" / "tour.md"))
    steps = ("package register", "vs create", "publish", "ws create", "ws use", "build", "test", "exec", "vs diff")
    assert [step for step in steps if f"brazil {step}" not in commands] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n[one](other.md) [two](#a-page) [three](#b)\n```sh\n[four](five)\n```\n")
    assert list(links(page)) == ["other.md", "#a-page", "#b"]
    assert anchors(page) == {"a-page"}


# A path of this project in backquotes: with a folder of ours in front, or a file at the top.
_PATH = re.compile(
    r"`((?:brazil|tests|docs|scripts|examples)/[\w./*-]*|[\w-]+\.(?:md|toml)|Makefile|LICENSE)`", re.ASCII
)
_OF_USERS = {"Cargo.toml", "brazil.toml", "brazil-workspace.toml", "config.toml", "package.toml", "versionset.toml"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = {path for path in _PATH.findall(page.read_text()) if path not in _OF_USERS}
    assert [path for path in sorted(named) if not list(ROOT.glob(path.rstrip("/")))] == []


def test_shown_output_must_really_match() -> None:
    shown = "build     A-1.0  because source changed: 75d07397 -> 7acf8e5d\n...\n2  2026-11-23 07:04 UTC  /home/ada/x\n"
    wanted = pattern(shown, "/tmp/h")
    lines = ["build     A-1.0  because source changed: 00000000 -> 11111111", "2  2027-01-01 00:00 UTC  /tmp/h/x"]
    assert wanted.search("\n".join(lines) + "\n")
    assert wanted.search("\n".join([lines[0], "something", lines[1]]) + "\n")
    assert not wanted.search("\n".join([lines[0].replace("A-1.0", "B-1.0"), lines[1]]) + "\n")
    assert not wanted.search(lines[0] + "\n")


def test_the_readme_says_what_doctor_prints_where_apparmor_forbids_namespaces() -> None:
    hint = explain_refusal("refused", HostFacts(apparmor_restricts=True)).hint
    text = " ".join((ROOT / "README.md").read_text().split())
    commands = re.findall(r"'([^']+)'", hint)
    assert commands
    assert [command for command in commands if f"`{command}`" not in text] == []


@pytest.mark.parametrize("program", ["demo", "bootstrap"])
def test_scripts_that_the_readme_stands_on_are_valid(program: str) -> None:
    script = ROOT / "scripts" / program
    first = script.read_text().splitlines()[0]
    interpreter = "bash" if "bash" in first else "sh"
    assert shutil.which(interpreter)
    subprocess.run([interpreter, "-n", script], check=True)
