"""Reads what `brazil.toml` says about options: of a package's own build, and of a build system that it brings."""

import re
from collections.abc import Mapping

from brazil.formats.toml_reader import (
    MAX_INTEGER,
    Table,
    dotted,
    key_fault,
    shown,
    suggestion,
    text_fault,
    type_name,
)
from brazil.model.package import OPTION_TYPES, Form, OptionSpec, OptionValue, Provided

PROVIDES = "provides-build-system"
OF_EVERY_SYSTEM = ("closure", "timeout")
WORD = Form(
    r"(?=.{1,50}$)[a-z][a-z0-9]*(?:-[a-z0-9]+)*",
    "a word of at most 50 lower-case letters, digits and single dashes, such as 'page'",
)
_PROVIDED_KEYS = ("program", "tests", "options")
_OPTION_KEYS = ("type", "description", "default", "choices", "required")
_TYPES: Mapping[str, tuple[type, str]] = {
    "string": (str, "a string"),
    "strings": (list, "an array of strings"),
    "boolean": (bool, "a boolean"),
    "integer": (int, "an integer"),
    "table": (dict, "a table of strings"),
}
_EMPTY: Mapping[str, OptionValue] = {"string": "", "strings": [], "boolean": False, "integer": 0, "table": {}}


def names_own_system(system: str) -> bool:
    """Say whether a `build-system` can only be the name of a package: no built-in one has a capital letter, ever."""
    return system != system.lower()


def read_provided(top: Table, name: str) -> Provided:
    """Read `[provides-build-system]`."""
    table = top.table(PROVIDES)
    table.refuse_unknown(_PROVIDED_KEYS)
    if name and not names_own_system(name):
        because = "names of build systems without a capital letter are kept for those that are built in"
        top.note(PROVIDES, "conflict", f"{name} cannot bring a build system", because, "choose another name for it")
    program = table.string("program", hint="bin/<program>-build of the artifact is what builds")
    if program is not None:
        check_form(table, (*table.path, "program"), program, WORD, "{path} cannot be {text}")
    tests = _boolean(table, "tests")
    options = table.table("options")
    specs = [_spec(options, key) for key in sorted(options.data)]
    return Provided(program or "", tests, tuple(specs))


def _spec(options: Table, name: str) -> OptionSpec:
    """Read what a package says about one option of the build system that it brings."""
    path = (*options.path, name)
    if name in (*OF_EVERY_SYSTEM, "tests"):
        options.note(name, "wrong-value", f"{shown(name)} cannot be an option", "every build system has it")
    check_form(options, path, name, WORD, "{text} cannot be the name of an option")
    table = options.table(name)
    table.refuse_unknown(_OPTION_KEYS)
    type_ = table.string("type", hint=f"one of {', '.join(map(repr, OPTION_TYPES))}")
    description = table.string("description", hint="one sentence for those who use it")
    if description is not None and (fault := text_fault(description)):
        table.note("description", "wrong-value", f"{dotted((*path, 'description'))} must be one line of text", fault)
    required = _boolean(table, "required")
    if type_ is None or type_ not in OPTION_TYPES:
        if type_ is not None:
            what = f"{dotted((*path, 'type'))} cannot be {shown(type_)}"
            table.note("type", "wrong-value", what, hint=suggestion(type_, list(OPTION_TYPES)))
        return OptionSpec(name, "string", "", "")
    spec = OptionSpec(name, type_, description or "", _EMPTY[type_], (), required)
    if "choices" in table.data:
        choices = read_option(table, OptionSpec("choices", "strings", "", []))
        spec = spec._replace(choices=tuple(choices) if isinstance(choices, list) else ())
        if type_ not in ("string", "strings"):
            table.note("choices", "conflict", f"an option of the type {type_} has no choices", hint="remove the line")
    if "default" in table.data:
        spec = spec._replace(default=read_option(table, spec._replace(name="default", required=False)))
        if required:
            table.note("default", "conflict", "an option that is required has no default", hint="remove one of the two")
    return spec


def _boolean(table: Table, key: str) -> bool:
    value = table.data.get(key, False)
    if type(value) is not bool:
        table.wrong_type(key, "a boolean")
    return value is True


def type_of(value: object) -> str:
    """Return the type that an option has by its value; "string" when it can be none."""
    return next((name for name, (type_, _) in _TYPES.items() if type(value) is type_), "string")


def read_option(build: Table, spec: OptionSpec) -> OptionValue:
    """Check one option; the value is only used when nothing was noted."""
    value = build.data[spec.name]
    wanted, words = _TYPES[spec.type]
    if type(value) is not wanted:
        build.wrong_type(spec.name, words)
        return spec.default
    path = (*build.path, spec.name)
    if isinstance(value, str):
        _check_text(build, path, value, spec, words)
    elif type(value) is int and abs(value) > MAX_INTEGER:
        build.note(spec.name, "wrong-value", f"{dotted(path)} is out of range", f"at most {MAX_INTEGER} is allowed")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            _check_text(build, (*path, position), item, spec, words)
    elif isinstance(value, dict):
        for key in value:
            check_key(build, (*path, key), key, spec.key_form, "{text} cannot be a key of this table")
            _check_text(build, (*path, key), value[key], spec, words)
        return dict(sorted(value.items()))
    return value  # type: ignore[return-value]  # narrowed by `wanted`, which mypy cannot follow


def _check_text(build: Table, path: tuple[str | int, ...], value: object, spec: OptionSpec, words: str) -> None:
    findings = build.findings
    if not isinstance(value, str):
        whole = dotted((*build.path, spec.name))
        findings.add("wrong-type", path, f"{whole} must be {words}", f"{dotted(path)} is {type_name(value)}")
    elif fault := text_fault(value, lines=True):
        findings.add("wrong-value", path, f"{dotted(path)} cannot be kept", fault)
    elif spec.choices and value not in spec.choices:
        hint = suggestion(value, spec.choices)
        findings.add("wrong-value", path, f"{dotted(path)} cannot be {shown(value)}", hint=hint)
    elif spec.required and not value.strip():
        findings.add("wrong-value", path, f"{dotted(path)} must not be empty")
    else:
        check_form(build, path, value, spec.form, "{path} cannot be {text}")


def check_key(table: Table, path: tuple[str | int, ...], key: str, form: Form | None, what: str) -> None:
    """Check the key of a table: that it can be kept, and its form; `what` says what is wrong, of "{text}"."""
    if fault := key_fault(key):
        table.findings.add("wrong-value", path, what.format(text=shown(key)), fault)
    else:
        check_form(table, path, key, form, what)


def check_form(table: Table, path: tuple[str | int, ...], text: str, form: Form | None, what: str) -> None:
    """Check a text against a form; `what` says what is wrong, of "{path}" or "{text}"."""
    if form and not re.fullmatch(form.pattern, text):
        what = what.format(path=dotted(path), text=shown(text))
        table.findings.add("wrong-value", path, what, f"it must be {form.words}")
