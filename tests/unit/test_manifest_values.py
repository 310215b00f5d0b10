import copy

import pytest

from brazil.build_systems import option_specs
from brazil.errors import IntegrityError, UsageError
from brazil.formats.manifest import manifest_from_data, manifest_to_data, parse_manifest
from brazil.model.names import Interface, PackageName
from brazil.model.package import Dependency, Kind, Manifest, OptionSpec

MAKE = '[package]\nname = "Shop"\ninterface = "1.0"\nbuild-system = "make"\n'
COMMAND = MAKE.replace("make", "command")


def parse(text: str) -> Manifest:
    return parse_manifest(text.encode(), file="brazil.toml", systems=option_specs())


def interface(name: str, version: str) -> Interface:
    return Interface(PackageName(name), version)


FULL = """\
[package]
name         = "OrderService"
interface    = "1.0"
build-system = "python"
description  = "Takes orders and charges for them"
[dependencies]            # compile and run, transitive
LogKit = "1.0"
JsonKit = { interface = "2.0", at-least = 7 }
[runtime-dependencies]
LogKit = "1.0"
"zope.interface" = "5"
[test-dependencies.TestKit]
interface = "1.0"
[build-tools]
Python = "3"
JsonKit = "1.0"
[resolves-conflict-dependencies]
Z = "1"
A = "2"
[remove-dependencies]
JsonKit = "1.0"
[build]
closure = "direct"
timeout = 86400
scripts = { b = "x:y", a = "x:z" }
[outputs]
"bin/*" = "bin"
"""


def test_a_full_manifest() -> None:
    assert parse(FULL) == Manifest(
        interface=interface("OrderService", "1.0"),
        build_system="python",
        description="Takes orders and charges for them",
        dependencies=(
            Dependency(interface("JsonKit", "2.0"), Kind.NORMAL, 7, 8),
            Dependency(interface("LogKit", "1.0"), Kind.NORMAL, 0, 7),
            Dependency(interface("LogKit", "1.0"), Kind.RUNTIME, 0, 10),
            Dependency(interface("zope.interface", "5"), Kind.RUNTIME, 0, 11),
            Dependency(interface("TestKit", "1.0"), Kind.TEST, 0, 12),
            Dependency(interface("JsonKit", "1.0"), Kind.TOOL, 0, 16),
            Dependency(interface("Python", "3"), Kind.TOOL, 0, 15),
        ),
        winners=(interface("A", "2"), interface("Z", "1")),
        removed=(interface("JsonKit", "1.0"),),
        closure="direct",
        timeout=86400,
        options=(
            ("packages", []),
            ("scripts", {"a": "x:z", "b": "x:y"}),
            ("source", ""),
            ("test-runner", "unittest"),
            ("tests", "tests?"),
        ),
        outputs=(("bin/*", "bin"),),
    )


def test_windows_line_ends_change_nothing() -> None:
    text = COMMAND + '[build]\nbuild = """\na\nb\n"""\ntest = "t"\n[dependencies]\nA = "1"\n'
    assert parse(text.replace("\n", "\r\n")) == parse(text)
    assert dict(parse(text).options)["build"] == "a\nb\n"


def test_dots_in_comments_and_strings_are_no_key() -> None:
    script = "echo " + "." * 200 + " 1.2 " * 100
    text = f"# {'. ' * 100}\n{COMMAND}[build]\nbuild = '{script}'\n# {'.' * 2000}\n"
    assert dict(parse(text).options)["build"] == script


def test_a_small_manifest_has_the_defaults() -> None:
    manifest = parse(MAKE)
    assert (manifest.closure, manifest.timeout, manifest.dependencies) == ("transitive", 600, ())
    assert [name for name, _ in manifest.options] == [option.name for option in option_specs()["make"]]


def test_defaults_are_not_shared() -> None:
    first, second = (dict(parse(MAKE).options)["targets"] for _ in range(2))
    assert isinstance(first, list)
    first.append("x")
    assert second == []


def test_an_earlier_interface_may_build_a_package() -> None:
    text = MAKE + '[build-tools]\nShop = "0.9"\n'
    assert parse(text).of_kind(Kind.TOOL) == (interface("Shop", "0.9"),)


