"""Events as they come, as lines of JSON."""

import json
from typing import IO

from brazil.events import (
    Emit,
    Event,
    Note,
    PlanReady,
    StepCached,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from brazil.plan.ahead import direct_needs


def event_data(event: Event) -> dict[str, object]:
    """Give an event its documented JSON shape."""
    data: dict[str, object] = {"event": _NAMES[type(event)]}
    if isinstance(event, PlanReady):
        needs = direct_needs(event.steps, event.needs)
        return data | {
            "steps": [str(step) for step in event.steps],
            "needs": {str(step): [str(need) for need in needs[step]] for step in event.steps},
        }
    for name, value in event._asdict().items():
        data[name.replace("_", "-")] = _plain(value)
    return data


_NAMES = {
    Note: "note",
    PlanReady: "plan",
    StepCached: "cached",
    StepStarted: "started",
    StepFinished: "finished",
    StepFailed: "failed",
    StepSkipped: "skipped",
}


def _plain(value: object) -> object:
    if isinstance(value, (bool, int, float, str)) and type(value) in (bool, int, float, str):
        return value
    if type(value) is tuple:
        return [_plain(item) for item in value]
    return str(value)


def json_to(stream: IO[str]) -> Emit:
    """Write every event as one line of JSON."""

    def emit(event: Event) -> None:
        print(json.dumps(event_data(event)), file=stream, flush=True)

    return emit
