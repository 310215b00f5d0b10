"""Reads a TOML file that a user can see, and gathers what is wrong with it.

Every problem names file, line and key, and the nearest valid name where one is near. Nothing here knows what
any file means: `Table` checks types, `Findings` collects, and whoever reads a format says what is allowed.
The file is small and comes from outside: it is bounded, and text that is not plain UTF-8 is refused.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence

from brazil.errors import Problem, UsageError
from brazil.formats.toml_lines import KeyPath, key_lines
from brazil.model.nearest import did_you_mean

MAX_BYTES = 1024 * 1024
MAX_INTEGER = 2**63 - 1  # what every TOML reader can hold

# A key of n parts costs tomllib and the line index n * n steps: a hostile megabyte would take hours.
MAX_KEY_PARTS = 64
_PART = r"""(?:[A-Za-z0-9_-]++|"(?>(?:[^"\\]|\\.)*)"|'[^']*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_KEY_PARTS}}}")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_CONTROL_OR_LINE = re.compile(r"[\x00-\x1f\x7f]")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_SHOWN = 100  # characters of a text from outside that a message repeats
_TYPES = {str: "a string", bool: "a boolean", int: "an integer", float: "a float", list: "an array", dict: "a table"}


def shown(text: str) -> str:
    """Quote a text from outside so that it stays one short printable line."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def dotted(path: Iterable[str | int]) -> str:
    """Write a key path as TOML does, `dependencies."zope.event"`; array elements as `[2]`, counted from 0."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        bare = _BARE_KEY.fullmatch(part)
        text += ("." if text else "") + (part if bare else '"' + shown(part)[1:-1].replace('"', '\\"') + '"')
    return text


def type_name(value: object) -> str:
    """Say what kind of TOML value this is, with its article."""
    return _TYPES.get(type(value), "a date or time")


def suggestion(word: str, known: Sequence[str], noun: str = "") -> str:
    """Return the hint for a word that is not among the known ones: the nearest, else all of them."""
    if near := did_you_mean(word, known):
        return near
    names = ", ".join(f"'{name}'" for name in known)
    return f"known {noun}: {names}" if noun else f"one of {names}"


def text_fault(text: str, *, lines: bool = False) -> str | None:
    """Say why a text cannot be kept in our files: it holds a control character. `lines` allows newline and tab."""
    found = (_CONTROL if lines else _CONTROL_OR_LINE).search(text)
    return f"it holds the control character U+{ord(found[0]):04X}" if found else None


def key_fault(text: str) -> str | None:
    """Say why a text cannot be a key in our files; the `toml` package writes such keys wrongly."""
    if text.isprintable() and "\\" not in text:
        return None
    return "it must hold only printable characters, and no backslash"


def number(value: int) -> str:
    """Write an integer from outside; one of thousands of digits has no decimal text."""
    return str(value) if abs(value) <= MAX_INTEGER else "it"


class Findings:
    """The problems of one file, raised together."""

    __slots__ = ("file", "lines", "problems", "topic")

    def __init__(self, file: str, topic: str, lines: Mapping[KeyPath, int]) -> None:
        self.file = file
        self.topic = topic  # first part of every code, such as "manifest"
        self.lines = lines
        self.problems: list[Problem] = []

    def add(self, code: str, path: KeyPath, what: str, because: str = "", hint: str = "") -> None:
        """Note a problem at a key, or at the table that lacks it."""
        near = path
        while near and near not in self.lines:
            near = near[:-1]
        line = self.lines.get(near, 0)
        self.problems.append(Problem(f"{self.topic}.{code}", what, because, hint, self.file, line, dotted(path)))

    def raise_any(self) -> None:
        """Raise everything found, in the order of the file; do nothing when nothing was found.

        Raises:
            UsageError: there is at least one problem.
        """
        if self.problems:
            raise UsageError(*sorted(self.problems, key=lambda p: p.line))


