"""Reads a schema. All faults are told at once, each with its line."""

import re
from typing import NamedTuple

TYPES = ("text", "integer")

# Words that some of the four languages keep for themselves and that are likely names of a field.
_KEPT = (
    "and as case catch char class const def default delete do double else enum export extends final finally float for "
    "from function goto if import in int interface is lambda let long name native new not null or package pass "
    "private protected public raise read return self short static super switch this throw try type var void while "
    "with write yield "
)


class SchemaError(ValueError):
    """The schema is wrong; the message has one fault per line."""


class Field(NamedTuple):
    """One value of a record."""

    name: str
    type: str  # one of TYPES


class Record(NamedTuple):
    """What becomes a class."""

    name: str
    fields: tuple[Field, ...]  # in the order of the line


def read_schema(text: str) -> tuple[Record, ...]:
    """Read a schema.

    Raises:
        SchemaError: it is wrong.
    """
    records: list[Record] = []
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if words[0] == "record":
            fault = _record_fault(words, records)
            records.append(Record("" if fault else words[1], ()))
        else:
            fault = _field(words, records)
        if fault:
            faults.append(f"line {number}: {fault}")
    faults += [
        f"{record.name}: a record has at least one field" for record in records if record.name and not record.fields
    ]
    if not records and not faults:
        faults.append("there is no record")
    if faults:
        raise SchemaError("\n".join(faults))
    return tuple(records)


def _record_fault(words: list[str], records: list[Record]) -> str:
    if len(words) != 2 or not re.fullmatch("[A-Z][A-Za-z0-9]*", words[1]):
        return "after 'record' comes a name such as OrderPaid"
    if any(record.name == words[1] for record in records):
        return f"there are two records {words[1]}"
    return ""


def _field(words: list[str], records: list[Record]) -> str:
    if not records:
        return "a field belongs to a record: begin with 'record Name'"
    if len(words) != 2 or words[1] not in TYPES:
        return f"a field is a name and one of {', '.join(TYPES)}"
    name, record = words[0], records[-1]
    if not re.fullmatch("[a-z][a-z0-9]*", name) or name in _KEPT.split():
        return f"{name!r} cannot be the name of a field in every language"
    if any(field.name == name for field in record.fields):
        return f"{record.name} has two fields {name}"
    records[-1] = record._replace(fields=(*record.fields, Field(name, words[1])))
    return ""
