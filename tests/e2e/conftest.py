from pathlib import Path

import pytest

from tests.e2e.product import SHOP, Product, copy_shop, open_shop, options


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """The shop with everything published as revision 1; nobody changes it."""
    product = open_shop(tmp_path_factory.mktemp("template"), SHOP, ["Shop-1.0"])
    product.ok("publish", "--set", "shop/dev", *options("-p", SHOP))
    return product


@pytest.fixture
def shop(template: Product, tmp_path: Path) -> Product:
    """A copy of the shop, moved to another folder."""
    return copy_shop(template, tmp_path / "shop")
