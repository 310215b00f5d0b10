"""A Go library from the sources that Debian packs, used by a program."""

from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_debian, make_package

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, need("go"), need("apt-get", "dpkg-deb")]

_USE = {
    "brazil.toml": toml("Use", "go", dependencies={"Wordwrap": "1"}),
    "go.mod": "module example.com/use\n\ngo 1.19\n\nrequire github.com/mitchellh/go-wordwrap v1.0.0\n",
    "main.go": 'package main\n\nimport (\n\t"os"\n\n\t"github.com/mitchellh/go-wordwrap"\n)\n\n'
    'func main() { os.Stdout.WriteString(wordwrap.WrapString("to be wrapped", 6) + "\\n") }\n',
}


def test_a_library_of_debian(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    package = from_debian(tmp_path / "fetched", "golang-github-mitchellh-go-wordwrap-dev")
    shop = open_shop(tmp_path / "shop", {"Use": _USE}, ["Use-1.0"])
    source = package / "usr/share/gocode/src/github.com/mitchellh/go-wordwrap"
    make_package(shop, source, "Wordwrap", toml("Wordwrap", "go", interface="1"))
    shop.ok("publish", "--set", "shop/dev", "-p", "Use", "-p", "Wordwrap")
    tested = runs(shop)["test Wordwrap-1"].tested
    assert (tested.count(CaseEnd.PASSED) >= 1, tested.count(CaseEnd.FAILED)) == (True, 0)
    assert shop.workspace().process("exec", "Use", "--", "use").out == "to be\nwrapped\n"
