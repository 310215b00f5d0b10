"""Which URLs, refs and commit ids may reach a git command line.

Refused before any process starts: transports that run commands, texts that git would take for an option,
control characters. A local path must be absolute, so that it means the same to everybody who reads it.
"""

import re
from pathlib import Path

from brazil.errors import Problem, UsageError

_SCHEMES = ("file", "ssh", "https", "http")
_SCHEME = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)://(.*)", re.ASCII | re.DOTALL)
_SCP = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!:).+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_ABBREVIATED = re.compile(r"[0-9a-f]{4,64}", re.ASCII)
_ACTOR = re.compile(r"[^<>\x00-\x1f\x7f]+ <[^<>\x00-\x1f\x7f ]*>")
_BAD_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


def url_fault(url: str) -> str | None:
    """Say why a text is no repository we would talk to, or None when it is."""
    if not url:
        return "it is empty"
    if any(ord(c) < 32 or ord(c) == 127 or "\ud800" <= c <= "\udfff" for c in url):
        return "it holds a control character"
    if url.startswith("-"):
        return "it starts with '-'"
    if url.startswith("/"):
        return None
    if match := _SCHEME.fullmatch(url):
        return _scheme_fault(match[1].lower(), match[2])
    if "::" in url.split("/", 1)[0]:
        return "git would run a helper program for it"
    if _SCP.fullmatch(url) and "/" not in url.split(":", 1)[0]:
        return "its path starts with '-'" if url.split(":", 1)[1].startswith("-") else None
    return "it is neither an absolute path nor a file, ssh, https or http URL"


def _scheme_fault(scheme: str, rest: str) -> str | None:
    if scheme not in _SCHEMES:
        return f"'{scheme}' is none of {', '.join(_SCHEMES)}"
    if scheme == "file":
        return None if rest.startswith("/") else "a file URL needs an absolute path"
    host = rest.split("/", 1)[0].rsplit("@", 1)[-1]
    if not host or host.startswith("-") or rest.startswith("-"):
        return "it has no valid host"
    return None


def check_url(url: str) -> str:
    """Return a repository's URL or absolute path as it is.

    Raises:
        UsageError: it is nothing we would talk to.
    """
    fault = url_fault(url)
    if fault:
        raise UsageError(
            Problem(
                "git.url",
                f"{url[:200]!a} is not a repository",
                fault,
                "give an absolute path, or a URL such as 'https://host/path' or 'git@host:path'",
            )
        )
    return url


def local_path(url: str) -> Path | None:
    """Return the folder that an absolute path names; None for every other kind of URL."""
    return Path(url) if url.startswith("/") else None


def is_commit(text: str) -> bool:
    """Say whether a text is a full commit id."""
    return bool(_COMMIT.fullmatch(text))


def is_abbreviated(text: str) -> bool:
    """Say whether a text could be the beginning of a commit id."""
    return bool(_ABBREVIATED.fullmatch(text))


def check_commit(text: str) -> str:
    """Return a full commit id as it is.

    Raises:
        UsageError: it is none.
    """
    if not is_commit(text):
        raise UsageError(
            Problem("git.commit", f"{text[:100]!a} is not a commit id", "it must be 40 or 64 lower-case hex digits")
        )
    return text


def ref_fault(name: str) -> str | None:
    """Say why a text cannot be the name of a branch or tag, or None when it can."""
    if not name or len(name) > 255:
        return "it is empty or too long"
    if name.startswith(("-", "/")) or name.endswith(("/", ".")) or name == "@":
        return "it starts or ends with a character that is not allowed there"
    if _BAD_IN_REF.search(name) or not name.isprintable():
        return "it holds a character that is not allowed in a ref"
    if any(not part or part.startswith(".") or part.endswith(".lock") for part in name.split("/")):
        return "a part of it is empty, starts with '.' or ends with '.lock'"
    return None


def check_actor(actor: str) -> str:
    """Return `Name <mail>` as it is.

    Raises:
        UsageError: it cannot stand in a commit.
    """
    if not _ACTOR.fullmatch(actor) or not actor.isprintable():
        raise UsageError(
            Problem("git.actor", f"{actor[:200]!a} cannot sign a revision", "", "give it as 'Name <mail>'")
        )
    return actor
