"""The composition root: configuration and environment to adapters.

Adapters are made when first asked for and imported then, because a command pays at start-up only for what it
uses. What reads the environment or the date beside this is listed in `docs/architecture.md`.
"""

import errno
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from brazil.places import Places, find_places

if TYPE_CHECKING:
    from pathlib import Path

    from brazil.build.executor import Machine
    from brazil.formats.configuration_file import ConfigurationFile
    from brazil.gitrepo.remote import Transport
    from brazil.operations.building import BuildPorts
    from brazil.ports import Checkouts, Clock, ClosureRunner, Registry, SandboxEntrance
    from brazil.sandbox.bubblewrap import Bubblewrap
    from brazil.sandbox.failed import FailedFolders
    from brazil.sandbox.host_platform import HostPlatform
    from brazil.sandbox.probe import Examination
    from brazil.source.mirror import SourceMirror
    from brazil.source.watching import InotifyFolders
    from brazil.store.local import LocalStore
    from brazil.store.records import RecordFiles
    from brazil.workspace.known import KnownWorkspaces


class SystemClock:
    """The real time."""

    def now(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns()


class Wiring:
    """The adapters of one run of the program."""

    def __init__(self, environment: Mapping[str, str], *, registry: Callable[[], str] = str, jobs: int = 0) -> None:
        """Prepare; nothing is made yet.

        Args:
            environment: of the process.
            registry: asked when it is needed; path or URL that overrides the configured one, or empty.
            jobs: Steps at a time, overrides the configured number; 0: does not.
        """
        self._environment = environment
        self._registry = registry
        self._jobs = jobs

    @cached_property
    def places(self) -> Places:
        """Where this user's files are."""
        return find_places(self._environment)

    @cached_property
    def configuration(self) -> "ConfigurationFile":
        """What `config.toml` says.

        Raises:
            UsageError: it is wrong, with every problem.
        """
        from brazil.formats.configuration_file import ConfigurationFile, read_configuration

        path = _path(self.places.config, "config.toml")
        return read_configuration(path.read_bytes(), file=str(path)) if path.is_file() else ConfigurationFile()

    @cached_property
    def registry_location(self) -> str:
        """What overrides it over `BRAZIL_REGISTRY` over `config.toml` over the default one in the data folder."""
        chosen = self._registry() or self._environment.get("BRAZIL_REGISTRY") or self.configuration.registry
        if not chosen:
            return str(_path(self.places.data, "registry.git"))
        return chosen if ":" in chosen else str(_path(chosen).absolute())

    @cached_property
    def actor(self) -> str:
        """Who makes revisions: `BRAZIL_ACTOR`, `config.toml`, git's own variables and configuration, the account."""
        from brazil.gitrepo.identity import git_identity

        return self._environment.get("BRAZIL_ACTOR") or self.configuration.actor or git_identity(self._environment)

    @cached_property
    def registry(self) -> "Registry":
        """The registry."""
        from hashlib import sha256

        from brazil.registry.git_registry import GitRegistry

        location = self.registry_location
        return GitRegistry(
            location,
            mirror=_path(self.places.data, "registries") / f"{sha256(location.encode()).hexdigest()[:16]}.git",
            cache=_path(self.places.cache, "registry"),
            actor=self.actor,
            clock=SystemClock(),
            transport=self._transport,
            create=location == str(_path(self.places.data, "registry.git")),
        )

    @cached_property
    def store(self) -> "LocalStore":
        """The store of this user."""
        from brazil.store.local import LocalStore

        return LocalStore(_path(self.places.store), _path(self.places.cache))

    @cached_property
    def known_workspaces(self) -> "KnownWorkspaces":
        """The workspaces of this user."""
        from brazil.workspace.known import KnownWorkspaces

        return KnownWorkspaces(_path(self.places.data, "workspaces"))

    @cached_property
    def sources(self) -> "SourceMirror":
        """The mirror of package repositories."""
        from brazil.source.mirror import SourceMirror

        return SourceMirror(
            _path(self.places.data, "sources.git"),
            store=self.store,
            cache=_path(self.places.cache, "sources"),
            registry=self.registry_location,
            transport=self._transport,
        )

    @cached_property
    def checkouts(self) -> "Checkouts":
        """Working trees."""
        from brazil.source.checkout import GitCheckouts

        return GitCheckouts(
            lambda: self.sources,
            store=self.store,
            cache=_path(self.places.cache, "sources"),
            clock=SystemClock(),
            transport=self._transport,
            second=(sys.executable, "-P", "-c", "from brazil.wiring import serve_captures; serve_captures()"),
        )

    @cached_property
    def clock(self) -> "Clock":
        """The real time."""
        return SystemClock()

    def folders(self) -> "InotifyFolders":
        """Notices changes of files; to be closed."""
        from brazil.source.watching import InotifyFolders

        return InotifyFolders()

    @cached_property
    def platform(self) -> "HostPlatform":
        """The root file system of builds.

        Raises:
            UnavailableError: it cannot be prepared.
        """
        from brazil.sandbox.host_platform import HostPlatform

        return HostPlatform.prepare(_path(self.places.platforms))

    @cached_property
    def bubblewrap(self) -> "Bubblewrap":
        """The program that makes sandboxes.

        Raises:
            UnavailableError: there is none that works.
        """
        from brazil.sandbox.bubblewrap import find_bubblewrap

        return find_bubblewrap()

    @cached_property
    def machine(self) -> "Machine":
        """Everything that running Steps takes."""
        from brazil.build.executor import Machine
        from brazil.sandbox.early import Early
        from brazil.sandbox.run import BubblewrapSandbox

        data = _path(self.places.data)
        # Both are found out while checkouts are captured: to describe a machine for the first time takes 0.4 s.
        platform, bwrap = Early(lambda: self.platform), Early(lambda: self.bubblewrap)
        sandbox = BubblewrapSandbox(self.store, platform, data / "runs", bwrap, self.failed_runs)
        # One more than processors: a Step also waits, for the kernel to make its namespaces and for the disk.
        jobs = self._jobs or self.configuration.jobs or len(os.sched_getaffinity(0)) + 1
        return Machine(self.store, self.store, sandbox, self.records, jobs, self.failed_runs)

    @cached_property
    def records(self) -> "RecordFiles":
        """The records of runs."""
        from brazil.store.records import RecordFiles

        return RecordFiles(_path(self.places.data, "records"), self.store)

    @cached_property
    def failed_runs(self) -> "FailedFolders":
        """What failed runs left."""
        from brazil.sandbox.failed import FailedFolders

        return FailedFolders(_path(self.places.data, "failed"))

    @cached_property
    def build_ports(self) -> "BuildPorts":
        """The ports of a build."""
        from brazil.operations.building import BuildPorts

        return BuildPorts(self.registry, self.sources, self.checkouts, self.machine)

    @cached_property
    def runner(self) -> "ClosureRunner":
        """Runs a user's commands in a closure."""
        from brazil.sandbox.enter import BubblewrapClosureRunner

        return BubblewrapClosureRunner(self.store, self.bubblewrap)

    @cached_property
    def entrance(self) -> "SandboxEntrance":
        """Lets a user stand where builds run."""
        from brazil.sandbox.inside import BubblewrapEntrance

        return BubblewrapEntrance(self.store, self.platform, _path(self.places.data, "runs"), self.bubblewrap)

    def examine(self) -> "Examination":
        """Find out by trying what builds are isolated from here."""
        from brazil.sandbox.probe import examine

        return examine(_path(self.places.platforms), _path(self.places.data, "runs"))

    def _transport(self) -> "Transport":
        from shutil import which

        from brazil.gitrepo.process import not_started

        if which("git") is None:  # GitPython cannot even be imported then
            raise not_started(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
        from brazil.gitrepo.transport import GitPythonTransport

        return GitPythonTransport()


def serve_captures() -> None:
    """Capture checkouts for another process of this program: see `brazil/source/side_by_side.py`."""
    from brazil.source.side_by_side import serve

    serve(Wiring(os.environ).checkouts.capture, sys.stdin.buffer, sys.stdout.buffer)


def _path(*parts: str) -> "Path":
    from pathlib import Path

    return Path(*parts)
