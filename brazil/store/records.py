"""The permanent record of every run: one JSON file per run, in a folder per Action, never changed."""

import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from brazil.errors import IntegrityError
from brazil.formats.snapshot import decode_run, encode_run, encode_snapshot
from brazil.model.digest import Digest
from brazil.ports import ContentStore, RunRecord
from brazil.store.blobs import cannot_write


class RecordFiles:
    """Run records below a folder; their Snapshots are blobs of the store."""

    def __init__(self, folder: Path, store: ContentStore) -> None:
        self._folder = str(folder)
        self._store = store
        self._counter = count()

    def add(self, record: RunRecord) -> None:
        """See `RunRecords.add`."""
        self._store.write(encode_snapshot(record.snapshot))
        folder = self._runs_folder(record.snapshot.action)
        name = f"{record.result.started}-{os.getpid()}-{next(self._counter)}"
        staged = f"{folder}/.{name}"
        try:
            os.makedirs(folder, exist_ok=True)
            with open(staged, "xb", buffering=0) as file:
                file.write(encode_run(record))
            os.rename(staged, f"{folder}/{name}.json")
        except OSError as error:
            with suppress(OSError):
                os.unlink(staged)
            raise cannot_write(f"{folder}/{name}.json", error) from error

    def runs(self, action: Digest) -> Sequence[RunRecord]:
        """See `RunRecords.runs`."""
        records = []
        with suppress(FileNotFoundError):
            for path in sorted(Path(self._runs_folder(action)).glob("[0-9]*.json")):
                with suppress(IntegrityError):  # torn by a power cut: as if it was never written
                    records.append(decode_run(path.read_bytes()))
        return sorted(records, key=lambda r: r.result.started)

    def _runs_folder(self, action: Digest) -> str:
        return f"{self._folder}/{action.hash[:2]}/{action.hash}"