class Table:
    """One TOML table being checked: each question notes what is wrong and returns a usable value all the same."""

    __slots__ = ("broken", "data", "findings", "path")

    def __init__(
        self, data: Mapping[str, object], findings: Findings, path: KeyPath = (), *, broken: bool = False
    ) -> None:
        self.broken = broken  # it stands for something that is no table: what it lacks is not worth a word
        self.data = data
        self.findings = findings
        self.path = path

    def refuse_unknown(self, known: Sequence[str], noun: str = "key") -> None:
        """Note every key that is not among the known ones."""
        for key in self.data:
            if key not in known:
                where = f" in [{dotted(self.path)}]" if self.path else ""
                self.note(key, f"unknown-{noun}", f"unknown {noun} {shown(key)}{where}",
                          hint=suggestion(key, known, f"{noun}s"))  # fmt: skip

    def note(self, key: str, code: str, what: str, because: str = "", hint: str = "") -> None:
        """Note a problem of one key of this table."""
        self.findings.add(code, (*self.path, key), what, because, hint)

    def missing(self, key: str, hint: str = "") -> None:
        """Note that a key is not there."""
        if self.broken:
            return
        where = f" in [{dotted(self.path)}]" if self.path else ""
        self.note(key, "missing-key", f"missing key '{key}'{where}", hint=hint)

    def string(self, key: str, *, hint: str = "") -> str | None:
        """Return a string that must be there; None when it is not, which is noted."""
        if key not in self.data:
            self.missing(key, hint)
            return None
        value = self.data[key]
        if isinstance(value, str):
            return value
        self.wrong_type(key, "a string", hint)
        return None

    def integer(self, key: str, default: int) -> int:
        """Return an integer, or the default when it is absent or of another type, which is noted."""
        value = self.data.get(key, default)
        if type(value) is int:
            return value
        self.wrong_type(key, "an integer")
        return default

    def table(self, key: str) -> "Table":
        """Return an inner table; empty when it is absent or of another type, which is noted."""
        value = self.data.get(key, {})
        if isinstance(value, dict):
            return Table(value, self.findings, (*self.path, key))
        self.wrong_type(key, "a table")
        return Table({}, self.findings, (*self.path, key), broken=True)

    def wrong_type(self, key: str, wanted: str, hint: str = "") -> None:
        """Note that a key has a value of another type."""
        found = type_name(self.data[key])
        self.note(key, "wrong-type", f"{dotted((*self.path, key))} must be {wanted}", f"it is {found}", hint)


def read_toml(data: bytes, *, file: str, topic: str) -> Table:
    """Read the bytes of a TOML file into a table to be checked.

    Args:
        data: the whole file.
        file: its name, for messages.
        topic: first part of every problem's code.

    Raises:
        UsageError: it is too large, not UTF-8, begins with a byte order mark, is not TOML, or has an endless key.
    """
    text = _decoded(data, file, topic)
    if line := long_key_line(text):
        because = f"more than {MAX_KEY_PARTS} are joined by dots"
        raise UsageError(Problem(f"{topic}.long-key", "a key has too many parts", because, "", file, line))
    try:
        content = tomllib.loads(text)
    except RecursionError as error:
        raise UsageError(Problem(f"{topic}.syntax", "not valid TOML", "it is nested too deeply", file=file)) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_syntax_problem(str(error), text, file, topic)) from error
    except ValueError as error:  # from int(), whose limit is 4,300 digits
        raise UsageError(Problem(f"{topic}.syntax", "not valid TOML", "a number is too long", file=file)) from error
    return Table(content, Findings(file, topic, key_lines(text)))


def _decoded(data: bytes, file: str, topic: str) -> str:
    if len(data) > MAX_BYTES:
        because = f"it has {len(data)} bytes, at most {MAX_BYTES} are allowed"
        raise UsageError(Problem(f"{topic}.too-large", "the file is too large", because, file=file))
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        what, hint = "the file begins with a byte order mark", "save it as UTF-8 without a byte order mark"
        raise UsageError(Problem(f"{topic}.byte-order-mark", what, "TOML has none", hint, file, 1))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        because = f"byte 0x{data[error.start]:02x} at offset {error.start} is not valid"
        what, hint = "the file is not UTF-8", "save it as UTF-8"
        raise UsageError(Problem(f"{topic}.encoding", what, because, hint, file, line)) from error


def long_key_line(text: str) -> int:
    """Return the first line with a key of so many parts that reading it would take for ever; 0: there is none."""
    if text.count(".") < MAX_KEY_PARTS:
        return 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") >= MAX_KEY_PARTS and _LONG_KEY.search(line):
            return number
    return 0


def _syntax_problem(message: str, text: str, file: str, topic: str) -> Problem:
    place = _PLACE.search(message)
    reason = message[: place.start()] if place else message
    reason = reason[:1].lower() + reason[1 : 2 * _SHOWN]
    line = 0
    if place and place[1]:
        line = int(place[1])
        reason += f" (column {place[2]})"
    elif place:
        line = len(text.rstrip("\n").split("\n"))
        reason += " (at the end)"
    return Problem(f"{topic}.syntax", "not valid TOML", reason, file=file, line=line)
