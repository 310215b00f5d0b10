"""JSON Schemas (draft-07) of the TOML files that people write or read, for editors.

They are made of what the readers use: names, expressions, limits, the options of every build system. A schema says
less than its reader: it sees one value at a time, so what two lines say together, such as a dependency on the package
itself, is only found by the reader. What it refuses, the reader refuses.

Draft-07 because the tools for TOML in editors read it, and not all of them a later one.
"""

import re
from collections.abc import Mapping
from typing import Any

from brazil.formats.configuration_file import MOST_JOBS
from brazil.formats.manifest import CLOSURES, MAX_TIMEOUT, OUTPUT_PATTERN, OUTPUT_TYPE, REMOVED, WINNERS
from brazil.formats.manifest_options import OF_EVERY_SYSTEM, PROVIDES, WORD
from brazil.formats.toml_reader import MAX_INTEGER
from brazil.formats.workspace_file import COMMIT, SCHEMA
from brazil.model.names import MAX_NAME_LENGTH, MAX_VERSION_LENGTH, PACKAGE_PATTERN, SET_PATTERN, VERSION_PATTERN
from brazil.model.package import MANIFEST, OPTION_TYPES, TABLES, Form, Kind, OptionSpec

Schema = dict[str, Any]

_LINE = r"[^\u0000-\u001f\u007f]*"
_LINES = r"[^\u0000-\u0008\u000b-\u001f\u007f]*"
_PURPOSES: Mapping[Kind, str] = {
    Kind.NORMAL: "What it needs to compile and to run; whoever uses this package gets it too.",
    Kind.RUNTIME: "What it needs to run only; whoever runs this package gets it too.",
    Kind.TEST: "What its own tests need; nobody else gets it.",
    Kind.TOOL: "Programs that run during the build; each keeps to a closure of its own.",
}


def schemas(systems: Mapping[str, tuple[OptionSpec, ...]]) -> Mapping[str, Schema]:
    """Return the name of a file -> its schema.

    Args:
        systems: build system -> the options it reads from `[build]`.
    """
    return {
        MANIFEST: manifest_schema(systems),
        "brazil-workspace.toml": _workspace_schema(),
        "config.toml": _configuration_schema(),
    }


def manifest_schema(systems: Mapping[str, tuple[OptionSpec, ...]]) -> Schema:
    """Describe `brazil.toml`; `systems` as for `schemas`."""
    package = {
        "name": _package("The name of the package."),
        "interface": _version('The line that others depend on, such as "1.0".'),
        "build-system": {
            "description": "How it is built: one that is built in, or a package under [build-tools] that brings one.",
            "type": "string",
            "anyOf": [{"enum": sorted(systems)}, {"pattern": _whole(f"(?=.*[A-Z]){PACKAGE_PATTERN}")}],
        },
        "description": _text("One line for people.", _LINE),
    }
    shared = {
        "closure": {
            "description": "What a build sees: all that its dependencies need to run too, or only what is named here.",
            "type": "string",
            "enum": list(CLOSURES),
            "default": CLOSURES[0],
        },
        "timeout": {
            "description": "Seconds that the build may take, and the tests likewise.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_TIMEOUT,
            "default": 600,
        },
    }
    every: Schema = {spec.name: {} for specs in systems.values() for spec in specs}
    properties = {
        "package": {**_table("What it is called and how it is built.", package), "required": list(package)[:3]},
        **{table: _dependencies(_PURPOSES[kind]) for kind, table in TABLES.items()},
        WINNERS: _interfaces("Where two interfaces of one package meet in its closures, these are taken."),
        REMOVED: _interfaces("Left out of its closures, although something asks for it."),
        # Which options there are depends on the build system; they are named here too, because editors that offer
        # names do not look behind conditions.
        "build": {"description": "Options of the build.", "type": "object", "properties": shared | every},
        "outputs": {
            "description": "What parts of the artifact are for: a path pattern, and a word.",
            "type": "object",
            "propertyNames": _matching(OUTPUT_PATTERN),
            "additionalProperties": {"type": "string", **_matching(OUTPUT_TYPE)},
        },
        PROVIDES: _provided(),
    }
    return {
        **_head(MANIFEST, "A package of brazil."),
        **_table("", properties),
        "required": ["package"],
        "allOf": [_options_of(system, specs, list(shared)) for system, specs in sorted(systems.items())],
    }


def _provided() -> Schema:
    """Describe `[provides-build-system]`."""
    option = {
        "type": {"description": "Of its values.", "type": "string", "enum": list(OPTION_TYPES)},
        "description": _text("One sentence for those who use it.", _LINE),
        "default": {"description": "What it is where nothing is written; of its type."},
        "choices": {"description": "The texts that are allowed.", "type": "array", "items": {"type": "string"}},
        "required": {"description": "Whether it must be there.", "type": "boolean", "default": False},
    }
    names = {**_matching(WORD), "not": {"enum": [*OF_EVERY_SYSTEM, "tests"]}}
    properties = {
        "program": {
            "description": "bin/<program>-build of the artifact builds, bin/<program>-test tests.",
            "type": "string",
            **_matching(WORD),
        },
        "tests": {"description": "Whether it can test.", "type": "boolean", "default": False},
        "options": {
            "description": "What it reads from [build] of the packages that it builds.",
            "type": "object",
            "propertyNames": names,
            "additionalProperties": {**_table("", option), "required": ["type", "description"]},
        },
    }
    return {**_table("A build system that this package brings.", properties), "required": ["program"]}


