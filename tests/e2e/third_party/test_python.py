"""A compiled package, a pure one, and the build backend of that one, from their source distributions."""

from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, options, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_pip, make_package

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, need("python3", "cc")]

_PACKAGES = {
    "markupsafe": toml("MarkupSafe", "python", interface="2", build={"test-runner": "pytest"}),
    "flit_core": toml("FlitCore", "python", interface="3"),
    "tomli": toml("Tomli", "python", interface="2", build_tools={"FlitCore": "3"}),
}
_USE = (
    "import markupsafe, tomli, markupsafe._speedups as fast; from importlib.metadata import version;"
    "print(markupsafe.escape(tomli.loads('a = \"<\"')['a']), fast.__file__, version('tomli'))"
)


def test_packages_of_the_index(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    sources = from_pip(tmp_path / "fetched", "markupsafe==2.1.5", "flit_core==3.9.0", "tomli==2.0.1")
    shop = open_shop(
        tmp_path / "shop",
        {
            "Use": {
                "brazil.toml": toml("Use", "python", dependencies={"MarkupSafe": "2", "Tomli": "2"}),
                "use.py": "",
            }
        },
        ["Use-1.0"],
    )
    names = ("MarkupSafe", "FlitCore", "Tomli")
    for source, name, manifest in zip(sources, names, _PACKAGES.values(), strict=True):
        make_package(shop, source, name, manifest)
    shop.ok("publish", "--set", "shop/dev", *options("-p", ("Use", *names)))
    tested = runs(shop)["test MarkupSafe-2"].tested
    assert (tested.count(CaseEnd.PASSED) >= 40, tested.count(CaseEnd.FAILED)) == (True, 0)
    work = shop.workspace()
    said = work.process("exec", "Use", "--", "python3", "-c", _USE).out.split()
    assert said[0] == "&lt;"
    assert said[1].startswith("/brazil/pkg/MarkupSafe-2/python/markupsafe/_speedups.cpython-")
    assert said[2] == "2.0.1"
