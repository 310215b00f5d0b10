"""The commands of the program as click has them."""

import shlex
from collections.abc import Iterator
from typing import NamedTuple

import click

from brazil.cli.main import main


class Command(NamedTuple):
    """A command that does something, or a group of such."""

    path: str  # "brazil ws create"
    command: click.Command

    @property
    def is_group(self) -> bool:
        return isinstance(self.command, click.Group)

    @property
    def options(self) -> set[str]:
        return {name for parameter in self.command.params for name in parameter.opts}

    @property
    def examples(self) -> list[str]:
        """The command lines that the help text shows: its lines that begin with the program's name."""
        lines = (line.strip() for line in (self.command.help or "").splitlines())
        return [line for line in lines if line.startswith("brazil ")]


def commands() -> Iterator[Command]:
    """Return every command and group, but for those that are hidden."""
    yield from _inside(main, "brazil", None)


def _inside(command: click.Command, name: str, parent: click.Context | None) -> Iterator[Command]:
    context = click.Context(command, info_name=name, parent=parent)
    yield Command(context.command_path, command)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None and not found.hidden:
                yield from _inside(found, inner, context)


def parse(line: str) -> str:
    """Parse a command line as the program does, without running it; return the path of its command.

    Raises:
        click.ClickException: there is no such command or option, or a value is wrong.
    """
    program, *words = shlex.split(line, comments=True)
    for sign in (">", "|", "||", "&&"):
        if sign in words:
            words = words[: words.index(sign)]
    context = main.make_context(program, words)
    while isinstance(command := context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert name is not None and found is not None
        context = found.make_context(name, rest, parent=context)
    return context.command_path
