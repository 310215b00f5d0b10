"""MoneyKit for Python: amounts are `int` counts of minor units, and every answer is exact or a `MoneyError`.

The library is found the way the system finds libraries (`LD_LIBRARY_PATH`). All functions are bound when this module
is imported, so a library that lacks one fails at once and not in the middle of a payment.
"""

import ctypes
from collections.abc import Iterable, Sequence

_LARGEST = 2**63 - 1
_TEXT_SIZE = 24


class MoneyError(ValueError):
    """There is no exact answer."""


_library = ctypes.CDLL("libmoneykit.so.1")
_minor = ctypes.c_int64
_minor_out = ctypes.POINTER(ctypes.c_int64)
_parse = _library.money_parse
_parse.argtypes = [ctypes.c_char_p, ctypes.c_char_p, _minor_out]
_format = _library.money_format
_format.argtypes = [_minor, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
_add = _library.money_add
_add.argtypes = [_minor, _minor, _minor_out]
_split = _library.money_split
_split.argtypes = [_minor, _minor_out, ctypes.c_size_t, _minor_out]
_status_text = _library.money_status_text
_status_text.argtypes = [ctypes.c_int]
_status_text.restype = ctypes.c_char_p


def parse(text: str, currency: str) -> int:
    """Read an amount such as "12.34"."""
    minor = _minor()
    _check(_parse(_bytes(text), _bytes(currency), ctypes.byref(minor)), f"{text!r} {currency}")
    return minor.value


def format(minor: int, currency: str) -> str:
    """Write an amount with all decimals of its currency."""
    text = ctypes.create_string_buffer(_TEXT_SIZE)
    _check(_format(_fits(minor), _bytes(currency), text, _TEXT_SIZE), currency)
    return text.value.decode("ascii")


def add(amounts: Iterable[int]) -> int:
    """Sum up amounts of one currency."""
    total = _minor(0)
    for amount in amounts:
        _check(_add(total, _fits(amount), ctypes.byref(total)), "the sum")
    return total.value


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weight; the parts sum to exactly the amount."""
    values = _minor * len(weights)
    parts = values()
    _check(_split(_fits(amount), values(*map(_fits, weights)), len(weights), parts), "the split")
    return list(parts)


def _check(status: int, about: str) -> None:
    if status:
        raise MoneyError(f"{about}: {_status_text(status).decode('ascii')}")


def _fits(number: int) -> int:
    # ctypes would cut a larger number down without a word.
    if not -_LARGEST - 1 <= number <= _LARGEST:
        raise MoneyError(f"{number}: the amount is out of range")
    return number


def _bytes(text: str) -> bytes:
    # A zero would end the text for C.
    if not text.isascii() or "\0" in text:
        raise MoneyError(f"{text!r}: not plain text")
    return text.encode("ascii")
