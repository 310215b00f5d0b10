"""Be inside a closure of a workspace: run a command or a shell there.

Everything else is the user's own machine, his folder and his network; what is inside cannot be changed.
"""

from collections.abc import Mapping, Sequence
from shlex import quote
from typing import NamedTuple

from brazil.build.layout import Layouts
from brazil.graph.closure import ClosureKind
from brazil.model.digest import Digest
from brazil.model.names import Interface
from brazil.operations.building import WorkspaceBuild, find_interfaces
from brazil.plan.environment import Layout, entered_environment
from brazil.plan.key import generated_trees
from brazil.plan.planner import ToolClosures
from brazil.ports import ClosureRunner, ContentStore

MARK = "BRAZIL_CLOSURE"  # tells prompts and programs where they are


class Inside(NamedTuple):
    """A closure of a package, with everything in it there."""

    root: Interface
    kind: ClosureKind
    members: tuple[Interface, ...]  # what search paths list, sorted
    tools: ToolClosures  # reached through launchers; none in a runtime closure
    artifacts: Mapping[Interface, Digest]  # of the members and of what is in tools
    layouts: Mapping[Interface, Layout]  # of the same

    def __str__(self) -> str:
        return f"{self.kind} closure of {self.root}"


def inside(build: WorkspaceBuild, name: str, kind: ClosureKind, store: ContentStore) -> Inside:
    """Return a closure of a package whose members were built.

    Args:
        build: of this closure.
        name: of the package, as the user said it.
        kind: of the closure.
        store: where the artifacts are.
    """
    root = find_interfaces(name, build.candidate)[0]
    closures = build.candidate.closures
    members = closures.of(kind, root)
    tools = () if kind is ClosureKind.RUNTIME else closures.tools(root)
    every = sorted({*members, *(member for _, closure in tools for member in closure)})
    artifacts = {member: build.artifacts[member] for member in every}
    layouts = Layouts(store)
    return Inside(root, kind, members, tools, artifacts, {m: layouts.of(digest) for m, digest in artifacts.items()})


def run_inside(
    place: Inside,
    arguments: Sequence[str],
    caller: Mapping[str, str],
    store: ContentStore,
    runner: ClosureRunner,
) -> int:
    """Run a user's command in a closure, and return its exit code.

    Args:
        place: the closure.
        arguments: program and its arguments.
        caller: the environment of the caller; search paths of the closure come before its own.
        store: where the artifacts are.
        runner: binds and runs.

    Raises:
        UsageError: there is no such program, or two tools bring the same one.
    """
    blobs: list[bytes] = []
    trees = generated_trees(f"the {place}", place.members, place.tools, place.layouts, blobs)
    for blob in blobs:
        store.write(blob)
    trees |= {f"pkg/{member}": digest for member, digest in place.artifacts.items()}
    environment = entered_environment(place.members, place.layouts, caller, tools=bool(place.tools))
    environment[MARK] = f"{place.kind} {place.root}"
    return runner.run(sorted(trees.items()), environment, arguments)


def own_shell(place: Inside, caller: Mapping[str, str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Say how the user's own shell is started so that its prompt tells the place.

    Only sh and bash let a variable do that without a file of theirs being changed; others may show `MARK`.

    Args:
        place: the closure.
        caller: his environment.

    Returns:
        Program and arguments, and his environment with what the prompt takes.
    """
    shell = caller.get("SHELL") or "/bin/sh"
    environment = dict(caller)
    mark = f"({place.kind} {place.root}) "
    if shell.rpartition("/")[2] == "bash":
        # bash runs this before its first prompt, when the user's own files have set theirs, and PATH too.
        before = caller.get("PROMPT_COMMAND", "")
        restore = f"PROMPT_COMMAND={quote(before)}" if before else "unset PROMPT_COMMAND"
        first = entered_environment(place.members, place.layouts, {}, tools=bool(place.tools)).get("PATH")
        again = f"PATH={quote(first)}:$PATH; " if first else ""
        environment["PROMPT_COMMAND"] = f"{again}PS1={quote(mark)}$PS1; {restore}"
    else:
        environment["PS1"] = f"{mark}{caller.get('PS1', '$ ')}"
    return (shell,), environment
