import subprocess
import sys
import tomllib
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.errors import InternalError, UsageError
from brazil.formats.toml_writer import dump


class Word(StrEnum):
    A = "a"


GOOD: list[dict[str, object]] = [
    {},
    {"a": 1, "b": True, "c": "x", "d": [], "e": {}, "f": 1.5},
    {"a": "\\x41 \\ \\\\x \\u0041 \" ' \t \n é \U0001f600"},
    {"script": "if true; then\n\tprintf '%s\\n' \"$x\"\nfi\n"},
    {"a": [["A-1.0", 0, 7], ["B-1.0", 3, 8]], "b": [[]], "c": ["x", "y"]},
    {"t": {"u": {"v": {"a b": "c", "d.e": "f", "": "g", 'h"i': "j"}}}},
    {"list": [{"a": 1, "b": {"c": 2}}, {"a": 2}]},
]


@pytest.mark.parametrize("data", GOOD)
def test_what_is_written_is_read(data: dict[str, object]) -> None:
    assert tomllib.loads(dump(data).decode()) == data


def test_the_order_is_that_of_the_data() -> None:
    assert dump({"b": 1, "t": {"z": 1, "y": 2}, "a": 2}) == b"b = 1\na = 2\n\n[t]\nz = 1\ny = 2\n"


KEY_RULE = "it must hold only printable characters, and no backslash"


@pytest.mark.parametrize(
    ("data", "what", "because"),
    [
        ({"a": "x\x1b"}, "a cannot be written", "it holds the control character U+001B"),
        ({"a": {"b": ["y", "\x00"]}}, "a.b[1] cannot be written", "it holds the control character U+0000"),
        ({"a": "\x7f"}, "a cannot be written", "it holds the control character U+007F"),
        ({"a": "x\r\n"}, "a cannot be written", "it holds the control character U+000D"),
        ({"a": "\udc80"}, "a cannot be written", "it is not valid Unicode"),
        ({"a\nb": 1}, 'the key "a\\nb" cannot be written', KEY_RULE),
        ({"t": {"a\xa0b": 1}}, 'the key t."a\\xa0b" cannot be written', KEY_RULE),
        ({"a\\x": {}}, 'the key "a\\\\x" cannot be written', KEY_RULE),
    ],
)
def test_control_characters_are_refused(data: dict[str, object], what: str, because: str) -> None:
    with pytest.raises(UsageError) as caught:
        dump(data)
    assert [(p.what, p.because) for p in caught.value.problems] == [(what, because)]


def test_all_control_characters_are_named() -> None:
    with pytest.raises(UsageError) as caught:
        dump({"a": "\x01", "b": {"c": "\x02"}})
    assert [p.what for p in caught.value.problems] == ["a cannot be written", "b.c cannot be written"]


@pytest.mark.parametrize(
    "data",
    [
        {"a": None},
        {"a": (1, 2)},
        {"a": [[{"b": 1}]]},
        {"a": [1, {"b": 1}]},
        {"a": Word.A},
        {"a": {1, 2}},
        {"a": float("nan")},
        {"a": b"x"},
        {"a": object()},
        {1: "a"},
    ],
)
def test_what_toml_cannot_say_is_a_bug(data: dict[str, object]) -> None:
    with pytest.raises(InternalError):
        dump(data)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\\x\"'"))
KEY = st.text(st.characters(exclude_characters="\\").filter(str.isprintable))
PLAIN = st.recursive(
    st.booleans() | st.integers() | TEXT,
    lambda inner: st.dictionaries(KEY, inner, max_size=3) | st.lists(st.integers() | TEXT, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(KEY, PLAIN, max_size=4))
def test_any_plain_data_survives(data: dict[str, object]) -> None:
    assert tomllib.loads(dump(data).decode()) == data


BARE_KEY = st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True)
VALUE = st.booleans() | st.integers() | TEXT
BARE = st.recursive(
    VALUE | st.recursive(VALUE, lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    lambda inner: st.dictionaries(BARE_KEY, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(BARE_KEY, BARE, max_size=5))
def test_what_our_files_hold_is_written_right_without_reading_it_back(data: dict[str, object]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brazil.formats.toml_writer._same", None)  # nobody may compare
        text = dump(data)
    assert shown(tomllib.loads(text.decode())) == shown(data)


def shown(data: object) -> str:
    """Write a value with its types: to Python, 1 and True are equal."""
    if isinstance(data, dict):
        return str(sorted((key, shown(value)) for key, value in data.items()))
    return repr(data)


def test_reading_does_not_load_the_package_that_writes() -> None:
    code = "import sys, brazil.formats.workspace_file, brazil.formats.manifest; sys.exit('toml' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
