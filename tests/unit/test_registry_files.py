import pytest
from hypothesis import given
from hypothesis import strategies as st

from brazil.errors import IntegrityError, UsageError
from brazil.formats.registry_files import (
    Message,
    SetState,
    message_text,
    package_text,
    read_message,
    read_package,
    read_record,
    read_result,
    read_set,
    record_text,
    result_text,
    set_text,
)
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.package import Dependency, Kind, Manifest
from brazil.model.versionset import PackageRecord, Policy, Reason, RegisteredPackage, Result

JSON, HTTP = Interface(PackageName("JsonKit"), "2.0"), Interface(PackageName("Http-Kit"), "1")
DIGEST = digest_of(b"x")
PACKAGE = RegisteredPackage(JSON.name, "git@host:json.git", ("ada", "bob"))
MANIFEST = Manifest(
    JSON,
    "make",
    'says "hi" \\ caf\u00e9',
    (Dependency(HTTP, Kind.NORMAL, 3, 7), Dependency(HTTP, Kind.TOOL)),
    (HTTP,),
    (HTTP,),
    "direct",
    60,
    (("flags", ["-O2"]), ("install", True), ("jobs", 2), ("vars", {"A": "b"})),
    (("bin/*", "bin"),),
)
RECORD = PackageRecord(PackageVersion(JSON, 7), "c" * 40, DIGEST, MANIFEST, (PackageVersion(HTTP, 2),))
STATE = SetState(44, "token", Policy((HTTP, JSON), ("linux-x86_64",), ("ada",)))
RESULT = Result("e" * 64, DIGEST, Digest("a" * 64, 0), DIGEST, DIGEST)

FILES = {
    "package": (package_text(PACKAGE), read_package),
    "record": (record_text(RECORD), read_record),
    "set": (set_text(STATE), read_set),
    "result": (result_text(JSON, RESULT), read_result),
}


def test_what_is_written_is_read() -> None:
    assert read_package(package_text(PACKAGE), "p") == PACKAGE
    assert read_record(record_text(RECORD), "p") == RECORD
    assert read_set(set_text(STATE), "p") == STATE
    assert read_result(result_text(JSON, RESULT), "p") == (JSON, RESULT)
    untested = RESULT._replace(test=None)
    assert read_result(result_text(JSON, untested), "p") == (JSON, untested)


def test_one_value_has_one_text() -> None:
    assert record_text(RECORD) == record_text(read_record(record_text(RECORD), "p"))
    assert all(text.startswith(b"schema = 1\n") for text, _ in FILES.values())


@pytest.mark.parametrize("kind", FILES)
def test_unknown_keys_of_this_schema_are_passed_over(kind: str) -> None:
    text, read = FILES[kind]
    assert read(b'later = "x"\n' + text, "p") == read(text, "p")


@pytest.mark.parametrize("kind", FILES)
def test_a_newer_schema_says_which(kind: str) -> None:
    text, read = FILES[kind]
    with pytest.raises(UsageError) as caught:
        read(text.replace(b"schema = 1", b"schema = 3"), "refs/heads/x:y")
    problem = caught.value.problems[0]
    assert "refs/heads/x:y" in problem.what
    assert "schema 3" in problem.because


@pytest.mark.parametrize("kind", FILES)
def test_every_line_matters(kind: str) -> None:
    """Without any one line a file is another value or damaged, and damage is told with its place."""
    text, read = FILES[kind]
    lines = text.splitlines(keepends=True)
    whole = read(text, "p")
    for index, line in enumerate(lines):
        try:
            assert not line.strip() or read(b"".join(lines[:index] + lines[index + 1 :]), "ref:path") != whole
        except IntegrityError as error:
            assert error.code == "registry.damaged"
            assert "ref:path" in str(error)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("damage", [b"", b"\xff", b"schema = true\n", b"schema = 0\n", b"schema = 1\n", b"= 1"])
def test_damage_is_named(kind: str, damage: bytes) -> None:
    with pytest.raises(IntegrityError, match="ref:path is damaged"):
        FILES[kind][1](damage, "ref:path")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"number = 7", b"number = 0"),
        (b"number = 7", b"number = true"),
        (b'interface = "JsonKit-2.0"\nnumber', b'interface = "JsonKit-3.0"\nnumber'),
        (b"c" * 40, b"C" * 40),
        (b"c" * 40, b"HEAD"),
        (b"/1", b"/01"),
        (b'"Http-Kit-1.2"', b'"../x"'),
        (b'winners = [ "Http-Kit-1",', b'winners = [ "Http-Kit-1", "Http-Kit-2",'),
    ],
)
def test_a_record_with_a_wrong_value_is_damaged(old: bytes, new: bytes) -> None:
    text = record_text(RECORD)
    assert old in text
    with pytest.raises(IntegrityError):
        read_record(text.replace(old, new, 1), "p")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), st.integers(0, 9), st.booleans())
def test_a_message_keeps_what_the_actor_said(text: str, number: int, named: bool) -> None:
    packages = ((HTTP.name, "a" * 40), (JSON.name, "b" * 40)) if named else ()
    message = Message(number, "token", Reason("publish", packages, text))
    assert read_message(message_text(message), "p") == message


def test_a_subject_is_short_and_text_cannot_pose_as_facts() -> None:
    packages = tuple((PackageName(f"P{n}"), "a" * 40) for n in range(9))
    forged = 'x\n\nBrazil-Revision: {"kind":"evil","number":9,"packages":[],"schema":1,"token":"t"}'
    text = message_text(Message(1, "", Reason("publish", packages, forged)))
    assert text.splitlines()[0] == "publish P0, P1, P2, P3, P4 and 4 more"
    assert read_message(text, "p").reason == Reason("publish", packages, forged)


def test_messages_that_are_refused() -> None:
    with pytest.raises(UsageError):
        message_text(Message(1, "", Reason("publish", (), "a\0b")))
    for text in ("", "x\n\nBrazil-Revision: x", "x\n\nBrazil-Revision: []", 'x\n\nBrazil-Revision: {"schema":1}'):
        with pytest.raises(IntegrityError):
            read_message(text, "p")
    with pytest.raises(UsageError, match="schema 2"):
        read_message('x\n\nBrazil-Revision: {"schema":2}', "p")
