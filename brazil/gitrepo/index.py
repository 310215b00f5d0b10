"""Reads as much of git's index as tells that nothing in it is unusual."""

import struct
from pathlib import Path

_HEADER = struct.Struct(">4sII")  # signature, version, number of entries
_FIXED = 62  # bytes of an entry before its path, with SHA-1: ten numbers of 32 bits, the id, the flags
_MODE, _FLAGS = 24, 60  # offsets inside an entry
_PLAIN_TYPES = frozenset({0o10, 0o12})  # the upper bits of a mode: regular file, symbolic link
_UNUSUAL_FLAGS = 0x7000  # more flags follow, such as skip-worktree; the stages of a path with conflicts
_CHECKSUM = 20
_UNUSUAL = frozenset({b"link", b"sdir"})  # extensions: a split index, a sparse one


def is_plain_index(path: Path) -> bool:
    """Say whether an index holds only files and links of an ordinary, complete checkout; an absent one does.

    False also means that a path has conflicts, or that it is not understood: another version, other hashes, damage.

    Source:
        git's Documentation/gitformat-index.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return _is_plain(data)
    except (struct.error, IndexError, ValueError):
        return False


def _is_plain(data: bytes) -> bool:
    signature, version, entries = _HEADER.unpack_from(data)
    if signature != b"DIRC" or version != 2:
        return False
    at = _HEADER.size
    for _ in range(entries):
        flags = data[at + _FLAGS]  # the upper byte
        # The mode's type is in the upper four of its lower sixteen bits.
        if data[at + _MODE + 2] >> 4 not in _PLAIN_TYPES or flags & (_UNUSUAL_FLAGS >> 8):
            return False
        end = data.index(0, at + _FIXED)
        at += (end - at) // 8 * 8 + 8  # padded with one to eight zeros
    return not any(name in _UNUSUAL for name in _extensions(data, at))


def _extensions(data: bytes, at: int) -> list[bytes]:
    found = []
    while at + 8 <= len(data) - _CHECKSUM:
        found.append(data[at : at + 4])
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    if at != len(data) - _CHECKSUM:
        raise ValueError("the index does not end where it should")
    return found
