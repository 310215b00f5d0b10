import functools
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from brazil.errors import UnavailableError
from brazil.model.action import Command, SandboxRequest, SandboxResult
from brazil.model.digest import Digest, digest_of
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode
from brazil.ports import ContentStore
from brazil.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from brazil.sandbox.failed import FailedFolders
from brazil.sandbox.host_platform import HostPlatform
from brazil.sandbox.run import BubblewrapSandbox
from brazil.store.local import LocalStore

OUTPUT = "pkg/Thing-1.0"
ENVIRONMENT = (("BRAZIL_OUT", f"/brazil/{OUTPUT}"), ("HOME", "/home/build"), ("PATH", "/usr/bin:/bin"), ("TZ", "UTC"))


def endless() -> str:
    """Seconds for a sleep of this process's tests, of a fixed length: none is the beginning of another's."""
    return f"3600.{os.getpid():07}"


class Machine:
    """A store and a sandbox in one folder."""

    def __init__(self, folder: Path, bwrap: Bubblewrap, platform: HostPlatform) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.bwrap = bwrap
        self.platform = platform
        self.store = LocalStore(folder / "data", folder / "cache")
        self.failed = FailedFolders(folder / "failed")
        self.sandbox = BubblewrapSandbox(self.store, lambda: platform, self.runs, lambda: bwrap, self.failed)

    def tree(self, files: dict[str, str]) -> Digest:
        """Keep files (path -> content; a path ending in "@" is a link, in "*" a program)."""
        return tree(self.store, files)

    def request(self, script: str, source: dict[str, str] | None = None, **changes: Any) -> SandboxRequest:
        fields: dict[str, Any] = {
            "label": "build Thing-1.0",
            "action": digest_of(script.encode()),
            "command": Command(("/bin/sh", "-eu", "-c", script), ENVIRONMENT, "brazil", (OUTPUT,)),
            "source": self.tree(source or {}),
            "inputs": (),
            "timeout": 60,
            "largest_output": 1 << 24,
            "largest_log": 1 << 20,
        }
        return SandboxRequest(**(fields | changes))

    def run(self, script: str, source: dict[str, str] | None = None, **changes: Any) -> SandboxResult:
        return self.sandbox.run(self.request(script, source, **changes))

    def log(self, result: SandboxResult) -> str:
        return self.store.read(result.log).decode()

    def said(self, script: str, **changes: Any) -> str:
        """Run what must succeed and return what it said."""
        result = self.run(script, **changes)
        assert (result.exit_code, result.ended_by) == (0, ""), self.log(result)
        return self.log(result).strip()

    def left_behind(self) -> list[str]:
        """What is still in this process's folder of runs, when it has found out what runs are isolated from."""
        with suppress(UnavailableError):
            assert self.sandbox.isolation
        return sorted(str(path) for own in self.runs.iterdir() if own.is_dir() for path in own.iterdir())


def tree(store: ContentStore, files: dict[str, str]) -> Digest:
    folders: dict[str, dict[str, str]] = {}
    found: list[FileNode] = []
    links: list[SymlinkNode] = []
    for path, text in sorted(files.items()):
        first, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(first, {})[rest] = text
        elif path.endswith("@"):
            links.append(SymlinkNode(path[:-1], text))
        else:
            found.append(FileNode(path.rstrip("*"), store.write(text.encode()), path.endswith("*")))
    directories = [DirectoryNode(name, tree(store, inner)) for name, inner in sorted(folders.items())]
    return store.write_directory(Directory(tuple(found), tuple(directories), tuple(links)))


@functools.cache
def bubblewrap() -> Bubblewrap | str:
    try:
        return find_bubblewrap()
    except UnavailableError as error:
        return f"{error}; {error.problems[0].hint}"


@functools.cache
def host_platform(cache: Path) -> HostPlatform:
    return HostPlatform.prepare(cache)


def machine(folder: Path, factory: pytest.TempPathFactory) -> Machine:
    """A machine in `folder`; the platform is made once for all tests and processes of a test run."""
    bwrap = bubblewrap()
    if isinstance(bwrap, str):
        pytest.skip(bwrap)
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return Machine(folder, bwrap, host_platform(shared / "platform-of-sandbox-tests"))


def processes_with(mark: str) -> list[int]:
    """Ids of all processes of this machine that carry the mark on their command line."""
    return sorted(pid for pid in _processes() if mark.encode() in _command_line(pid))


def _processes() -> Iterable[int]:
    return (int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and int(p.name) != os.getpid())


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def as_nobody(work: Callable[[Path], str]) -> str:
    """Do something in a folder, in another process as another user; only root can, others stay who they are."""
    read, write = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                if os.geteuid() == 0:
                    os.setgroups([])
                    os.setresgid(65534, 65534, 65534)
                    os.setresuid(65534, 65534, 65534)
                os.write(write, work(Path(folder)).encode())
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        os.close(write)
        with os.fdopen(read) as file:
            said = file.read()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return said


def nobodys(folder: Path) -> Machine:
    """Make a machine in a process of `as_nobody`."""
    if not os.access(os.path.realpath(sys.executable), os.X_OK):
        sys.executable = "/usr/bin/python3"  # ours is in a folder that is closed to other users
    return Machine(folder, find_bubblewrap(), HostPlatform.prepare(folder / "platform"))
