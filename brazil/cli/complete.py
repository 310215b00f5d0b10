"""Answers a shell that asks how a command line may go on.

The scripts in `completions/` run the program with the line in `_BRAZIL_LINE`. Each line of the answer is a kind, a
value and what it is, with tabs between. Kind "dir" or "file" lets the shell name files. What is wrong is not told: a
person who presses a key has not asked for an error. Nothing is fetched, made or waited for.

Which values an option or operand takes follows from its metavar, so a new command has them too.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from brazil.cli.main import main
from brazil.errors import Problem, UnavailableError
from brazil.report.printable import printable
from brazil.wiring import Wiring

_WIDTH = 70  # characters of what a value is
_SHOWN = 100  # revisions that are offered, the newest ones


class _Offline(Wiring):
    """Adapters that use no network and make no repository."""

    def _transport(self) -> Any:
        raise UnavailableError(Problem("internal", "completion uses no network"))


class Asked:
    """A command line that is being written, and what is known around it."""

    def __init__(self, environment: Mapping[str, str], context: click.Context, incomplete: str) -> None:
        self.context = context
        self.incomplete = incomplete
        root = context.find_root().params.get("registry")
        # Nobody is asked who works here: nothing is written.
        environment = {**environment, "BRAZIL_ACTOR": "nobody <nobody@localhost>"}
        self.wiring = _Offline(environment, registry=lambda: str(root or self._registry_of_workspace()))

    def workspace(self) -> Any:
        """The workspace around, as its file has it.

        Raises:
            UsageError: there is none.
        """
        from brazil.workspace.folder import WorkspaceFolder

        return WorkspaceFolder.find(Path.cwd()).read()

    def _registry_of_workspace(self) -> str:
        from brazil.workspace.place import find_root

        return str(self.workspace().registry) if find_root(str(Path.cwd())) else ""


Offers = Iterable[str | tuple[str, str]]  # values, or values and what they are


def _registered(asked: Asked) -> Offers:
    return [package.name for package in asked.wiring.registry.packages()]


def _not_in_use(asked: Asked) -> Offers:
    in_use = set(asked.workspace().packages)
    return [name for name in _registered(asked) if name not in in_use]


def _in_use(asked: Asked) -> Offers:
    return list(asked.workspace().packages)


def _members(asked: Asked) -> Offers:
    """What can be built here: packages by name; interfaces once a name and a dash are written."""
    from brazil.operations.offering import members

    file = asked.workspace()
    found = members(file, lambda: asked.wiring.registry, Path(asked.wiring.places.cache) / "members")
    names = {*(interface.rpartition("-")[0] for interface in found), *file.packages}
    return sorted({*names, *(found if "-" in asked.incomplete else ())})


def _interfaces(asked: Asked) -> Offers:
    """Interfaces of the packages whose names begin as what is written."""
    registry = asked.wiring.registry
    begun = asked.incomplete.rpartition("-")[0] or asked.incomplete
    names = [package.name for package in registry.packages() if package.name.startswith(begun)]
    return [str(interface) for name in names[:_SHOWN] for interface in registry.interfaces(name)]


def _dependencies(asked: Asked) -> Offers:
    return [*_registered(asked), *(_interfaces(asked) if "-" in asked.incomplete else ())]


def _declared(asked: Asked) -> Offers:
    """What the manifest of this folder depends on."""
    from brazil.operations.manifest_edits import declared

    return declared(Path.cwd())


def _sets(asked: Asked) -> Offers:
    return list(asked.wiring.registry.sets())


def _revisions(asked: Asked) -> Offers:
    """Sets, and once an "@" is written their revisions."""
    name, at, _ = asked.incomplete.partition("@")
    return [(f"{name}@{number}", reason) for number, reason in _numbers(asked, name)] if at else _sets(asked)


def _second_revision(asked: Asked) -> Offers:
    """What a revision is compared with: a number of the same set, or another revision."""
    name, at, _ = str(asked.context.params.get("before") or "").partition("@")
    numbers = [(number, reason) for number, reason in _numbers(asked, name)] if not at else []
    return [*numbers, *_revisions(asked)]


def _revision_of_set(asked: Asked) -> Offers:
    return _numbers(asked, str(asked.context.params.get("set_name") or asked.workspace().set))


def _numbers(asked: Asked, name: str) -> list[tuple[str, str]]:
    from brazil.model.names import version_set_name
    from brazil.report.sets import reason_text

    infos = asked.wiring.registry.history(version_set_name(name), _SHOWN)
    return [(str(info.number), reason_text(info.reason)) for info in infos]


def _codes(_: Asked) -> Offers:
    from brazil.report.explanations import topics

    return [(page.code, page.summary) for topic in topics() for page in topic.pages]


def _systems(_: Asked) -> Offers:
    from brazil.build_systems import SYSTEMS

    return [(name, system.summary) for name, system in SYSTEMS.items()]


def _workspaces(asked: Asked) -> Offers:
    return [str(root) for root in asked.wiring.known_workspaces.roots()]


def _recipes(_: Asked) -> Offers:
    from brazil.operations.paths import RECIPES

    return RECIPES


def _nothing(_: Asked) -> Offers:
    return ()


Source = Callable[[Asked], Offers]

# By the metavar, without the signs for "may be left out" and "may be repeated" around it.
_BY_WORD: Mapping[str, Source] = {
    "CODE": _codes,
    "DEPENDENCY": _dependencies,
    "INTERFACE": _interfaces,
    "PACKAGE": _members,
    "PACKAGE[=REF]": _registered,
    "SET": _sets,
    "SET[@N]": _revisions,
    "SET[@N] | N": _second_revision,
}
# Command and parameter, where the metavar says another thing or too little.
_BY_PLACE: Mapping[tuple[str, str], Source] = {
    ("package dependencies remove", "names"): _declared,
    ("package new", "system"): _systems,
    ("package show", "name"): _registered,
    ("package versions", "name"): _registered,
    ("path", "recipe"): _recipes,
    ("ws create", "revision"): _revision_of_set,
    ("ws delete", "folder"): _workspaces,
    ("ws drop", "packages"): _in_use,
    ("ws sync", "revision"): _revision_of_set,
    ("ws use", "packages"): _not_in_use,
}


def source_of(command: str, parameter: click.Parameter) -> Source | None:
    """Return what offers values for a parameter; None where click knows, or nobody does.

    Args:
        command: its path without the program's name, such as "ws use".
        parameter: one of its options or operands.
    """
    return _BY_PLACE.get((command, parameter.name or "")) or _BY_WORD.get(_word(parameter))


def _takes_folder(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, click.Path) or _word(parameter) == "PLACE"


def _word(parameter: click.Parameter) -> str:
    text = (parameter.metavar or (parameter.name or "").upper()).removesuffix("...")
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def answer(environment: Mapping[str, str]) -> int:
    """Print how the line in `_BRAZIL_LINE` may go on."""
    try:
        sys.stdout.write("".join(f"{line}\n" for line in _answers(environment)))
        sys.stdout.flush()
    except (Exception, SystemExit):  # whatever is wrong, the line stays as it is
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # also for what is not written yet
    return 0


def _answers(environment: Mapping[str, str]) -> list[str]:
    line = environment.get("_BRAZIL_LINE", "")
    words = split_arg_string(line)[1:]
    word = words.pop() if words and not line[-1:].isspace() else ""
    items = _Complete(main, environment).get_completions(words, word)
    option = f"{word.partition('=')[0]}=" if word.startswith("--") and "=" in word else ""
    # What a shell regards as written already: bash takes words apart, and replaces only the last part.
    part = environment.get("_BRAZIL_WORD", word)
    dropped = len(word) - len(part) if word.endswith(part) else 0
    lines = []
    for item in items:
        value = str(item.value) if item.type != "plain" else f"{option}{item.value}"[dropped:]
        about = " ".join(printable(item.help or "").split())
        if len(about) > _WIDTH:
            about = f"{about[: _WIDTH - 3]}..."
        if value.isprintable():  # else a shell would not take it as it is
            lines.append("\t".join([item.type, value, *([about] if about else [])]))
    return lines


class _Complete(ShellComplete):
    """Finds out with click which command and parameter a line is at, and asks the sources above."""

    name = "brazil"

    def __init__(self, command: click.Command, environment: Mapping[str, str]) -> None:
        super().__init__(command, {}, "brazil", "_BRAZIL_COMPLETE")
        self._environment = environment

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """See `ShellComplete`."""
        command: click.Command = self.cli
        path: list[str] = []
        for word in args:
            if isinstance(command, click.Group) and (found := command.get_command(click.Context(command), word)):
                command, path = found, [*path, word]
        for parameter in command.params:
            source = source_of(" ".join(path), parameter) or (_nothing if _takes_folder(parameter) else None)
            if source:
                setattr(parameter, "shell_complete", self._asking(source, parameter))  # noqa: B010 - of this one alone
        return super().get_completions(args, incomplete)

    def _asking(
        self, source: Source, parameter: click.Parameter
    ) -> Callable[[click.Context, str], list[CompletionItem]]:
        def ask(context: click.Context, incomplete: str) -> list[CompletionItem]:
            asked = Asked(self._environment, context, incomplete)
            given = context.params.get(parameter.name or "")
            taken = set(given) if isinstance(given, list | tuple) else set()
            offers = [offer if isinstance(offer, tuple) else (offer, "") for offer in source(asked)]
            items = [CompletionItem(v, help=h) for v, h in offers if v.startswith(incomplete) and v not in taken]
            return [*items, CompletionItem(incomplete, type="dir")] if _takes_folder(parameter) else items

        return ask
