"""What test runs found, as text and JSON."""

from collections.abc import Mapping
from typing import Any

from brazil.build.executor import Outcome
from brazil.model.action import StepId
from brazil.model.tested import Case, CaseEnd, Tested
from brazil.plan.state import State
from brazil.report.printable import printable
from brazil.report.table import counted

_SHOWN = 20  # cases, and files, of one package that are named; --junit and --json have all
_LONGEST = 200  # characters of a name or a message
_WORDS = {CaseEnd.FAILED: "failed", CaseEnd.ERROR: "broke"}


def tested_lines(found: Mapping[StepId, Tested], outcomes: Mapping[StepId, Outcome]) -> list[str]:
    """Write what the runs found that were not remembered: a line for each, then the cases that did not pass."""
    lines = []
    for step, tested in found.items():
        if outcomes[step].state is State.REMEMBERED:
            continue
        if tested.cases:
            lines.append(f"{step.interface}: {_counts(tested)}")
        bad = [case for case in tested.cases if case.end in _WORDS]
        lines += [_case_line(case) for case in bad[:_SHOWN]]
        if len(bad) > _SHOWN:
            lines.append(f"  and {len(bad) - _SHOWN} more")
        lines += [f"  its report {file} cannot be read: {why}" for file, why in tested.unreadable[:_SHOWN]]
        if len(tested.unreadable) > _SHOWN:
            lines.append(f"  and {len(tested.unreadable) - _SHOWN} more reports cannot be read")
    return [printable(line) for line in lines]


def tested_data(tested: Tested | None) -> dict[str, Any] | None:
    """Give what a run found its documented JSON shape; None when it left nothing about its cases."""
    if tested is None or tested == Tested():
        return None
    return {
        **{end.value: tested.count(end) for end in CaseEnd},
        "failures": [
            {"suite": case.suite, "name": case.name, "end": case.end.value, "message": case.message}
            for case in tested.cases
            if case.end in _WORDS
        ],
        "unreadable": [{"file": file, "because": why} for file, why in tested.unreadable],
    }


def _counts(tested: Tested) -> str:
    parts = [f"{counted(tested.count(CaseEnd.PASSED), 'test')} passed"]
    parts += [f"{tested.count(end)} {word}" for end, word in _WORDS.items() if tested.count(end)]
    if skipped := tested.count(CaseEnd.SKIPPED):
        parts.append(f"{skipped} skipped")
    return ", ".join(parts)


def _case_line(case: Case) -> str:
    name = ".".join(filter(None, (case.suite, case.name)))
    message = case.message.strip().partition("\n")[0][:_LONGEST]
    return f"  {_WORDS[case.end]}  {name[:_LONGEST]}" + (f": {message}" if message else "")
