import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.build_systems import option_specs
from brazil.errors import UsageError
from brazil.formats.manifest import manifest_from_data, manifest_to_data, parse_manifest
from brazil.formats.toml_writer import dump

SYSTEMS = option_specs()
TABLES = [
    "package", "dependencies", "runtime-dependencies", "test-dependencies", "build-tools",
    "resolves-conflict-dependencies", "remove-dependencies", "build", "build.variables", "outputs", "zzz",
    "dependencies.A", "[package]",
]  # fmt: skip
KEYS = [
    "name", "interface", "build-system", "description", "closure", "timeout", "targets", "variables", "scripts",
    "build", "test", "A", "Json-Kit", "a.b", '"a b"', '"\\u0001"', '"bin/*"', "at-least", "install-target", "''",
]  # fmt: skip
VALUES = [
    '"1.0"', '"make"', '"python"', '"command"', '"A"', '"direct"', "1", "0", "true", "1.5", "1979-05-27", "[]",
    '["all"]', "{}", '{ interface = "1.0", at-least = 2 }', '{ interface = "1.0", at-least = -2 }', '{ CC = "x\\\\y" }',
    '"""\na\n\tb\\\\x"""', "'''\n'''", '"\\u0000"', "[[1], {}]", '"../x"', '{ a = "b:c" }', "0x" + "f" * 20, "nan",
]  # fmt: skip
LINES = st.one_of(
    st.sampled_from(TABLES).map(lambda name: f"[{name}]"),
    st.builds(lambda key, value: f"{key} = {value}", st.sampled_from(KEYS), st.sampled_from(VALUES)),
)
GOOD = '[package]\nname = "Shop"\ninterface = "1.0"\nbuild-system = "{}"\n'


def check(data: bytes) -> bool:
    """Parse, and say whether it was good; anything but a UsageError, and anything that is not kept, fails."""
    try:
        manifest = parse_manifest(data, file="f", systems=SYSTEMS)
    except UsageError as error:
        for problem in error.problems:
            assert problem.file == "f"
            assert 0 <= problem.line <= data.count(b"\n") + 1
            assert (problem.what + problem.because + problem.hint + problem.key).isprintable()
        return False
    stored = tomllib.loads(dump({"manifest": manifest_to_data(manifest)}).decode())
    assert manifest_from_data(stored["manifest"], "record") == manifest
    return True


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    check(data)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("[]{}=\"'#.,\n\r\t \\u0aA-"), max_size=40))
def test_text_that_looks_like_toml(text: str) -> None:
    check(text.encode())


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=10), st.sampled_from(["make", "python", "command", "zzz"]))
def test_manifests_that_are_nearly_right(lines: list[str], system: str) -> None:
    text = GOOD.format(system)
    for line in lines:
        try:
            tomllib.loads(text + line)
        except tomllib.TOMLDecodeError:
            continue
        text += line + "\n"
    check(text.encode())


NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9_+]{0,4}(\.[a-z0-9]+)?(-[A-Za-z0-9]+)?", fullmatch=True)
VERSION = st.from_regex(r"[0-9]{1,4}(\.[0-9a-z]{1,2})?", fullmatch=True)
DEPENDENCIES = st.dictionaries(NAME.filter(lambda n: n.lower() != "shop"), VERSION, max_size=5).map(
    lambda found: {name: v for name, v in found.items() if sum(name.lower() == other.lower() for other in found) == 1}
)


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(DEPENDENCIES, DEPENDENCIES, DEPENDENCIES, DEPENDENCIES),
    st.text(st.characters(exclude_categories=["Cc", "Cs"])),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n\t\\x"), min_size=1),
    st.integers(1, 86400),
)
def test_every_good_manifest_is_read_and_kept(
    tables: tuple[dict[str, str], ...], description: str, script: str, timeout: int
) -> None:
    data = {
        "package": {"name": "Shop", "interface": "1.0", "build-system": "command", "description": description},
        "dependencies": tables[0],
        "runtime-dependencies": tables[1],
        "test-dependencies": tables[2],
        "build-tools": tables[3],
        "build": {"build": "x" + script, "timeout": timeout},
    }
    assert check(dump(data))
