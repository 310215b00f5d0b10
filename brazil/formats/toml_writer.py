"""The one writer of TOML that a machine writes.

The text is in the order of the data, except that TOML needs the plain values of a table before its inner
tables. The `toml` package turns what it does not know (None, tuples, tables within nested arrays) into something
else without a word. Data of the few shapes that our files have is written right, which a test shows by reading such
data back; all other data is read back when it is written, and must be the same value.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping

from brazil.errors import InternalError, Problem, UsageError
from brazil.formats.toml_lines import KeyPath
from brazil.formats.toml_reader import dotted, key_fault, text_fault

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_PLAIN_TEXT = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]*")
_basic_string = json.JSONEncoder(ensure_ascii=False).encode


def dump(data: Mapping[str, object]) -> bytes:
    """Write text, integers, booleans, floats, lists and dicts as TOML.

    Raises:
        UsageError: a text holds a control character other than newline and tab, or is no Unicode text, or a key
            holds a backslash or what cannot be printed.
        InternalError: the data is not of those types, or TOML cannot say it.
    """
    if _is_plain(data):  # reading 10,000 records back takes twice as long as writing them
        return _encoded(data).encode()
    problems = tuple(_problems(data))
    if problems:
        raise UsageError(*problems)
    text = _encoded(data)
    try:
        same = _same(tomllib.loads(text), data)
    except (ValueError, RecursionError):
        same = False
    if not same:
        because = "reading it back gives another value"
        raise InternalError(Problem("toml.not-writable", "some data cannot be written as TOML", because))
    return text.encode()


def _encoded(data: Mapping[str, object]) -> str:
    import toml  # here, because only what writes pays for it (6 ms) and every reader of a format imports this module

    encoder = toml.TomlEncoder()
    # toml 0.10.2 mangles control characters and "\x". JSON's escapes are all TOML's, and it escapes enough.
    encoder.dump_funcs[str] = _basic_string
    try:
        return toml.dumps(dict(data), encoder=encoder)
    except (TypeError, ValueError, AttributeError, LookupError, RecursionError) as error:
        problem = Problem("toml.not-writable", "some data cannot be written as TOML", str(error))
        raise InternalError(problem) from error


def _is_plain(table: Mapping[str, object]) -> bool:
    """Tell whether a table holds, under bare keys, nothing but text, integers, lists of these, and such tables."""
    for key, value in table.items():
        if not (type(key) is str and _BARE_KEY.fullmatch(key)):
            return False
        if not (_is_plain(value) if type(value) is dict else _is_plain_value(value)):
            return False
    return True


def _is_plain_value(value: object) -> bool:
    if type(value) is str:
        return _PLAIN_TEXT.fullmatch(value) is not None
    return type(value) in (int, bool) or (type(value) is list and all(map(_is_plain_value, value)))


def _problems(value: object, path: KeyPath = ()) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if fault := key_fault(str(key)):
                yield Problem("toml.key", f"the key {dotted((*path, str(key)))} cannot be written", fault)
            yield from _problems(inner, (*path, str(key)))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _problems(inner, (*path, position))
    elif isinstance(value, str) and (fault := _fault(value)):
        yield Problem("toml.control-character", f"{dotted(path)} cannot be written", fault)


def _fault(text: str) -> str | None:
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "it is not valid Unicode"
    return text_fault(text, lines=True)


def _same(read: object, written: object) -> bool:
    """Compare values and their types: to Python, 1, 1.0 and True are equal."""
    if isinstance(written, Mapping):
        return (
            isinstance(read, dict)
            and read.keys() == written.keys()
            and all(_same(read[key], inner) for key, inner in written.items())
        )
    if isinstance(written, list):
        return isinstance(read, list) and len(read) == len(written) and all(map(_same, read, written))
    return type(read) is type(written) and read == written
