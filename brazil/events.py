"""Typed progress facts, emitted while an operation works; nobody has to listen.

A listener must be quick and must not raise. Sentences are made in `report/`.
"""

from collections.abc import Callable
from typing import NamedTuple

from brazil.model.action import StepId
from brazil.model.digest import Digest


class Note(NamedTuple):
    """Something worth one line that is not about a Step: a fetch, a wait, a retry."""

    topic: str  # "fetch", "wait", "publish" ...
    text: str


def unknown(_: StepId) -> float | None:
    """Know of no earlier run."""
    return None


class PlanReady(NamedTuple):
    """The Steps are known; none has run."""

    steps: tuple[StepId, ...]  # in the order they could run one by one
    needs: tuple[tuple[StepId, ...], ...]  # of each of them: all Steps that end before it begins, also indirect ones
    # Asked by who wants to estimate: seconds that a Step took the time before, None when that is not known here.
    # It reads a record, so nobody asks before something really runs.
    earlier: Callable[[StepId], float | None] = unknown


class StepCached(NamedTuple):
    """A Step's result was remembered: nothing ran."""

    step: StepId
    action: Digest


class StepStarted(NamedTuple):
    """A Step runs now."""

    step: StepId
    action: Digest
    reasons: tuple[str, ...]  # why it was not remembered, such as "source changed: 1f2e -> 9a8b"


class StepFinished(NamedTuple):
    """A Step ran and succeeded."""

    step: StepId
    action: Digest
    seconds: float
    same_output: bool  # byte for byte what the run before gave: consumers are not rebuilt for it


class StepFailed(NamedTuple):
    """A Step ran and failed."""

    step: StepId
    action: Digest
    seconds: float
    cause: str  # "exit code 1", "time limit of 600 s" ...; its first line says it, and its log has the others as well
    log_tail: str  # the last lines of its log
    log_before: int = 0  # how many lines it has before those


class StepSkipped(NamedTuple):
    """A Step did not run because of another."""

    step: StepId
    because: StepId


Event = Note | PlanReady | StepCached | StepStarted | StepFinished | StepFailed | StepSkipped
Emit = Callable[[Event], None]


def ignore(_: Event) -> None:
    """Listen to nothing."""
