import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brazil.errors import IntegrityError
from brazil.formats.reapi import (
    decode_action,
    decode_action_result,
    decode_command,
    decode_directory,
    encode_action,
    encode_action_result,
    encode_command,
    encode_directory,
)
from brazil.formats.reapi_pb import remote_execution_pb2 as pb
from brazil.formats.snapshot import decode_run, decode_snapshot, encode_run, encode_snapshot
from brazil.model.action import (
    Action,
    ActionResult,
    Command,
    Platform,
    RunRecord,
    SandboxResult,
    Snapshot,
    StepId,
    StepKind,
)
from brazil.model.digest import EMPTY, Digest, digest_of
from brazil.model.names import parse_interface
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode, entry_name_fault

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = TEXT.filter(lambda text: entry_name_fault(text) is None)
DIGESTS = st.builds(digest_of, st.binary(max_size=3))
TIMES = st.integers(0, 2**62)


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    names = draw(st.lists(NAMES, unique=True, max_size=8))
    kinds = [draw(st.integers(0, 2)) for _ in names]
    chosen = [sorted(n for n, kind in zip(names, kinds, strict=True) if kind == k) for k in range(3)]
    return Directory(
        tuple(FileNode(n, draw(DIGESTS), draw(st.booleans())) for n in chosen[0]),
        tuple(DirectoryNode(n, draw(DIGESTS)) for n in chosen[1]),
        tuple(SymlinkNode(n, draw(TEXT.filter(bool))) for n in chosen[2]),
    )


COMMANDS = st.builds(
    Command,
    st.lists(TEXT, max_size=3).map(tuple),
    st.dictionaries(TEXT, TEXT, max_size=3).map(lambda found: tuple(sorted(found.items()))),
    TEXT,
    st.lists(TEXT, unique=True, max_size=2).map(lambda found: tuple(sorted(found))),
)
ACTIONS = st.builds(Action, DIGESTS, DIGESTS, st.integers(0, 10**9), st.binary(max_size=9))
OUTPUTS = st.dictionaries(TEXT, DIGESTS, max_size=3).map(lambda found: tuple(sorted(found.items())))
RESULTS = st.builds(ActionResult, st.integers(-(2**31), 2**31 - 1), OUTPUTS, DIGESTS, TIMES, TIMES)
PLATFORM = Platform("linux", "host", "ab" * 32)
SNAPSHOTS = st.builds(
    Snapshot,
    st.just(StepId(parse_interface("A-1.0"), StepKind.TEST)),
    DIGESTS,
    st.just(PLATFORM),
    OUTPUTS,
)


@given(directories())
def test_directories_come_back(directory: Directory) -> None:
    assert decode_directory(encode_directory(directory)) == directory


