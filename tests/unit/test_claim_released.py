"""A claim is let go, whatever the disk says."""

import os
from pathlib import Path

import pytest

from brazil.model.digest import digest_of
from brazil.store.actions import ActionFiles


def test_a_claim_whose_file_cannot_be_deleted_is_free_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ActionFiles(tmp_path / "actions", tmp_path / "claims")
    action = digest_of(b"action")

    def refuse(path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(os, "unlink", refuse)
    for owner in ("first", "second"):
        with store.claim(action, owner, lambda holder: pytest.fail(f"{holder} still holds it")):
            pass
