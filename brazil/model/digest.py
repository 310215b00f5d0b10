"""Digest: the name of content, made from the content.

SHA-256 and size in bytes, as in the Remote Execution API, so that local, shared and remote stores agree.
"""

import hashlib
from typing import NamedTuple


class Digest(NamedTuple):
    """SHA-256 of some bytes (64 lower-case hex digits) and how many bytes they are."""

    hash: str
    size: int

    def __str__(self) -> str:
        return f"{self.hash}/{self.size}"


def digest_of(data: bytes) -> Digest:
    """Name these bytes."""
    return Digest(hashlib.sha256(data).hexdigest(), len(data))


def parse_digest(text: str) -> Digest | None:
    """Read `hash/size`; None when the text is not exactly what `str(digest)` writes."""
    hash_, slash, size = text.partition("/")
    if not slash or len(hash_) != 64 or not all(c in "0123456789abcdef" for c in hash_):
        return None
    if not (size.isascii() and size.isdigit()) or (len(size) > 1 and size[0] == "0") or len(size) > 19:
        return None
    return Digest(hash_, int(size))


EMPTY = digest_of(b"")
