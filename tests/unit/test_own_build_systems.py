"""Build systems that a package brings: what manifests say of them, and what becomes of that."""

import json
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.build.recipes import make_recipes
from brazil.build_systems import SYSTEMS, option_specs
from brazil.build_systems.base import Recipe
from brazil.build_systems.own import LONGEST
from brazil.errors import UsageError
from brazil.formats.manifest import manifest_from_data, manifest_to_data, names_own_system, parse_manifest
from brazil.formats.reapi import encode_directory
from brazil.formats.toml_writer import dump
from brazil.graph.closure import Closures
from brazil.graph.dependency import DependencyGraph
from brazil.model.action import StepId, StepKind
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.package import MANIFEST, Manifest
from brazil.model.tree import Directory, DirectoryNode, FileNode
from brazil.model.versionset import PackageRecord
from brazil.plan.environment import COMPOSED
from brazil.plan.planner import make_plan
from brazil.registry.packing import RECORDS
from brazil.registry.parsed import Table
from brazil.store.memory import MemoryStore

PAGES = Interface(PackageName("PageMaker"), "1.0")
BOOK = Interface(PackageName("HandBook"), "1.0")

PROVIDER = """\
[package]
name         = "PageMaker"
interface    = "1.0"
build-system = "command"

[build]
build = "true"
"""
PROVIDES = """
[provides-build-system]
program = "page"
tests   = true

[provides-build-system.options.title]
type        = "string"
description = "What stands at the top."
required    = true

[provides-build-system.options.format]
type        = "string"
description = "What to write."
choices     = ["html", "text"]
default     = "html"

[provides-build-system.options.words]
type        = "table"
description = "Words and what they mean."
"""
CONSUMER = """\
[package]
name         = "HandBook"
interface    = "1.0"
build-system = "PageMaker"

[build-tools]
PageMaker = "1.0"

[build]
"""


def parse(text: str) -> Manifest:
    return parse_manifest(text.encode(), file="brazil.toml", systems=option_specs())


def problems(text: str) -> list[tuple[int, str, str, str, str, str]]:
    with pytest.raises(UsageError) as caught:
        parse(text)
    return [(p.line, p.key, p.code, p.what, p.because, p.hint) for p in caught.value.problems]


class Set:
    """A provider and a package that it builds, both with a source."""

    def __init__(self, build: str, *, provides: str = PROVIDES, folders: tuple[str, ...] = ()) -> None:
        self.store = MemoryStore()
        texts = {PAGES: PROVIDER + provides, BOOK: CONSUMER + build}
        self.manifests: Mapping[Interface, Manifest] = {i: parse(text) for i, text in texts.items()}
        self.sources = {i: self._source(text, folders) for i, text in texts.items()}

    def _source(self, text: str, folders: tuple[str, ...]) -> Digest:
        empty = self.store.write(encode_directory(Directory()))
        manifest = FileNode(MANIFEST, self.store.write(text.encode()), False)
        directory = Directory((manifest,), tuple(DirectoryNode(name, empty) for name in folders))
        return self.store.write(encode_directory(directory))

    def recipes(self) -> dict[Interface, Recipe]:
        return make_recipes(self.sources, self.manifests, self.store, lambda i: f"{i}/brazil.toml")

    def options(self) -> object:
        return json.loads(dict(self.recipes()[BOOK].environment)["BRAZIL_OPTIONS"])

    def problems(self) -> list[tuple[str, int, str, str, str, str]]:
        with pytest.raises(UsageError) as caught:
            self.recipes()
        return [(p.file, p.line, p.key, p.code, p.what, p.hint) for p in caught.value.problems]


def test_no_built_in_build_system_has_a_name_that_a_package_can_bring() -> None:
    assert [name for name in SYSTEMS if names_own_system(name)] == []


def test_options_are_kept_as_written_until_it_is_known_what_they_mean() -> None:
    manifest = parse(CONSUMER + 'title = "T"\nanything = ["a"]\nwords = { b = "c", a = "d" }\n')
    assert manifest.options == (("anything", ["a"]), ("title", "T"), ("words", {"a": "d", "b": "c"}))


