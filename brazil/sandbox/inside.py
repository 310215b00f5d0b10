"""BubblewrapEntrance: a user's shell in the sandbox of a build or test, with its view and its limits.

It differs from a run in what a shell takes: the user's terminal, which the filter of system calls keeps it from
typing into, and all the time it likes. The terminal's keys are for what is inside: bubblewrap and we ignore their
signals, and `env` gives them back their meaning before the command.
"""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.model.action import FailedRun, SandboxRequest
from brazil.ports import ContentStore
from brazil.sandbox.arguments import ROOT, SHELF, Inputs, Places, input_binds, run_options
from brazil.sandbox.binder import Binder
from brazil.sandbox.bubblewrap import Bubblewrap
from brazil.sandbox.failed import standing_in
from brazil.sandbox.folders import RunFolders, remove_tree
from brazil.sandbox.host_platform import HostPlatform
from brazil.sandbox.launch import launch
from brazil.sandbox.limits import Limiter, find_hierarchies
from brazil.sandbox.run import limits_of, output_places, scratch_of

_FOREVER = float(1 << 31)  # seconds

# An env older than that of coreutils 8.31 cannot: then only a shell that handles the keys itself knows them.
_WITH_KEYS = """
if env --default-signal=INT,QUIT true 2>/dev/null; then exec env --default-signal=INT,QUIT "$@"; fi
exec "$@"
"""


class BubblewrapEntrance:
    """The SandboxEntrance of this machine."""

    def __init__(self, store: ContentStore, platform: HostPlatform, run_root: Path, bwrap: Bubblewrap) -> None:
        """Prepare.

        Args:
            store: where inputs come from.
            platform: the root file system, already materialised.
            run_root: for temporary folders, as that of the sandbox.
            bwrap: the program to use.
        """
        self._store = store
        self._platform = platform
        self._folders = RunFolders(run_root.absolute())
        self._bwrap = bwrap
        self._limiter = Limiter(find_hierarchies())
        self._binder = Binder()

    def enter(self, request: SandboxRequest, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        """See `SandboxEntrance.enter`."""
        folder = self._folders.make()
        try:
            self._store.copy_tree(request.source, Path(f"{folder}/src"))
            for number in range(len(request.command.output_paths)):
                os.mkdir(f"{folder}/out-{number}", 0o755)
            return self._enter(request, folder, arguments, variables)
        finally:
            remove_tree(folder)

    def enter_failed(self, run: FailedRun, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        """See `SandboxEntrance.enter_failed`."""
        with standing_in(run) as there:
            if not there:
                raise UsageError(
                    Problem(
                        "shell.tree-gone",
                        f"what {run.request.label} left is not there any more",
                        run.folder,
                        "build it again",
                    )
                )
            return self._enter(run.request, run.folder, arguments, variables)

    def _enter(
        self, request: SandboxRequest, folder: str, arguments: Sequence[str], variables: Mapping[str, str]
    ) -> int:
        outputs = tuple((place, f"{folder}/out-{number}") for number, place in enumerate(output_places(request)))
        inputs = Inputs.of([(place, str(self._store.tree_path(root))) for place, root in request.inputs])
        places = Places(f"{folder}/src", outputs, inputs)
        environment = tuple(sorted({**dict(request.command.environment), **variables}.items()))
        options = run_options(self._platform.mounts, places, environment, scratch_of(request), terminal=True)
        limits = limits_of(request)._replace(seconds=_FOREVER, log=0)
        binds = input_binds(inputs)
        with _terminal() as is_terminal:
            command = ("/bin/sh", "-c", _WITH_KEYS, "sh", *arguments) if is_terminal else arguments
            try:
                ending = launch(
                    str(self._bwrap.path),
                    options,
                    command,
                    limits,
                    self._limiter,
                    lock=self._folders.lock,
                    prepare=(lambda namespace: self._binder.bind(namespace, binds, SHELF, ROOT)) if binds else None,
                    terminal=True,
                )
            except OSError as error:
                raise _cannot_set_up(request, str(error)) from error
        if not ending.started:
            raise _cannot_set_up(request, "bubblewrap said so above")
        return ending.exit_code


@contextmanager
def _terminal() -> Iterator[bool]:
    """Leave the terminal to what is inside and take it back; yields whether there is one."""
    is_terminal = os.isatty(0)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT)} if is_terminal else {}
    try:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        yield is_terminal
    finally:
        if is_terminal:
            taking = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # whoever is not in front may not say who is
            with suppress(OSError):
                os.tcsetpgrp(0, os.getpgrp())
            signal.signal(signal.SIGTTOU, taking)
        for number, handler in before.items():
            signal.signal(number, handler)


def _cannot_set_up(request: SandboxRequest, because: str) -> UnavailableError:
    what = f"the sandbox of {request.label} could not be set up"
    return UnavailableError(Problem("sandbox.setup", what, because, "see 'brazil doctor'"))
