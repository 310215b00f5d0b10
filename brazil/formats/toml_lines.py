"""Says on which line of a TOML text each key stands, which `tomllib` does not tell.

The text must be valid TOML: it is scanned, never checked, after `tomllib` has accepted it. Every key and every
array element that `tomllib` returns has exactly one line, and there is no line for anything else. A table has
the line of its header; one that is only implied by longer keys has the line of the first of them.
"""

import re
import tomllib
from collections.abc import Mapping

# Keys from the outside in; an array element is named by its position.
KeyPath = tuple[str | int, ...]

# Atomic groups where possessive quantifiers would do: Python 3.11.2 matches a possessive group wrongly.
_BLANK = re.compile(r"(?>(?:[ \t\r\n]|#[^\n]*)*)")
_GAP = re.compile(r"(?>(?:[ \t\r\n,]|#[^\n]*)*)")
# Nearly every line of our files; what it does not match goes the long way. Saves a third of the time.
_SIMPLE = re.compile(r'([A-Za-z0-9_-]+)[ \t]*=[ \t]*(?:"[^"\\\n]*"|[a-z0-9]+)[ \t]*(?:#[^\n]*)?\n')
_KEY_PART = re.compile(r"""[ \t]*(?:([A-Za-z0-9_-]+)|"((?>(?:[^"\\]|\\.)*))"|'([^']*)')[ \t]*([.=\]])""")
# A multi-line string may end in up to two quotes of its own before the three that close it.
_SCALAR = re.compile(
    r'"""(?>(?:[^"\\]|\\.|"(?!""))*)"{3,5}'
    r"|'''(?>(?:[^']|'(?!''))*)'{3,5}"
    r'|"(?>(?:[^"\\]|\\.)*)"'
    r"|'[^']*'"
    r"|[^,\]}#\n]+",
    re.DOTALL,
)


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Return the 1-based line of every key, table and array element of a valid TOML text."""
    return _Scanner(text).scan()


class _Scanner:
    """Walks the text once, from the front; no recursion, so that no nesting is too deep."""

    __slots__ = ("counted", "elements", "line", "lines", "pos", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.pos = 0
        self.line = 1  # of `counted`
        self.counted = 0
        self.lines: dict[KeyPath, int] = {}
        self.elements: dict[KeyPath, int] = {}  # array of tables -> how many it has so far

    def scan(self) -> Mapping[KeyPath, int]:
        text = self.text
        table: KeyPath = ()
        while True:
            self.skip(_BLANK)
            if self.pos >= len(text):
                return self.lines
            line = self.here()
            simple = _SIMPLE.match(text, self.pos)
            if simple:
                self.lines[(*table, simple[1])] = line
                self.pos = simple.end()
            elif text.startswith("[[", self.pos):
                self.pos += 2
                table = self.element(self.note(self.key(()), line, again=True), line)
                self.pos += 1
            elif text[self.pos] == "[":
                self.pos += 1
                table = self.note(self.key(()), line)
            else:
                self.value(self.note(self.key(table), line))

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.pos)
        if match:
            self.pos = match.end()

    def here(self) -> int:
        """Return the line of the current position."""
        self.line += self.text.count("\n", self.counted, self.pos)
        self.counted = self.pos
        return self.line

    def key(self, table: KeyPath) -> list[KeyPath]:
        """Read a dotted key and the `=` or `]` after it; return the path of each of its parts."""
        paths: list[KeyPath] = []
        path = table
        while True:
            match = _KEY_PART.match(self.text, self.pos)
            if not match:
                raise ValueError(f"no TOML key at offset {self.pos}")
            self.pos = match.end()
            bare, basic, literal, end = match.groups()
            path += (bare if bare is not None else literal if literal is not None else _unescaped(basic),)
            paths.append(path)
            if end != ".":
                return paths
            if path in self.elements:
                path += (self.elements[path] - 1,)

    def note(self, paths: list[KeyPath], line: int, *, again: bool = False) -> KeyPath:
        """Note a key: what leads to it is only implied, itself is there now. Returns its path."""
        for path in paths[:-1]:
            self.lines.setdefault(path, line)
        path = paths[-1]
        if again:
            self.lines.setdefault(path, line)
        else:
            self.lines[path] = line
        return path

    def element(self, array: KeyPath, line: int) -> KeyPath:
        """Add one table to an array of tables; return its path."""
        number = self.elements.get(array, 0)
        self.elements[array] = number + 1
        path = (*array, number)
        self.lines[path] = line
        return path

    def value(self, path: KeyPath) -> None:
        """Pass over one value, noting what stands inside its arrays and inline tables."""
        text = self.text
        arrays: list[tuple[KeyPath, int]] = []  # what is open: path, and the next position or -1 for a table
        self.skip(_BLANK)
        while True:
            if text[self.pos] in "[{":
                arrays.append((path, 0 if text[self.pos] == "[" else -1))
                self.pos += 1
            else:
                self.skip(_SCALAR)
            while arrays:
                self.skip(_GAP)
                outer, position = arrays[-1]
                if text[self.pos] in "]}":
                    arrays.pop()
                    self.pos += 1
                    continue
                line = self.here()
                if position < 0:
                    path = self.note(self.key(outer), line)
                    self.skip(_BLANK)
                else:
                    arrays[-1] = (outer, position + 1)
                    path = (*outer, position)
                    self.lines[path] = line
                break
            else:
                return


def _unescaped(basic: str) -> str:
    """Read the inside of a basic string."""
    if "\\" not in basic:
        return basic
    value = tomllib.loads(f'k = "{basic}"')["k"]
    assert isinstance(value, str)
    return value
