"""The permanent record of every run: one JSON file per run, in a folder per Action, never changed.

A file's name holds the SHA-256 of its content, so a damaged one is told from a whole one and is left out.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from brazil.errors import IntegrityError
from brazil.formats.snapshot import decode_run, encode_run, encode_snapshot
from brazil.model.action import RunRecord
from brazil.model.digest import Digest
from brazil.ports import ContentStore
from brazil.store.blobs import cannot_write, unique_name, write_all


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

    def _runs_folder(self, action: Digest) -> str:
        return f"{self._folder}/{action.hash[:2]}/{action.hash}"
