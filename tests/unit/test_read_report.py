from pathlib import Path

import pytest

from brazil.build import tested
from brazil.store.local import LocalStore

CASES = "<testsuite><testcase name='n'/></testsuite>"


def test_what_is_not_read_of_a_report_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tested, "_MOST", 2)
    monkeypatch.setattr(tested, "_DEEPEST", 2)
    monkeypatch.setattr(tested, "_LARGEST", 1 << 20)
    report = tmp_path / "report"
    for name in ("a.xml", "b/c/d/deep.xml", "b/large.xml", "b/log.txt", "b/one.xml", "b/two.xml"):
        (report / name).parent.mkdir(parents=True, exist_ok=True)
        (report / name).write_text(CASES + " " * (1 << 20) * ("large" in name))
    store = LocalStore(tmp_path / "data", tmp_path / "cache")
    root = store.ingest(report)
    found = tested.read_report(store, root)
    assert len(found.cases) == 2
    assert found.unreadable == (
        ("b/large.xml", "with it the report is larger than 1 MiB"),
        ("b/two.xml", "2 files of cases were read before it: this one and others are left out"),
    )
    monkeypatch.setattr(tested, "_MOST", 10)
    found = tested.read_report(store, root)
    assert (len(found.cases), found.unreadable[0]) == (3, ("b/c/d/", "it is too deep to be looked at"))
