import os
from pathlib import Path

import pytest

from brazil.workspace import record_file
from brazil.workspace.record_file import NOTHING, RecordFile, State, write_records

RECORDS = {"a": b"first", "b": b"second", "empty": b""}


def opened(path: Path, state: State) -> RecordFile:
    found = RecordFile.open(str(path), state)
    assert found is not None
    return found


def content(path: Path, state: State) -> dict[str, bytes | None]:
    return {name: opened(path, state).read(name) for name in (*RECORDS, "new")}


def test_what_was_written_and_changed_is_read(tmp_path: Path) -> None:
    path = tmp_path / "records"
    first = write_records(str(path), RECORDS)
    assert content(path, first) == {**RECORDS, "new": None}
    before = path.read_bytes()
    second = opened(path, first).change({"b": b"changed", "new": b"added"})
    third = opened(path, second).change({"b": b"again"})
    assert path.read_bytes().startswith(before), "what was there is not written anew"
    assert content(path, second) == {**RECORDS, "b": b"changed", "new": b"added"}
    assert content(path, third) == {**RECORDS, "b": b"again", "new": b"added"}
    assert content(path, first) == {**RECORDS, "new": None}, "each state stays what it was"


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    path = tmp_path / "records"
    state = write_records(str(path), {**RECORDS, "large": b"x" * 1_000_000})
    found = opened(path, state)
    path.write_bytes(path.read_bytes().replace(b"x" * 1000, b"y" * 1000))
    assert found.read("a") == b"first"
    assert found.read("large") is None, "a damaged record is as good as none"


@pytest.mark.parametrize("cut", [1, 20, 45])
def test_a_change_that_was_cut_off_is_as_if_it_never_was(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "records"
    first = write_records(str(path), RECORDS)
    second = opened(path, first).change({"a": b"x" * 20})
    os.truncate(path, second[1] - cut)
    assert RecordFile.open(str(path), second) is None
    assert content(path, first) == {**RECORDS, "new": None}
    after = opened(path, first).change({"b": b"later"})
    assert content(path, after) == {**RECORDS, "b": b"later", "new": None}
    assert RecordFile.open(str(path), first) is None, "a file with such a rest is written anew"


def test_changes_of_two_who_began_alike_are_never_mixed(tmp_path: Path) -> None:
    path = tmp_path / "records"
    first = write_records(str(path), RECORDS)
    one, other = opened(path, first), opened(path, first)
    mine = one.change({"a": b"mine"})
    theirs = other.change({"b": b"their"})
    assert content(path, theirs) == {**RECORDS, "b": b"their", "new": None}
    assert RecordFile.open(str(path), mine) is None


def test_additions_after_each_other_in_one_place_are_told_apart(tmp_path: Path) -> None:
    """Two processes that both found the file as they knew it, right before each of them added to it."""
    path = tmp_path / "records"
    first = write_records(str(path), RECORDS)
    base = path.read_bytes()
    mine = opened(path, first).change({"a": b"mine"})
    addition = path.read_bytes()[len(base) :]
    path.write_bytes(base)
    theirs = opened(path, first).change({"a": b"they"})
    path.write_bytes(path.read_bytes() + addition)
    assert RecordFile.open(str(path), mine) is None
    assert content(path, theirs)["a"] == b"they"


def test_a_file_with_many_additions_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_file, "_MOST_ADDED", 300)
    path = tmp_path / "records"
    state = write_records(str(path), RECORDS)
    for number in range(50):
        state = opened(path, state).change({"a": b"%099d" % number})
    assert content(path, state) == {**RECORDS, "a": b"%099d" % 49, "new": None}
    assert path.stat().st_size < 1000


@pytest.mark.parametrize("place", [0, 25, 50, 100])
def test_damage_is_seen(tmp_path: Path, place: int) -> None:
    path = tmp_path / "records"
    state = write_records(str(path), RECORDS)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert RecordFile.open(str(path), state) is None


def test_what_is_not_there_or_cannot_be_written_is_no_state(tmp_path: Path) -> None:
    assert RecordFile.open(str(tmp_path / "none"), (b"", 0)) is None
    assert RecordFile.open(str(tmp_path / "none"), NOTHING) is None
    assert write_records(str(tmp_path / "none" / "records"), RECORDS) == NOTHING
