import pytest

from brazil import __version__
from brazil.errors import Problem, UsageError
from brazil.formats.workspace_file import read_workspace_file, write_workspace_file
from brazil.model.names import PackageName, VersionSetName
from brazil.model.workspace import WorkspaceFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"
VALUE = WorkspaceFile(
    "/data/it's \\x the registry",
    VersionSetName("orders/dev"),
    44,
    COMMIT,
    (PackageName("HttpKit"), PackageName("OrderService")),
)
LINES = {
    "schema": "1",
    "registry": '"/r"',
    "set": '"orders/dev"',
    "revision": "44",
    "revision-commit": f'"{COMMIT}"',
    "packages": '["A"]',
}


def text(**changes: str) -> bytes:
    """The file with some lines changed, or left out where the change is empty."""
    lines = LINES | {key.replace("_", "-"): value for key, value in changes.items()}
    return "".join(f"{key} = {value}\n" for key, value in lines.items() if value).encode()


def problems(data: bytes) -> list[tuple[int, str, str, str, str, str]]:
    with pytest.raises(UsageError) as caught:
        read_workspace_file(data, file="w.toml")
    assert all(isinstance(p, Problem) and p.file == "w.toml" for p in caught.value.problems)
    return [
        (p.line, p.key, p.code.removeprefix("workspace-file."), p.what, p.because, p.hint)
        for p in caught.value.problems
    ]


def test_what_is_written_is_read() -> None:
    assert read_workspace_file(write_workspace_file(VALUE), file="w.toml") == VALUE


def test_the_text_is_plain() -> None:
    assert write_workspace_file(VALUE._replace(registry="/r")).decode() == (
        f'schema = 1\nregistry = "/r"\nset = "orders/dev"\nrevision = 44\nrevision-commit = "{COMMIT}"\n'
        'packages = [ "HttpKit", "OrderService",]\n'
    )


def test_packages_are_sorted_both_ways() -> None:
    swapped = VALUE._replace(packages=tuple(reversed(VALUE.packages)))
    assert write_workspace_file(swapped) == write_workspace_file(VALUE)
    assert read_workspace_file(text(packages='["B", "A"]'), file="w").packages == ("A", "B")


def test_no_packages() -> None:
    assert read_workspace_file(text(packages=""), file="w").packages == ()
    empty = VALUE._replace(packages=(), revision=0)
    assert read_workspace_file(write_workspace_file(empty), file="w") == empty


def test_a_registry_with_a_control_character_is_not_written() -> None:
    with pytest.raises(UsageError):
        write_workspace_file(VALUE._replace(registry="a\x1bb"))


def test_the_next_schema_may_hold_more() -> None:
    value = read_workspace_file(text(schema="2", colour='"red"'), file="w")
    assert (value.set, value.revision) == ("orders/dev", 44)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            text(schema="3", set="1"),
            (1, "schema", "newer", "the file was written by a newer brazil",
             "it has schema 3, this brazil reads up to 2", f"use brazil after {__version__}"),
        ),
        (
            text(schema="3", needs='"0.9"'),
            (1, "schema", "newer", "the file was written by a newer brazil",
             "it has schema 3, this brazil reads up to 2", "use brazil 0.9 or newer"),
        ),
        (text(schema="0"), (1, "schema", "wrong-value", "schema is out of range", "0 is less than 1", "")),
        (text(schema='"1"'), (1, "schema", "wrong-type", "schema must be an integer", "it is a string", "")),
        (text(schema=""), (0, "schema", "missing-key", "missing key 'schema'", "",
                           "a file of this brazil begins with 'schema = 1'")),
        (text(package='["A"]'), (7, "package", "unknown-key", "unknown key 'package'", "", "did you mean 'packages'?")),
        (text(registry=""), (0, "registry", "missing-key", "missing key 'registry'", "", "")),
        (text(registry="1"), (2, "registry", "wrong-type", "registry must be a string", "it is an integer", "")),
        (text(registry='""'), (2, "registry", "wrong-value", "'' is no place of a registry", "it is empty",
                               "give a URL or path")),
        (text(registry='"--upload-pack=x"'), (2, "registry", "wrong-value",
            "'--upload-pack=x' is no place of a registry", "it begins with '-'", "give a URL or path")),
        (text(registry='"ext::sh -c x"'), (2, "registry", "wrong-value",
            "'ext::sh -c x' is no place of a registry", "it names a git remote helper", "give a URL or path")),
        (text(registry='"a\\nb"'), (2, "registry", "wrong-value", "'a\\nb' is no place of a registry",
                                    "it holds the control character U+000A", "give a URL or path")),
        (text(set='"a/b/c"'), (3, "set", "wrong-value", "'a/b/c' is not a version set name",
                               "it must be 'name' or 'group/name'", "")),
        (text(set=""), (0, "set", "missing-key", "missing key 'set'", "", "")),
        (text(revision="-1"), (4, "revision", "wrong-value", "revision is out of range",
                               "-1 is no revision number", "")),
        (text(revision="true"), (4, "revision", "wrong-type", "revision must be an integer", "it is a boolean", "")),
        (text(revision=""), (0, "revision", "missing-key", "missing key 'revision'", "", "")),
        (text(revision_commit='"HEAD"'), (5, "revision-commit", "wrong-value", "'HEAD' is not a commit id",
                                          "it must be 40 or 64 lower-case hexadecimal digits", "")),
        (text(packages='"A"'), (6, "packages", "wrong-type", "packages must be an array of strings",
                                "it is a string", "")),
        (text(packages='["A",\n 1]'), (7, "packages[1]", "wrong-type", "packages[1] must be a string", "", "")),
        (text(packages='["A", "A"]'), (6, "packages[1]", "conflict", "'A' is there twice in packages", "", "")),
        (text(packages='["a", "A"]'), (6, "packages[1]", "conflict", "'A' is there twice in packages",
                                       "it differs from 'a' only in case", "")),
        (b"a = ", (1, "", "syntax", "not valid TOML", "invalid value (at the end)", "")),
    ],
)  # fmt: skip
def test_mistakes(data: bytes, expected: tuple[int, str, str, str, str, str]) -> None:
    assert problems(data) == [expected]


def test_all_problems_at_once() -> None:
    assert [p[1] for p in problems(text(registry="1", set='""', packages='["../x", "-y"]'))] == [
        "registry",
        "set",
        "packages[0]",
        "packages[1]",
    ]
