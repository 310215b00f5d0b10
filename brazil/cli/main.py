"""The `brazil` command: its groups, and the one place where errors become messages and exit codes.

A sub-command's module is imported only when that sub-command runs; the table below holds what `--help` needs.
"""

import errno
import gc
import importlib
import itertools
import json
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

import click

from brazil import __version__
from brazil.errors import BrazilError, InternalError, Problem, UnavailableError, UsageError
from brazil.report.printable import printable
from brazil.report.problems import error_data, problem_lines

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from brazil.workspace.trace import Look

_INTERRUPTED, _TERMINATED = 130, 143

# Objects made before Python looks for garbage, 700 otherwise. Nearly all that a command makes lives until it ends:
# looking took half of the time of resolving 10,000 pins.
_COLLECTED = 100_000

# What a full, failing or exhausted machine says; everything else that nobody expected is a bug of ours.
_DENIED = {errno.EACCES, errno.EPERM}
_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, *_DENIED}

# Name -> (module, attribute, one line of help), in the order of `--help`.
_COMMANDS = {
    "ws": ("brazil.cli.ws", "ws", "Workspaces: create, use, drop, show, list, sync, clean, delete."),
    "build": ("brazil.cli.build", "build", "Build packages of the workspace."),
    "test": ("brazil.cli.build", "test", "Build packages of the workspace and run their tests."),
    "exec": ("brazil.cli.enter", "exec_", "Run a command inside a closure of a package."),
    "shell": ("brazil.cli.enter", "shell", "Open a shell inside a closure of a package, or where it failed."),
    "log": ("brazil.cli.log", "log", "Print the whole log of the newest build or test run of a package."),
    "path": ("brazil.cli.path", "path", "Print where things of a closure are, for scripts and editors."),
    "publish": ("brazil.cli.publish", "publish", "Build commits into a version set, as one new revision."),
    "vs": ("brazil.cli.vs", "vs", "Version sets: create, list, show, log, diff."),
    "package": ("brazil.cli.package", "package", "Packages: new, register, list, show, versions, dependencies."),
    "explain": ("brazil.cli.explain", "explain", "Say what an error code means and what to do."),
    "completion": ("brazil.cli.completion", "completion", "Print the script that lets your shell complete commands."),
    "doctor": ("brazil.cli.doctor", "doctor", "Say what builds are isolated from here, and what is missing."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; an unknown one is answered with the nearest."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from brazil.model.nearest import did_you_mean

            hint = did_you_mean(args[0], _COMMANDS) or "see 'brazil --help'"
            raise UsageError(Problem("command.usage", printable(f"no such command {args[0]!r}"), hint=printable(hint)))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Offer the commands without importing them."""
        from click.shell_completion import CompletionItem

        named = [(name, text) for name, (_, _, text) in _COMMANDS.items() if name.startswith(incomplete)]
        return [*(CompletionItem(n, help=t) for n, t in named), *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--registry", metavar="PLACE", help="Path or URL of the registry. [default: $BRAZIL_REGISTRY, config.toml]"
)
@click.version_option(__version__, message="brazil %(version)s")
@click.pass_context
def main(ctx: click.Context, registry: str | None) -> None:
    """Reproducible builds of software that lives in many small repositories.

    \b
    Begin with:
      brazil package register MyLib --repository /path/to/MyLib
      brazil vs create team/dev --target MyLib-1.0
      brazil publish --set team/dev -p MyLib
      brazil ws create work --set team/dev
    \b
    When something is wrong, the message ends with a code in brackets:
      brazil explain registry.unknown-set
    """
    from brazil.cli.context import Session

    ctx.obj = Session(dict(os.environ), registry or "", ctx.obj)


class _Terminated(BaseException):
    """SIGTERM arrived."""


def _stop_at_signals() -> None:
    """Let Ctrl-C and SIGTERM end the work and clean up; a second of them ends everything at once, as a kill does.

    What a kill leaves is safe, and the next command clears it.
    """
    stopping = False

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            _end_children()
            os._exit(_INTERRUPTED if number == signal.SIGINT else _TERMINATED)
        stopping = True
        raise KeyboardInterrupt if number == signal.SIGINT else _Terminated

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # of a job in the background, which Ctrl-C is not for
            signal.signal(number, stop)


def _end_children() -> None:
    """Kill what this process has started; everything in a sandbox dies with the bubblewrap around it."""
    # Without pathlib, which nothing else at the start of a command needs.
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
            with open(f"/proc/self/task/{thread}/children", "rb") as file:  # noqa: PTH123
                for child in file.read().split():
                    with suppress(ProcessLookupError):
                        os.kill(int(child), signal.SIGKILL)


def run(arguments: list[str], look: "Look | None" = None) -> int:
    """Run a command line and return its exit code; every error ends here.

    Args:
        arguments: words of the command line.
        look: at the workspace, when it was looked at already for just this command line.
    """
    _stop_at_signals()
    gc.set_threshold(_COLLECTED)
    try:
        return _run(arguments, look)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return _INTERRUPTED
    except _Terminated:
        click.echo("terminated", err=True)
        return _TERMINATED


def _run(arguments: list[str], look: "Look | None") -> int:
    as_json = "--json" in itertools.takewhile(lambda word: word != "--", arguments)
    try:
        code = main.main(arguments, prog_name="brazil", standalone_mode=False, obj=look)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None  # which click makes this of
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        _tell(_misused(error), as_json=as_json)
        return error.exit_code
    except BrazilError as error:
        _tell(error, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has left; nothing more can be said, also not by the interpreter at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _MACHINE:
            refused = _machine_refused(error)
            _tell(refused, as_json=as_json)
            return refused.exit_code
        bug = _crashed(error)
        _tell(bug, as_json=as_json)
        return bug.exit_code


def _tell(error: BrazilError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"schema": 1, "error": error_data(error)}, indent=2))
    for line in problem_lines(error):
        click.echo(line, err=True)


def _misused(error: click.ClickException) -> UsageError:
    """Give what click says about a command line the form of our own errors."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see '{context.command_path} --help'" if context else ""
    what, _, choices = error.format_message().partition("Choose from:")
    if choices:
        hint = f"one of {' '.join(choices.split())}"
    if near := getattr(error, "possibilities", None):  # of an option or a command, the nearest first
        what, hint = error.message, f"did you mean '{near[0]}'?"
    what = what[:1].lower() + what[1:].rstrip(". ")
    return UsageError(Problem("command.usage", printable(what), hint=printable(hint)))


def _machine_refused(error: OSError) -> UnavailableError:
    """Say what the machine could not do, where nobody nearer has said it."""
    place = printable(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else "a file"
    because = error.strerror or str(error)
    hint = "look at its permissions" if error.errno in _DENIED else "free space or look at the disk, then try again"
    return UnavailableError(Problem("machine.refused", f"{place} cannot be read or written", because, hint))


def _crashed(error: Exception) -> InternalError:
    """Say that there is a bug of ours."""
    if os.environ.get("BRAZIL_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    hint = "please report it, with what BRAZIL_TRACEBACK=1 prints"
    return InternalError(Problem("internal", "brazil has a bug", f"{type(error).__name__}: {error}", hint))
