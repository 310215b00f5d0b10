import threading
import time

import pytest

from brazil.build.side_by_side import side_by_side


@pytest.mark.parametrize("count", [0, 3, 200])
def test_everything_is_done_once(count: int) -> None:
    done: list[int] = []
    side_by_side(done.append, range(count))
    assert sorted(done) == list(range(count))


def test_many_things_are_done_in_more_than_one_thread() -> None:
    meeting = threading.Barrier(2, timeout=60)
    side_by_side(lambda _: meeting.wait() and None, range(20))
    assert not meeting.broken


def test_an_error_ends_the_rest_and_is_raised() -> None:
    done: list[int] = []

    def work(thing: int) -> None:
        if thing == 2:
            raise ValueError("two")
        time.sleep(0.01)
        done.append(thing)

    with pytest.raises(ValueError, match="two"):
        side_by_side(work, range(1000))
    assert len(done) < 100
    left = len(done)
    time.sleep(0.05)
    assert len(done) == left
