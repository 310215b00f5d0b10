"""Build system `go`, in the real sandbox: libraries and programs, cgo, vendored modules, tests, what must fail."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import Bad, Native, Odd, fail_as_said
from tests.e2e.product import Product, copy_shop, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs

pytestmark = [pytest.mark.sandbox, need("go", "cc")]

_TILL = """\
package main

// #cgo LDFLAGS: -lmoney
// #include <money.h>
import "C"

import (
	"os"

	"example.com/words/v2/short"
	"gopkg.in/ends.v3"
)

func main() {
	os.Stdout.WriteString(short.Word() + string(rune('0'+C.money_add(2, 3))) + ends.End + "\\n")
}
"""

_WORDS_TEST = """\
package short

import (
	"runtime"
	"testing"
)

func TestWord(t *testing.T) {
	t.Log("a \\t<tab> & \\"quotes\\" \\\\")
	if Word() != "paid " {
		t.Fatal(Word())
	}
	t.Run("part", func(t *testing.T) { t.Skip("not today") })
}

func TestFindsItsSource(t *testing.T) {
	if _, file, _, _ := runtime.Caller(0); file != "/brazil/src/go code/short/word_test.go" {
		t.Fatal(file)
	}
}
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    "Money": {
        "brazil.toml": toml(
            "Money",
            build={
                "build": 'mkdir "$BRAZIL_OUT/lib" "$BRAZIL_OUT/include"\ncp money.h "$BRAZIL_OUT/include"\n'
                'cc -shared -fPIC -o "$BRAZIL_OUT/lib/libmoney.so" money.c'
            },
        ),
        "money.h": "int money_add(int a, int b);\n",
        "money.c": "int money_add(int a, int b) { return a + b; }\n",
    },
    # Requires what is nowhere to be had, and does not need it here.
    "Ends": {
        "brazil.toml": toml("Ends", "go"),
        "go.mod": "module gopkg.in/ends.v3\n\ngo 1.12\n\nrequire example.com/nowhere v1.2.3\n",
        "ends.go": 'package ends\n\nconst End = "."\n',
    },
    "Words": {
        "brazil.toml": toml("Words", "go", dependencies={"Ends": "1.0"})
        + '[build]\nsource = "go code"\ntests = true\n',
        "go code/LICENSE": "yes\n",
        "go code/go.mod": 'module "example.com/words/v2" // quoted\n\ngo 1.16\n\n'
        "require (\n\tgopkg.in/ends.v3 v3.2.1\n)\n",
        "go code/short/word.go": 'package short\n\nimport _ "embed"\n\n//go:embed data/word.txt\nvar word string\n\n'
        'func Word() string { return word[:4] + " " }\n',
        "go code/short/data/word.txt": "paid\n",
        "go code/short/word_test.go": _WORDS_TEST,
        "go code/short/word_windows.go": "package short\n",
        "go code/short/word_windows_test.go": "package short\n",
        "go code/internal/all/all.go": 'package all\n\nimport _ "gopkg.in/ends.v3"\n',
        "go code/README.md": "words\n",
    },
    "Till": {
        "brazil.toml": toml("Till", "go", dependencies={"Money": "1.0", "Words": "1.0"})
        + '[build]\ntargets = ["./cmd/..."]\narguments = ["-tags=till it"]\n',
        "go.mod": "module example.com/till\n\ngo 1.19\n\nrequire example.com/words/v2 v2.9.9\n",
        "cmd/till/main.go": _TILL,
        "cmd/till/never.go": "//go:build !till\n\npackage main\n\nfunc init() { nothing() }\n",
        "broken/broken.go": "package broken\n\nfunc f() { nothing() }\n",
    },
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of them published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("go") / "shop", SHOP, "Till")


def test_a_program_runs_with_the_libraries_it_was_linked_with(shop: Product, tmp_path: Path) -> None:
    work = copy_shop(shop, tmp_path / "shop").workspace()
    for words in (["till"], ["env", "-u", "LD_LIBRARY_PATH", "/brazil/pkg/Till-1.0/bin/till"]):
        assert work.process("exec", "Till", "--", *words).out == "paid 5.\n"


def test_a_library_is_its_source_without_tests_and_without_versions(shop: Product) -> None:
    files = runs(shop)["build Words-1.0"].files
    assert set(files) == {
        f"go/example.com/words/v2/{name}"
        for name in (
            "LICENSE",
            "go.mod",
            "internal/all/all.go",
            "short/data/word.txt",
            "short/word.go",
            "short/word_windows.go",
        )
    }
    assert files["go/example.com/words/v2/go.mod"] == b"module example.com/words/v2\ngo 1.16\n"
    till = runs(shop)["build Till-1.0"].files
    assert set(till) == {"bin/till"}
    assert b"/brazil/src" not in till["bin/till"]


