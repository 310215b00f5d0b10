import subprocess
from pathlib import Path

import pytest

from tests.e2e.product import SHOP, Product, open_shop, options


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """The shop with everything published as revision 1; nobody changes it."""
    product = open_shop(tmp_path_factory.mktemp("template"), SHOP, ["Shop-1.0"])
    product.ok("publish", "--set", "shop/dev", *options("-p", SHOP))
    return product


@pytest.fixture
def shop(template: Product, tmp_path: Path) -> Product:
    """A copy of the shop: a registry and a home of its own, moved there; the repositories are shared and only read."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for part in (template.home, Path(template.registry)):
        subprocess.run(["cp", "-a", "--", str(part), str(folder)], check=True)
    return Product(folder, repositories=template.repositories)