def _options_of(system: str, specs: tuple[OptionSpec, ...], shared: list[str]) -> Schema:
    """Say what `[build]` holds when a package has this build system."""
    chosen = {"properties": {"build-system": {"const": system}}, "required": ["build-system"]}
    options = {spec.name: _option(spec) for spec in specs}
    build: Schema = {"properties": {**dict.fromkeys(shared, True), **options}, "additionalProperties": False}
    then: Schema = {"properties": {"build": build}}
    if required := [spec.name for spec in specs if spec.required]:
        build["required"] = required
        then["required"] = ["build"]
    return {"if": {"properties": {"package": chosen}, "required": ["package"]}, "then": then}


def _option(spec: OptionSpec) -> Schema:
    about: Schema = {"description": spec.description}
    patterns = [_whole(_LINES), *([_whole(spec.form.pattern)] if spec.form else [])]
    text: Schema = {"type": "string", "allOf": [{"pattern": pattern} for pattern in patterns]}
    if spec.choices:
        text = {"type": "string", "enum": list(spec.choices)}
    elif spec.required:
        text["allOf"].append({"pattern": r"\S"})
    match spec.type:
        case "string":
            about |= text
            known: type = str
        case "strings":
            about |= {"type": "array", "items": text}
            known = list
        case "boolean":
            about |= {"type": "boolean"}
            known = bool
        case "integer":
            about |= {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER}
            known = int
        case _:
            keys = [_LINE, *([spec.key_form.pattern] if spec.key_form else [])]
            names = {"allOf": [{"pattern": _whole(pattern)} for pattern in keys]}
            about |= {"type": "object", "propertyNames": names, "additionalProperties": text}
            known = dict
    # What stands for "look at the source" cannot be written, and is no default to show.
    if type(spec.default) is known and not spec.required and (known is not str or _can_be_written(spec)):
        about["default"] = spec.default
    return about


def _can_be_written(spec: OptionSpec) -> bool:
    text = str(spec.default)
    return text in spec.choices if spec.choices else not spec.form or bool(re.fullmatch(spec.form.pattern, text))


def _dependencies(purpose: str) -> Schema:
    pinned = {
        "interface": _version("The interface that is wanted."),
        "at-least": {
            "description": "The lowest build number that will do.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_INTEGER,
        },
    }
    one = [_version("The interface that is wanted."), {**_table("", pinned), "required": ["interface"]}]
    return {
        "description": purpose,
        "type": "object",
        "propertyNames": _package(""),
        "additionalProperties": {"anyOf": one},
    }


def _interfaces(purpose: str) -> Schema:
    return {
        "description": purpose,
        "type": "object",
        "propertyNames": _package(""),
        "additionalProperties": _version("The interface."),
    }


def _workspace_schema() -> Schema:
    properties = {
        "schema": {"description": "Of this file.", "type": "integer", "minimum": 1, "maximum": SCHEMA + 1},
        "registry": {
            **_text("Path or URL of the registry.", r"(?!-)(?![A-Za-z0-9+.-]*::)" + _LINE),
            "minLength": 1,
        },
        "set": _text("The version set.", SET_PATTERN),
        "revision": {"description": "The base.", "type": "integer", "minimum": 0, "maximum": MAX_INTEGER},
        "revision-commit": _text("The commit of the registry that is this revision.", COMMIT),
        "packages": {"description": "Packages in use.", "type": "array", "items": _package(""), "uniqueItems": True},
    }
    # A file of the next schema may hold more.
    known = {"propertyNames": {"enum": list(properties)}}
    return {
        **_head("brazil-workspace.toml", "A workspace of brazil; brazil writes it."),
        "type": "object",
        "properties": properties,
        "required": list(properties)[:5],
        "if": {"properties": {"schema": {"const": SCHEMA}}},
        "then": known,
    }


def _configuration_schema() -> Schema:
    properties = {
        "actor": {"description": '"Name <mail>" of who makes revisions.', "type": "string"},
        "jobs": {
            "description": "Steps at a time; 0: one more than processors.",
            "type": "integer",
            "minimum": 0,
            "maximum": MOST_JOBS,
        },
        "registry": {"description": "Path or URL of the registry.", "type": "string"},
    }
    return {**_head("config.toml", "What a user of brazil configures."), **_table("", properties)}


def _head(title: str, about: str) -> Schema:
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": title, "description": about}


def _table(about: str, properties: Mapping[str, Any]) -> Schema:
    head = {"description": about} if about else {}
    return {**head, "type": "object", "properties": dict(properties), "additionalProperties": False}


def _package(about: str) -> Schema:
    return {**_text(about, PACKAGE_PATTERN), "maxLength": MAX_NAME_LENGTH}


def _version(about: str) -> Schema:
    return {**_text(about, VERSION_PATTERN), "maxLength": MAX_VERSION_LENGTH}


def _text(about: str, pattern: str) -> Schema:
    return {**({"description": about} if about else {}), "type": "string", "pattern": _whole(pattern)}


def _matching(form: Form) -> Schema:
    return {"pattern": _whole(form.pattern)}


def _whole(pattern: str) -> str:
    """Let an expression match the whole text, as readers do; a schema's expressions look anywhere."""
    return f"^(?:{pattern})$"
