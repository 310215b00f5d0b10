import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brazil.model.names import parse_interface, version_set_name
from brazil.model.versionset import Reason, RevisionInfo
from brazil.operations.publishing import Overlap
from brazil.report.builds import publish_data
from tests.shown import ROOT

PAGE = (ROOT / "docs" / "json.md").read_text()
Documents = dict[str, Any]

MANIFEST = """\
[package]
name = "{name}"
interface = "1.0"
build-system = "command"
{needs}
[build]
build = 'cp text "$BRAZIL_OUT/"'
test = 'grep -q good text'
"""


def documented(shape: str) -> list[str]:
    """Return the keys that the page gives a shape, in order."""
    _, found, rest = PAGE.partition(f"<!-- shape: {shape} -->\n\n")
    assert found, f"docs/json.md has no shape {shape}"
    table = rest.partition("\n\n")[0].splitlines()[2:]
    return [re.findall(r"`([^`]+)`", row.split("|")[1])[0] for row in table]


def values(data: Any, path: str) -> list[Any]:
    """Return what is at a path such as `changes[].before`; "[]" stands for every item, of which there must be one."""
    found = [data]
    for part in path.split("."):
        key = part.removesuffix("[]")
        for item in found:
            assert key in item, f"{path} is documented and not there"
        found = [item[key] for item in found]
        if part.endswith("[]"):
            found = [inner for item in found for inner in item]
            assert found, f"nothing to look at in {path}"
    return found


def is_documented(shape: str, data: dict[str, Any], *, apart: tuple[str, ...] = ()) -> None:
    """Check that an object has the keys of its shape, and no others but those `apart`."""
    keys = documented(shape)
    for key in keys:
        values(data, key)
    tops = {re.split(r"[.\[]", key)[0] for key in keys}
    assert list(dict.fromkeys(re.split(r"[.\[]", key)[0] for key in keys)) == [k for k in data if k in tops]
    assert data.keys() - tops - {"schema"} == set(apart)
    for outer in {key.partition("[]")[0] for key in keys if "[]." in key}:
        inner = {key.removeprefix(f"{outer}[].") for key in keys if key.startswith(f"{outer}[].")}
        for item in values(data, f"{outer}[]"):
            assert item.keys() - inner <= OPTIONAL.get(outer, set()), outer


OPTIONAL = {"error.problems": {"because", "hint", "file", "line", "key"}}


