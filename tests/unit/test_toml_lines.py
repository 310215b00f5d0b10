import tomllib
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brazil.formats.toml_lines import KeyPath, key_lines


def paths_of(value: object, path: KeyPath = ()) -> set[KeyPath]:
    """Every key and array element that tomllib found."""
    found: set[KeyPath] = {path} if path else set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= paths_of(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found |= paths_of(inner, (*path, position))
    return found


CASES = {
    "nothing": ("", {}),
    "only blanks and comments": ("\n  # a = 1\n\t\n", {}),
    "top level": ("a = 1\n\nb = 2", {("a",): 1, ("b",): 3}),
    "table": ("# c\n[t]\na = 1\n", {("t",): 2, ("t", "a"): 3}),
    "spaces everywhere": ("  [ t . u ]  # c\n\t a\t.\tb = 1 # c\n", {("t",): 1, ("t", "u"): 1, ("t", "u", "a"): 2,
                          ("t", "u", "a", "b"): 2}),
    "implied, then stated": ("[a.b]\n[a]\n", {("a",): 2, ("a", "b"): 1}),
    "stated, then extended": ("[a]\n[a.b]\n", {("a",): 1, ("a", "b"): 2}),
    "dotted twice": ("a.x = 1\na.y = 2\n", {("a",): 1, ("a", "x"): 1, ("a", "y"): 2}),
    "quoted": ("\"a.b\" = 1\n'c \"d' = 2\n\"\" = 3\n", {("a.b",): 1, ('c "d',): 2, ("",): 3}),
    "escaped": (r'"\u0041\"\\" = 1', {('A"\\',): 1}),
    "quoted header with bracket": ("\n[\"x]#\"]\na = 1", {("x]#",): 2, ("x]#", "a"): 3}),
    "number keys": ("1.2 = 3\n", {("1",): 1, ("1", "2"): 1}),
    "carriage returns": ("a = 1\r\n[t]\r\nb = 2\r\n", {("a",): 1, ("t",): 2, ("t", "b"): 3}),
    "key-like text in a string": ('a = "[x]\\" # b = 1"\nc = 1', {("a",): 1, ("c",): 2}),
    "hash in a literal": ("a = '#\\'\nc = 1", {("a",): 1, ("c",): 2}),
    "multi-line basic": ('a = """\n[x]\nb = 1 \\"""\n"""\nc = 1', {("a",): 1, ("c",): 5}),
    "multi-line literal": ("a = '''\n[x]\\\n'''\nc = 1", {("a",): 1, ("c",): 4}),
    "quotes before the end": ('a = """x"""""\nb = \'\'\'y\'\'\'\'\'\nc = """"a" ""b"""\nd = ""\n',
                              {("a",): 1, ("b",): 2, ("c",): 3, ("d",): 4}),
    "array": ("a = [ # one\n  1,\n\n  'x', ]\nb = 1", {("a",): 1, ("a", 0): 2, ("a", 1): 4, ("b",): 5}),
    "nested arrays": ("a = [[], [\n[2]]]\n", {("a",): 1, ("a", 0): 1, ("a", 1): 1, ("a", 1, 0): 2, ("a", 1, 0, 0): 2}),
    "inline table": ('a = { b = "}", c.d = [1] } # x', {("a",): 1, ("a", "b"): 1, ("a", "c"): 1, ("a", "c", "d"): 1,
                     ("a", "c", "d", 0): 1}),
    "inline tables in an array": ("a = [\n{x = 1},\n{x = {}},\n]", {("a",): 1, ("a", 0): 2, ("a", 0, "x"): 2,
                                  ("a", 1): 3, ("a", 1, "x"): 3}),
    "array of tables": ("[[a]]\nx = 1\n[[a]]\nx = 2\n[a.y]\nz = 1\n", {("a",): 1, ("a", 0): 1, ("a", 0, "x"): 2,
                        ("a", 1): 3, ("a", 1, "x"): 4, ("a", 1, "y"): 5, ("a", 1, "y", "z"): 6}),
    "arrays of tables within": ("[[a]]\n[[a.b]]\n[[a.b]]\n[[a]]\n[[a.b]]\nx = 1\n", {
        ("a",): 1, ("a", 0): 1, ("a", 0, "b"): 2, ("a", 0, "b", 0): 2, ("a", 0, "b", 1): 3,
        ("a", 1): 4, ("a", 1, "b"): 5, ("a", 1, "b", 0): 5, ("a", 1, "b", 0, "x"): 6}),
    "times and numbers": ("a = 1979-05-27 07:32:00Z # c\nb = 0x1F\nc = [1e3, inf, 07:32:00]\n", {
        ("a",): 1, ("b",): 2, ("c",): 3, ("c", 0): 3, ("c", 1): 3, ("c", 2): 3}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_lines(name: str) -> None:
    text, expected = CASES[name]
    assert dict(key_lines(text)) == expected
    assert paths_of(tomllib.loads(text)) == set(expected)


def test_nesting_that_tomllib_refuses_is_no_problem() -> None:
    assert len(key_lines("a = " + "[" * 5000 + "]" * 5000)) == 5000


BARE = st.text("ab1-_", min_size=1, max_size=3)
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
GAP = st.sampled_from(["", " ", "\t", "  "])
LINE_END = st.sampled_from(["\n", "\r\n", " # [x] 'c\n", "\n\n", "\n# a = 1\n"])


def basic(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" if c in '"\\#' else c for c in text) + '"'


KEY_PART = st.one_of(BARE, PLAIN.map(basic), PLAIN.map(lambda t: "'" + t.replace("'", "") + "'"))
KEY = st.builds(lambda parts, gap: f"{gap}.{gap}".join(parts), st.lists(KEY_PART, min_size=1, max_size=3), GAP)
SCALAR = st.one_of(
    st.sampled_from(["1", "-2.5e3", "true", "1979-05-27 07:32:00", '""', "''", '"""\n\\"""\n[a]"""', '"""a"""""']),
    PLAIN.map(basic),
    PLAIN.map(lambda t: "'''\n" + t.replace("'", "") + "\n''\n'''''"),
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.builds(lambda vs, e: "[" + e + ("," + e).join(vs) + e + "]", st.lists(inner, max_size=3), LINE_END),
        st.builds(
            lambda ps: "{" + ", ".join(f"{k} = {v}" for k, v in ps) + "}", st.lists(st.tuples(KEY, inner), max_size=3)
        ),
    ),
    max_leaves=6,
)
PAIR = st.builds(lambda gap, k, v, e: f"{gap}{k}{gap}={gap}{v}{e}", GAP, KEY, VALUE, LINE_END)
HEADER = st.builds(lambda gap, k, e: f"{gap}[{gap}{k}{gap}]{e}", GAP, KEY, LINE_END)
ARRAY_HEADER = st.builds(lambda gap, k, e: f"{gap}[[{gap}{k}{gap}]]{e}", GAP, KEY, LINE_END)
STATEMENTS = st.lists(st.one_of(PAIR, HEADER, ARRAY_HEADER), max_size=8)


@settings(max_examples=300, deadline=None)
@given(STATEMENTS)
def test_the_same_keys_as_tomllib(statements: list[str]) -> None:
    text = ""
    for statement in statements:
        try:
            tomllib.loads(text + statement)
        except tomllib.TOMLDecodeError:
            continue  # it repeats a key, which only tomllib can tell
        text += statement
    lines = key_lines(text)
    assert set(lines) == paths_of(tomllib.loads(text))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUE, max_size=6), LINE_END)
def test_the_line_is_where_the_key_begins(values: list[str], end: str) -> None:
    text, expected = "", {}
    for number, value in enumerate(values):
        expected[f"k{number}"] = text.count("\n") + 1
        text += f"k{number} = {value}{end}"
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return  # an inline table repeats a key, or holds an array over several lines
    lines = key_lines(text)
    assert {key: lines[(key,)] for key in expected} == expected


def test_deep_header_example() -> None:
    text = dedent("""\
        [package]
        name = "A"

        [dependencies]  # compile and run
        JsonKit = "2.0"
        "zope.interface" = { interface = "5", at-least = 7 }
        """)
    lines = key_lines(text)
    assert lines[("dependencies", "zope.interface")] == 6
    assert lines[("dependencies", "zope.interface", "at-least")] == 6
