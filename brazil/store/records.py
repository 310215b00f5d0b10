"""The permanent record of every run: one JSON file per run, in a folder per Action, never changed.

A file's name holds the SHA-256 of its content, so a damaged one is told from a whole one and is left out.

`list` has a line per run, by which the runs of a Step are found without reading every record. It is only ever added
to, with one write per line after the record is there, and only leads to records: they are what counts.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from brazil.errors import IntegrityError, UsageError
from brazil.formats.snapshot import decode_run, encode_run, encode_snapshot
from brazil.model.action import Ran, RunRecord, StepId, StepKind
from brazil.model.digest import Digest, parse_digest
from brazil.model.names import parse_interface
from brazil.ports import ContentStore
from brazil.store.blobs import cannot_write, unique_name, write_all

_LIST = "list"
# Ends of its lines, so that a line which was cut off is told from a whole one.
_SUCCEEDED, _FAILED = "succeeded", "failed"
_BLOCK = 1 << 16  # bytes of it that are read at once


class RecordFiles:
    """Run records below a folder; their Snapshots are blobs of the store."""

    def __init__(self, folder: Path, store: ContentStore) -> None:
        self._folder = str(folder)
        self._store = store

    def add(self, record: RunRecord) -> None:
        """See `RunRecords.add`."""
        self._store.write(encode_snapshot(record.snapshot))
        folder = self._runs_folder(record.snapshot.action)
        data = encode_run(record)
        path = f"{folder}/{record.result.started}-{hashlib.sha256(data).hexdigest()}.json"
        staged = f"{folder}/.{unique_name()}"
        try:
            os.makedirs(folder, exist_ok=True)
            with open(staged, "xb", buffering=0) as file:
                write_all(file.fileno(), data)
            os.rename(staged, path)
            self._list(record)
        except OSError as error:
            with suppress(OSError):
                os.unlink(staged)
            raise cannot_write(path, error) from error

    def runs(self, action: Digest) -> Sequence[RunRecord]:
        """See `RunRecords.runs`."""
        records = []
        for path in sorted(Path(self._runs_folder(action)).glob("[0-9]*.json")):
            with suppress(IntegrityError, OSError):  # unreadable, or no record: as if it was never written
                data = path.read_bytes()
                if path.stem.endswith(f"-{hashlib.sha256(data).hexdigest()}"):
                    records.append(decode_run(data))
        return sorted((r for r in records if r.snapshot.action == action), key=lambda r: r.result.started)

    def ran(self) -> Iterator[Ran]:
        """See `RunRecords.ran`."""
        with suppress(FileNotFoundError), open(f"{self._folder}/{_LIST}", "rb", buffering=0) as file:
            for line in _lines_backwards(file):
                if ran := _parse(line):
                    yield ran

    def _list(self, record: RunRecord) -> None:
        step, result = record.snapshot.step, record.result
        end = _SUCCEEDED if result.succeeded else _FAILED
        line = f"{result.started} {record.snapshot.action} {step.kind} {step.interface} {end}\n"
        with open(f"{self._folder}/{_LIST}", "ab", buffering=0) as file:
            write_all(file.fileno(), line.encode())

    def _runs_folder(self, action: Digest) -> str:
        return f"{self._folder}/{action.hash[:2]}/{action.hash}"


def _lines_backwards(file: IO[bytes]) -> Iterator[bytes]:
    """Read lines from the last one to the first; who wants the newest reads little."""
    at = file.seek(0, os.SEEK_END)
    rest = b""  # of the line that begins before what was read
    while at:
        size = min(_BLOCK, at)
        at -= size
        rest, *lines = (os.pread(file.fileno(), size, at) + rest).split(b"\n")
        yield from reversed(lines)
    yield rest


def _parse(line: bytes) -> Ran | None:
    """Read a line of the list; None when it is none, such as one that a full disk has cut off."""
    words = line.decode("utf-8", "replace").split(" ")
    if len(words) != 5 or words[4] not in (_SUCCEEDED, _FAILED) or not words[0].isdecimal():
        return None
    with suppress(ValueError, UsageError):
        if action := parse_digest(words[1]):
            step = StepId(parse_interface(words[3]), StepKind(words[2]))
            return Ran(step, action, int(words[0]), words[4] == _SUCCEEDED)
    return None
