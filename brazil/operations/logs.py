"""Find the newest run of a Step and read what it said, whoever asked for it: a workspace or a publication."""

from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.model.action import Ran, RunRecord, StepKind
from brazil.model.nearest import did_you_mean
from brazil.ports import ContentStore, RunRecords


class RunLog(NamedTuple):
    """A run with its whole log."""

    run: RunRecord
    text: bytes  # as it came: any bytes


def newest_log(name: str, kind: StepKind | None, records: RunRecords, store: ContentStore, *, failed: bool) -> RunLog:
    """Return the newest run on this machine, with its log.

    Args:
        name: a package or an interface; empty: any.
        kind: of the Step; None: any.
        records: of all runs.
        store: holds the logs.
        failed: take only runs that failed.

    Raises:
        UsageError: there was none; suggests the nearest name.
        IntegrityError: the log is missing or damaged.
    """
    known: set[str] = set()
    for ran in records.ran():
        known.update(_names(ran))
        if _is(ran, name, kind) and not (failed and ran.succeeded) and (run := _record(ran, records)):
            return RunLog(run, store.read(run.result.log))
    what = {StepKind.BUILD: "build", StepKind.TEST: "test run"}[kind] if kind else "run"
    end = "has failed here" if failed else "is recorded here"
    near = did_you_mean(name, known) if name and name not in known else ""
    raise UsageError(
        Problem(
            "log.no-run",
            f"no {what}{f' of {name!a}' if name else ''} {end}",
            "",
            near or ("" if failed else "only what ran on this machine has a log here"),
        )
    )


def _record(ran: Ran, records: RunRecords) -> RunRecord | None:
    """Read the record of a run that is listed; None when it is damaged."""
    runs = (run for run in records.runs(ran.action) if run.result.started == ran.started)
    return next((run for run in runs if run.snapshot.step == ran.step), None)


def _is(ran: Ran, name: str, kind: StepKind | None) -> bool:
    return (not name or name in _names(ran)) and (kind is None or ran.step.kind is kind)


def _names(ran: Ran) -> tuple[str, str]:
    """Return what a user may call the package of a run."""
    return ran.step.interface.name, str(ran.step.interface)
