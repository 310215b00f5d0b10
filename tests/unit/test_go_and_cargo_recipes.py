"""What the recipes of build systems `go` and `cargo` make of options, hostile ones too."""

import shlex
import shutil
from pathlib import Path

import pytest

from brazil.build_systems import option_specs
from brazil.errors import UsageError
from brazil.formats.manifest import parse_manifest
from tests.unit.test_build_systems import Place, recipe

# Says what it was called with, one word a line, and answers what the recipe asks.
_TOOL = """\
#!/bin/sh
if [ "$*" = "mod edit -json" ]; then
    printf '{\\n\\t"Module": {\\n\\t\\t"Path": "a.b/c"\\n\\t},\\n\\t"Go": "1.19"\\n}\\n'
    exit
fi
printf '%s' "${0##*/}" >> "$CALLS"
printf ' <%s>' "$@" >> "$CALLS"
echo >> "$CALLS"
case "$1" in list) echo a.b/c;; esac
"""
HOSTILE = "-x='$(touch hit)' \"`touch hit`\" *"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    for name in ("go", "cargo", "rustc", "cc"):
        tool = tmp_path / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(_TOOL)
        tool.chmod(0o755)
    return tmp_path / "calls"


def called(place: Place, calls: Path, script: str, **more: str) -> list[str]:
    calls.write_text("")
    place.run(script, PATH=f"{calls.parent}/bin:/usr/bin:/bin", CALLS=str(calls), **more)
    assert not list(place.source.rglob("hit"))
    return calls.read_text().splitlines()


def hostile(name: str) -> str:
    return f'{name} = ["""{HOSTILE}"""]\n'.replace("\\", "\\\\")


def test_values_for_go_are_words_and_nothing_else(tmp_path: Path, calls: Path) -> None:
    options = hostile("arguments") + hostile("test-arguments") + 'targets = ["./a b;*"]\nsource = "it\'s $HOME"\n'
    place = Place(tmp_path, {"it's $HOME/go.mod": ""})
    made = recipe("go", options)
    assert f"go <build> <{HOSTILE}> <./a b;*>" in called(place, calls, made.build)
    tests = called(place, calls, made.test)
    assert f"go <test> <-json> <-timeout> <0> <{HOSTILE}> <{HOSTILE}> <./...>" in tests


def test_values_for_cargo_are_words_and_nothing_else(tmp_path: Path, calls: Path) -> None:
    options = hostile("arguments") + hostile("test-arguments") + 'source = "it\'s $HOME"\n'
    place = Place(tmp_path, {"it's $HOME/Cargo.toml": ""})
    made = recipe("cargo", options)
    head = "<-Zavoid-dev-deps>"
    build, *_ = called(place, calls, made.build)
    assert build == (
        f"cargo {head} <build> <--offline> <--release> <--message-format=json-render-diagnostics> <{HOSTILE}>"
    )
    (test,) = called(place, calls, made.test)
    assert test == f"cargo {head} <test> <--offline> <--no-fail-fast> <{HOSTILE}> <{HOSTILE}>"


def test_a_lock_holds_only_with_vendored_crates(tmp_path: Path, calls: Path) -> None:
    place = Place(tmp_path, {"Cargo.toml": "", "Cargo.lock": "", "vendor/a/Cargo.toml": ""})
    assert called(place, calls, recipe("cargo").test) == ["cargo <test> <--frozen> <--no-fail-fast>"]
    assert (place.source / ".brazil/cargo/crates/a").resolve() == place.source / "vendor" / "a"
    shutil.rmtree(place.source / "vendor")
    assert "<-Zavoid-dev-deps>" in called(place, calls, recipe("cargo").test)[0]
    assert not (place.source / "Cargo.lock").exists()


def test_modules_of_the_closure_replace_what_is_required(tmp_path: Path, calls: Path) -> None:
    place = Place(tmp_path / "own", {"go.mod": ""})
    closure = Place(
        tmp_path / "closure",
        {f"{name}/go.mod": "" for name in ("one/x.y/z", "one/x.y/z/v2", "two/gopkg.in/q.v3", "two/x.y/z", "two/a.b/c")},
    )
    folders = [str(closure.source / name) for name in ("one", "two")]
    called(place, calls, recipe("go").build, BRAZIL_GO_PATH=":".join(folders))
    assert (place.source / ".brazil/go.mod").read_text().splitlines() == [
        "module a.b/c",
        "go 1.19",
        "require x.y/z v0.0.0",
        f"replace x.y/z => {folders[0]}/x.y/z",
        "require x.y/z/v2 v2.0.0",
        f"replace x.y/z/v2 => {folders[0]}/x.y/z/v2",
        "require gopkg.in/q.v3 v3.0.0",
        f"replace gopkg.in/q.v3 => {folders[1]}/gopkg.in/q.v3",
    ]


@pytest.mark.parametrize("system", ["go", "cargo"])
def test_no_tests_where_none_are_wanted(system: str) -> None:
    assert recipe(system, "tests = false").test == ""
    assert shlex.split(recipe(system, "tests = true").test.partition("wanted=")[2])[0] == "yes"


@pytest.mark.parametrize(
    ("system", "option"),
    [
        ("go", 'targets = ["-o=/usr/bin/go"]'),
        ("go", 'targets = ["./../elsewhere"]'),
        ("go", 'targets = ["example.com/other"]'),
        ("go", 'arguments = ["./other"]'),
        ("go", 'source = "../other"'),
        ("cargo", 'arguments = ["publish"]'),
        ("cargo", 'test-arguments = ["-a\\nb"]'),
        ("cargo", 'source = "-x"'),
    ],
)
def test_values_that_lead_elsewhere_are_refused(system: str, option: str) -> None:
    text = f'[package]\nname = "Pay"\ninterface = "1.0"\nbuild-system = "{system}"\n[build]\n{option}\n'
    with pytest.raises(UsageError) as caught:
        parse_manifest(text.encode(), file="brazil.toml", systems=option_specs())
    assert [problem.code for problem in caught.value.problems] == ["manifest.wrong-value"]
