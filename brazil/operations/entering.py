"""Be inside a closure of a workspace: run a command there."""

from collections.abc import Mapping, Sequence

from brazil.build.executor import Machine
from brazil.build.layout import Layouts
from brazil.model.names import Interface
from brazil.operations.building import WorkspaceBuild
from brazil.plan.environment import search_paths
from brazil.ports import ClosureRunner


def run_in_closure(
    build: WorkspaceBuild,
    root: Interface,
    arguments: Sequence[str],
    caller: Mapping[str, str],
    machine: Machine,
    runner: ClosureRunner,
) -> int:
    """Run a user's command with the runtime closure of a package, and return its exit code.

    Args:
        build: of this package, with its runtime closure.
        root: the package.
        arguments: program and its arguments.
        caller: the environment of the caller; search paths of the closure come before its own.
        machine: where the artifacts are.
        runner: binds and runs.
    """
    members = build.candidate.closures.runtime(root)
    layouts = Layouts(machine.store)
    found = search_paths(members, {member: layouts.of(build.artifacts[member]) for member in members})
    environment = dict(caller)
    for name, paths in found.items():
        environment[name] = ":".join([*paths, *filter(None, [caller.get(name)])])
    inputs = [(f"pkg/{member}", build.artifacts[member]) for member in members]
    return runner.run(sorted(inputs), environment, arguments)
