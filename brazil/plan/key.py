"""From a Step and the digests of its inputs to an Action; the digest of the Action is the Key.

The one place that decides what affects an output. Every field of a Step is listed below as in the Key or out of
it with its reason; a field that is in neither list fails at import, so nobody forgets one. Versions, build
numbers, commits, times, users, hosts and paths never reach this module.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.formats.reapi import encode_action, encode_command, encode_directory
from brazil.model.action import Action, Command, Platform, StepKind
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode
from brazil.plan.environment import Layout, artifact_path, closure_environment, launcher, module_links
from brazil.plan.planner import Step, ToolClosures

# Raised by one when the meaning of an unchanged Action changes: what the sandbox provides, how outputs are kept.
GENERATION = 1

# The test run may leave a report here, relative to the working directory.
REPORT = "report"

_ENTER = "cd src\n"

_IN_KEY = {"id", "script", "environment", "timeout", "source", "closure", "tools"}
_NOT_IN_KEY = {"needs": "only the order of work; the artifacts it leads to are in"}
if {*_IN_KEY, *_NOT_IN_KEY} != set(Step._fields):
    raise AssertionError("every field of Step must be declared in or out of the key")


class KeyedStep(NamedTuple):
    """A Step whose inputs are all known."""

    key: Digest  # digest of the Action
    command: Command
    inputs: tuple[tuple[str, Digest], ...]  # path relative to /brazil -> Tree, sorted; "src" among them
    blobs: tuple[bytes, ...]  # what the Action names and only it; the Action is the last
    above: tuple[bytes, ...]  # Directories from the input root down to the inputs, which follow from `inputs`


def key_step(
    step: Step, artifacts: Mapping[Interface, Digest], layouts: Mapping[Interface, Layout], platform: Platform
) -> KeyedStep:
    """Compose the Action of a Step.

    Args:
        step: what is to run.
        artifacts: of every member of its closures.
        layouts: of every member of its closures.
        platform: where it runs.

    Raises:
        UsageError: two tools bring the same program.
    """
    blobs: list[bytes] = []
    above: list[bytes] = []
    command = _command(step, layouts)
    trees = {f"pkg/{member}": artifacts[member] for member in step.members}
    trees["src"] = step.source
    trees |= generated_trees(str(step.id), step.closure, step.tools, layouts, blobs)
    inputs = tuple(sorted(trees.items()))
    action = Action(
        command=_keep(encode_command(command), blobs),
        input_root=_input_root(inputs, above),
        timeout=step.timeout,
        salt=f"brazil {GENERATION} {platform.kind} {platform.digest}".encode(),
    )
    key = _keep(encode_action(action), blobs)
    return KeyedStep(key, command, inputs, tuple(blobs), tuple(above))


def script_of(command: Command) -> str:
    """Return the script in the Command of a Step, as its recipe has it."""
    return command.arguments[-1].removeprefix(_ENTER)


def output_path(step: Step) -> str:
    """The folder a Step leaves its output in, relative to /brazil."""
    return f"pkg/{step.id.interface}" if step.id.kind is StepKind.BUILD else REPORT


def generated_trees(
    label: str,
    closure: Sequence[Interface],
    tools: ToolClosures,
    layouts: Mapping[Interface, Layout],
    blobs: list[bytes],
) -> dict[str, Digest]:
    """Make the launchers of tools and the links to JavaScript packages.

    Args:
        label: for messages, such as "build JsonKit-2.0".
        closure: sorted members.
        tools: each with its own closure.
        layouts: of every member of all of them.
        blobs: gets everything that the Trees are made of.

    Returns:
        Path relative to /brazil -> Tree.

    Raises:
        UsageError: two tools bring the same program.
    """
    trees = {}
    if tools:
        launchers = _launchers(label, tools, layouts)
        files = [FileNode(name, _keep(script, blobs), True) for name, script in sorted(launchers.items())]
        folder = _keep(encode_directory(Directory(tuple(files))), blobs)
        trees["tools"] = _keep(encode_directory(Directory(directories=(DirectoryNode("bin", folder),))), blobs)
    links = module_links(closure, layouts)
    if links:
        trees["node_modules"] = _module_tree(links, blobs)
    return trees


def _command(step: Step, layouts: Mapping[Interface, Layout]) -> Command:
    interface = step.id.interface
    environment = closure_environment(step.closure, layouts, tools=bool(step.tools))
    environment |= dict(step.environment)
    environment["BRAZIL_PACKAGE"] = interface.name
    environment["BRAZIL_INTERFACE"] = interface.version
    environment["BRAZIL_VERSION"] = f"{interface.version}.0"  # for tools that want a version number
    environment["BRAZIL_OUT"] = artifact_path(interface)
    if step.id.kind is StepKind.TEST:
        environment["BRAZIL_REPORT"] = f"/brazil/{REPORT}"
    return Command(
        # Paths outside are relative to /brazil, where the Remote Execution API starts a command.
        arguments=("/bin/sh", "-euc", f"{_ENTER}{step.script}\n"),
        environment=tuple(sorted(environment.items())),
        working_directory="brazil",
        output_paths=(output_path(step),),
    )


def _launchers(label: str, tools: ToolClosures, layouts: Mapping[Interface, Layout]) -> dict[str, bytes]:
    scripts: dict[str, bytes] = {}
    owners: dict[str, Interface] = {}
    problems = []
    for tool, closure in tools:
        for program in layouts[tool].programs:
            if program in owners:
                problems.append(
                    Problem(
                        "tool.clash",
                        f"{label} has two tools that bring the program {program!a}",
                        f"{owners[program]} and {tool}",
                        "keep one of them under [build-tools]",
                    )
                )
            owners[program] = tool
            scripts[program] = launcher(tool, program, closure, layouts)
    if problems:
        raise UsageError(*problems)
    return scripts


def _module_tree(links: Mapping[str, str], blobs: list[bytes]) -> Digest:
    scopes: dict[str, list[SymlinkNode]] = {}
    top: list[SymlinkNode] = []
    for module, target in links.items():
        scope, slash, name = module.partition("/")
        (scopes.setdefault(scope, []) if slash else top).append(SymlinkNode(name or scope, target))
    folders = [
        DirectoryNode(scope, _keep(encode_directory(Directory(symlinks=tuple(nodes))), blobs))
        for scope, nodes in sorted(scopes.items())
    ]
    return _keep(encode_directory(Directory(directories=tuple(folders), symlinks=tuple(top))), blobs)


def _input_root(inputs: tuple[tuple[str, Digest], ...], blobs: list[bytes]) -> Digest:
    """Compose the root Directory with /brazil in it, as `design`ed for local and remote execution alike."""
    members = [DirectoryNode(path[4:], digest) for path, digest in inputs if path.startswith("pkg/")]
    top = [DirectoryNode(path, digest) for path, digest in inputs if not path.startswith("pkg/")]
    if members:
        top.append(DirectoryNode("pkg", _keep(encode_directory(Directory(directories=tuple(members))), blobs)))
    brazil = _keep(encode_directory(Directory(directories=tuple(sorted(top)))), blobs)
    return _keep(encode_directory(Directory(directories=(DirectoryNode("brazil", brazil),))), blobs)


def _keep(data: bytes, blobs: list[bytes]) -> Digest:
    blobs.append(data)
    return digest_of(data)
