"""What every command has at hand: the wiring, where it stands, and how it reports."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.model.names import VersionSetName, version_set_name
from brazil.wiring import Wiring

if TYPE_CHECKING:
    from brazil.events import Emit
    from brazil.workspace.folder import WorkspaceFolder
    from brazil.workspace.trace import Look

json_option = click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
events_option = click.option("--events", is_flag=True, help="Print progress as JSON lines.")
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Steps at a time. [default: one more than processors]",
)
junit_option = click.option(
    "--junit", type=click.Path(path_type=Path), metavar="FOLDER", help="Write a JUnit file per tested package there."
)
keep_going_option = click.option(
    "-k", "--keep-going", is_flag=True, help="After a failure, go on with whatever does not need what failed."
)


class Session:
    """One run of a command."""

    def __init__(self, environment: dict[str, str], registry: str, look: "Look | None" = None) -> None:
        self.environment = environment
        self.look = look  # at the workspace, when this command line was looked at already
        self._registry = registry

    def wiring(self, *, jobs: int | None = None, workspace: "WorkspaceFolder | None" = None) -> Wiring:
        """Return the adapters; inside a workspace those of its own registry, unless another is asked for."""

        def registry() -> str:
            return self._registry or (workspace.read().registry if workspace else "")

        return Wiring(self.environment, registry=registry, jobs=jobs or 0)

    def workspace(self) -> "WorkspaceFolder":
        """Return the workspace that the current folder is in."""
        from brazil.workspace.folder import WorkspaceFolder

        found = WorkspaceFolder.find(Path.cwd())
        with suppress(UnavailableError):  # one that was moved or copied; not to be listed is no reason to refuse
            self.wiring().known_workspaces.add(found.root)
        return found


pass_session = click.make_pass_decorator(Session)


@contextmanager
def listening(events: bool) -> "Iterator[Emit]":
    """Show progress: JSON lines on stdout when asked for, a live view on a terminal, else plain lines on stderr."""
    if events:
        from brazil.report.event_data import json_to

        yield json_to(sys.stdout)
    elif sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from brazil.report.live import LiveView

        with LiveView(sys.stderr, colour=not os.environ.get("NO_COLOR")) as view:
            yield view
    else:
        from brazil.report.progress import lines_to

        yield lines_to(sys.stderr)


def set_and_revision(text: str) -> tuple[VersionSetName, int | None]:
    """Read `shop/dev` or `shop/dev@3`.

    Raises:
        UsageError: the text is neither.
    """
    name, at, number = text.partition("@")
    if at and not (number.isascii() and number.isdigit() and len(number) < 10):
        raise UsageError(
            Problem("set.bad-revision", f"{text!a} does not name a revision", hint="write it like shop/dev@3")
        )
    return version_set_name(name), int(number) if at else None


def tell(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines for a person, on stderr when they say why there is no result."""
    for line in lines:
        click.echo(line, err=err)


def tell_json(data: Mapping[str, Any]) -> None:
    """Print facts for a program: one JSON document with its schema, in ASCII, so that no name can harm a terminal."""
    import json

    click.echo(json.dumps({"schema": 1, **data}, indent=2))
