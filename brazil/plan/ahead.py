"""What of a Plan is still ahead: how much work, and the longest chain of Steps, which no number of workers can shorten.

The chain that begins with each Step is found once, when the Plan is known, in time proportional to its Steps and needs.
After that an event costs a constant, however many Steps there are: a chain that begins with a Step that has not begun
is never longer than the one of what it waits for, so the longest of them only moves along one list that is sorted by
length. What runs is few, and is looked at when somebody asks.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brazil.model.action import StepId


class Chain(NamedTuple):
    """Steps that can only run one after the other."""

    steps: tuple[StepId, ...]  # in the order in which they run
    seconds: float  # all of them together


class _Chains(NamedTuple):
    """For each Step, by its place in the Plan: the longest chain that it begins."""

    own: Sequence[float]  # seconds of the Step itself
    after: Sequence[float]  # seconds of the chain behind it
    following: Sequence[int]  # place of the next Step of the chain; -1: it ends here


def critical_path(steps: Sequence[StepId], needs: Sequence[Sequence[StepId]], seconds: Mapping[StepId, float]) -> Chain:
    """Find the longest chain among the Steps that `seconds` knows; the others took no time.

    Args:
        steps: in an order in which they could run one by one.
        needs: of each of them, in the same order: Steps that end before it begins.
        seconds: Step -> what it took.
    """
    chosen = [(step, need) for step, need in zip(steps, needs, strict=True) if step in seconds]
    places = {step: at for at, (step, _) in enumerate(chosen)}
    names = [step for step, _ in chosen]
    chains = _chains(places, [[n for n in need if n in places] for _, need in chosen], [seconds[s] for s in names])
    if not names:
        return Chain((), 0.0)
    first = max(range(len(names)), key=lambda at: chains.own[at] + chains.after[at])
    return Chain(_follow(names, chains.following, first), chains.own[first] + chains.after[first])


def direct_needs(steps: Sequence[StepId], needs: Sequence[Sequence[StepId]]) -> Mapping[StepId, tuple[StepId, ...]]:
    """Leave out of the needs of each Step what another of its needs needs already.

    Args:
        steps: in an order in which they could run one by one.
        needs: of each of them, in the same order.

    Returns:
        Mapping Step -> what is left, in the order of `steps`.
    """
    places = {step: at for at, step in enumerate(steps)}
    numbered = [sorted((places[need] for need in every), reverse=True) for every in needs]  # the nearest first
    covered_for = [-1] * len(steps)  # for each Step, the last one for which it was found to be an indirect need
    found = {}
    for at, numbers in enumerate(numbered):
        kept = []
        for number in numbers:
            if covered_for[number] != at:
                kept.append(steps[number])
                for indirect in numbered[number]:
                    covered_for[indirect] = at
        found[steps[at]] = tuple(reversed(kept))
    return found


class Ahead:
    """What is still ahead while a Plan is carried out. Not safe for threads: one thread owns it."""

    def __init__(
        self, steps: Sequence[StepId], needs: Sequence[Sequence[StepId]], earlier: Mapping[StepId, float]
    ) -> None:
        """Prepare for a Plan of which nothing has run.

        Args:
            steps: in an order in which they could run one by one.
            needs: of each of them, in the same order.
            earlier: Step -> seconds that it took the time before, of those of which that is known.
        """
        self._steps = steps
        self._places = {step: at for at, step in enumerate(steps)}
        # Where nothing is known at all, the first Step that ends says how long one takes.
        self._unit = sum(earlier.values()) / len(earlier) if earlier else 0.0
        own = [max(earlier.get(step, self._unit or 1.0), _LEAST) for step in steps]
        self._chains = _chains(self._places, needs, own)
        lengths = [a + b for a, b in zip(own, self._chains.after, strict=True)]
        self._longest_first = sorted(range(len(steps)), key=lambda at: -lengths[at])  # stable: ties as in the Plan
        self._top = 0
        self._untouched = [True] * len(steps)
        self._left = sum(own)  # of everything that has not ended
        self._running: dict[int, None] = {}
        self._ran = 0
        self._ran_seconds = 0.0

    def begin(self, step: StepId) -> None:
        """Say that a Step runs now."""
        at = self._places[step]
        self._untouched[at] = False
        self._running[at] = None

    def end(self, step: StepId, seconds: float | None = None) -> None:
        """Say that a Step has ended or will not run, and how long it ran if it did."""
        at = self._places[step]
        self._untouched[at] = False
        self._running.pop(at, None)
        self._left -= self._chains.own[at]
        if seconds is not None:
            self._ran += 1
            self._ran_seconds += seconds

    @property
    def known(self) -> bool:
        """Whether there is anything that an estimate can stand on."""
        return bool(self._unit or self._ran)

    def work(self, running: Mapping[StepId, float]) -> float:
        """Estimate the seconds that everything ahead takes one after the other.

        Args:
            running: Step -> seconds since it began, of all that run now.
        """
        done = sum(min(self._in_units(since), self._chains.own[self._places[step]]) for step, since in running.items())
        return max(self._left - done, 0.0) * self._scale

    def chain(self, running: Mapping[StepId, float]) -> Chain:
        """Find the longest chain ahead, and estimate its seconds; empty when all has ended.

        Args:
            running: as for `work`.
        """
        best, first = -1.0, -1
        for at in self._running:
            since = self._in_units(running.get(self._steps[at], 0.0))
            left = max(self._chains.own[at] - since, 0.0) + self._chains.after[at]
            if left > best:
                best, first = left, at
        while self._top < len(self._steps) and not self._untouched[self._longest_first[self._top]]:
            self._top += 1  # never back: what was touched stays so
        if self._top < len(self._steps):
            at = self._longest_first[self._top]
            left = self._chains.own[at] + self._chains.after[at]
            if left > best:
                best, first = left, at
        if first < 0:
            return Chain((), 0.0)
        return Chain(_follow(self._steps, self._chains.following, first), best * self._scale)

    @property
    def _scale(self) -> float:
        """Seconds of one unit of `own`: they are seconds already when an earlier run is known."""
        return 1.0 if self._unit else self._ran_seconds / self._ran if self._ran else 1.0

    def _in_units(self, seconds: float) -> float:
        return seconds / self._scale if self._scale else 0.0


# Seconds; a Step that took none would otherwise be left out of chains.
_LEAST = 0.001


def _chains(places: Mapping[StepId, int], needs: Sequence[Sequence[StepId]], own: Sequence[float]) -> _Chains:
    after = [0.0] * len(own)
    following = [-1] * len(own)
    for at in range(len(own) - 1, -1, -1):
        length = own[at] + after[at]
        for need in needs[at]:
            before = places[need]
            if length > after[before]:
                after[before] = length
                following[before] = at
    return _Chains(own, after, following)


def _follow(steps: Sequence[StepId], following: Sequence[int], first: int) -> tuple[StepId, ...]:
    found = []
    at = first
    while at >= 0:
        found.append(steps[at])
        at = following[at]
    return tuple(found)
