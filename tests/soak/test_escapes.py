"""The escape attempts in one go, counted."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from brazil.formats.junit import parse_junit
from brazil.model.tested import CaseEnd
from tests.soak.counts import keep

REPOSITORY = Path(__file__).resolve().parents[2]
ATTEMPTS = ("tests/fault/test_escape_attempts.py", "tests/fault/test_sandbox_escape.py")


@pytest.mark.soak
def test_nothing_gets_out(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *ATTEMPTS]
    subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "BRAZIL_REQUIRE_ALL": "1"}, check=False)
    ends = Counter(case.end for case in parse_junit(report.read_bytes()))
    escaped = ends[CaseEnd.FAILED] + ends[CaseEnd.ERROR]
    keep("escapes", {"attempts": ends.total(), "refused": ends[CaseEnd.PASSED], "escaped": escaped})
    assert escaped == 0
