import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soak.targets import attempt, targets

TARGETS = targets()

# What fuzzing found, or would have: each was answered with a crash once.
FOUND = [
    ("record", b"schema = 1\na = " + b"[" * 3000),
    ("record", b"schema = 1\n" + b"a." * 100_000 + b"a = 1"),
    ("commit message", b"\n\nBrazil-Revision: " + b"[" * 100_000),
    ("commit message", b'\n\nBrazil-Revision: {"kind":"x","number":Infinity,"packages":[],"schema":1,"token":""}'),
    ("commit message", b'\n\nBrazil-Revision: {"kind":"x","number":-1,"packages":[],"schema":1,"token":""}'),
    ("commit message", b'\n\nBrazil-Revision: {"kind":"x","number":1,"packages":[[1,{}]],"schema":1,"token":""}'),
    ("git commit", b"tree a\nauthor Ada <a> 170000000000000000 +0\n\nfar in the future"),
    ("git commit", b"tree a\nauthor Ada <a> -99999999999999 +0\n\nlong ago"),
    ("git cat-file", b"cc\xa0c commit 4\nabcd\n"),
    ("git cat-file", b"c commit " + b"9" * 25 + b"\nabcd\n"),
    ("git cat-file", b"c commit " + b"9" * 5000 + b"\nabcd\n"),
    ("JUnit", b'<?xml version="1.0" encoding="utf-4"?><testsuites/>'),
]


@pytest.mark.parametrize("name", TARGETS)
def test_a_real_input_is_taken(name: str) -> None:
    assert all(attempt(TARGETS[name], seed) for seed in TARGETS[name].seeds)


@pytest.mark.parametrize(("name", "data"), FOUND, ids=lambda value: str(value[:40]))
def test_what_was_found_is_answered(name: str, data: bytes) -> None:
    attempt(TARGETS[name], data)


@st.composite
def altered(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A real input with a few parts removed, repeated, replaced or exchanged for those of another."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        other = draw(st.sampled_from(seeds))
        part = draw(
            st.one_of(st.just(b""), st.binary(max_size=8), st.just(data[start:end] * 2), st.just(other[start:end]))
        )
        data = data[:start] + part + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60)
@given(choice=st.data())
def test_a_damaged_input_is_taken_or_refused(name: str, choice: st.DataObject) -> None:
    seeds = list(TARGETS[name].seeds)
    attempt(TARGETS[name], choice.draw(st.one_of(altered(seeds), st.binary(max_size=64))))
