import os
import subprocess
import sys
from pathlib import Path

import pytest

from brazil.store import blobs
from brazil.store.local import LocalStore


def staged(place: Path, pid: int) -> list[Path]:
    files = [place / "data" / part / "tmp" / f"{pid}-aa-0" for part in ("blobs", "actions")]
    folder = place / "cache" / "trees" / "tmp" / f"{pid}-aa-0"
    for file in files:
        file.write_text("half")
        os.utime(file, (blobs.INPUT_TIME, blobs.INPUT_TIME))
    (folder / "inner").mkdir(parents=True)
    return [*files, folder]


def dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_dead_processes_staged_is_removed_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LocalStore(tmp_path / "data", tmp_path / "cache")
    of_dead, of_living = staged(tmp_path, dead()), staged(tmp_path, os.getpid())
    LocalStore(tmp_path / "data", tmp_path / "cache")
    assert all(path.exists() for path in [*of_dead, *of_living]), "it may only seem dead"
    monkeypatch.setattr(blobs, "_ABANDONED", -1)
    LocalStore(tmp_path / "data", tmp_path / "cache")
    assert [path.exists() for path in of_dead] == [False] * 3
    assert [path.exists() for path in of_living] == [True] * 3
