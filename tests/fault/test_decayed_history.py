import os
from pathlib import Path

import pytest

from brazil.model.digest import parse_digest
from tests.e2e.conftest import nothing_left_running, shop, template  # noqa: F401 - fixtures
from tests.e2e.product import Product

pytestmark = pytest.mark.sandbox


def _decay(product: Product, text: str) -> None:
    """Change one byte of a blob, and nothing else that can be seen."""
    digest = parse_digest(text)
    assert digest
    path = next(Path(product.home, "data", "store", "blobs").glob(f"*/{digest.hash}"))
    before = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"X" + path.read_bytes()[1:])
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("damage", [_decay, None], ids=["decayed", "gone"])
def test_a_snapshot_that_only_explains_ends_no_build(shop: Product, damage: object) -> None:  # noqa: F811
    work = shop.workspace("Rates")
    (results,) = work.ok("vs", "show", "shop/dev", "--json").data["results"].values()
    snapshot = results["Rates-1.0"]["snapshot"]
    if damage:
        _decay(work, snapshot)
    else:
        next(Path(work.home, "data", "store", "blobs").glob(f"*/{snapshot.partition('/')[0]}")).unlink()
    (work.src("Rates") / "rate").write_text("20\n")
    assert work.ok("build", "--json").ran == {"build Rates-1.0"}
