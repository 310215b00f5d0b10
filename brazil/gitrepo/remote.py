"""What the adapters ask of other repositories; `transport` answers with GitPython.

A `Transport` checks every URL, translates every failure, and never prompts.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from brazil.gitrepo.writing import RefUpdate


class RemoteRefMissingError(Exception):
    """The other repository has no ref of a name that was asked for; for our own code only."""


class RewrittenError(Exception):
    """A ref of the other repository is no descendant of what we had; for our own code only."""


class Transport(Protocol):
    """Makes repositories and moves commits between them."""

    def init(self, folder: Path, *, bare: bool) -> None:
        """Make an empty repository without hooks; one that is there stays as it is."""
        ...

    def fetch(self, repository: Path, url: str, refspecs: Sequence[str], *, prune: bool = False) -> None:
        """Fetch refs into a repository (a bare one, or the `.git` of a checkout).

        Raises:
            UsageError: the URL is refused.
            UnavailableError: the other repository cannot be reached.
            RemoteRefMissingError: it has no such ref.
            RewrittenError: a refspec without '+' would lose commits.
        """
        ...

    def push(self, repository: Path, url: str, updates: Sequence[RefUpdate], *, lease: bool = True) -> bool:
        """Push commits to refs; False when a ref was not at its old value.

        Args:
            repository: where the commits are.
            url: the other repository.
            updates: what to move; all or none where the other side can.
            lease: demand the old values; without it a ref may already be there just so.

        Raises:
            UsageError: the URL is refused.
            UnavailableError: the other repository cannot be reached or refuses.
        """
        ...

    def checkout(self, folder: Path, commit: str) -> None:
        """Fill a new checkout from its own objects; it is detached."""
        ...


TransportFactory = Callable[[], Transport]
