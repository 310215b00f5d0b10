"""Build system `make`, in the real sandbox: what must fail. What it builds, the tests of the shop show."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.systems import need

pytestmark = [pytest.mark.sandbox, need("make", "git")]


def rules(text: str) -> dict[str, str]:
    return {"Makefile": text}


GOOD = "all:\ninstall:\n\techo 1 > $(PREFIX)/one\n"

NATIVE = Native(
    "make",
    rules("all:\ninstall:\n\tsh build.sh\ncheck:\n\tsh test.sh\n"),
    'test-target = "check"\n',
    build_fails=2,
    test_fails=2,
    cases=0,
    without={"OldTool": "a makefile cannot say which make it wants"},
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({"rules.mk": GOOD}, exit_code=2, said="No targets specified and no makefile found"),
    "NoFile": Bad(rules(GOOD), 'makefile = "rules.mk"', exit_code=2, said="rules.mk: No such file or directory"),
    "Broken": Bad(rules("all\n"), exit_code=2, said="Makefile:1: *** missing separator"),
    "NoInstall": Bad(rules("all:\n"), exit_code=2, said="No rule to make target 'install'"),
    "NoTarget": Bad(rules(GOOD), 'targets = ["some"]', exit_code=2, said="No rule to make target 'some'"),
    "Fetches": Bad(
        rules("all:\n\tgit clone https://json.example/json\n"), exit_code=2, said="Could not resolve host: json.example"
    ),
    "Nothing": Bad(
        rules("all:\ninstall:\n\ttouch one\n"),
        said="make: nothing was installed; does the makefile install below $(PREFIX)?",
    ),
    "NoTests": Bad(rules(GOOD), 'test-target = "check"', "test", 2, "No rule to make target 'check'"),
}


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
