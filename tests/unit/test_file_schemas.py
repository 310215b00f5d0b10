import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from referencing.exceptions import Unresolvable

from brazil.build_systems import SYSTEMS, option_specs
from brazil.errors import UsageError
from brazil.formats.configuration_file import read_configuration
from brazil.formats.file_schemas import schemas
from brazil.formats.manifest import parse_manifest
from brazil.formats.workspace_file import read_workspace_file, write_workspace_file
from brazil.model import names
from brazil.model.names import PackageName, VersionSetName
from brazil.model.workspace import WorkspaceFile
from tests.shown import ROOT

SCHEMAS = {name: Draft7Validator(schema) for name, schema in schemas(option_specs()).items()}
OURS = sorted(
    path
    for top in ("brazil", "examples", "tests")
    for path in (ROOT / top).rglob("brazil.toml")
    if ".brazil" not in path.parts
)


def agrees(file: str, text: str) -> tuple[bool, bool]:
    """Whether the schema takes a file, and whether its reader does."""
    readers: Mapping[str, Callable[[bytes], object]] = {
        "brazil.toml": lambda data: parse_manifest(data, file=file, systems=option_specs()),
        "brazil-workspace.toml": lambda data: read_workspace_file(data, file=file),
        "config.toml": lambda data: read_configuration(data, file=file),
    }
    try:
        readers[file](text.encode())
        read = True
    except UsageError:
        read = False
    return SCHEMAS[file].is_valid(tomllib.loads(text)), read


@pytest.mark.parametrize("file", SCHEMAS)
def test_a_schema_is_one(file: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[file].schema)
    with pytest.raises((Unresolvable, AssertionError)):
        assert "$ref" in json.dumps(SCHEMAS[file].schema), "an editor has to fetch nothing"


@pytest.mark.parametrize("file", SCHEMAS)
def test_expressions_mean_the_same_in_an_editor(file: str) -> None:
    """Nothing that only Python's expressions have: named groups, possessive quantifiers, atomic groups, anchors."""

    def patterns(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["pattern"]] if isinstance(value.get("pattern"), str) else []
            return own + [found for inner in value.values() for found in patterns(inner)]
        return [found for inner in value for found in patterns(inner)] if isinstance(value, list) else []

    found = patterns(SCHEMAS[file].schema)
    assert found or file == "config.toml"
    assert [p for p in found if re.search(r"\(\?P|\(\?>|\(\?<|\\[AZbBGdws]|[*+?}]\+", p.replace(r"\S", ""))] == []


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_manifest_of_this_repository_is_valid(path: Path) -> None:
    text = path.read_text().replace("@Name@", "Name").replace("@name@", "name")
    assert [error.message for error in SCHEMAS["brazil.toml"].iter_errors(tomllib.loads(text))] == []


def test_there_are_such_manifests() -> None:
    assert len(OURS) > 10


GOOD = """\
[package]
name = "Page"
interface = "1.0"
build-system = "command"
[build]
build = "true"
"""


def with_(*lines: str, without: str = "") -> str:
    head = "".join(line for line in GOOD.splitlines(keepends=True) if not without or not line.startswith(without))
    return head + "\n".join([*lines, ""])


BAD = {
    "no [package]": "",
    "a missing name": with_(without="name"),
    "a missing interface": with_(without="interface"),
    "a missing build system": with_(without="build-system"),
    "a name that is none": GOOD.replace('"Page"', '"-Page"'),
    "a name with two dots": GOOD.replace('"Page"', '"Pa..ge"'),
    "a name that ends with a dot": GOOD.replace('"Page"', '"Page."'),
    "a name that is too long": GOOD.replace('"Page"', f'"{"P" * 101}"'),
    "an interface with a dash": GOOD.replace('"1.0"', '"1-0"'),
    "an interface that is a number": GOOD.replace('"1.0"', "1.0"),
    "an unknown build system": GOOD.replace('"command"', '"comand"'),
    "an unknown table": with_("[bulid]"),
    "an unknown key of [package]": GOOD.replace("interface", 'version = "1"\ninterface'),
    "a description of two lines": GOOD.replace("interface", 'description = "a\\nb"\ninterface'),
    "a dependency that is a number": with_("[dependencies]", "Json = 2.0"),
    "a dependency without an interface": with_("[dependencies]", "Json = { at-least = 7 }"),
    "an unknown key of a dependency": with_("[dependencies]", 'Json = { interface = "1.0", atleast = 7 }'),
    "a build number of nothing": with_("[dependencies]", 'Json = { interface = "1.0", at-least = 0 }'),
    "a dependency with a bad name": with_("[test-dependencies]", '"Json Kit" = "1.0"'),
    "a winner with a table": with_("[resolves-conflict-dependencies]", 'Json = { interface = "1.0" }'),
    "an unknown option": with_("bulid = 'x'"),
    "an option of another build system": with_("targets = ['x']"),
    "a required option that is missing": GOOD.replace('build = "true"', ""),
    "a required option that is blank": GOOD.replace('"true"', '"  "'),
    "a required option without [build]": GOOD.partition("[build]")[0],
    "an option of another type": GOOD.replace('"true"', "true"),
    "a control character": GOOD.replace('"true"', '"a\\u0007"'),
    "a closure that is none": with_('closure = "all"'),
    "a timeout of nothing": with_("timeout = 0"),
    "a timeout of weeks": with_("timeout = 1000000"),
    "an output that leaves the artifact": with_("[outputs]", '"../x" = "bin"'),
    "an output of no word": with_("[outputs]", '"bin/*" = "BIN"'),
    "a build system without a program": with_("[provides-build-system]"),
    "an option that every build system has": with_(
        "[provides-build-system]", 'program = "p"', "[provides-build-system.options]",
        'timeout = { type = "string", description = "x" }',
    ),
    "an option of an unknown type": with_(
        "[provides-build-system]", 'program = "p"', "[provides-build-system.options]",
        'style = { type = "text", description = "x" }',
    ),
}  # fmt: skip


