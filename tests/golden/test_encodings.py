import json
from collections.abc import Callable

import pytest

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
from brazil.model.digest import EMPTY, digest_of
from brazil.model.names import parse_interface
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode
from brazil.plan.environment import Layout
from brazil.plan.key import key_step
from brazil.plan.planner import Step

# A change here means that nothing of what is stored is found again: it takes a line in the change log, and
# `GENERATION` in plan/key.py one more when the meaning of a Key changed too.

Golden = Callable[[str, str], None]
PLATFORM = Platform("linux-x86_64", "host", "0123456789abcdef" * 4)
ONE, TWO = digest_of(b"one"), digest_of(b"two")

DIRECTORY = Directory(
    (FileNode("README", ONE), FileNode("run", TWO, True), FileNode("ünï", EMPTY)),
    (DirectoryNode("empty", EMPTY), DirectoryNode("lib", ONE)),
    (SymlinkNode("lib.so", "lib/lib.so.1"),),
)
COMMAND = Command(("/bin/sh", "-c", "true"), (("A", "1"), ("B", "")), "brazil", ("pkg/A-1.0",))
ACTION = Action(ONE, TWO, 600, b"brazil 1")
RESULT = ActionResult(
    0, (("pkg/A-1.0", ONE), ("report", TWO)), EMPTY, 1_700_000_000_123_456_789, 1_700_000_001_000_000_000
)
SNAPSHOT = Snapshot(
    StepId(parse_interface("JsonKit-2.0"), StepKind.BUILD), ONE, PLATFORM, (("pkg/A-1.0", ONE), ("src", TWO))
)
RUN = RunRecord(SNAPSHOT, SandboxResult(0, "", (("pkg/JsonKit-2.0", ONE),), EMPTY, 1, 2), {"network": "own namespace"})


def test_stored_bytes_are_what_they_were(golden: Golden) -> None:
    encoded = {
        "Directory": encode_directory(DIRECTORY),
        "Directory, empty": encode_directory(Directory()),
        "Command": encode_command(COMMAND),
        "Action": encode_action(ACTION),
        "ActionResult": encode_action_result(RESULT),
        "Snapshot": encode_snapshot(SNAPSHOT),
        "RunRecord": encode_run(RUN),
    }
    shown = {name: {"bytes": data.hex(), "digest": str(digest_of(data))} for name, data in encoded.items()}
    golden("encodings.json", json.dumps(shown, indent=2) + "\n")


@pytest.mark.parametrize("kind", StepKind)
def test_keys_are_what_they_were(golden: Golden, kind: StepKind) -> None:
    lib, tool, app = map(parse_interface, ("Lib-1.0", "Tool-3", "App-2.0"))
    step = Step(
        id=StepId(app, kind),
        script="make install",
        environment=(("MODE", "release"),),
        timeout=600,
        source=ONE,
        closure=(lib,),
        tools=((tool, (lib, tool)),),
        needs=(),
    )
    layouts = {
        lib: Layout(frozenset({"include", "lib"}), jars=("a b.jar",), modules=("@s/m", "m")),
        tool: Layout(frozenset({"bin"}), ("cc",)),
    }
    keyed = key_step(step, {lib: ONE, tool: TWO}, layouts, PLATFORM)
    shown = {
        "key": str(keyed.key),
        "command": keyed.command._asdict(),
        "inputs": {path: str(digest) for path, digest in keyed.inputs},
        "blobs": [blob.hex() for blob in (*keyed.blobs[:-1], *keyed.above, keyed.blobs[-1])],
    }
    golden(f"key-of-{kind}.json", json.dumps(shown, indent=2) + "\n")


def test_what_is_written_is_read_again() -> None:
    assert decode_directory(encode_directory(DIRECTORY)) == DIRECTORY
    assert decode_command(encode_command(COMMAND)) == COMMAND
    assert decode_action(encode_action(ACTION)) == ACTION
    assert decode_action_result(encode_action_result(RESULT)) == RESULT
    assert decode_snapshot(encode_snapshot(SNAPSHOT)) == SNAPSHOT
    assert decode_run(encode_run(RUN)) == RUN