OTHER = {
    "other": (
        OptionSpec("fast", "boolean", "Be fast.", default=False),
        OptionSpec("level", "integer", "How much.", default=3),
        OptionSpec("mode", "string", "Which.", default="all", choices=("all", "some")),
        OptionSpec("words", "table", "Words.", default={}),
    )
}


def test_options_of_every_type() -> None:
    text = MAKE.replace("make", "other") + '[build]\nfast = true\nmode = "some"\nwords = { "a b" = "c" }\n'
    manifest = parse_manifest(text.encode(), file="f", systems=OTHER)
    assert manifest.options == (("fast", True), ("level", 3), ("mode", "some"), ("words", {"a b": "c"}))


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("fast = 1", "build.fast must be a boolean", ""),
        ("level = true", "build.level must be an integer", ""),
        ("level = 0x10000000000000000", "build.level is out of range", ""),
        ('mode = "som"', "build.mode cannot be 'som'", "did you mean 'some'?"),
        ('words = { "a\\\\b" = "c" }', r"'a\\b' cannot be a key of this table", ""),
    ],
)
def test_wrong_options_of_every_type(line: str, what: str, hint: str) -> None:
    text = MAKE.replace("make", "other") + f"[build]\n{line}\n"
    with pytest.raises(UsageError) as caught:
        parse_manifest(text.encode(), file="f", systems=OTHER)
    (problem,) = caught.value.problems
    assert (problem.what, problem.hint, problem.line) == (what, hint, 6)


def test_a_manifest_as_plain_data() -> None:
    assert manifest_to_data(parse(FULL)) == {
        "interface": "OrderService-1.0",
        "build-system": "python",
        "description": "Takes orders and charges for them",
        "closure": "direct",
        "timeout": 86400,
        "dependencies": [["JsonKit-2.0", 7, 8], ["LogKit-1.0", 0, 7]],
        "runtime-dependencies": [["LogKit-1.0", 0, 10], ["zope.interface-5", 0, 11]],
        "test-dependencies": [["TestKit-1.0", 0, 12]],
        "build-tools": [["JsonKit-1.0", 0, 16], ["Python-3", 0, 15]],
        "winners": ["A-2", "Z-1"],
        "removed": ["JsonKit-1.0"],
        "options": {
            "packages": [],
            "scripts": {"a": "x:z", "b": "x:y"},
            "source": "",
            "test-runner": "unittest",
            "tests": "tests?",
        },
        "outputs": {"bin/*": "bin"},
    }


@pytest.mark.parametrize("text", [FULL, MAKE, COMMAND + '[build]\nbuild = """\na\n\tb\\\\x"""\n'])
def test_plain_data_gives_the_manifest_back(text: str) -> None:
    manifest = parse(text)
    assert manifest_from_data(manifest_to_data(manifest), "record") == manifest


def test_keys_of_the_next_schema_are_passed_over() -> None:
    data = manifest_to_data(parse(FULL))
    assert manifest_from_data({**data, "colour": "red"}, "record") == parse(FULL)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("interface", None),
        ("interface", "../x-1.0"),
        ("interface", "Shop-"),
        ("interface", 1),
        ("build-system", None),
        ("build-system", 7),
        ("description", []),
        ("closure", None),
        ("timeout", "600"),
        ("timeout", True),
        ("timeout", -1),
        ("dependencies", {}),
        ("dependencies", [["A-1.0", 0]]),
        ("dependencies", [["A", 0, 1]]),
        ("dependencies", [["A-1.0", 0, -1]]),
        ("dependencies", ["A-1.0"]),
        ("winners", "A-1.0"),
        ("winners", ["-x-1.0"]),
        ("removed", [1]),
        ("options", []),
        ("options", {"a": 1.5}),
        ("options", {"a": [1]}),
        ("options", {"a": {"b": 1}}),
        ("outputs", {"bin/*": 1}),
    ],
)
def test_damaged_data_is_refused(key: str, value: object) -> None:
    data = copy.deepcopy(manifest_to_data(parse(FULL)))
    if value is None:
        del data[key]
    else:
        data[key] = value
    with pytest.raises(IntegrityError) as caught:
        manifest_from_data(data, "record")
    assert [(p.code, p.file) for p in caught.value.problems] == [("manifest.record", "record")]
    assert caught.value.problems[0].because.isprintable()
