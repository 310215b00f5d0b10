import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brazil.model.action import StepId
from brazil.plan.ahead import Ahead, Chain, critical_path, direct_needs
from tests.steps import build_of

Needs = Sequence[Sequence[StepId]]


def names(chain: Chain) -> list[str]:
    return [step.interface.name for step in chain.steps]


def steps_of(text: str) -> list[StepId]:
    return [build_of(name) for name in text.split()]


def longest(steps: Sequence[StepId], needs: Needs, seconds: Mapping[StepId, float]) -> float:
    """The length of the longest chain, by trying every chain that begins with each Step."""

    def behind(step: StepId) -> float:
        followers = [s for s, need in zip(steps, needs, strict=True) if step in need and s in seconds]
        return seconds[step] + max(map(behind, followers), default=0.0)

    return max(map(behind, seconds), default=0.0)


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[StepId], Needs]:
    steps = [build_of(f"P{n}") for n in range(draw(st.integers(0, 8)))]
    return steps, [tuple(s for s in steps[:at] if draw(st.booleans())) for at in range(len(steps))]


@given(plans(), st.data())
def test_the_critical_path_is_the_longest_chain_there_is(plan: tuple[list[StepId], Needs], data: st.DataObject) -> None:
    steps, needs = plan
    ran = data.draw(st.lists(st.sampled_from(steps), unique=True)) if steps else []
    seconds = {step: float(data.draw(st.integers(0, 9))) for step in ran}
    chain = critical_path(steps, needs, seconds)
    assert chain.seconds == longest(steps, needs, seconds) == sum(seconds[step] for step in chain.steps)
    need = dict(zip(steps, needs, strict=True))
    assert all(before in need[after] for before, after in zip(chain.steps, chain.steps[1:], strict=False))


@given(plans(), st.data())
def test_what_is_ahead_is_the_longest_chain_of_what_has_not_ended(
    plan: tuple[list[StepId], Needs], data: st.DataObject
) -> None:
    steps, needs = plan
    need = dict(zip(steps, needs, strict=True))
    earlier = {step: float(data.draw(st.integers(1, 9))) for step in steps}
    ahead = Ahead(steps, needs, earlier)
    ended: set[StepId] = set()
    running: set[StepId] = set()
    while len(ended) < len(steps):
        ready = [s for s in steps if s not in ended | running and ended.issuperset(need[s])]
        step = data.draw(st.sampled_from(ready + sorted(running)))
        if step in running:
            running.remove(step)
            ended.add(step)
            ahead.end(step, 1.0)
        else:
            running.add(step)
            ahead.begin(step)
        left = {s: earlier[s] for s in steps if s not in ended}
        since = dict.fromkeys(running, 0.0)
        assert ahead.chain(since).seconds == longest(steps, needs, left)
        assert abs(ahead.work(since) - sum(left.values())) < 1e-6
    assert ahead.chain({}) == Chain((), 0.0)


def test_time_that_a_running_step_has_had_is_not_ahead() -> None:
    a, b, c = steps = steps_of("A B C")
    ahead = Ahead(steps, [(), (), (b,)], {a: 10.0, b: 4.0, c: 3.0})
    ahead.begin(a)
    ahead.begin(b)
    assert names(ahead.chain({a: 0.0, b: 0.0})) == ["A"]
    assert ahead.chain({a: 5.0, b: 1.0}) == Chain((b, c), 6.0)
    assert ahead.work({a: 5.0, b: 1.0}) == 11.0
    assert ahead.chain({a: 60.0, b: 60.0}) == Chain((b, c), 3.0), "who takes longer than before may end at any time"


def test_what_is_not_known_takes_as_long_as_the_others_do() -> None:
    a, b, c = steps = steps_of("A B C")
    needs = [(), (a,), (a, b)]
    ahead = Ahead(steps, needs, {a: 2.0, b: 4.0})
    assert ahead.known
    assert ahead.chain({}) == Chain((a, b, c), 9.0)
    ahead = Ahead(steps, needs, {})
    assert not ahead.known
    assert names(ahead.chain({})) == ["A", "B", "C"]
    ahead.begin(a)
    ahead.end(a, 5.0)
    assert ahead.known
    assert ahead.chain({}) == Chain((b, c), 10.0)
    ahead.begin(b)
    assert ahead.chain({b: 2.0}) == Chain((b, c), 8.0)


def test_an_indirect_need_is_left_out() -> None:
    a, b, c, d = steps = steps_of("A B C D")
    needs = [(), (a,), (a, b), (a, b, c)]
    assert direct_needs(steps, needs) == {a: (), b: (a,), c: (b,), d: (c,)}
    assert direct_needs(steps, [(), (a,), (), (a, c)]) == {a: (), b: (a,), c: (), d: (a, c)}


@given(plans())
def test_direct_needs_lead_to_the_same_steps(plan: tuple[list[StepId], Needs]) -> None:
    steps, some = plan
    need: dict[StepId, set[StepId]] = {}
    for step, direct in zip(steps, some, strict=True):
        need[step] = {*direct, *(far for near in direct for far in need[near])}
    kept = direct_needs(steps, [tuple(need[step]) for step in steps])
    reached: dict[StepId, set[StepId]] = {}
    for step in steps:
        reached[step] = {*kept[step], *(far for near in kept[step] for far in reached[near])}
        assert all(near not in reached[other] for near in kept[step] for other in kept[step])
    assert reached == need


def lines_run(work: Callable[[], object]) -> int:
    """Count the lines of Python that run meanwhile in the module of what is ahead."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith("ahead.py"):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_an_event_costs_the_same_at_any_size() -> None:
    def cost(size: int) -> float:
        steps = [build_of(f"P{n}") for n in range(size)]
        needs = [tuple(steps[max(0, at - 3) : at]) for at in range(size)]
        ahead = Ahead(steps, needs, {})

        def walk() -> None:
            for step in steps:
                ahead.begin(step)
                ahead.end(step, 0.1)
                ahead.known  # noqa: B018 - what a picture asks for
                ahead.work({})

        def looks() -> None:
            assert ahead.chain({}) == Chain((), 0.0)

        return (lines_run(walk) + lines_run(looks)) / size

    assert cost(10_000) <= cost(100) * 1.1
