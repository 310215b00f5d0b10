"""A Manifest as plain data, for registry records, and back; the round trip is exact.

What is empty is left out; what has a default with a meaning is always written, so that a record keeps its
meaning when a default changes. Data that comes back is checked like everything that was stored. Keys that are
not known are passed over: the file around it says by its `schema` whether they may be there.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TypeVar

from brazil.errors import IntegrityError, Problem
from brazil.model.names import Interface, PackageName, interface_version_fault, package_name_fault
from brazil.model.package import (
    OPTION_TYPES,
    TABLES,
    Dependency,
    Manifest,
    OptionSpec,
    OptionValue,
    Provided,
)

T = TypeVar("T")


def manifest_to_data(manifest: Manifest) -> dict[str, object]:
    """Return the manifest as text, integers, booleans, lists and dicts, always in the same order."""
    data: dict[str, object] = {
        "interface": str(manifest.interface),
        "build-system": manifest.build_system,
        "description": manifest.description,
        "closure": manifest.closure,
        "timeout": manifest.timeout,
    }
    for kind, table in TABLES.items():
        data[table] = [[str(d.interface), d.at_least, d.line] for d in manifest.dependencies if d.kind is kind]
    data["winners"] = [str(interface) for interface in manifest.winners]
    data["removed"] = [str(interface) for interface in manifest.removed]
    data["options"] = dict(manifest.options)
    data["outputs"] = dict(manifest.outputs)
    data["provides"] = _provided_to_data(manifest.provides) if manifest.provides else {}
    return {key: value for key, value in data.items() if value not in ("", [], {})}


def manifest_from_data(data: Mapping[str, object], file: str) -> Manifest:
    """Return the manifest that `manifest_to_data` made this from.

    Args:
        data: as read from the record.
        file: where the record is, for messages.

    Raises:
        IntegrityError: it is not what `manifest_to_data` writes.
    """
    try:
        return Manifest(
            interface=_interface(data["interface"]),
            build_system=_text(data["build-system"]),
            description=_text(data.get("description", "")),
            dependencies=_dependencies(data),
            winners=_winners(data),
            removed=tuple(sorted(_interface(text) for text in _list(data.get("removed", [])))),
            closure=_text(data["closure"]),
            timeout=_count(data["timeout"]),
            options=_pairs(data.get("options", {}), _option),
            outputs=_pairs(data.get("outputs", {}), _text),
            provides=_provided(data["provides"]) if "provides" in data else None,
        )
    except (KeyError, ValueError) as error:
        because = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        problem = Problem("manifest.record", "the manifest in a record cannot be read", because, file=file)
        raise IntegrityError(problem) from error


def _provided_to_data(provided: Provided) -> dict[str, object]:
    options = {spec.name: _spec_to_data(spec) for spec in provided.options}
    return {"program": provided.program, "tests": provided.tests, "options": options}


def _spec_to_data(spec: OptionSpec) -> dict[str, object]:
    data: dict[str, object] = {"type": spec.type, "description": spec.description, "required": spec.required}
    return {**data, "choices": list(spec.choices), "default": spec.default}


def _provided(value: object) -> Provided:
    data = _dict(value)
    options = sorted(_dict(data["options"]).items())
    return Provided(_text(data["program"]), _truth(data["tests"]), tuple(_spec(n, _dict(v)) for n, v in options))


def _spec(name: str, data: Mapping[str, object]) -> OptionSpec:
    type_, choices = _text(data["type"]), tuple(_text(choice) for choice in _list(data["choices"]))
    if type_ not in OPTION_TYPES:
        raise ValueError(f"{type_!a} is not the type of an option")
    return OptionSpec(
        name, type_, _text(data["description"]), _option(data["default"]), choices, _truth(data["required"])
    )


def _dependencies(data: Mapping[str, object]) -> tuple[Dependency, ...]:
    found: list[Dependency] = []
    for kind, table in TABLES.items():
        for entry in _list(data.get(table, [])):
            interface, at_least, line = _list(entry, 3)
            found.append(Dependency(_interface(interface), kind, _count(at_least), _count(line)))
    return tuple(found)


def _winners(data: Mapping[str, object]) -> tuple[Interface, ...]:
    found = sorted(_interface(text) for text in _list(data.get("winners", [])))
    for one, other in pairwise(found):
        if one.name == other.name:
            raise ValueError(f"{one} and {other} win at once")
    return tuple(found)


def _interface(value: object) -> Interface:
    name, _, version = _text(value).rpartition("-")
    if package_name_fault(name) or interface_version_fault(version):
        raise ValueError(f"{value!a} is not an interface")
    return Interface(PackageName(name), version)


def _dict(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{value!a} is not a table")
    return value


def _pairs(value: object, read: Callable[[object], T]) -> tuple[tuple[str, T], ...]:
    return tuple(sorted((_text(key), read(inner)) for key, inner in _dict(value).items()))


def _option(value: object) -> OptionValue:
    if isinstance(value, list):
        return [_text(item) for item in value]
    if isinstance(value, dict):
        return dict(_pairs(value, _text))
    if isinstance(value, str | int):  # bool is an int
        return value
    raise ValueError(f"{value!a} is not the value of an option")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!a} is not a text")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!a} is neither true nor false")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!a} is not a count")
    return value


def _list(value: object, length: int | None = None) -> list[object]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise ValueError(f"{value!a} is not a list of the right length")
    return value