class Shell:
    """Runs `brazil` and git with a home of its own."""

    def __init__(self, home: Path) -> None:
        who = {f"GIT_{role}_{part}": "ada" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        self.home = home
        self.registered: Documents = {}  # the last answer to that
        self.environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **who}

    def brazil(self, *arguments: str, code: int | tuple[int, ...] = 0, folder: str = ".") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "brazil", *arguments],
            cwd=self.home / folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str, code: int | tuple[int, ...] = 0, folder: str = ".") -> Documents:
        document: Documents = json.loads(self.brazil(*arguments, "--json", code=code, folder=folder))
        assert document["schema"] == 1
        return document

    def commit(self, folder: str, text: str) -> None:
        (self.home / folder / "text").write_text(text)
        for command in (["add", "."], ["commit", "-q", "-m", text]):
            subprocess.run(["git", "-C", self.home / folder, *command], env=self.environment, check=True)

    def package(self, name: str, needs: str = "") -> None:
        subprocess.run(["git", "init", "-q", self.home / name], env=self.environment, check=True)
        (self.home / name / "brazil.toml").write_text(MANIFEST.format(name=name, needs=needs))
        self.commit(name, "good")
        self.registered = self.json("package", "register", name, "--repository", name)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """Every kind of document, from one small history of one set."""
    shell = Shell(tmp_path_factory.mktemp("json"))
    shell.package("Low")
    shell.package("High", '[dependencies]\nLow = "1.0"')
    found: Documents = {"registered": shell.registered}
    found["registered again"] = shell.json("package", "register", "High", "--repository", "High")
    found |= {"create": shell.json("vs", "create", "a/b", "--target", "High-1.0")}
    found["conflict"] = shell.json("publish", "--set", "a/b", "-p", "High", code=3)
    both = ("publish", "--set", "a/b", "-p", "Low", "-p", "High")
    found["dry-run"] = shell.json(*both, "--dry-run")
    found["published"] = shell.json(*both)
    found["already-published"] = shell.json(*both)
    shell.commit("Low", "bad")
    found["failed"] = shell.json(*both, code=1)
    found["created"] = shell.json("ws", "create", "work", "--set", "a/b")
    found["used"] = shell.json("ws", "use", "Low", "High", folder="work")
    found["dropped"] = shell.json("ws", "drop", "High", folder="work")
    shell.commit("work/src/Low", "good again")
    found["forecast"] = shell.json("test", "High", "--dry-run", folder="work")
    found["build"] = shell.json("build", folder="work")
    found["build High"] = shell.json("build", "High", folder="work")
    found["test"] = shell.json("test", folder="work")
    found["run"] = shell.json("log", "Low", "--test")
    found["farm"] = shell.json("path", "farm", "High", "--closure", "runtime", folder="work")
    found["editor"] = shell.json("path", "editor", "High", folder="work")
    found["workspace"] = shell.json("ws", "show", folder="work")
    found["second"] = shell.json("publish", folder="work")
    found["sync"] = shell.json("ws", "sync", folder="work")
    found["diff"] = shell.json("vs", "diff", "a/b", "1", "2")
    found["show"] = shell.json("vs", "show", "a/b")
    found["log"] = shell.json("vs", "log", "a/b")
    found["sets"] = shell.json("vs", "list")
    found["package"] = shell.json("package", "show", "Low")
    found["packages"] = shell.json("package", "list")
    found["doctor"] = shell.json("doctor")
    found["new-package"] = shell.json("package", "new", "New", "--build-system", "command")
    found["versions"] = shell.json("package", "versions", "Low")
    (shell.home / "other").mkdir()
    (shell.home / "other" / "brazil.toml").write_text(MANIFEST.format(name="Other", needs=""))
    found["edit"] = shell.json("package", "dependencies", "add", "Low", folder="other")
    shell.json("ws", "create", "brief", "--set", "a/b")
    found["listed"] = shell.json("ws", "list")
    found["cleaned"] = shell.json("ws", "clean", folder="brief")
    found["deleted"] = shell.json("ws", "delete", "brief")
    found["explained"] = shell.json("explain", "package.unknown")
    found["codes"] = shell.json("explain")
    found["error"] = shell.json("package", "show", "Lou", code=2)
    text = shell.home / "work/src/Low/text"
    text.unlink()
    lines = shell.brazil("test", "Low", "High", "--events", folder="work", code=1).splitlines()
    text.write_text("good at last")
    for _ in range(2):
        lines += shell.brazil("build", "High", "--events", folder="work").splitlines()
    found["events"] = [json.loads(line) for line in lines]
    return found


SHAPES: dict[str, Callable[[Documents], list[Any]]] = {
    "error": lambda d: [d["error"]],
    "package": lambda d: [d["package"], *d["packages"]["packages"]],
    "record": lambda d: [*d["show"]["pins"].values(), *d["package"]["interfaces"].values()],
    "info": lambda d: [*d["log"]["revisions"], *d["sets"]["sets"], d["published"]["before"], d["second"]["revision"]],
    "result": lambda d: [r for platform in d["show"]["results"].values() for r in platform.values()],
    "diff": lambda d: [d["diff"], d["sync"], d["second"]["diff"]],
    "new-package": lambda d: [d["new-package"]],
    "versions": lambda d: [d["versions"]],
    "edit": lambda d: [d["edit"]],
    "registered": lambda d: [d["registered"], d["registered again"]],
    "listed": lambda d: d["listed"]["workspaces"],
    "cleaned": lambda d: [d["cleaned"]],
    "deleted": lambda d: [d["deleted"]],
    "created": lambda d: [d["created"]],
    "used": lambda d: [d["used"]],
    "dropped": lambda d: [d["dropped"]],
    "workspace": lambda d: [d["workspace"]],
    "build": lambda d: [d["build"], d["build High"], d["test"]],
    "forecast": lambda d: [d["forecast"]],
    "log": lambda d: [d["run"]],
    "located": lambda d: [d["farm"]],
    "editor": lambda d: [d["editor"]],
    "step": lambda d: [*d["build"]["steps"], *d["published"]["steps"], *d["failed"]["steps"]],
    "explained": lambda d: [d["explained"]],
    "codes": lambda d: [d["codes"]],
    "doctor": lambda d: [d["doctor"]],
}


