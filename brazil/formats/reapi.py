"""Canonical bytes of Directory, Command, Action and ActionResult, as the Remote Execution API defines them.

Everything that is hashed into a Tree digest or a Key is encoded here and nowhere else: proto3, default
values left out, lists sorted by us, deterministic. Reading checks that the bytes are the canonical ones,
so two different byte strings never mean the same thing.
"""

import re

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from brazil.errors import IntegrityError, Problem
from brazil.formats.reapi_pb import remote_execution_pb2 as pb
from brazil.model.action import Action, ActionResult, Command
from brazil.model.digest import Digest
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode, directory_fault

_SECOND = 1_000_000_000  # nanoseconds
_HASH = re.compile("[0-9a-f]{64}")


def encode_directory(directory: Directory) -> bytes:
    """Encode one Directory.

    Raises:
        ValueError: its entries are not sorted, unique and validly named; a bug of the caller.
    """
    fault = directory_fault(directory)
    if fault:
        raise ValueError(f"not a canonical Directory: {fault}")
    return _encode(directory)


def _encode(directory: Directory) -> bytes:
    return pb.Directory(
        files=[
            pb.FileNode(name=name, digest=_digest(digest), is_executable=executable)
            for name, digest, executable in directory.files
        ],
        directories=[pb.DirectoryNode(name=name, digest=_digest(digest)) for name, digest in directory.directories],
        symlinks=[pb.SymlinkNode(name=name, target=target) for name, target in directory.symlinks],
    ).SerializeToString(deterministic=True)


def decode_directory(data: bytes) -> Directory:
    """Read one Directory.

    Raises:
        IntegrityError: the bytes are no Directory, or not its canonical form, or hold unsafe names.
    """
    message = pb.Directory()
    _parse(message, data, "Directory")
    directory = Directory(
        tuple(FileNode(n.name, _from_digest(n.digest), n.is_executable) for n in message.files),
        tuple(DirectoryNode(n.name, _from_digest(n.digest)) for n in message.directories),
        tuple(SymlinkNode(n.name, n.target) for n in message.symlinks),
    )
    fault = directory_fault(directory)
    if not fault and _encode(directory) != data:
        fault = "its bytes are not the canonical ones"
    if fault:
        raise _damaged("Directory", fault)
    return directory


def encode_command(command: Command) -> bytes:
    """Encode a Command."""
    return pb.Command(
        arguments=command.arguments,
        environment_variables=[
            pb.Command.EnvironmentVariable(name=name, value=value) for name, value in command.environment
        ],
        working_directory=command.working_directory,
        output_paths=command.output_paths,
        output_directory_format=pb.Command.DIRECTORY_ONLY,
    ).SerializeToString(deterministic=True)


def decode_command(data: bytes) -> Command:
    """Read a Command.

    Raises:
        IntegrityError: the bytes are no canonical Command.
    """
    message = pb.Command()
    _parse(message, data, "Command")
    command = Command(
        tuple(message.arguments),
        tuple((v.name, v.value) for v in message.environment_variables),
        message.working_directory,
        tuple(message.output_paths),
    )
    if encode_command(command) != data:
        raise _damaged("Command", "its bytes are not the canonical ones")
    return command


def encode_action(action: Action) -> bytes:
    """Encode an Action; the digest of these bytes is the Key."""
    return pb.Action(
        command_digest=_digest(action.command),
        input_root_digest=_digest(action.input_root),
        timeout=Duration(seconds=action.timeout),
        salt=action.salt,
    ).SerializeToString(deterministic=True)


def decode_action(data: bytes) -> Action:
    """Read an Action.

    Raises:
        IntegrityError: the bytes are no canonical Action.
    """
    message = pb.Action()
    _parse(message, data, "Action")
    action = Action(
        _from_digest(message.command_digest),
        _from_digest(message.input_root_digest),
        message.timeout.seconds,
        message.salt,
    )
    if encode_action(action) != data:
        raise _damaged("Action", "its bytes are not the canonical ones")
    return action


def encode_action_result(result: ActionResult) -> bytes:
    """Encode an ActionResult."""
    message = pb.ActionResult(
        output_directories=[
            pb.OutputDirectory(path=path, root_directory_digest=_digest(root)) for path, root in result.outputs
        ],
        exit_code=result.exit_code,
        stdout_digest=_digest(result.log),
    )
    message.execution_metadata.execution_start_timestamp.CopyFrom(_timestamp(result.started))
    message.execution_metadata.execution_completed_timestamp.CopyFrom(_timestamp(result.finished))
    return message.SerializeToString(deterministic=True)


def decode_action_result(data: bytes) -> ActionResult:
    """Read an ActionResult.

    Raises:
        IntegrityError: the bytes are no ActionResult.
    """
    message = pb.ActionResult()
    _parse(message, data, "ActionResult")
    metadata = message.execution_metadata
    return ActionResult(
        message.exit_code,
        tuple(sorted((o.path, _from_digest(o.root_directory_digest)) for o in message.output_directories)),
        _from_digest(message.stdout_digest),
        _nanoseconds(metadata.execution_start_timestamp),
        _nanoseconds(metadata.execution_completed_timestamp),
    )


def _parse(message: pb.Directory | pb.Command | pb.Action | pb.ActionResult, data: bytes, what: str) -> None:
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise _damaged(what, str(error)) from error


def _damaged(what: str, because: str) -> IntegrityError:
    return IntegrityError(Problem("store.not-canonical", f"stored bytes are no canonical {what}", because))


def _digest(digest: Digest) -> pb.Digest:
    return pb.Digest(hash=digest.hash, size_bytes=digest.size)


def _from_digest(message: pb.Digest) -> Digest:
    # The hash becomes a file name: whatever else is in these bytes, it must not lead out of the store.
    if not _HASH.fullmatch(message.hash) or message.size_bytes < 0:
        raise _damaged("Digest", f"{message.hash[:80]!a}/{message.size_bytes} is no digest")
    return Digest(message.hash, message.size_bytes)


def _timestamp(nanoseconds: int) -> Timestamp:
    return Timestamp(seconds=nanoseconds // _SECOND, nanos=nanoseconds % _SECOND)


def _nanoseconds(timestamp: Timestamp) -> int:
    return timestamp.seconds * _SECOND + timestamp.nanos
