"""Records by name in one file, of which a few are read and a few are changed without a look at the others.

The file begins with every record; what is changed later is appended. Each addition is checked together with the
check of what stood before it, so whoever knows the last check and the length, the State, gets back exactly what was
there then, or nothing: an addition that was cut off, or that another process made, is never mixed in. Nothing is
locked.

A file is a magic, the lengths of an index and of the records behind it, a SHA-256 over the index, the index and the
records; the index has the place, the length and the SHA-256 of each. An addition is a length, a SHA-256 over the
check before and the rest, and the rest. Index and additions are marshalled, so a file is for this Python alone.
"""

import hashlib
import marshal
import os
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress

_MAGIC = f"brazil records 1 {sys.hexversion:x}\n".encode()
_CHECK = 32  # bytes of a SHA-256
_LENGTHS = struct.Struct("<QQ")  # of the index and of the records, in bytes
_LENGTH = struct.Struct("<Q")  # of an addition
_MOST_ADDED = 1 << 20  # bytes of additions, all of which are read, before a file is written anew

_Index = Mapping[str, tuple[int, int, bytes]]  # name -> place behind the index, length in bytes, SHA-256
State = tuple[bytes, int]  # the check of what was written last; length of the file, in bytes
NOTHING: State = (b"", 0)


def write_records(path: str, records: Mapping[str, bytes]) -> State:
    """Replace a file in one step.

    Returns:
        Its state; NOTHING when the disk refuses.
    """
    index: dict[str, tuple[int, int, bytes]] = {}
    place = 0
    for name, record in records.items():
        index[name] = (place, len(record), hashlib.sha256(record).digest())
        place += len(record)
    packed = marshal.dumps(index)
    check = hashlib.sha256(packed).digest()
    data = b"".join((_MAGIC, _LENGTHS.pack(len(packed), place), check, packed, *records.values()))
    staged = f"{path}.{os.getpid()}"
    try:
        with open(staged, "wb") as file:
            file.write(data)
        os.rename(staged, path)
    except OSError:
        return NOTHING
    return check, len(data)


class RecordFile:
    """The records of one file in one State."""

    def __init__(
        self, path: str, state: State, index: _Index, starts: tuple[int, int], added: Mapping[str, bytes]
    ) -> None:
        self._path = path
        self._state = state
        self._index = index
        self._start, self._added_from = starts  # of the records and of the additions
        self._added = added

    @classmethod
    def open(cls, path: str, state: State) -> "RecordFile | None":
        """Read what there is beside the records; None when the file never was in this State, or is damaged."""
        head = len(_MAGIC) + _LENGTHS.size + _CHECK
        with suppress(OSError), open(path, "rb", buffering=0) as file:
            start = file.read(head)
            if len(start) != head or not start.startswith(_MAGIC):
                return None
            size, records = _LENGTHS.unpack_from(start, len(_MAGIC))
            if head + size + records > state[1]:
                return None
            packed, check = file.read(size), start[-_CHECK:]
            if hashlib.sha256(packed).digest() != check:
                return None
            added: dict[str, bytes] = {}
            file.seek(records, os.SEEK_CUR)
            left = memoryview(file.read(state[1] - head - size - records))
            while left:
                length = _LENGTH.unpack_from(left)[0] if len(left) >= _LENGTH.size else len(left)
                claimed, payload = left[_LENGTH.size :][:_CHECK], left[_LENGTH.size + _CHECK :][:length]
                check = hashlib.sha256(check + payload).digest()
                if claimed != check:
                    return None
                added.update(marshal.loads(payload))
                left = left[_LENGTH.size + _CHECK + length :]
            if check == state[0]:
                return cls(path, state, marshal.loads(packed), (head + size, head + size + records), added)
        return None

    def read(self, name: str) -> bytes | None:
        """Return one record; None when there is none, or it is damaged."""
        if name in self._added:
            return self._added[name]
        if name not in self._index:
            return None
        place, length, check = self._index[name]
        with suppress(OSError), open(self._path, "rb", buffering=0) as file:
            record = os.pread(file.fileno(), length, self._start + place)
            if hashlib.sha256(record).digest() == check:
                return record
        return None

    def change(self, records: Mapping[str, bytes]) -> State:
        """Replace some records, or add them.

        Returns:
            The new state; NOTHING when the disk refuses, or the other records cannot be read.
        """
        payload = marshal.dumps(dict(records))
        check = hashlib.sha256(self._state[0] + payload).digest()
        addition = _LENGTH.pack(len(payload)) + check + payload
        size = self._state[1] + len(addition)
        if size - self._added_from <= _MOST_ADDED:
            with suppress(OSError), open(self._path, "ab", buffering=0) as file:
                if os.fstat(file.fileno()).st_size == self._state[1] and file.write(addition) == len(addition):
                    return check, size
        found = {name: self.read(name) for name in {**self._index, **self._added}}
        kept = {name: record for name, record in found.items() if record is not None}
        return write_records(self._path, {**kept, **records}) if len(kept) == len(found) else NOTHING
