"""Build system `command`, in the real sandbox: what must fail. What it builds, the tests of the shop show."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.systems import need

pytestmark = [pytest.mark.sandbox, need("git")]

NATIVE = Native(
    "command",
    {},
    'build = "sh build.sh"\ntest = "sh test.sh"\n',
    cases=0,
    without={
        "OldTool": "it is the script that knows its tools",
        "Nothing": "a package may be there for its dependencies alone",
        "NoTests": "it is the script that knows what tests are",
    },
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({}, 'build = "./build.sh"', exit_code=127, said="./build.sh: not found"),
    "NoProgram": Bad({}, 'build = "no-such-program"', exit_code=127, said="no-such-program: not found"),
    "Broken": Bad({}, 'build = "if true"', exit_code=2, said="Syntax error"),
    "Unset": Bad({}, 'build = "echo $UNSET"', exit_code=2, said="UNSET: parameter not set"),
    "Fetches": Bad(
        {}, 'build = "git clone https://json.example/json"', exit_code=128, said="Could not resolve host: json.example"
    ),
}


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
