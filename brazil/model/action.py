"""What is run and what came of it: Platform, Command, Action, ActionResult, Snapshot, and one real run of them.

An Action names everything that may affect an output by content; its Digest is the Key under which the
result is remembered. The bytes that are hashed are made in `formats/reapi.py`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from brazil.model.digest import Digest
from brazil.model.names import Interface


class Platform(NamedTuple):
    """The root file system of a build."""

    name: str  # what a version set lists, such as "linux-x86_64"
    kind: str  # "host"
    digest: str  # 64 hex digits; two platforms with one digest are interchangeable


class Command(NamedTuple):
    """What to run and in which environment."""

    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]  # (name, value), sorted, names unique
    working_directory: str  # relative to the input root
    output_paths: tuple[str, ...]  # relative to the working directory, sorted


class Action(NamedTuple):
    """A command with its complete inputs."""

    command: Digest
    input_root: Digest
    timeout: int  # seconds, as the package declares it
    salt: bytes  # parts caches whose results must not mix


class ActionResult(NamedTuple):
    """What running an Action gave; only a result with exit code 0 is ever reused."""

    exit_code: int
    outputs: tuple[tuple[str, Digest], ...]  # output path -> root Directory, sorted by path
    log: Digest  # stdout and stderr as one stream
    started: int  # nanoseconds since 1970, UTC
    finished: int


class StepKind(StrEnum):
    """The two Steps of a package."""

    BUILD = "build"
    TEST = "test"


class StepId(NamedTuple):
    """Names a Step inside a Plan."""

    interface: Interface
    kind: StepKind

    def __str__(self) -> str:
        return f"{self.kind} {self.interface}"


class Snapshot(NamedTuple):
    """The complete, addressed list of inputs of one Step; with the store, enough to run it again."""

    step: StepId
    action: Digest
    platform: Platform
    # Path inside the sandbox relative to /brazil -> root of the Tree there, sorted by path:
    # "src", "pkg/JsonKit-2.0", "tools", "node_modules".
    inputs: tuple[tuple[str, Digest], ...]


class SandboxRequest(NamedTuple):
    """One Action to run, every input by content."""

    label: str  # for messages and the names of temporary folders, such as "build JsonKit-2.0"
    action: Digest
    command: Command
    source: Digest  # Tree at /brazil/src, private and writable
    inputs: tuple[tuple[str, Digest], ...]  # path relative to /brazil -> Tree, read-only, sorted
    timeout: int  # seconds
    largest_output: int  # bytes that the run may leave in its writable places
    largest_log: int  # bytes; what comes after is dropped and said so
    memory: int = 0  # bytes for all processes together; 0: most of what the machine has
    processes: int = 4096  # how many may live at once; 0: no limit
    keep_failed: bool = False  # keep what is in the outputs also when the command fails, as far as it can be kept
    keep_for: str = ""  # workspace that the tree of a failed command is kept for; empty: it is removed


class SandboxResult(NamedTuple):
    """What happened inside."""

    exit_code: int  # of the command; 128 + n for a signal; 137 when we ended it
    ended_by: str  # "" when the command ended by itself; else "timeout", "output", "interrupt"; "refused": see `cause`
    outputs: tuple[tuple[str, Digest], ...]  # output path -> root of its Tree; none of a failure that is not to be kept
    log: Digest  # stdout and stderr as one stream
    started: int  # nanoseconds since 1970, UTC
    finished: int
    # Why what it left could not be kept as its output: a line that names the error, then one for each thing in it.
    cause: str = ""  # empty: not for that

    @property
    def succeeded(self) -> bool:
        """Whether the command did its work and left what can be kept."""
        return self.exit_code == 0 and not self.cause

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.finished - self.started) / 1e9


class FailedRun(NamedTuple):
    """What a run that failed left, kept for whoever wants to look."""

    request: SandboxRequest
    exit_code: int  # 0: the command succeeded, and what it left could not be kept as its output
    ended_by: str  # "", "timeout" or "refused"
    cause: str  # as that of the result
    finished: int  # nanoseconds since 1970, UTC
    folder: str  # holds `src`, a folder `out-<n>` for each output path, and `log`; absolute


class Ran(NamedTuple):
    """A run in the list of all of them."""

    step: StepId
    action: Digest
    started: int  # nanoseconds since 1970, UTC
    succeeded: bool


class RunRecord(NamedTuple):
    """One run of one Action, as it really happened."""

    snapshot: Snapshot
    result: SandboxResult
    isolation: Mapping[str, str]
