import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from brazil.model.digest import Digest
from brazil.source.capture import capture
from brazil.store.local import LocalStore
from tests.e2e.conftest import nothing_left_running, shop, template  # noqa: F401 - fixtures
from tests.e2e.product import Product, git

pytestmark = pytest.mark.sandbox


def replace(file: Path) -> None:
    other = file.with_name("other")
    other.write_text("replaced\n")
    other.rename(file)


CHANGES = {
    "edited": lambda file: file.write_text("edited\n"),
    "deleted": lambda file: file.unlink(),
    "replaced": replace,
    "made a link": lambda file: (file.unlink(), file.symlink_to("/etc/passwd")),
    "made a folder": lambda file: (file.unlink(), file.mkdir(), (file / "x").write_text("x")),
}


@pytest.mark.parametrize("how", CHANGES)
def test_what_changes_while_a_build_runs_is_not_in_it(shop: Product, how: str) -> None:  # noqa: F811
    work = shop.workspace("Rates")
    manifest = work.src("Rates") / "brazil.toml"
    manifest.write_text(manifest.read_text().replace("cp rate", "sleep 1\\ncp rate"))
    file = work.src("Rates") / "rate"
    file.write_text("captured\n")
    process = work.start("build", "--events")
    assert process.stdout
    assert any(json.loads(line)["event"] == "started" for line in process.stdout)
    CHANGES[how](file)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == "captured\n"
    if how == "edited":
        assert work.ok("build", "--json").ran == {"build Rates-1.0"}, "the change is seen by the next"
        assert (work.cwd / "build" / "Rates" / "share" / "rate").read_text() == "edited\n"


_GROW = "import sys\nwith open(sys.argv[1], 'r+b', buffering=0) as f:\n while True: f.write(b'x')"


def test_a_file_that_never_holds_still_is_named(shop: Product) -> None:  # noqa: F811
    work = shop.workspace("Rates")
    file = work.src("Rates") / "growing"
    file.write_bytes(bytes(100_000_000))  # takes much longer to read than its writer takes to change it
    writer = subprocess.Popen([sys.executable, "-c", _GROW, str(file)])
    try:
        answer = work.run("build")
    finally:
        writer.kill()
        writer.wait()
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"error: growing cannot be read in {work.src('Rates')}: it changes while it is read [source.changing]\n"
        "  hint: try again when it is done\n"
    )
    assert work.ok("build", "--json").ran == {"build Rates-1.0"}


class Meddling(LocalStore):
    """A store that lets something happen right after it has taken some file."""

    def __init__(self, folder: Path, after: bytes, happens: Callable[[], object]) -> None:
        super().__init__(folder / "store", folder / "cache")
        self._after, self._happens = after, happens

    def write(self, data: bytes) -> Digest:
        digest = super().write(data)
        if data == self._after:
            self._happens()
        return digest


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_what_changes_while_it_is_captured_is_there_as_it_was_or_is(tmp_path: Path, how: str, name: str) -> None:
    """Files are taken in the order of their names; right after the second, one of the three changes."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    for each in ("a", "b", "c"):
        (folder / each).write_text(f"{each} before\n")
    store = Meddling(tmp_path, b"b before\n", lambda: CHANGES[how](folder / name))
    captured = capture(folder, store, {}, lambda: 0).captured
    top = store.read_directory(captured.root)
    found = {node.name: store.read(node.digest).decode() for node in top.files}
    found |= {node.name: f"-> {node.target}" for node in top.symlinks}
    expected = {each: f"{each} before\n" for each in ("a", "b", "c")}
    if name == "c":
        after = {"edited": "edited\n", "replaced": "replaced\n", "made a link": "-> /etc/passwd"}
        expected.pop("c")
        expected |= {"c": after[how]} if how in after else {}
    assert found == expected
    assert not top.directories
