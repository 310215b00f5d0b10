from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brazil.model.action import StepId
from brazil.plan.planner import Plan
from brazil.plan.state import GOOD_ENDS, LEGAL, Progress, State
from tests.steps import build_of, plan, step

ENDS = {State.REMEMBERED, State.SUCCEEDED, State.FAILED, State.SKIPPED}


def test_the_table_names_every_state_and_ends_are_final() -> None:
    assert set(LEGAL) == set(State)
    assert {state for state, moves in LEGAL.items() if not moves} == ENDS
    assert GOOD_ENDS < ENDS
    reached = {State.WAITING}.union(*LEGAL.values())
    assert reached == set(State)


@pytest.mark.parametrize("to", sorted(set(State) - LEGAL[State.RUNNING], key=str))
def test_a_move_that_is_not_in_the_table_is_a_bug(to: State) -> None:
    progress = Progress(plan(step(build_of("A"))), keep_going=False)
    taken = progress.take()
    assert taken
    with pytest.raises(AssertionError, match=f"cannot go from running to {to.value}"):
        progress.end(taken, to)


def test_an_end_is_final() -> None:
    progress = Progress(plan(step(build_of("A"))), keep_going=False)
    taken = progress.take()
    assert taken
    progress.end(taken, State.SUCCEEDED)
    with pytest.raises(AssertionError, match="cannot go from succeeded to failed"):
        progress.end(taken, State.FAILED)


def test_a_step_is_taken_once() -> None:
    progress = Progress(plan(step(build_of("A"))), keep_going=False)
    assert progress.take() == build_of("A")
    assert progress.take() is None


def test_a_step_waits_for_all_it_needs() -> None:
    progress = Progress(
        plan(step(build_of("A")), step(build_of("B")), step(build_of("C"), ["A", "B"])), keep_going=True
    )
    assert {progress.take(), progress.take()} == {build_of("A"), build_of("B")}
    progress.end(build_of("A"), State.REMEMBERED)
    assert progress.take() is None
    progress.end(build_of("B"), State.SUCCEEDED)
    assert progress.take() == build_of("C")


def test_the_longest_chain_is_taken_first_then_the_order_of_the_plan() -> None:
    steps = [step(build_of(n)) for n in "ABC"]
    progress = Progress(plan(*steps, step(build_of("D"), "C"), step(build_of("E"), "D")), keep_going=False)
    assert [progress.take() for _ in range(3)] == [build_of("C"), build_of("A"), build_of("B")]


def test_long_chains_need_no_deep_stack() -> None:
    steps = [step(build_of("P0")), *(step(build_of(f"P{n}"), [f"P{n - 1}"]) for n in range(1, 5000))]
    progress = Progress(plan(*steps), keep_going=True)
    first = progress.take()
    assert first
    assert len(progress.end(first, State.FAILED)) == 4999
    assert progress.unfinished == 0


class Walk(NamedTuple):
    plan: Plan
    choices: list[int]  # which of the running Steps ends next
    ends: list[State]


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    size = draw(st.integers(0, 12))
    steps = []
    for n in range(size):
        needs = draw(st.frozensets(st.integers(0, n - 1), max_size=3)) if n else frozenset[int]()
        steps.append(step(build_of(f"P{n:02}"), [f"P{need:02}" for need in needs]))
    ends = st.sampled_from([State.SUCCEEDED, State.SUCCEEDED, State.REMEMBERED, State.FAILED])
    return Walk(
        plan(*steps),
        draw(st.lists(st.integers(0, 99), min_size=size, max_size=size)),
        draw(st.lists(ends, min_size=size, max_size=size)),
    )


def go(walk: Walk, jobs: int, keep_going: bool) -> tuple[dict[StepId, State], dict[StepId, StepId]]:
    """Walk to the end, checking every Step as it is taken: how those ended, and what was skipped because of what."""
    progress = Progress(walk.plan, keep_going=keep_going)
    running: list[StepId] = []
    ended: dict[StepId, State] = {}
    skipped: dict[StepId, StepId] = {}
    moves = iter(zip(walk.choices, walk.ends, strict=True))
    while progress.unfinished:
        while len(running) < jobs and (taken := progress.take()):
            assert all(ended.get(need) in GOOD_ENDS for need in walk.plan.steps[taken].needs)
            running.append(taken)
        assert running, "something is unfinished and nothing runs"
        choice, end = next(moves)
        done = running.pop(choice % len(running))
        ended[done] = end
        skips = progress.end(done, end)
        assert not skipped.keys() & dict(skips).keys(), "nothing is skipped twice"
        skipped.update(skips)
    assert not running
    assert sorted([*ended, *skipped]) == sorted(walk.plan.steps), "every Step ends once"
    return ended, skipped


def failures(ended: dict[StepId, State]) -> set[StepId]:
    return {step_id for step_id, state in ended.items() if state is State.FAILED}


def depends(walk: Walk, on: set[StepId]) -> set[StepId]:
    found: set[StepId] = set()
    for step_id, step_ in walk.plan.steps.items():
        if any(need in on or need in found for need in step_.needs):
            found.add(step_id)
    return found


@given(walks(), st.integers(1, 4))
def test_keeping_going_skips_exactly_what_needs_a_failure(walk: Walk, jobs: int) -> None:
    ended, skipped = go(walk, jobs, keep_going=True)
    assert set(skipped) == depends(walk, failures(ended))
    assert all(s in depends(walk, {because}) for s, because in skipped.items())


@given(walks(), st.integers(1, 4))
def test_every_walk_ends_and_takes_nothing_after_a_failure(walk: Walk, jobs: int) -> None:
    ended, skipped = go(walk, jobs, keep_going=False)
    failed = failures(ended)
    assert bool(skipped) <= bool(failed)
    assert depends(walk, failed) <= set(skipped)
    assert set(skipped.values()) <= failed
    assert len(failed) <= jobs, "only what already ran can still fail"
