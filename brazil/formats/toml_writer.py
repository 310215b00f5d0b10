"""The one writer of TOML that a machine writes.

The text is in the order of the data, except that TOML needs the plain values of a table before its inner
tables. What was written is read back and must be the same value: the `toml` package turns what it does not know
(None, tuples, tables within nested arrays) into something else without a word.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping

from brazil.errors import InternalError, Problem, UsageError
from brazil.formats.toml_lines import KeyPath
from brazil.formats.toml_reader import dotted, key_fault, text_fault


def dump(data: Mapping[str, object]) -> bytes:
    """Write text, integers, booleans, floats, lists and dicts as TOML.

    Raises:
        UsageError: a text holds a control character other than newline and tab, or is no Unicode text, or a key
            holds a backslash or what cannot be printed.
        InternalError: the data is not of those types, or TOML cannot say it.
    """
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


def _basic_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


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
