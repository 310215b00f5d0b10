import os
from collections.abc import Callable
from pathlib import Path

import pytest

from brazil.model.workspace import packed
from brazil.workspace import trace
from brazil.workspace.trace import Row, Trace, look, make_room, save_trace, stamp_of

MANY = trace._SHARED + 50
KEY = "0" * 64


def packages(root: Path, count: int) -> list[Row]:
    """Make a workspace with checkouts, and return them as they are."""
    (root / "build").mkdir()
    rows: list[Row] = []
    for number in range(count):
        folder = root / "src" / f"Pkg{number:03}"
        folder.mkdir(parents=True)
        (folder / "one.txt").write_text("one")
        stamps = [stamp_of(str(folder)), stamp_of(str(folder / "one.txt"))]
        rows.append((folder.name, "0" * 64, 1, ("", "one.txt"), packed(stamps)))
    make_room(str(root))
    save_trace(str(root), KEY, Trace(rows, stamp_of(str(root / "build")), count, (), (b"", 0)))
    return rows


def changed(root: Path) -> set[str]:
    found = look(str(root), KEY)
    assert found is not None
    assert found.nothing_changed == (not found.changed)
    return set(found.changed)


def edit(folder: Path) -> None:
    (folder / "one.txt").write_text("two!")


def add(folder: Path) -> None:
    (folder / "new.txt").touch()


def remove(folder: Path) -> None:
    (folder / "one.txt").unlink()


def lead_elsewhere(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")


@pytest.mark.parametrize("count", [3, MANY])
@pytest.mark.parametrize("change", [edit, add, remove, lead_elsewhere])
def test_what_changed_is_found_in_whichever_half_it_is(
    tmp_path: Path, count: int, change: Callable[[Path], None]
) -> None:
    packages(tmp_path, count)
    assert changed(tmp_path) == set()
    last = f"Pkg{count - 1:03}"
    change(tmp_path / "src" / last)
    assert changed(tmp_path) == {last}
    edit(tmp_path / "src" / "Pkg000")
    assert changed(tmp_path) == {"Pkg000", last}


def test_a_long_look_needs_no_second_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages(tmp_path, MANY)
    edit(tmp_path / "src" / f"Pkg{MANY - 1:03}")

    def fork() -> int:
        raise OSError("no more processes")

    monkeypatch.setattr(os, "fork", fork)
    before = set(Path("/proc/self/fd").iterdir())
    assert changed(tmp_path) == {f"Pkg{MANY - 1:03}"}
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_a_second_process_that_ends_early_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages(tmp_path, MANY)
    edit(tmp_path / "src" / f"Pkg{MANY - 1:03}")
    real = os.fork

    def fork() -> int:
        process = real()
        if not process:
            os._exit(1)
        return process

    monkeypatch.setattr(os, "fork", fork)
    assert changed(tmp_path) == {f"Pkg{MANY - 1:03}"}


def test_a_damaged_trace_is_none(tmp_path: Path) -> None:
    packages(tmp_path, 3)
    path = Path(trace.trace_path(str(tmp_path), KEY, "trace"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert look(str(tmp_path), KEY) is None
