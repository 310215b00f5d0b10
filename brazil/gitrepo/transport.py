"""The Transport of the real system: GitPython with our environment.

GitPython would hand the caller's whole environment to git, and its `Repo` itself reads variables that lead
to other repositories (set, for one, in every hook). So its command runner is used, by `_SafeGit`: every command
starts without those variables and with our configuration on top of the user's, who keeps credentials and ssh
settings there. Importing this module costs about 100 ms, and fails where there is no git, so only `wiring` does,
when it is needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from git import Git
from git.exc import GitCommandError, UnsafeProtocolError

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.gitrepo.environment import inherited_names, remote_changes
from brazil.gitrepo.names import check_url
from brazil.gitrepo.process import GitFailedError, broken, cannot_write, last_words, not_started, refused
from brazil.gitrepo.remote import RemoteRefMissingError, RewrittenError
from brazil.gitrepo.writing import RefUpdate

# A Linux command line holds 2 MiB; one ref update is at most 400 bytes.
_UPDATES_PER_PUSH = 2000


class _SafeGit(Git):
    """GitPython's command runner with our environment."""

    def __init__(self, working_dir: Any = None) -> None:
        super().__init__(working_dir)
        # The base class expands '~' and '$' in what is a path to us.
        self._working_dir = working_dir
        self.update_environment(**remote_changes())

    def execute(self, command: Any, *args: Any, **kwargs: Any) -> Any:
        words = [command] if isinstance(command, str) else list(command)
        unset = [word for name in inherited_names() for word in ("-u", name)]
        try:
            return super().execute(["/usr/bin/env", *unset, *words], *args, **kwargs)
        except OSError as error:
            raise not_started(error) from error


class GitPythonTransport:
    """Makes repositories and moves commits between them."""

    def init(self, folder: Path, *, bare: bool) -> None:
        """Make an empty repository without hooks."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Repo.init would expand '$' in the path.
            _SafeGit(str(folder)).init("--quiet", *(["--bare"] if bare else []))
        except OSError as error:
            raise UnavailableError(
                Problem(
                    "git.write",
                    f"the repository {folder} cannot be made",
                    error.strerror or "",
                    "free space or fix its permissions",
                )
            ) from error
        except GitCommandError as error:
            raise broken(folder, _failure("init", error)) from error

    def fetch(self, repository: Path, url: str, refspecs: Sequence[str], *, prune: bool = False) -> None:
        """Fetch refs into a repository."""
        _check(url)
        options = ["--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
        options += ["--prune"] if prune else []
        try:
            _in(repository).fetch(*options, "--", url, *refspecs)
        except GitCommandError as error:
            failure = _failure("fetch", error)
            if "couldn't find remote ref" in failure.text or "not our ref" in failure.text:
                raise RemoteRefMissingError(failure.text) from error
            if "non-fast-forward" in str(error.stderr):
                raise RewrittenError(failure.text) from error
            raise (broken(repository, failure) if cannot_write(failure) else refused(url, failure)) from error

    def push(self, repository: Path, url: str, updates: Sequence[RefUpdate], *, lease: bool = True) -> bool:
        """Push commits to refs; False when a ref was not at its old value."""
        _check(url)
        return all(
            _push(repository, url, updates[at : at + _UPDATES_PER_PUSH], lease)
            for at in range(0, len(updates), _UPDATES_PER_PUSH)
        )

    def checkout(self, folder: Path, commit: str) -> None:
        """Fill a new checkout from its own objects."""
        try:
            _in(folder / ".git", folder).checkout("--quiet", "--no-recurse-submodules", "--detach", commit, "--")
        except GitCommandError as error:
            failure = _failure("checkout", error)
            raise UsageError(
                Problem("source.checkout", f"commit {commit} cannot be checked out", failure.text)
            ) from error


def _in(repository: Path, work_tree: Path | None = None) -> Git:
    place = {"git_dir": str(repository)} | ({"work_tree": str(work_tree)} if work_tree is not None else {})
    return _SafeGit(str(work_tree or repository))(**place)


def _push(repository: Path, url: str, updates: Sequence[RefUpdate], lease: bool) -> bool:
    options = ["--porcelain", "--no-verify", "--no-recurse-submodules", "--no-follow-tags", "--no-signed"]
    if lease:
        options += [f"--force-with-lease={u.name}:{u.old}" for u in updates]
    try:
        _in(repository).push(*options, "--", url, *(f"{u.new}:{u.name}" for u in updates))
    except GitCommandError as error:
        report = f"{error.stdout}\n{error.stderr}"
        races = ("stale info", "fetch first", "non-fast-forward", "failed to update ref", "cannot lock ref")
        if "[rejected]" in report or any(f"({race}" in report for race in races) or "cannot lock ref" in report:
            return False
        raise refused(url, _failure("push", error)) from error
    return True


def _check(url: str) -> None:
    check_url(url)
    try:
        Git.check_unsafe_protocols(url)
    except UnsafeProtocolError as error:
        raise UsageError(Problem("git.url", f"{url[:200]!a} is not a repository", str(error))) from error


def _failure(command: str, error: GitCommandError) -> GitFailedError:
    # GitPython quotes and indents what it caught.
    text = str(error.stderr).strip().removeprefix("stderr:").strip().strip("'").strip()
    code = error.status if isinstance(error.status, int) else 1
    return GitFailedError(command, code, last_words(text or str(error.stdout)))
