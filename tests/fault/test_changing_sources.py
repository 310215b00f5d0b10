import json
from pathlib import Path

import pytest

from tests.e2e.conftest import nothing_left_running, shop, template  # noqa: F401 - fixtures
from tests.e2e.product import Product

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
