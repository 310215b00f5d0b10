"""Snapshots and run records as JSON: sorted keys, no spaces, so equal values are equal bytes."""

import json
from typing import Any

from brazil.errors import IntegrityError, Problem, UsageError
from brazil.model.action import Platform, RunRecord, SandboxResult, Snapshot, StepId, StepKind
from brazil.model.digest import Digest, parse_digest
from brazil.model.names import parse_interface

SCHEMA = 1

# What reading a value that has not the expected shape raises; UsageError: a name in it is none.
_NO_RECORD = (KeyError, TypeError, ValueError, AttributeError, RecursionError, UsageError)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Write a Snapshot."""
    return _dump(_snapshot_data(snapshot))


def decode_snapshot(data: bytes) -> Snapshot:
    """Read a Snapshot.

    Raises:
        IntegrityError: the bytes are no Snapshot.
    """
    try:
        return _snapshot(_load(data))
    except _NO_RECORD as error:
        raise _damaged("snapshot", error) from error


def encode_run(record: RunRecord) -> bytes:
    """Write the record of a run."""
    result = record.result
    return _dump(
        {
            **_snapshot_data(record.snapshot),
            "result": {
                "exit-code": result.exit_code,
                "ended-by": result.ended_by,
                "cause": result.cause,
                "outputs": {path: str(digest) for path, digest in result.outputs},
                "log": str(result.log),
                "started": result.started,
                "finished": result.finished,
            },
            "isolation": dict(record.isolation),
        }
    )


def decode_run(data: bytes) -> RunRecord:
    """Read the record of a run.

    Raises:
        IntegrityError: the bytes are no run record.
    """
    try:
        value = _load(data)
        result = value["result"]
        outputs = tuple(sorted((path, _digest(text)) for path, text in result["outputs"].items()))
        return RunRecord(
            _snapshot(value),
            SandboxResult(
                result["exit-code"],
                result["ended-by"],
                outputs,
                _digest(result["log"]),
                result["started"],
                result["finished"],
                result["cause"],
            ),
            value["isolation"],
        )
    except _NO_RECORD as error:
        raise _damaged("run record", error) from error


def _snapshot_data(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "step": {"package": str(snapshot.step.interface), "kind": str(snapshot.step.kind)},
        "action": str(snapshot.action),
        "platform": snapshot.platform._asdict(),
        "inputs": {path: str(digest) for path, digest in snapshot.inputs},
    }


def _snapshot(value: Any) -> Snapshot:
    return Snapshot(
        StepId(parse_interface(value["step"]["package"]), StepKind(value["step"]["kind"])),
        _digest(value["action"]),
        Platform(value["platform"]["name"], value["platform"]["kind"], value["platform"]["digest"]),
        tuple(sorted((path, _digest(text)) for path, text in value["inputs"].items())),
    )


def _digest(text: str) -> Digest:
    digest = parse_digest(text)
    if digest is None:
        raise ValueError(f"{text!a} is no digest")
    return digest


def _dump(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _load(data: bytes) -> Any:
    value = json.loads(data)
    if value["schema"] > SCHEMA + 1:
        raise ValueError(f"it has schema {value['schema']}, this brazil reads up to {SCHEMA + 1}")
    return value


def _damaged(what: str, error: Exception) -> IntegrityError:
    return IntegrityError(Problem("store.not-canonical", f"stored bytes are no {what}", str(error)))