@pytest.mark.sandbox
@pytest.mark.parametrize("shape", SHAPES)
def test_documents_have_the_documented_keys(shape: str, documents: Documents) -> None:
    for data in SHAPES[shape](documents):
        is_documented(shape, data)


@pytest.mark.sandbox
def test_what_changed_a_workspace_or_the_registry_is_told(documents: Documents) -> None:
    assert (documents["registered"]["changed"], documents["registered again"]["changed"]) == (True, False)
    assert documents["used"]["used"][0].keys() == documents["workspace"]["in-use"][0].keys()
    assert [item["package"] for item in documents["used"]["used"]] == ["Low", "High"]
    assert documents["dropped"]["dropped"] == ["High"]


@pytest.mark.sandbox
def test_a_revision_is_a_line_of_history_with_more(documents: Documents) -> None:
    more = {key.partition(".")[0] for key in documented("info")}
    for name in ("create", "show"):
        is_documented("revision", documents[name], apart=tuple(more))
        is_documented("info", {key: value for key, value in documents[name].items() if key in more})


@pytest.mark.sandbox
@pytest.mark.parametrize("outcome", ["published", "dry-run", "already-published", "failed", "conflict"])
def test_a_publication_has_the_keys_of_its_outcome(outcome: str, documents: Documents) -> None:
    assert documents[outcome]["outcome"] == outcome
    row = next(line for line in PAGE.splitlines() if line.startswith(f'| `"{outcome}"` |'))
    keys = set(re.findall(r"`([a-z-]+)`", row.split("|")[3])) - {"base-is-broken"}
    if outcome == "dry-run":
        keys = {"before", "revision", "steps", "diff"}
        assert documents[outcome]["revision"] is None
    if outcome == "failed":
        keys.add("base-is-broken")
    assert documents[outcome].keys() == {"schema", "outcome"} | keys


@pytest.mark.sandbox
def test_a_conflict_has_the_documented_keys(documents: Documents) -> None:
    is_documented("conflict", documents["conflict"], apart=("outcome",))


def test_an_overlap_has_the_documented_keys() -> None:
    head = RevisionInfo(version_set_name("a/b"), 2, "c" * 40, "d" * 40, 0, "A <a>", Reason("publish"))
    data = publish_data(Overlap(head, ((parse_interface("Low-1.0"), "a" * 40, "b" * 40),)), None, {})
    row = next(line for line in PAGE.splitlines() if line.startswith('| `"overlap"` |'))
    keys = re.findall(r"`([a-z-]+)`", row.split("|")[3])
    assert ["outcome", *keys[:2]] == list(data)
    assert keys[2:] == list(data["packages"][0])
    is_documented("info", data["head"])


@pytest.mark.sandbox
def test_events_have_the_documented_keys(documents: Documents) -> None:
    _, _, rest = PAGE.partition("<!-- shape: events -->\n\n")
    rows = [row for row in rest.splitlines() if row.startswith('| `"')]
    wanted = {
        re.findall(r'`"([a-z]+)"`', row)[0]: ["event", *re.findall(r"`([a-z-]+)`", row.split("|")[2])] for row in rows
    }
    seen = {event["event"]: list(event) for event in documents["events"]}
    assert {"plan", "cached", "started", "finished", "failed", "skipped"} <= seen.keys()
    assert seen == {name: wanted[name] for name in seen}
    assert wanted["note"] == ["event", "topic", "text"]
