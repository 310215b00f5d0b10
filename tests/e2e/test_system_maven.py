"""Build system `maven`, in the real sandbox: two modules, a program that uses one of them, and what must fail.

The example of its page is the starter, which is built and run there.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import JUNIT_4_SHELL, Bad, Native, Odd, fail_as_said
from tests.e2e.product import Product, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs

_PLUGINS = [
    f"/usr/share/maven-repo/org/apache/maven/plugins/maven-{name}-plugin"
    for name in ("compiler", "install", "jar", "resources", "surefire")
]
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    need("javac", "mvn", *_PLUGINS, "/usr/share/java/junit-platform-console-standalone.jar"),
]


def pom(name: str, inner: str = "", *, group: str = "shop", version: str = "1.0") -> str:
    return f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>{group}</groupId>
  <artifactId>{name}</artifactId>
  <version>{version}</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
{inner}</project>
"""


def depends(*coordinates: str) -> str:
    """Write dependencies given as "group:name:version:scope"."""
    lines = []
    for group, name, version, scope in (text.split(":") for text in coordinates):
        inner = f"<groupId>{group}</groupId><artifactId>{name}</artifactId>"
        lines.append(f"<dependency>{inner}<version>{version}</version><scope>{scope}</scope></dependency>\n")
    return f"<dependencies>\n{''.join(lines)}</dependencies>\n"


JUNIT = depends("org.junit.jupiter:junit-jupiter:5.9.2:test")

SHOP: Mapping[str, Mapping[str, str]] = {
    # A parent with two modules, one of which uses the other; its version is one that changes.
    "Words": {
        "brazil.toml": toml("Words", "maven"),
        "pom.xml": pom(
            "words-parent",
            "<packaging>pom</packaging>\n<modules><module>plain</module><module>rich</module></modules>\n",
            version="1-SNAPSHOT",
        ),
        "plain/pom.xml": "<project><modelVersion>4.0.0</modelVersion><parent><groupId>shop</groupId>"
        "<artifactId>words-parent</artifactId><version>1-SNAPSHOT</version></parent>"
        "<artifactId>words</artifactId></project>",
        "plain/src/main/java/words/Words.java": "package words;\n\npublic final class Words {\n"
        '    public static String plural(String word) { return word + "s"; }\n}\n',
        "rich/pom.xml": "<project><modelVersion>4.0.0</modelVersion><parent><groupId>shop</groupId>"
        "<artifactId>words-parent</artifactId><version>1-SNAPSHOT</version></parent>"
        "<artifactId>words-rich</artifactId>" + depends("shop:words:1-SNAPSHOT:compile") + "</project>",
        "rich/src/main/java/words/rich/Rich.java": "package words.rich;\n\npublic final class Rich {\n"
        '    public static String plural(String word) { return "<b>" + words.Words.plural(word) + "</b>"; }\n}\n',
    },
    "Report": {
        "brazil.toml": toml("Report", "maven", dependencies={"Words": "1.0"})
        + '[build]\nsource = "java code"\nscripts = { report = "report.Report" }\nvariables = { "say" = "it\'s $x" }\n',
        "java code/pom.xml": pom(
            "report",
            "<build><resources><resource><directory>src/main/resources</directory><filtering>true</filtering>"
            "</resource></resources></build>\n"
            + depends("shop:words-rich:1-SNAPSHOT:compile", "org.junit.jupiter:junit-jupiter:5.9.2:test"),
        ),
        "java code/src/main/resources/said": "${say}",
        "java code/src/main/java/report/Report.java": "package report;\n\npublic final class Report {\n"
        "    public static void main(String[] arguments) throws Exception {\n"
        '        var said = Report.class.getResourceAsStream("/said").readAllBytes();\n'
        '        System.out.println(words.rich.Rich.plural(arguments[0]) + " " + new String(said));\n    }\n}\n',
        "java code/src/test/java/report/ReportTest.java": "package report;\n\nimport org.junit.jupiter.api.*;\n\n"
        "class ReportTest {\n    @Test void plural() { Assertions.assertEquals("
        '"<b>orders</b>", words.rich.Rich.plural("order")); }\n    @Disabled @Test void later() {}\n}\n',
    },
    # Java without Maven uses what Maven built.
    "Plain": {
        "brazil.toml": toml("Plain", "java", dependencies={"Report": "1.0", "Words": "1.0"}),
        "src/Plain.java": 'class Plain { String of() { return words.rich.Rich.plural(words.Words.plural("")); } }\n',
    },
}


