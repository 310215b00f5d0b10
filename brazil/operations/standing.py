"""Stand where a build or test runs, or where it failed: the same view, the user's own commands."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brazil.build.candidate import Builder
from brazil.build.executor import sandbox_request
from brazil.build.layout import Layouts
from brazil.errors import Problem, UsageError
from brazil.graph.closure import ClosureKind
from brazil.model.action import FailedRun, SandboxRequest, StepId, StepKind
from brazil.model.nearest import did_you_mean
from brazil.operations.building import BuildPorts, WorkspaceBuild, find_interfaces
from brazil.plan.key import key_step, script_of
from brazil.ports import FailedRuns
from brazil.workspace.folder import WorkspaceFolder

SCRIPT = "BRAZIL_SCRIPT"  # holds what the build or test runs, to run it again by hand

# $1: where one stands. bash is nicer to type into; only sh is sure to be there. Without job control, because some
# of them give the terminal back to a group of processes that is not visible inside, and fail.
_SHELL = r"""cd src || exit
if [ ! -t 0 ]; then exec sh; fi
if command -v bash >/dev/null; then PS1="($1) \\w\\$ " exec bash --noprofile --norc -i; fi
PS1="($1) $ " exec sh -i +m
"""
_COMMAND = 'cd src && exec "$@"'


class Failure(NamedTuple):
    """A failed run that was kept, and what else is."""

    run: FailedRun
    others: tuple[str, ...]  # labels, newest first


def closure_of(kind: StepKind) -> ClosureKind:
    """Return what must be there before one can stand in a Step of a kind."""
    return ClosureKind.BUILD if kind is StepKind.BUILD else ClosureKind.TEST


def would_run(build: WorkspaceBuild, name: str, kind: StepKind, ports: BuildPorts) -> SandboxRequest:
    """Return what a build or test of a package is now, whether it has to run or not.

    Args:
        build: of the closure that the Step sees.
        name: of the package, as the user said it.
        kind: of the Step.
        ports: of the build.

    Raises:
        UsageError: the package has no tests, or two of its tools bring the same program.
    """
    machine = ports.machine
    interface = find_interfaces(name, build.candidate)[0]
    builder = Builder(machine.store, ports.sources, ports.registry, machine.sandbox.platform)
    step = builder.step(build.candidate, StepId(interface, kind))
    if step is None:
        raise UsageError(Problem("shell.no-tests", f"{interface} has no tests", hint="leave --test out"))
    layouts = Layouts(machine.store)
    seen = {member: layouts.of(build.artifacts[member]) for member in step.members}
    keyed = key_step(step, build.artifacts, seen, machine.sandbox.platform)
    for blob in keyed.blobs:
        machine.store.write(blob)
    return sandbox_request(step, keyed)


def find_failure(workspace: WorkspaceFolder, name: str, kind: StepKind | None, failed: FailedRuns) -> Failure:
    """Return the newest failure of a workspace that was kept.

    Args:
        workspace: where it failed.
        name: a package or an interface; empty: any.
        kind: of the Step; None: any.
        failed: holds them.

    Raises:
        UsageError: there is none.
    """
    runs = failed.runs(workspace.root)
    found = [run for run in runs if _is(run, name, kind)]
    if not found:
        what = " ".join(filter(None, ["no", kind, "failure", f"of {name!a}" if name else "", "is kept here"]))
        known = {part for run in runs for part in _names(run)}
        near = did_you_mean(name, known) if name and name not in known else ""
        kept = ", ".join(run.request.label for run in runs)
        because = f"kept: {kept}" if kept else "nothing failed in this workspace that has not succeeded since"
        raise UsageError(Problem("shell.nothing-failed", what, because, near))
    return Failure(found[0], tuple(run.request.label for run in runs if run is not found[0]))


def sandbox_shell(
    request: SandboxRequest, command: Sequence[str], caller: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Say what is started inside, and with which variables beside those of the build or test.

    Args:
        request: the build or test.
        command: of the user; empty: a shell.
        caller: his environment.
    """
    variables = {SCRIPT: script_of(request.command)}
    if term := caller.get("TERM"):
        variables["TERM"] = term
    if command:
        return ("/bin/sh", "-c", _COMMAND, "sh", *command), variables
    return ("/bin/sh", "-c", _SHELL, "sh", request.label), variables


def _is(run: FailedRun, name: str, kind: StepKind | None) -> bool:
    return (not name or name in _names(run)) and (kind is None or run.request.label.startswith(f"{kind} "))


def _names(run: FailedRun) -> tuple[str, str]:
    """Return what a user may call the package of a run."""
    interface = run.request.label.partition(" ")[2]
    return interface.rpartition("-")[0], interface