def test_what_can_be_no_option_is_refused_before_it_is_known_what_they_mean() -> None:
    found = problems(CONSUMER + '"a\\\\b" = "c"\nlist = [1]\nwhen = 2026-01-01\n')
    assert [(line, key, code) for line, key, code, *_ in found] == [
        (10, 'build."a\\\\b"', "manifest.wrong-value"),
        (11, "build.list[0]", "manifest.wrong-type"),
        (12, "build.when", "manifest.wrong-type"),
    ]


def test_options_reach_the_program_as_json_with_defaults_filled_in() -> None:
    assert Set('title = "it\'s \\"so\\" $HOME"\n').options() == {
        "format": "html",
        "title": 'it\'s "so" $HOME',
        "words": {},
    }


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        ('titel = "T"\n', (10, "build.titel", "manifest.unknown-key", "unknown key 'titel' in [build]",
                           "did you mean 'title'?")),
        ('title = 7\n', (10, "build.title", "manifest.wrong-type", "build.title must be a string", "")),
        ('title = " "\n', (10, "build.title", "manifest.wrong-value", "build.title must not be empty", "")),
        ('title = "T"\nformat = "htm"\n', (11, "build.format", "manifest.wrong-value",
                                         "build.format cannot be 'htm'", "did you mean 'html'?")),
        ('title = "T"\ntests = "no"\n', (11, "build.tests", "manifest.wrong-type",
                                         "build.tests must be a boolean", "")),
    ],
)  # fmt: skip
def test_wrong_options_are_told_with_file_line_and_key(build: str, problem: tuple[int, str, str, str, str]) -> None:
    assert ("HandBook-1.0/brazil.toml", *problem) in Set(build).problems()


def test_an_option_that_is_required_is_missed() -> None:
    (problem,) = Set("").problems()
    assert problem[3:] == ("manifest.missing-key", "missing key 'title' in [build]", "what stands at the top")


def test_options_that_no_variable_can_hold_are_refused() -> None:
    text = "x" * (LONGEST - len(json.dumps({"format": "html", "title": "", "words": {}})))
    assert Set(f'title = "{text}"\n').recipes()
    (problem,) = Set(f'title = "{text}x"\n').problems()
    assert problem[0:4] == ("HandBook-1.0/brazil.toml", 0, "", "manifest.too-large")


def test_a_tool_that_brings_no_build_system_is_refused_at_the_line_that_names_it() -> None:
    (problem,) = Set('title = "T"\n', provides="").problems()
    assert problem[:5] == (
        "HandBook-1.0/brazil.toml", 4, "package.build-system", "manifest.no-build-system",
        "PageMaker-1.0 brings no build system",
    )  # fmt: skip


def test_a_build_system_of_a_later_program_is_refused_by_name() -> None:
    """A record that it wrote was read without a list of those that there are."""
    later = Set("")
    text = CONSUMER.replace('"PageMaker"', '"zig"').replace('[build-tools]\nPageMaker = "1.0"\n', "")
    later.manifests = {**later.manifests, BOOK: later.manifests[BOOK]._replace(build_system="zig", dependencies=())}
    later.sources[BOOK] = later._source(text, ())
    (problem,) = later.problems()
    assert problem[3:5] == ("manifest.wrong-value", "unknown build system 'zig'")


