"""What is kept of a failed run, as JSON beside its tree."""

import json

from brazil.errors import IntegrityError, Problem
from brazil.model.action import Command, FailedRun, SandboxRequest
from brazil.model.digest import Digest, parse_digest

_SCHEMA = 1


def encode_failed_run(run: FailedRun) -> bytes:
    """Write it, but for the folder that it is in."""
    request = run.request
    value = {
        "schema": _SCHEMA,
        "step": request.label,
        "workspace": request.keep_for,
        "action": str(request.action),
        "command": {
            "arguments": request.command.arguments,
            "environment": dict(request.command.environment),
            "working-directory": request.command.working_directory,
            "output-paths": request.command.output_paths,
        },
        "source": str(request.source),
        "inputs": {place: str(digest) for place, digest in request.inputs},
        "limits": {
            "seconds": request.timeout,
            "output": request.largest_output,
            "log": request.largest_log,
            "memory": request.memory,
            "processes": request.processes,
        },
        "exit-code": run.exit_code,
        "ended-by": run.ended_by,
        "cause": run.cause,
        "finished": run.finished,
    }
    return json.dumps(value, indent=1).encode()


def decode_failed_run(data: bytes, folder: str) -> FailedRun:
    """Read it.

    Args:
        data: what was written.
        folder: where it was.

    Raises:
        IntegrityError: the bytes are no failed run.
    """
    try:
        value = json.loads(data)
        if value["schema"] > _SCHEMA + 1:
            raise ValueError(f"it has schema {value['schema']}, this brazil reads up to {_SCHEMA + 1}")
        command, limits = value["command"], value["limits"]
        request = SandboxRequest(
            label=value["step"],
            action=_digest(value["action"]),
            command=Command(
                tuple(command["arguments"]),
                tuple(sorted(command["environment"].items())),
                command["working-directory"],
                tuple(command["output-paths"]),
            ),
            source=_digest(value["source"]),
            inputs=tuple(sorted((place, _digest(text)) for place, text in value["inputs"].items())),
            timeout=limits["seconds"],
            largest_output=limits["output"],
            largest_log=limits["log"],
            memory=limits["memory"],
            processes=limits["processes"],
            keep_for=value["workspace"],
        )
        return FailedRun(request, value["exit-code"], value["ended-by"], value["cause"], value["finished"], folder)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise IntegrityError(Problem("store.not-canonical", f"{folder} holds no failed run", str(error))) from error


def _digest(text: str) -> Digest:
    digest = parse_digest(text)
    if digest is None:
        raise ValueError(f"{text!a} is no digest")
    return digest
