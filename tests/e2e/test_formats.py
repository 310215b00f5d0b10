"""Reads the files of a small history with other means than brazil's own, as docs/formats.md has them."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.shown import ROOT

PAGE = (ROOT / "docs" / "formats.md").read_text()

MANIFEST = """\
[package]
name = "Thing"
interface = "1.0"
build-system = "command"
[build]
build = 'cp -p program "$BRAZIL_OUT/"; : > "$BRAZIL_OUT/empty"'
test = 'true'
"""


def section(title: str) -> str:
    """Return the part of the page under a heading."""
    rest = PAGE.partition(f" {title}\n")[2]
    assert rest, f"docs/formats.md has no heading {title}"
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def keys(text: str, row: str = "") -> set[str]:
    """Return the words in backquotes that begin the rows of a table; of one row, those of its second column."""
    rows = [line.split("|") for line in text.splitlines() if line.startswith("|") and "`" in line]
    if row:
        return set(re.findall(r"`([a-z-]+)`", next(cells[2] for cells in rows if row in cells[1])))
    return {re.findall(r"`([^`]+)`", cells[1])[0] for cells in rows if "`" in cells[1]}


def flat(data: dict[str, object], whole: set[str]) -> set[str]:
    """Return the dotted keys of an object, those in `whole` not taken apart."""
    found = set()
    for key, value in data.items():
        parts = isinstance(value, dict) and key not in whole
        found |= {f"{key}.{inner}" for inner in value} if parts and isinstance(value, dict) else {key}
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    who = {f"GIT_{role}_{part}": "ada" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **who}
    environment["BRAZIL_HOME"] = str(folder / "b")

    def run(*command: str | Path, at: Path = folder) -> None:
        subprocess.run(command, cwd=at, env=environment, check=True, capture_output=True)

    brazil = (sys.executable, "-m", "brazil")
    run("git", "init", "-q", "Thing")
    (folder / "Thing" / "brazil.toml").write_text(MANIFEST)
    (folder / "Thing" / "program").write_text("#!/bin/sh\n")
    (folder / "Thing" / "program").chmod(0o755)
    run("git", "add", ".", at=folder / "Thing")
    run("git", "commit", "-q", "-m", "x", at=folder / "Thing")
    run(*brazil, "package", "register", "Thing", "--repository", "Thing")
    run(*brazil, "vs", "create", "a/b", "--target", "Thing-1.0")
    run(*brazil, "publish", "--set", "a/b", "-p", "Thing")
    run(*brazil, "ws", "create", "work", "--set", "a/b")
    run(*brazil, "ws", "use", "Thing", at=folder / "work")
    run(*brazil, "build", at=folder / "work")
    return folder


def git(home: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", "-C", home / "b/data/registry.git", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.sandbox
def test_blobs_are_named_by_their_content_and_read_only(home: Path) -> None:
    blobs = [path for path in (home / "b/data/store/blobs").glob("??/*")]
    assert {path.suffix for path in blobs} == {"", ".x"}
    for path in blobs:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name.removesuffix(".x")
        assert path.parent.name == path.name[:2]
        assert path.stat().st_mode & 0o777 == (0o555 if path.suffix else 0o444)
        assert path.stat().st_mtime == 315532800


@pytest.mark.sandbox
def test_results_begin_with_their_check(home: Path) -> None:
    results = list((home / "b/data/store/actions").glob("??/*"))
    assert len(results) == 2
    for path in results:
        check, _, payload = path.read_bytes().partition(b"\n")
        action = home / "b/data/store/blobs" / path.parent.name / path.name
        text = f"{path.name}/{action.stat().st_size}\n".encode()
        assert hashlib.sha256(text + payload).hexdigest().encode() == check


@pytest.mark.sandbox
def test_snapshots_and_records_have_the_documented_keys(home: Path) -> None:
    records = list((home / "b/data/records").glob("??/*/*.json"))
    assert len(records) == 2
    snapshot = keys(section("Snapshots"))
    for path in records:
        data = path.read_bytes()
        assert path.stem == f"{json.loads(data)['result']['started']}-{hashlib.sha256(data).hexdigest()}"
        whole = {"inputs", "isolation"}
        assert flat(json.loads(data), whole) == snapshot | keys(section("Records of runs"))
    found = [path.read_bytes() for path in (home / "b/data/store/blobs").glob("??/*")]
    snapshots = [json.loads(data) for data in found if data.startswith(b'{"action"')]
    assert len(snapshots) == 2
    assert [flat(value, {"inputs"}) for value in snapshots] == [snapshot] * 2


@pytest.mark.sandbox
def test_registry_files_are_where_and_what_is_documented(home: Path) -> None:
    shard = hashlib.sha256(b"Thing").hexdigest()[:2]
    catalog = git(home, "ls-tree", "-r", "--name-only", "catalog")
    assert catalog == [f"packages/{shard}/Thing/1.0/0/1.toml", f"packages/{shard}/Thing/package.toml"]
    pin, result = f"pins/{shard}/Thing-1.0.toml", f"results/linux-{os.uname().machine}/{shard}/Thing-1.0.toml"
    assert git(home, "ls-tree", "-r", "--name-only", "sets/a/b.set") == [pin, result, "versionset.toml"]
    ids = git(home, "rev-parse", f"catalog:{catalog[0]}", f"sets/a/b.set:{pin}")
    assert ids[0] == ids[1]

    def has(name: str, documented: set[str]) -> bool:
        return set(tomllib.loads("\n".join(git(home, "show", name)))) == documented | {"schema"}

    text = section("The registry")
    assert has(f"catalog:{catalog[0]}", keys(text, "a record, a pin"))
    assert has(f"catalog:{catalog[1]}", keys(text, "`package.toml`"))
    assert has("sets/a/b.set:versionset.toml", keys(text, "`versionset.toml`"))
    assert has(f"sets/a/b.set:{result}", keys(text, "a result"))
    last = git(home, "log", "-1", "--format=%B", "sets/a/b.set")[-2]
    facts = json.loads(last.removeprefix("Brazil-Revision: "))
    assert facts.keys() == {"kind", "number", "packages", "schema", "token"}
    refs = git(home, "for-each-ref", "--format=%(refname)")
    assert [re.sub(r"[0-9a-f]{40}", "X", ref) for ref in refs] == [
        "refs/heads/catalog",
        "refs/heads/sets/a/b.set",
        "refs/sources/Thing/X",
    ]


@pytest.mark.sandbox
def test_a_workspace_holds_what_is_documented(home: Path) -> None:
    work = home / "work"
    documented = keys(section("A workspace")) - {"brazil-workspace.toml"}  # the head of the table
    assert set(tomllib.loads((work / "brazil-workspace.toml").read_text())) == documented
    for path in (work / ".brazil").iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        assert f".brazil/{name} " in PAGE, f"{path} is not in docs/formats.md"
    assert (work / "build" / "Thing" / "program").exists()


@pytest.mark.sandbox
def test_folders_of_a_user_are_documented(home: Path) -> None:
    text = section("Folders of a user")
    for part in ("data", "cache"):
        for path in (home / "b" / part).iterdir():
            name = f"`{path.name}/`" if path.is_dir() and path.suffix != ".git" else f"`{path.name}`"
            assert name in text, f"{path} is not in docs/formats.md"