@pytest.mark.parametrize(
    ("system", "tools", "code", "hint"),
    [
        ("Handler", "", "no-build-tool", 'name the package that brings it there: Handler = "1.0"'),
        ("Handler", 'Handlers = "1.0"\n', "no-build-tool",
         "name the package that brings it there: Handler = \"1.0\"; or did you mean 'Handlers'?"),
        ("Pyhton", "", "no-build-tool",
         "name the package that brings it there: Pyhton = \"1.0\"; or did you mean 'python'?"),
        ("Python", "", "wrong-value", "did you mean 'python'?"),
        ("pagemaker", 'pagemaker = "1.0"\n', "wrong-value", None),
        ("maker", 'maker = "1.0"\n', "wrong-value", "did you mean 'make'?; one of your own is a package with a "
         "capital letter in its name, named under [build-tools] too"),
        ("pyhton", "", "wrong-value", "did you mean 'python'?"),
    ],
)  # fmt: skip
def test_a_build_system_that_nobody_knows_is_refused(system: str, tools: str, code: str, hint: str | None) -> None:
    text = f'[package]\nname = "A"\ninterface = "1.0"\nbuild-system = "{system}"\n[build-tools]\n{tools}'
    ((line, key, found, _, _, said),) = problems(text)
    assert (line, key, found) == (4, "package.build-system", f"manifest.{code}")
    assert said == hint if hint else "capital letter" in said