def test_tests_are_cases_and_the_log_is_for_people(shop: Product) -> None:
    found = runs(shop)
    tested = found["test Words-1.0"].tested
    assert not tested.unreadable
    assert {(case.suite, case.name): case.end for case in tested.cases} == {
        ("example.com/words/v2/short", "TestWord"): CaseEnd.PASSED,
        ("example.com/words/v2/short", "TestWord/part"): CaseEnd.SKIPPED,
        ("example.com/words/v2/short", "TestFindsItsSource"): CaseEnd.PASSED,
    }
    lines = found["test Words-1.0"].log.splitlines()
    assert any(line.startswith("--- PASS: TestFindsItsSource (") for line in lines)
    assert '    word_test.go:9: a \t<tab> & "quotes" \\' in lines
    assert found["test Till-1.0"].log == "go: there are no tests in .\n"


@pytest.mark.slow
def test_the_same_artifact_comes_from_another_place_with_one_processor(shop: Product, tmp_path: Path) -> None:
    other = built_elsewhere(tmp_path / "another place", SHOP, "Till")["build Till-1.0"]
    assert other.files == runs(shop)["build Till-1.0"].files
    assert other.digest == runs(shop)["build Till-1.0"].digest


def module(text: str = "package pay\n", language: str = "1.19", **more: str) -> dict[str, str]:
    return {"go.mod": f"module example.com/pay\n\ngo {language}\n", "pay.go": text, **more}


def check(text: str) -> dict[str, str]:
    head = 'package pay\n\nimport (\n\t"os"\n\t"os/exec"\n\t"testing"\n)\n\nvar _, _ = os.Args, exec.Command\n\n'
    return module() | {"pay_test.go": f"{head}func TestPay(t *testing.T) {{ {text} }}\n"}


NATIVE = Native(
    "go",
    check(
        'said, err := exec.Command("sh", "test.sh").CombinedOutput(); t.Log(string(said)); '
        "if err != nil { t.Fatal(err) }"
    ),
    runs_in_build=False,
    odd=Odd(names=frozenset({"go/example.com/pay/pay.go"})),  # see Twins
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({"pay.go": "package pay\n"}, said="go: there is no go.mod in .\n"),
    "NoFolder": Bad(module(), 'source = "no where"', said="go: there is no folder no where"),
    "Broken": Bad(module("package pay\n\nfunc ("), exit_code=2, said="pay.go:3:7: syntax error"),
    "NoModule": Bad({"go.mod": "modul x\n", "pay.go": ""}, said="go.mod:1: unknown directive: modul"),
    "OldTool": Bad(module(language="1.99"), said="go: go.mod asks for Go 1.99, and go1."),
    "NoVersion": Bad(module(language="99.9.9"), said="99.9.9"),
    "Twins": Bad(module() | {"Pay.go": "package pay\n"}, said="case-insensitive file name collision"),
    "Fetches": Bad(
        module('package pay\n\nimport _ "example.com/nowhere"\n'),
        said="cannot find module providing package example.com/nowhere",
    ),
    "Nothing": Bad({"go.mod": "module example.com/pay\n"}, said="go: there is neither a program nor a package"),
    "Internal": Bad(
        {"go.mod": "module example.com/pay\n", "internal/x/x.go": "package x\n"},
        said="go: nothing but internal packages",
    ),
    "Writes": Bad(
        check('if err := os.WriteFile("/usr/share/<mine>", nil, 0o644); err != nil { t.Fatal(err) }'),
        step="test",
        said="pay_test.go:11: open /usr/share/<mine>: read-only file system",
    ),
    "Unbuilt": Bad(check("nothing()"), step="test", exit_code=2, said="undefined: nothing"),
    "NoTests": Bad(module(), "tests = true", "test", said="go: no test was found in ."),
    "NoCases": Bad(
        module() | {"pay_test.go": "package pay\n"}, "tests = true", "test", said="go: no test was found in ."
    ),
}


@pytest.mark.slow
def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    found = fail_as_said(tmp_path / "shop", NATIVE, BAD)
    assert found["test Writes-1.0"].tested.count(CaseEnd.FAILED) == 1


def test_a_vendored_module_comes_before_the_closure(tmp_path: Path) -> None:
    files = {
        "brazil.toml": toml("Pay", "go"),
        "go.mod": "module example.com/pay\n\ngo 1.19\n\nrequire example.com/near v1.0.0\n",
        "pay.go": 'package pay\n\nimport "example.com/near"\n\nvar _ = near.Here\n',
        "vendor/modules.txt": "# example.com/near v1.0.0\n## explicit\nexample.com/near\n",
        "vendor/example.com/near/near.go": "package near\n\nconst Here = 1\n",
    }
    run = runs(publish(tmp_path / "shop", {"Pay": files}, "Pay"))["build Pay-1.0"]
    assert set(run.files) == {"go/example.com/pay/go.mod", "go/example.com/pay/pay.go"}
