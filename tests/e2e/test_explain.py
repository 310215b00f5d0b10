import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from brazil.report.explanations import find_page, topics
from tests.shown import ROOT


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm",
        "COLUMNS": "60",
    }


def brazil(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "brazil", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_code_is_explained(environment: dict[str, str]) -> None:
    done = brazil(environment, "explain", "registry.unknown-set")
    _, page = find_page("registry.unknown-set")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"# registry.unknown-set\n\n{page.text}\n", "")


def test_a_code_is_explained_as_json(environment: dict[str, str]) -> None:
    topic, page = find_page("store.damaged")
    wanted = {"schema": 1, "code": "store.damaged", "topic": "store", "about": topic.about, "text": page.text}
    assert json.loads(brazil(environment, "explain", "store.damaged", "--json").stdout) == wanted


def test_all_codes_are_listed(environment: dict[str, str]) -> None:
    listed = brazil(environment, "explain").stdout
    for topic in topics():
        assert f"# {topic.name}\n\n{topic.about}\n" in listed
        for page in topic.pages:
            assert f"- `{page.code}`: {page.summary}\n" in listed


def test_the_codes_of_a_topic_are_listed(environment: dict[str, str]) -> None:
    listed = brazil(environment, "explain", "store").stdout
    (store,) = (topic for topic in topics() if topic.name == "store")
    assert listed.startswith(f"# store\n\n{store.about}\n")
    assert listed.count("- `") == len(store.pages)
    found = json.loads(brazil(environment, "explain", "store", "--json").stdout)
    assert [topic["topic"] for topic in found["topics"]] == ["store"]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("stroe", "did you mean 'store'?"),
        ("stroe.damaged", "did you mean 'store.damaged'?"),
        ("manifest.unknown_key", "did you mean 'manifest.unknown-key'?"),
        ("xyzzy", "'brazil explain' lists all codes"),
        ("../errors", "'brazil explain' lists all codes"),
        ("", "'brazil explain' lists all codes"),
    ],
)
def test_an_unknown_code_is_answered_with_the_nearest(environment: dict[str, str], code: str, hint: str) -> None:
    done = brazil(environment, "explain", code, "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["problems"][0]["code"]) == (2, "explain.unknown-code")
    assert error["problems"][0]["hint"] == hint


def test_a_code_is_explained_within_the_width_of_a_terminal(environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "brazil", "explain", "internal"]
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 4096):
                said += chunk
        except OSError:  # what Linux says when the other side has left
            pass
        os.close(ours)
    assert process.returncode == 0
    lines = said.decode().splitlines()
    assert any("nobody expected" in line for line in lines)
    assert "`" not in said.decode()  # it is rendered
    assert max(len(line.rstrip()) for line in lines if "\x1b" not in line) <= 60
