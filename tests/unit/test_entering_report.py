import pytest

from brazil.build.executor import sandbox_request
from brazil.model.action import FailedRun
from brazil.operations.standing import Failure
from brazil.plan.key import key_step
from brazil.report.entering import failure_lines
from tests.fakes.sandbox import PLATFORM
from tests.steps import build_of, step


def shown(script: str, cause: str = "") -> list[str]:
    planned = step(build_of("A"))._replace(script=script)
    request = sandbox_request(planned, key_step(planned, {}, {}, PLATFORM))
    return failure_lines(Failure(FailedRun(request, 3, "refused" if cause else "", cause, 0, "/kept"), ()))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (1, ["  | line 1"]),
        (3, ["  | line 1", "  | line 2", "  | line 3"]),
        (150, ["  | line 1", "  | line 2", "  | line 3", '  and 147 more lines: printf %s "$BRAZIL_SCRIPT"']),
    ],
)
def test_of_a_long_script_the_first_lines_are_shown(lines: int, told: list[str]) -> None:
    found = shown("".join(f"line {n + 1}\n\n" for n in range(lines)))
    assert found[1 : found.index("log: /kept/log")] == told
    assert found[0].endswith("as it failed: exit code 3")


def test_a_refused_output_is_told_in_a_line() -> None:
    assert shown("true", "what [output.refused]\nwhy\nwhy else")[0].endswith("as it failed: what [output.refused]")
