"""A crate from the sources that Debian packs, used by a program."""

from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_debian, make_package

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, need("cargo", "rustc", "cc"), need("apt-get", "dpkg-deb")]

_USE = {
    "brazil.toml": toml("Use", "cargo", dependencies={"Fnv": "1"}),
    "Cargo.toml": '[package]\nname = "use-it"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\nfnv = "1"\n',
    "src/main.rs": "use std::hash::Hasher;\n\nfn main() {\n    let mut hasher = fnv::FnvHasher::default();\n"
    '    hasher.write(b"foobar");\n    println!("{:x}", hasher.finish());\n}\n',
}


def test_a_crate_of_debian(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    package = from_debian(tmp_path / "fetched", "librust-fnv-dev")
    shop = open_shop(tmp_path / "shop", {"Use": _USE}, ["Use-1.0"])
    (source,) = (package / "usr/share/cargo/registry").iterdir()
    make_package(shop, source, "Fnv", toml("Fnv", "cargo", interface="1"))
    shop.ok("publish", "--set", "shop/dev", "-p", "Use", "-p", "Fnv")
    tested = runs(shop)["test Fnv-1"].tested
    assert (tested.count(CaseEnd.PASSED) >= 1, tested.count(CaseEnd.FAILED)) == (True, 0)
    assert shop.workspace().process("exec", "Use", "--", "use-it").out == "85944171f73967e8\n"
