"""A library of Java with its tests, from a source package of Debian, and a program that uses it."""

from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_debian_source, make_package

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    need("javac", "jar", "apt-get", "dpkg-source", "/usr/share/java/junit-platform-console-standalone.jar"),
]

_HAMCREST = """\
[package]
name         = "Hamcrest"
interface    = "2"
build-system = "java"
[build]
source  = "hamcrest/src/main/java"
tests   = "hamcrest/src/test/java"
options = ["--release", "7"]
"""
_USE = """\
import static org.hamcrest.Matchers.startsWith;

final class Use {
    public static void main(String[] words) {
        System.out.println(startsWith("A").matches(words[0]));
    }
}
"""


def test_a_library_of_debian(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    (source,) = from_debian_source(tmp_path / "fetched", "libhamcrest-java")
    manifest = toml("Use", "java", dependencies={"Hamcrest": "2"})
    use = {"brazil.toml": manifest + '[build]\nscripts = { use = "Use" }\n', "src/Use.java": _USE}
    shop = open_shop(tmp_path / "shop", {"Use": use}, ["Use-1.0"])
    make_package(shop, source, "Hamcrest", _HAMCREST)
    shop.ok("publish", "--set", "shop/dev", "-p", "Use", "-p", "Hamcrest")
    tested = runs(shop)["test Hamcrest-2"].tested
    assert (tested.count(CaseEnd.PASSED) >= 300, tested.count(CaseEnd.FAILED, CaseEnd.ERROR)) == (True, 0)
    assert shop.workspace().process("exec", "Use", "--", "use", "Ada").out == "true\n"