@pytest.mark.parametrize(
    ("provides", "problem"),
    [
        ("[provides-build-system]\n", (9, "provides-build-system.program", "manifest.missing-key")),
        ('[provides-build-system]\nprogram = "../x"\n', (10, "provides-build-system.program", "manifest.wrong-value")),
        ('[provides-build-system]\nprogram = "x"\ntests = 1\n',
         (11, "provides-build-system.tests", "manifest.wrong-type")),
        ('[provides-build-system]\nprogram = "x"\ntest = true\n',
         (11, "provides-build-system.test", "manifest.unknown-key")),
        ('[provides-build-system]\nprogram = "x"\noptions.tests = { type = "boolean", description = "d" }\n',
         (11, "provides-build-system.options.tests", "manifest.wrong-value")),
        ('[provides-build-system]\nprogram = "x"\noptions."A b" = { type = "boolean", description = "d" }\n',
         (11, 'provides-build-system.options."A b"', "manifest.wrong-value")),
        ('[provides-build-system]\nprogram = "x"\noptions.a = { type = "text", description = "d" }\n',
         (11, "provides-build-system.options.a.type", "manifest.wrong-value")),
        ('[provides-build-system]\nprogram = "x"\noptions.a = { type = "string", description = "d", default = 1 }\n',
         (11, "provides-build-system.options.a.default", "manifest.wrong-type")),
        ('[provides-build-system]\nprogram = "x"\n[provides-build-system.options.a]\ntype = "string"\n'
         'description = "d"\nchoices = ["b"]\ndefault = "c"\n',
         (15, "provides-build-system.options.a.default", "manifest.wrong-value")),
        ('[provides-build-system]\nprogram = "x"\n[provides-build-system.options.a]\ntype = "string"\n'
         'description = "d"\nrequired = true\ndefault = "c"\n',
         (15, "provides-build-system.options.a.default", "manifest.conflict")),
        ('[provides-build-system]\nprogram = "x"\n[provides-build-system.options.a]\ntype = "boolean"\n'
         'description = "d"\nchoices = ["c"]\n',
         (14, "provides-build-system.options.a.choices", "manifest.conflict")),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_told_with_line_and_key(provides: str, problem: tuple[int, str, str]) -> None:
    assert problem in [found[:3] for found in problems(f"{PROVIDER}\n{provides}")]


def test_a_package_without_a_capital_letter_cannot_bring_one() -> None:
    found = problems(PROVIDER.replace("PageMaker", "pagemaker") + PROVIDES)
    assert found[0][1:3] == ("provides-build-system", "manifest.conflict")


@pytest.mark.parametrize(
    ("build", "provides", "folders", "tested"),
    [
        ("", PROVIDES, ("tests",), True),
        ("", PROVIDES, ("test",), True),
        ("", PROVIDES, (), False),
        ("tests = true\n", PROVIDES, (), True),
        ("tests = false\n", PROVIDES, ("tests",), False),
        ("", PROVIDES.replace("tests   = true", ""), ("tests",), False),
    ],
)
def test_whether_there_are_tests_is_known_before_anything_runs(
    build: str, provides: str, folders: tuple[str, ...], tested: bool
) -> None:
    recipe = Set(f'title = "T"\n{build}', provides=provides, folders=folders).recipes()[BOOK]
    assert bool(recipe.test) is tested
    assert recipe.build.endswith("/brazil/tools/bin/page-build\n")


def test_a_program_gets_the_search_paths_of_the_package_beside_its_own(tmp_path: Path) -> None:
    script = Set('title = "T"\n').recipes()[BOOK].build
    program = tmp_path / "page-build"
    program.write_text("#!/bin/sh\nenv | grep ^CLOSURE_ | sort\n")
    program.chmod(0o755)
    environment = {"PATH": "/usr/bin:/bin", "CPATH": "/a b/include:/c/include", "PYTHONPATH": ""}
    done = subprocess.run(
        ["/bin/sh", "-euc", script.replace("/brazil/tools/bin", str(tmp_path))],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "CLOSURE_CPATH=/a b/include:/c/include\nCLOSURE_PATH=/usr/bin:/bin\n"
    assert all(name in script for name in COMPOSED)


def test_the_closure_is_listed_for_own_build_systems_only() -> None:
    given = Set('title = "T"\n')
    plan = make_plan(
        given.manifests, (), manifests=given.manifests, closures=Closures(DependencyGraph(given.manifests)),
        sources=given.sources, recipes=given.recipes(), artifacts={}, order=[PAGES, BOOK],
    )  # fmt: skip
    names = {step.interface: [n for n, _ in plan.steps[step].environment] for step in plan.steps}
    assert names == {PAGES: [], BOOK: ["BRAZIL_CLOSURE", "BRAZIL_OPTIONS"]}
    assert plan.steps[StepId(BOOK, StepKind.BUILD)].needs == (StepId(PAGES, StepKind.BUILD),)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ("mkdir bin; touch bin/page-build bin/page-test; chmod +x bin/*", 0),
        ("mkdir bin; touch bin/page-build; chmod +x bin/*; ln -s page-build bin/page-test", 0),
        ("mkdir bin; touch bin/page-build; chmod +x bin/*", 1),
        ("mkdir -p bin/page-build bin/page-test", 1),
        ("mkdir bin; touch bin/page-build bin/page-test", 1),
        ("exit 0", 1),
        ("exit 3", 3),
    ],
)
def test_the_build_of_a_provider_fails_without_its_programs(tmp_path: Path, made: str, code: int) -> None:
    provider = PROVIDER.replace('"true"', json.dumps(f'cd "$BRAZIL_OUT"; {made}'))
    store, manifest = MemoryStore(), parse(provider + PROVIDES)
    source = store.write(encode_directory(Directory((FileNode(MANIFEST, store.write(provider.encode()), False),))))
    recipe = make_recipes({PAGES: source}, {PAGES: manifest}, store, str)[PAGES]
    environment = {"PATH": "/usr/bin:/bin", "BRAZIL_OUT": str(tmp_path)}
    done = subprocess.run(["/bin/sh", "-euc", recipe.build], env=environment, capture_output=True, check=False)
    assert done.returncode == code
    assert (b"the artifact has no program bin/page-" in done.stderr) is (code == 1)


def test_a_record_keeps_what_a_package_brings() -> None:
    for manifest in (parse(PROVIDER + PROVIDES), parse(CONSUMER + 'title = "T"\nfast = true\n')):
        stored = tomllib.loads(dump({"manifest": manifest_to_data(manifest)}).decode())["manifest"]
        assert manifest_from_data(stored, "record") == manifest
        table = Table([])
        record = PackageRecord(PackageVersion(manifest.interface, 1), "0" * 40, Digest("0" * 64, 1), manifest, ())
        table.id(manifest.interface)
        packed = RECORDS.pack(record, table)
        assert RECORDS.value(packed, manifest.interface, table.interfaces) == record


def test_a_package_of_a_built_in_build_system_is_recorded_as_before() -> None:
    assert "provides" not in manifest_to_data(parse(PROVIDER))
