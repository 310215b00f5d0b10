import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import nothing_left_running, shop, template  # noqa: F401 - fixtures
from tests.e2e.product import Product, git

pytestmark = pytest.mark.sandbox


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "small", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, left: int) -> Path:
    """Fill the disk, but for some bytes."""
    filler = place / "filler"
    with filler.open("wb") as file:
        status = os.statvfs(place)
        os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_frsize - left))
    return filler


def moved(product: Product, part: str, small: Path) -> None:
    """Put a folder of the product on the small disk, where it is found through a link."""
    folder = product.home / part if part != "work" else product.cwd
    subprocess.run(["cp", "-a", "--", str(folder), str(small / "it")], check=True)
    folder.rename(folder.with_name(f"{folder.name}-before"))
    folder.symlink_to(small / "it")


@pytest.mark.parametrize("left", [0, 20_000, 100_000])
@pytest.mark.parametrize("part", ["data", "cache", "work"])
def test_full_disk_is_told_and_leaves_nothing_partial(
    shop: Product,  # noqa: F811
    small: Path,
    part: str,
    left: int,
) -> None:
    work = shop.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    (work.src("Rates") / "large").write_bytes(os.urandom(60_000))
    moved(work, part, small)
    before = work.revision()
    filler = fill(small, left)
    for command in (("build", "Shop"), ("ws", "use", "Stamp")):
        answer = work.process(*command)
        assert answer.code in (0, 1, 5), answer
        if answer.code == 5:
            assert "No space left on device" in answer.err or "disk" in answer.err, answer.err
            assert str(work.folder) in answer.err or str(small) in answer.err, "it names the path"
        assert "Traceback" not in answer.err
    filler.unlink()
    used = work.process("ws", "use", "Stamp")
    assert used.code == 0 or "in-use" in used.err, used
    assert work.process("build", "Shop").code == 0
    assert work.process("test", "Shop").code == 0
    assert work.revision() == before
    git(shop.home / "data" / "sources.git", "fsck", "--strict")
