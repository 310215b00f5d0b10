"""The list of a user's workspaces, when one entry of it is damaged."""

from pathlib import Path

import pytest

from brazil.errors import UnavailableError
from brazil.workspace.known import KnownWorkspaces


def test_an_entry_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    known = KnownWorkspaces(tmp_path / "known")
    known.add(Path("/one"))
    (tmp_path / "known" / "folder").mkdir()
    assert known.roots() == [Path("/one")]


def test_an_entry_that_cannot_be_deleted_is_told(tmp_path: Path) -> None:
    known = KnownWorkspaces(tmp_path / "known")
    known.add(Path("/one"))
    (entry,) = (tmp_path / "known").iterdir()
    entry.unlink()
    entry.mkdir()
    with pytest.raises(UnavailableError, match="cannot delete"):
        known.remove(Path("/one"))