@given(COMMANDS)
def test_commands_come_back(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@given(ACTIONS)
def test_actions_come_back(action: Action) -> None:
    assert decode_action(encode_action(action)) == action


@given(RESULTS)
def test_results_come_back(result: ActionResult) -> None:
    assert decode_action_result(encode_action_result(result)) == result


@given(SNAPSHOTS, st.dictionaries(TEXT, TEXT, max_size=3), TIMES)
def test_snapshots_and_runs_come_back(snapshot: Snapshot, isolation: dict[str, str], time: int) -> None:
    record = RunRecord(snapshot, SandboxResult(1, "timeout", (), EMPTY, time, time), isolation)
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot
    assert decode_run(encode_run(record)) == record


@given(st.one_of(st.binary(max_size=60), directories().map(encode_directory)), st.data())
def test_any_bytes_are_a_value_or_refused(data: bytes, draw: st.DataObject) -> None:
    if data and draw.draw(st.booleans()):
        place = draw.draw(st.integers(0, len(data) - 1))
        data = data[:place] + bytes([data[place] ^ 1 << draw.draw(st.integers(0, 7))]) + data[place + 1 :]
    for decode, encode in (
        (decode_directory, encode_directory),
        (decode_command, encode_command),
        (decode_action, encode_action),
    ):
        try:
            value = decode(data)
        except IntegrityError:
            continue
        assert encode(value) == data, "two byte strings never mean the same"  # type: ignore[arg-type]
    for refuse in (decode_action_result, decode_snapshot, decode_run):
        try:
            refuse(data)
        except IntegrityError:
            continue


@given(SNAPSHOTS, st.data())
def test_json_of_another_shape_is_refused(snapshot: Snapshot, draw: st.DataObject) -> None:
    value = json.loads(encode_snapshot(snapshot))
    odd = st.sampled_from([None, 1, "x", [], {}, [1], {"a": 1}, "-1.0", "../../x"])
    value[draw.draw(st.sampled_from(["step", "action", "platform", "inputs", "schema"]))] = draw.draw(odd)
    try:
        decode_snapshot(json.dumps(value).encode())
    except IntegrityError as error:
        assert error.code == "store.not-canonical"


HASHES = ["", "ab" * 31, "ab" * 33, "AB" * 32, "../" * 21 + "x", "/" * 64, "ab" * 31 + "g0", "ab" * 32 + "\n"]


@pytest.mark.parametrize("hash_", HASHES)
def test_what_is_no_hash_never_becomes_a_digest(hash_: str) -> None:
    bad = pb.Digest(hash=hash_, size_bytes=1)
    good = pb.Digest(hash="ab" * 32, size_bytes=1)
    for decode, message in (
        (decode_directory, pb.Directory(files=[pb.FileNode(name="f", digest=bad)])),
        (decode_directory, pb.Directory(directories=[pb.DirectoryNode(name="d", digest=bad)])),
        (decode_action, pb.Action(command_digest=bad, input_root_digest=good)),
        (decode_action_result, pb.ActionResult(stdout_digest=bad)),
    ):
        with pytest.raises(IntegrityError):
            decode(message.SerializeToString())


def test_a_size_below_zero_is_refused() -> None:
    digest = pb.Digest(hash="ab" * 32, size_bytes=-1)
    with pytest.raises(IntegrityError):
        decode_directory(pb.Directory(files=[pb.FileNode(name="f", digest=digest)]).SerializeToString())


FILE = pb.FileNode(name="a", digest=pb.Digest(hash="ab" * 32, size_bytes=1))
OTHER = pb.FileNode(name="b", digest=pb.Digest(hash="ab" * 32, size_bytes=1))


@pytest.mark.parametrize(
    "message",
    [
        pb.Directory(files=[OTHER, FILE]),
        pb.Directory(files=[FILE, FILE]),
        pb.Directory(files=[FILE], symlinks=[pb.SymlinkNode(name="a", target="x")]),
        pb.Directory(files=[pb.FileNode(name="..", digest=FILE.digest)]),
        pb.Directory(files=[pb.FileNode(name="a/b", digest=FILE.digest)]),
        pb.Directory(files=[pb.FileNode(name="", digest=FILE.digest)]),
        pb.Directory(symlinks=[pb.SymlinkNode(name="a", target="")]),
        pb.Directory(symlinks=[pb.SymlinkNode(name="a", target="x\0y")]),
    ],
)
def test_directories_that_are_not_canonical_or_not_safe_are_refused(message: pb.Directory) -> None:
    with pytest.raises(IntegrityError) as caught:
        decode_directory(message.SerializeToString())
    assert caught.value.code == "store.not-canonical"


def test_fields_that_we_do_not_know_are_refused() -> None:
    data = encode_directory(Directory((FileNode("a", Digest("ab" * 32, 1)),)))
    with pytest.raises(IntegrityError):
        decode_directory(data + b"\x9a\x06\x01x")  # field 99


def test_json_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(IntegrityError):
        decode_snapshot(b"[" * 100_000)


def test_a_later_schema_is_refused_with_its_number() -> None:
    with pytest.raises(IntegrityError, match="schema 99"):
        decode_snapshot(b'{"schema": 99}')
