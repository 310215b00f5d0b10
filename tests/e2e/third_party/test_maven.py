"""A library of Java by Maven with its tests, from a source package of Debian, and a program that uses it.

Its project wants plugins that make a release of it, and a JUnit, in versions that only the network has. They are left
out of it, as Debian does.
"""

import re
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_debian_source, make_package

_PARTS = [
    f"/usr/share/maven-repo/{path}"
    for path in ("org/apache/maven/plugins/maven-surefire-plugin", "junit/junit/4.13.2", "org/apache/maven/surefire")
]
pytestmark = [pytest.mark.sandbox, pytest.mark.slow, need("javac", "mvn", "apt-get", "dpkg-source", "patch", *_PARTS)]

_JSON = """\
[package]
name         = "JsonSimple"
interface    = "2"
build-system = "maven"
[build]
variables = { "maven.compiler.source" = "8", "maven.compiler.target" = "8" }
"""
_USE = """\
final class Use {
    public static void main(String[] words) throws Exception {
        System.out.println(((org.json.simple.JsonObject) org.json.simple.Jsoner.deserialize(words[0])).get("a"));
    }
}
"""


def test_a_library_of_debian(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    (source,) = from_debian_source(tmp_path / "fetched", "libjson-simple-java")
    project = (source / "pom.xml").read_text()
    project = re.sub(r"<build>.*</build>", "", project, flags=re.DOTALL).replace(">4.12<", ">4.13.2<")
    (source / "pom.xml").write_text(project)
    manifest = toml("Use", "java", dependencies={"JsonSimple": "2"})
    use = {"brazil.toml": manifest + '[build]\nscripts = { use = "Use" }\n', "src/Use.java": _USE}
    shop = open_shop(tmp_path / "shop", {"Use": use}, ["Use-1.0"])
    make_package(shop, source, "JsonSimple", _JSON)
    shop.ok("publish", "--set", "shop/dev", "-p", "Use", "-p", "JsonSimple")
    tested = runs(shop)["test JsonSimple-2"].tested
    assert (tested.count(CaseEnd.PASSED) >= 20, tested.count(CaseEnd.FAILED, CaseEnd.ERROR)) == (True, 0)
    assert shop.workspace().process("exec", "Use", "--", "use", '{"a": "b"}').out == "b\n"