def test_what_is_good_is_good_for_both() -> None:
    assert agrees("brazil.toml", GOOD) == (True, True)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_bad_manifest_is_refused_by_the_reader_and_by_the_schema(text: str) -> None:
    assert agrees("brazil.toml", text) == (False, False)


ONLY_TOGETHER = {
    "a dependency on itself": with_("[dependencies]", 'Page = "1.0"'),
    "names that differ in case": with_("[dependencies]", 'Json = "1.0"', 'JSON = "1.0"'),
    "a build system that is no tool": GOOD.replace('"command"', '"Site"'),
}


@pytest.mark.parametrize("text", ONLY_TOGETHER.values(), ids=ONLY_TOGETHER.keys())
def test_what_only_two_lines_say_together_is_for_the_reader(text: str) -> None:
    assert agrees("brazil.toml", text) == (True, False)


values = {
    "string": st.text(max_size=12) | st.sampled_from(["src", "..", "/x", "-x", "a b", "unittest", "x:y", ""]),
    "boolean": st.booleans(),
    "integer": st.integers(-5, 5),
}
values["strings"] = st.lists(values["string"], max_size=2)
values["table"] = st.dictionaries(values["string"], values["string"], max_size=2)


@given(st.sampled_from(sorted(SYSTEMS)), st.data())
def test_the_schema_says_of_options_what_the_reader_says(system: str, data: st.DataObject) -> None:
    specs = data.draw(st.lists(st.sampled_from(SYSTEMS[system].options), unique_by=lambda spec: spec.name, max_size=2))
    build = {s.name: data.draw(values[s.type] if data.draw(st.booleans()) else values["string"]) for s in specs}
    if system == "command":
        build.setdefault("build", "true")

    def toml(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
        return json.dumps(value)

    try:
        lines = "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in build.items())
        text = f'[package]\nname = "P"\ninterface = "1.0"\nbuild-system = "{system}"\n[build]\n{lines}'
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # JSON and TOML write some characters differently
    schema, reader = agrees("brazil.toml", text)
    # The schema's keys may hold what the `toml` package cannot write; its "$" lets a line end through.
    assert schema == reader or (schema and not reader), text
    if schema and not reader:
        flat = json.dumps(build)
        assert "\\" in flat or not flat.isascii(), text


@given(st.text(alphabet="aZ0_+.-/l ock", max_size=12))
def test_names_in_schemas_are_those_that_are_read(text: str) -> None:
    for pattern, fault in (
        (names.PACKAGE_PATTERN, names.package_name_fault),
        (names.VERSION_PATTERN, names.interface_version_fault),
        (names.SET_PATTERN, names.version_set_name_fault),
    ):
        assert bool(re.fullmatch(pattern, text)) == (fault(text) is None), (pattern, text)


WORKSPACE = write_workspace_file(
    WorkspaceFile("/registry.git", VersionSetName("shop/dev"), 3, "0" * 40, (PackageName("Money"),))
).decode()


@pytest.mark.parametrize(
    ("text", "both"),
    [
        (WORKSPACE, True),
        (WORKSPACE + 'more = "x"\n', False),
        ('more = "x"\n' + WORKSPACE.replace("schema = 1", "schema = 2"), True),
        (WORKSPACE.replace("schema = 1", "schema = 3"), False),
        (WORKSPACE.replace("shop/dev", "shop/dev.lock"), False),
        (WORKSPACE.replace("revision = 3", "revision = -1"), False),
        (WORKSPACE.replace("/registry.git", "ext::sh"), False),
        (WORKSPACE.replace("/registry.git", "--upload-pack=x"), False),
        (WORKSPACE.replace("0" * 40, "0" * 39), False),
        (WORKSPACE.replace("Money", "Mo ney"), False),
    ],
)
def test_workspace_files(text: str, both: bool) -> None:
    assert agrees("brazil-workspace.toml", text) == (both, both)


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("", True),
        ('registry = "x"\njobs = 4\nactor = "Ada <ada@example.com>"\n', True),
        ("jobs = -1\n", False),
        ("jobs = 5000\n", False),
        ("job = 1\n", False),
        ("registry = 1\n", False),
    ],
)
def test_configurations(text: str, both: bool) -> None:
    assert agrees("config.toml", text) == (both, both)
