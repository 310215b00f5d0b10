import pytest

from tests.e2e.product import Product

pytestmark = pytest.mark.sandbox

HOME_OF_MONEY = "prefix=/brazil/pkg/Money-1.0"


def test_prefix_is_true_for_life(shop: Product) -> None:
    """Its own build and its test, a dependant's build and test (they check it themselves), and `exec`."""
    work = shop.workspace("Money", "Price")
    work.edit("Price", "price.c", "n > 2 ?", "n >= 3 ?")
    # Published results are remembered, so one thing is changed to have all of it run here once more.
    work.edit("Money", "money.c", "return", "if (a == 77) return 78; return")
    assert work.ok("test", "--json").ran == {
        "build Money-1.0",
        "test Money-1.0",
        "build Price-1.0",
        "test Price-1.0",
    }
    build = work.cwd / "build"
    for seen in (
        build / "Money" / "lib" / "pkgconfig" / "money.pc",
        build / "Money" / "share" / "seen-by-own-build",
        build / "Price" / "share" / "seen-by-dependant",
    ):
        assert HOME_OF_MONEY in seen.read_text().splitlines()
    inside = work.process("exec", "Price", "--", "sh", "-c", "money-config; cat $PKG_CONFIG_PATH/money.pc; price 2 3")
    assert inside.code == 0, inside.err
    assert inside.out.splitlines().count(HOME_OF_MONEY) == 2
    assert inside.out.splitlines()[-1] == "5"


def test_exec_passes_the_exit_code_the_input_and_the_folder_on(shop: Product) -> None:
    work = shop.workspace()
    assert work.process("exec", "Shop", "--", "shop", "1").out == "20\n"
    assert work.process("exec", "Shop", "--", "sh", "-c", "exit 42").code == 42
    assert work.process("exec", "Shop", "pwd").out == f"{work.cwd}\n"
    missing = work.process("exec", "Shop", "--", "no-such-program")
    assert missing.code not in (0, 70)
    assert "no-such-program" in missing.err


def test_tools_are_reached_by_their_launchers_only(shop: Product) -> None:
    """Shop's build runs Stamp; what Shop needs at run time does not hold it."""
    work = shop.workspace("Shop")
    work.ok("build")
    assert (work.cwd / "build" / "Shop" / "share" / "stamp").read_text() == "stamped\n"
    inside = work.process("exec", "Shop", "--", "ls", "/brazil/pkg")
    assert inside.out.split() == ["Money-1.0", "Price-1.0", "Rates-1.0", "Shop-1.0"]
