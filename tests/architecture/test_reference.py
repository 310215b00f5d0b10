"""What is generated from the code for users is up to date and sound."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import commands
from tests.shown import ROOT

MANUALS = sorted((ROOT / "docs" / "man").glob("*.1"))


def test_what_is_generated_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate-reference", "--check"],
        env=os.environ | {"COLUMNS": "40", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout.splitlines() == [], "these files are out of date; run: make reference"


def test_every_command_is_in_the_pages_and_the_manual() -> None:
    for each in commands():
        top = "README" if each.path == "brazil" else each.path.split()[1]
        assert each.path in (ROOT / "docs" / "commands" / f"{top}.md").read_text()
        if each.path != "brazil" and each.path.count(" ") == 1:
            assert (ROOT / "docs" / "man" / f"{each.path.replace(' ', '-')}.1").exists()


@pytest.mark.parametrize("page", MANUALS, ids=lambda page: page.name)
def test_a_manual_page_is_set_without_a_warning(page: Path) -> None:
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=78n", page], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(".\b", "", done.stdout)  # what is bold is written twice
    assert "SYNOPSIS" in shown and "EXIT STATUS" in shown


def test_man_shows_a_page() -> None:
    if not shutil.which("man"):
        pytest.skip("man is not installed")
    done = subprocess.run(
        ["man", "--warnings=w", "-l", ROOT / "docs" / "man" / "brazil-build.1"],
        env=os.environ | {"MANWIDTH": "80", "MANPAGER": "cat", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    plain = re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout)
    assert "-k, --keep-going" in plain
    assert "brazil build PaymentService" in plain
