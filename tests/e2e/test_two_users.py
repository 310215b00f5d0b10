import pytest

from tests.e2e.other_user import OtherUser
from tests.e2e.product import SHOP, Product, open_shop, options

pytestmark = pytest.mark.sandbox


def test_two_users_in_two_folders_get_the_same_artifacts(template: Product, other_user: OtherUser) -> None:
    mine = template.ok("vs", "show", "shop/dev", "--json").data
    folder = other_user.folder / "a rather different place" / "of theirs"
    folder.mkdir(parents=True)
    theirs = open_shop(folder, SHOP, ["Shop-1.0"])
    other_user.own(folder)
    environment = {k: v for k, v in theirs.environment.items() if k.startswith(("GIT_", "BRAZIL_"))}
    command = [other_user.python, "-m", "brazil", "publish", "--set", "shop/dev", *options("-p", SHOP)]
    done = other_user.run(command, folder, {**environment, "HOME": str(folder)})
    assert done.returncode == 0, done.stderr
    assert "5 built, 4 tested, 0 remembered" in done.stdout
    (theirs.home / "data").stat()
    other = Product(folder, repositories=theirs.repositories).ok("vs", "show", "shop/dev", "--json").data
    assert mine["results"]
    assert other["results"] == mine["results"]
