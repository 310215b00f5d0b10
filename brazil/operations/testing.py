"""What the test runs of a build found, and the same as JUnit files for whoever reads those."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from brazil.build.executor import Outcome
from brazil.build.tested import read_report
from brazil.errors import Problem, UnavailableError
from brazil.formats.junit import write_junit
from brazil.model.action import StepId, StepKind
from brazil.model.tested import Case, CaseEnd, Tested
from brazil.plan.state import GOOD_ENDS, State
from brazil.ports import ContentStore


def tested(outcomes: Mapping[StepId, Outcome], store: ContentStore) -> dict[StepId, Tested]:
    """Read what each test run found, also one that was remembered or failed; in the order of the outcomes.

    Returns:
        Mapping Step -> its cases, of the runs that left a report.
    """
    found = {}
    for step, outcome in outcomes.items():
        report = outcome.report if outcome.state is State.FAILED else outcome.output
        if step.kind is StepKind.TEST and report:
            found[step] = read_report(store, report)
    return found


def prepare_reports(folder: Path) -> None:
    """Make the folder for reports before anything is done that they will be about.

    Raises:
        UnavailableError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _cannot_write(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def write_reports(folder: Path, outcomes: Mapping[StepId, Outcome], found: Mapping[StepId, Tested]) -> tuple[Path, ...]:
    """Write a JUnit file per package that was tested: `<folder>/<Package>-<interface>.xml`; the folder is there.

    A run that left nothing about its cases counts as one case, which ended as the run did.

    Raises:
        UnavailableError: the folder cannot be written.
    """
    written = []
    try:
        for step, outcome in outcomes.items():
            if step.kind is not StepKind.TEST:
                continue
            file = folder / f"{step.interface}.xml"
            file.write_bytes(write_junit(str(step.interface), _cases(step, outcome, found.get(step, Tested()))))
            written.append(file)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return tuple(written)


def _cannot_write(folder: Path, error: OSError) -> UnavailableError:
    what = f"the test results cannot be written to {folder}"
    return UnavailableError(Problem("test.junit", what, error.strerror or str(error), "name another folder"))


def _cases(step: StepId, outcome: Outcome, found: Tested) -> tuple[Case, ...]:
    whole = Case("", str(step.interface), _END[outcome.state], outcome.seconds, _cause(outcome))
    if not found.cases:
        return (whole,)
    # A run may fail although every case passed: killed by its time limit, say.
    told = outcome.state in GOOD_ENDS or found.count(CaseEnd.FAILED, CaseEnd.ERROR)
    return found.cases if told else (*found.cases, whole)


_END = {
    State.REMEMBERED: CaseEnd.PASSED,
    State.SUCCEEDED: CaseEnd.PASSED,
    State.FAILED: CaseEnd.FAILED,
    State.SKIPPED: CaseEnd.SKIPPED,
}


def _cause(outcome: Outcome) -> str:
    return f"{outcome.because} failed" if outcome.because else outcome.cause
