"""Build system `java`, in the real sandbox: a library, a program that uses it, their tests, and what must fail."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import JUNIT_4_SHELL, Bad, Native, Odd, fail_as_said
from tests.e2e.product import Product, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs

pytestmark = [pytest.mark.sandbox, need("javac", "jar", "/usr/share/java/junit-platform-console-standalone.jar")]

_WORDS = """\
package words;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

public final class Words {
    private Words() {}

    public static String greeting() {
        try (var in = Words.class.getResourceAsStream("greeting.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
"""

_JUNIT_4 = """\
package report;

import org.junit.Assert;
import org.junit.Test;

public class OldTest {
    @Test public void greets() { Assert.assertEquals("grüße, Ada", Report.of("Ada")); }
}
"""

_JUNIT_5 = """\
package report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NewTest {
    @ParameterizedTest
    @ValueSource(strings = {"Ada", "Bo"})
    void greets(String name) {
        var place = Report.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        assertEquals("/brazil/pkg/Report-1.0/java/Report.jar", place);
        assertTrue(Report.of(name).endsWith(name));
        assertTrue(NewTest.class.getResource("/table.csv") != null);
    }
}
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    # A module of a flat folder, with a resource beside its source.
    "Words": {
        "brazil.toml": toml("Words", "java"),
        "src/module-info.java": "module words {\n    exports words;\n}\n",
        "src/words/Words.java": _WORDS,
        "src/words/greeting.txt": "grüße\n",
    },
    # Maven's folders, a name to quote, a manifest of its own.
    "Report": {
        "brazil.toml": toml("Report", "java", dependencies={"Words": "1.0"})
        + '\n[build]\noptions = ["-parameters", "-Xlint:all", "-Werror"]\nscripts = { report = "report.Report" }\n',
        "src/main/java/report/Report.java": "package report;\n\npublic final class Report {\n"
        '    public static String of(String name) { return words.Words.greeting() + ", " + name; }\n\n'
        "    public static void main(String[] names) { System.out.println(of(names[0])); }\n}\n",
        'src/main/java/report/it\'s "odd"/Odd.java': "package report;\n\nfinal class Odd {}\n",
        "src/main/resources/META-INF/MANIFEST.MF": "Manifest-Version: 1.0\nAutomatic-Module-Name: report\n",
        "src/main/resources/META-INF/services/java.lang.Runnable": "report.None\n",
        "src/test/java/report/OldTest.java": _JUNIT_4,
        "src/test/java/report/NewTest.java": _JUNIT_5,
        "src/test/resources/table.csv": "1\n",
    },
}


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Words and Report published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("java") / "shop", SHOP, "Report")


def test_a_jar_holds_classes_and_resources(java: Product) -> None:
    files = runs(java)["build Report-1.0"].files
    assert set(files) == {"bin/report", "java/Report.jar"}
    with zipfile.ZipFile(BytesIO(files["java/Report.jar"])) as jar:
        assert jar.read("META-INF/MANIFEST.MF").splitlines()[1] == b"Automatic-Module-Name: report"
        assert [name for name in jar.namelist() if not name.endswith("/")] == [
            "META-INF/MANIFEST.MF",
            "META-INF/services/java.lang.Runnable",
            "report/Odd.class",
            "report/Report.class",
        ]
        assert {entry.date_time for entry in jar.infolist()} == {(1980, 1, 1, 0, 0, 2)}
    with zipfile.ZipFile(BytesIO(runs(java)["build Words-1.0"].files["java/Words.jar"])) as jar:
        assert {"module-info.class", "words/Words.class", "words/greeting.txt"} <= set(jar.namelist())


def test_a_program_runs_with_a_library_of_its_closure(java: Product) -> None:
    work = java.workspace()
    assert work.process("exec", "Report", "--", "report", "Ada").out == "grüße, Ada\n"


def test_tests_of_both_kinds_run_against_the_jar(java: Product) -> None:
    tested = runs(java)["test Report-1.0"].tested
    assert tested.unreadable == ()
    assert [(case.suite, case.end) for case in tested.cases] == [
        ("report.NewTest", CaseEnd.PASSED),
        ("report.NewTest", CaseEnd.PASSED),
        ("report.OldTest", CaseEnd.PASSED),
    ]
    assert "there are no tests in src/test/java, tests or test" in runs(java)["test Words-1.0"].log


def test_the_same_artifact_elsewhere(java: Product, tmp_path: Path) -> None:
    other = built_elsewhere(tmp_path / "other", SHOP, "Report")
    assert other["build Report-1.0"].digest == runs(java)["build Report-1.0"].digest


_PAY = {"src/Pay.java": "class Pay { public static void main(String[] words) {} }\n"}
TWINS = Odd({}, 'scripts = { pay = "Pay", Pay = "Pay" }\n', frozenset({"bin/pay", "bin/Pay"}))
NATIVE = Native("java", {**_PAY, "tests/PayTest.java": JUNIT_4_SHELL}, runs_in_build=False, odd=TWINS)
BAD = {
    "NoFolder": Bad(_PAY, 'source = "lib"', said="java: there is no folder lib; name the one of the sources"),
    "NoSource": Bad({"readme.txt": ""}, said="java: there is no folder src; name the one of the sources with source"),
    "Nothing": Bad({"src/readme.txt": ""}, said="java: there is no Java source in src"),
    "NoResources": Bad(_PAY, 'resources = "data"', said="java: there is no folder data"),
    "Broken": Bad({"src/Pay.java": "class Pay {"}, said="src/Pay.java:1: error: reached end of file while parsing"),
    "Fetches": Bad({"src/Pay.java": "class Pay extends words.Words {}"}, said="package words does not exist"),
    "NoClass": Bad(_PAY, 'scripts = { pay = "shop.Main" }', said="java: script pay: there is no class shop.Main"),
    "OldTool": Bad(_PAY, 'options = ["--release", "99"]', exit_code=2, said="release version 99 not supported"),
    "OddOption": Bad(_PAY, 'options = ["--odd; false $HOME"]', exit_code=2, said="invalid flag: --odd; false $HOME\n"),
    "NoTests": Bad({**_PAY, "tests/Helper.java": "class Helper {}\n"}, step="test", said="no test was found in tests"),
    "NoTestFolder": Bad(_PAY, 'tests = "checks"', step="test", said="java: there is no folder checks"),
}


@pytest.mark.slow
def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
