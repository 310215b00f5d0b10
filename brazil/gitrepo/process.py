"""Runs one git command in one repository and tells its failures apart.

Invariants: no shell, the environment of `environment`, no terminal. Options come first and are ours; what
comes from outside was checked by `names` or stands behind `--`.
"""

import errno
import subprocess
from collections.abc import Sequence
from pathlib import Path

from brazil.errors import BrazilError, IntegrityError, Problem, UnavailableError, UsageError
from brazil.gitrepo.environment import local_environment

# What git says of a disk that refuses; it often leaves out why. To write is never what finds damage.
_CANNOT_WRITE = (
    "no space left",
    "disk quota",
    "read-only file system",
    "insufficient permission",
    "unable to create",
    "failed to write",
    "could not write",
    "unable to write",
    "write error",
)

# What the kernel answers where PATH leads to no program that may be started; ENOTDIR: an entry of it is a file.
_NO_PROGRAM = (errno.ENOENT, errno.EACCES, errno.ENOTDIR)


class GitFailedError(Exception):
    """A git command ended with another code than 0; for our own code only, never for a user."""

    def __init__(self, command: str, code: int, text: str) -> None:
        super().__init__(f"git {command}: {text}")
        self.command = command
        self.code = code
        self.text = text


def not_started(error: OSError) -> UnavailableError:
    """Say why git could not be started: there is none, or this machine cannot start it now."""
    what, because = "git cannot be started", error.strerror or str(error)
    if error.errno in _NO_PROGRAM:
        return UnavailableError(Problem("git.missing", what, because, "install git 2.34 or newer"))
    return UnavailableError(Problem("git.start", what, because))


def start(place: Sequence[str], arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a git command that is fed and read through pipes.

    Args:
        place: the options that say where: `in_repository` or `in_checkout`.
        arguments: command and arguments.
    """
    try:
        return subprocess.Popen(
            ["git", *place, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=local_environment(),
        )
    except OSError as error:
        raise not_started(error) from error


def in_repository(folder: Path) -> tuple[str, ...]:
    """Say where: the bare repository at `folder`."""
    return (f"--git-dir={folder}",)


def in_checkout(folder: Path) -> tuple[str, ...]:
    """Say where: the checkout at `folder`, never one around it."""
    return ("-C", str(folder), f"--git-dir={folder}/.git", f"--work-tree={folder}")


def run(place: Sequence[str], arguments: Sequence[str], data: bytes = b"") -> bytes:
    """Run a git command to its end and return its output.

    Raises:
        GitFailedError: it failed.
        UnavailableError: git cannot be started.
    """
    try:
        done = subprocess.run(
            ["git", *place, *arguments], input=data, capture_output=True, env=local_environment(), check=False
        )
    except OSError as error:
        raise not_started(error) from error
    if done.returncode:
        raise GitFailedError(arguments[0], done.returncode, last_words(done.stderr.decode("utf-8", "replace")))
    return done.stdout


def last_words(stderr: str) -> str:
    """Return what git said was wrong as one printable line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!"))] or lines[-1:]
    text = "; ".join(told)[:500]
    return "".join(c if c.isprintable() else "?" for c in text).replace("fatal: ", "").replace("error: ", "")


def cannot_write(failure: GitFailedError) -> bool:
    """Say whether git could not write here. That permission is denied it says of the other side of a fetch as well."""
    return any(words in failure.text.lower() for words in _CANNOT_WRITE)


def broken(folder: Path, failure: GitFailedError) -> BrazilError:
    """Translate the failure of a local command in a repository of ours."""
    text = failure.text.lower()
    if cannot_write(failure) or "permission denied" in text:
        hint = "free space or fix its permissions"
        return UnavailableError(Problem("git.write", f"the repository {folder} cannot be written", failure.text, hint))
    if "not a git repository" in text:
        return UsageError(Problem("git.no-repository", f"{folder} is not a git repository", failure.text))
    return IntegrityError(
        Problem(
            "git.damaged",
            f"git {failure.command} failed in {folder}",
            failure.text,
            f"look with 'git --git-dir={folder} fsck'",
        )
    )


def refused(url: str, failure: GitFailedError) -> UnavailableError:
    """Translate the failure of a fetch or push."""
    if "dubious ownership" in failure.text:
        return UnavailableError(
            Problem(
                "git.owner",
                f"git refuses to read {url}",
                "it belongs to another user",
                f"if you trust it: git config --global --add safe.directory {url.removeprefix('file://')}",
            )
        )
    return UnavailableError(
        Problem(
            "git.unreachable",
            f"the repository {url} cannot be reached",
            failure.text,
            "check the address, the network and your rights, then try again",
        )
    )
