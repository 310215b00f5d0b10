"""The states of a Step while a Plan is carried out.

Rules:
- a Step waits until every Step it needs has succeeded or was remembered; then it is ready;
- a ready Step is taken by a worker once; it then is running, and ends as remembered, succeeded or failed;
- a Step that needs, directly or not, one that failed or was skipped is skipped;
- after a failure, unless told to keep going, what has not been taken yet is skipped too;
- an end is final.

Every move goes through `Progress._move`, which checks it against the table.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from heapq import heappop, heappush

from brazil.model.action import StepId
from brazil.plan.planner import Plan


class State(Enum):
    """Where a Step is."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    REMEMBERED = "remembered"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


LEGAL: Mapping[State, frozenset[State]] = {
    State.WAITING: frozenset({State.READY, State.SKIPPED}),
    State.READY: frozenset({State.RUNNING, State.SKIPPED}),
    State.RUNNING: frozenset({State.REMEMBERED, State.SUCCEEDED, State.FAILED}),
    State.REMEMBERED: frozenset(),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset(),
    State.SKIPPED: frozenset(),
}
GOOD_ENDS = frozenset({State.REMEMBERED, State.SUCCEEDED})


class Progress:
    """Which Step may run next. Not safe for threads: one thread owns it."""

    def __init__(self, plan: Plan, *, keep_going: bool) -> None:
        self._keep_going = keep_going
        self._state = dict.fromkeys(plan.steps, State.WAITING)
        self._missing = {step.id: len(step.needs) for step in plan.steps.values()}
        self._dependants: dict[StepId, list[StepId]] = {step: [] for step in plan.steps}
        for step in plan.steps.values():
            for need in step.needs:
                self._dependants[need].append(step.id)
        # The Step that unlocks the longest chain goes first; ties go by the order of the Plan.
        self._height = _heights(plan, self._dependants)
        self._position = {step: n for n, step in enumerate(plan.steps)}
        self._ready: list[tuple[int, int, StepId]] = []
        self.unfinished = len(plan.steps)
        for step_id, missing in self._missing.items():
            if not missing:
                self._make_ready(step_id)

    def take(self) -> StepId | None:
        """Return a Step to run now, or None while none is ready."""
        while self._ready:
            step = heappop(self._ready)[-1]
            if self._state[step] is State.READY:  # else it was skipped while it waited in the heap
                self._move(step, State.RUNNING)
                return step
        return None

    def end(self, step: StepId, state: State) -> list[tuple[StepId, StepId]]:
        """Say how a running Step ended; return what is skipped for it as (skipped, because of)."""
        self._move(step, state)
        if state in GOOD_ENDS:
            for dependant in self._dependants[step]:
                self._missing[dependant] -= 1
                if not self._missing[dependant] and self._state[dependant] is State.WAITING:
                    self._make_ready(dependant)
            return []
        return list(self._skip_after(step))

    def _skip_after(self, failed: StepId) -> Iterator[tuple[StepId, StepId]]:
        stack = [failed]
        while stack:
            for dependant in self._dependants[stack.pop()]:
                if self._state[dependant] is State.WAITING:
                    self._move(dependant, State.SKIPPED)
                    stack.append(dependant)
                    yield dependant, failed
        if not self._keep_going:
            for step, state in self._state.items():
                if state in (State.WAITING, State.READY):
                    self._move(step, State.SKIPPED)
                    yield step, failed

    def _make_ready(self, step: StepId) -> None:
        self._move(step, State.READY)
        heappush(self._ready, (-self._height[step], self._position[step], step))

    def _move(self, step: StepId, to: State) -> None:
        if to not in LEGAL[self._state[step]]:
            raise AssertionError(f"{step} cannot go from {self._state[step].value} to {to.value}")
        self._state[step] = to
        if not LEGAL[to]:
            self.unfinished -= 1


def _heights(plan: Plan, dependants: Mapping[StepId, list[StepId]]) -> dict[StepId, int]:
    """Count the Steps on the longest chain that each Step begins."""
    heights: dict[StepId, int] = {}
    for step in reversed(list(plan.steps)):
        heights[step] = 1 + max((heights[d] for d in dependants[step]), default=0)
    return heights
