from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.other_user import OtherUser, find_other_user
from tests.e2e.product import SHOP, STARTED, Product, copy_shop, open_shop, options


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


@pytest.fixture(scope="session")
def other_user() -> Iterator[OtherUser]:
    """Somebody else on this machine, who can run the product."""
    yield from find_other_user()


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """End what a failed test started; its builds end with it."""
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.wait()