@pytest.fixture(scope="module")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of the shop published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("maven") / "shop", SHOP, "Plain")


def test_an_artifact_is_a_repository_and_jars(maven: Product) -> None:
    assert sorted(runs(maven)["build Words-1.0"].files) == [
        "java/words-rich.jar",
        "java/words.jar",
        "maven/shop/words-parent/1-SNAPSHOT/words-parent-1-SNAPSHOT.pom",
        "maven/shop/words-rich/1-SNAPSHOT/words-rich-1-SNAPSHOT.jar",
        "maven/shop/words-rich/1-SNAPSHOT/words-rich-1-SNAPSHOT.pom",
        "maven/shop/words/1-SNAPSHOT/words-1-SNAPSHOT.jar",
        "maven/shop/words/1-SNAPSHOT/words-1-SNAPSHOT.pom",
    ]


def test_a_program_runs_with_a_library_of_its_closure(maven: Product) -> None:
    work = maven.workspace()
    assert work.process("exec", "Report", "--", "report", "order").out == "<b>orders</b> it's $x\n"


def test_the_report_tells_of_every_case(maven: Product) -> None:
    tested = runs(maven)["test Report-1.0"].tested
    assert tested.unreadable == ()
    assert {case.name: case.end for case in tested.cases} == {"plural": CaseEnd.PASSED, "later": CaseEnd.SKIPPED}
    assert "maven: there are no tests in src/test" in runs(maven)["test Words-1.0"].log


def test_the_same_artifact_elsewhere(maven: Product, tmp_path: Path) -> None:
    words = {"Words": SHOP["Words"]}
    other = built_elsewhere(tmp_path / "other", words, "Words")
    assert other["build Words-1.0"].digest == runs(maven)["build Words-1.0"].digest


_OWN = {"src/main/java/shop/Pay.java": "package shop;\n\nclass Pay { public static void main(String[] words) {} }\n"}
_TEST = JUNIT_4_SHELL.replace("org.junit.Test", "org.junit.jupiter.api.Test")
_PLUGIN = (
    "<build><plugins><plugin><artifactId>maven-none-plugin</artifactId><version>1</version><executions><execution>"
    "<phase>compile</phase><goals><goal>none</goal></goals></execution></executions></plugin></plugins></build>"
)
NATIVE = Native(
    "maven",
    {**_OWN, "pom.xml": pom("pay", JUNIT), "src/test/java/PayTest.java": _TEST},
    runs_in_build=False,
    odd=Odd({}, 'scripts = { pay = "shop.Pay", Pay = "shop.Pay" }\n', frozenset({"bin/pay", "bin/Pay"})),
)
BAD = {
    "NoSource": Bad(_OWN, said="maven: there is no pom.xml in .; name its folder with source under [build]"),
    "Broken": Bad({"pom.xml": "<project>"}, said="problems were encountered while processing the POMs"),
    "OldTool": Bad({**_OWN, "pom.xml": pom("pay").replace("release>17<", "release>99<")}, said="release version 99"),
    "NoPlugin": Bad(
        {**_OWN, "pom.xml": pom("pay", _PLUGIN)},
        said="in offline mode and the artifact org.apache.maven.plugins:maven-none",
    ),
    "Fetches": Bad(
        {**_OWN, "pom.xml": pom("pay", depends("shop:words:1:compile"))},
        said="in offline mode and the artifact shop:words:jar:1 has not been downloaded",
    ),
    "Nothing": Bad(
        {**_OWN, "pom.xml": pom("pay")},
        'options = ["-Dmaven.install.skip=true"]',
        said="maven: Maven installed nothing",
    ),
    "NoTests": Bad(
        {**_OWN, "pom.xml": pom("pay"), "src/test/java/Helper.java": "class Helper {}\n"},
        step="test",
        said="maven: no test was found",
    ),
}


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    known = pom("commons-lang3", group="org.apache.commons", version="3.12.0")
    found = fail_as_said(tmp_path / "shop", NATIVE, BAD, {"Known": Bad({**_OWN, "pom.xml": known})})
    assert sorted(found["build Known-1.0"].files) == [
        "java/commons-lang3.jar",
        "maven/org/apache/commons/commons-lang3/3.12.0/commons-lang3-3.12.0.jar",
        "maven/org/apache/commons/commons-lang3/3.12.0/commons-lang3-3.12.0.pom",
    ], "what the platform has too is the package's own"
