"""Reads `brazil.toml` into a Manifest, and tells everything that is wrong with it at once.

Decides what a package may say about itself, file by file: whether a named package or interface exists, and
whether dependencies conflict, is found later, by the resolver. Config is data: nothing is run, nothing is looked
up, and the same bytes always give the same Manifest. Every string of a Manifest can be kept in a registry record.
"""

from collections.abc import Mapping

from brazil.errors import UsageError
from brazil.formats.manifest_data import manifest_from_data, manifest_to_data
from brazil.formats.manifest_options import (
    OF_EVERY_SYSTEM,
    PROVIDES,
    WORD,
    check_form,
    check_key,
    names_own_system,
    read_option,
    read_provided,
    type_of,
)
from brazil.formats.toml_lines import key_lines
from brazil.formats.toml_reader import (
    MAX_INTEGER,
    Table,
    dotted,
    number,
    read_toml,
    shown,
    suggestion,
    text_fault,
)
from brazil.model.names import Interface, PackageName, interface_version_fault, package_name_fault
from brazil.model.nearest import did_you_mean
from brazil.model.package import (
    TABLES,
    Dependency,
    Form,
    Kind,
    Manifest,
    OptionSpec,
    OptionValue,
)

__all__ = ["MAX_TIMEOUT", "declared_name", "manifest_from_data", "manifest_to_data", "parse_manifest"]

MAX_TIMEOUT = 86_400  # seconds: one day

WINNERS = "resolves-conflict-dependencies"
REMOVED = "remove-dependencies"
_TOP = ("package", *TABLES.values(), WINNERS, REMOVED, "build", "outputs", PROVIDES)
_PACKAGE_KEYS = ("name", "interface", "build-system", "description")
_DEPENDENCY_KEYS = ("interface", "at-least")
CLOSURES = ("transitive", "direct")
OUTPUT_TYPE = Form(r"[a-z][a-z0-9-]*", "a word of lower-case letters, digits and dashes, such as 'bin'")
OUTPUT_PATTERN = Form(r"(?!/)(?!(?:.*/)?\.\.?(?:/|$)).+", "a relative path pattern without '..', such as 'bin/*'")
_NO_INTERFACE = Interface(PackageName(""), "")


def parse_manifest(data: bytes, *, file: str, systems: Mapping[str, tuple[OptionSpec, ...]]) -> Manifest:
    """Read a manifest.

    Args:
        data: the whole file.
        file: its name, for messages.
        systems: build system -> the options it reads from `[build]`. Of one that is not among them but under
            `[build-tools]` the options are taken as they are written; when the manifest of that tool is known, they
            are checked by reading the file again, with its options among these.

    Raises:
        UsageError: something is wrong; every problem of the file is in it.
    """
    top = read_toml(data, file=file, topic="manifest")
    top.refuse_unknown(_TOP, "table")
    tools = top.data.get(TABLES[Kind.TOOL])
    own, system, description = _package(top.table("package"), systems, tools if isinstance(tools, dict) else {})
    dependencies = [d for kind, table in TABLES.items() for d in _dependencies(top.table(table), kind)]
    winners = _interfaces(top.table(WINNERS))
    removed = _interfaces(top.table(REMOVED))
    _refuse_self_dependency(top, own, dependencies)
    _refuse_contradictions(top, dependencies, winners, removed)
    build = top.table("build")
    closure, timeout = _closure(build), _timeout(build)
    options = _options(build, system, systems)
    outputs = _outputs(top.table("outputs"))
    provides = read_provided(top, own.name) if PROVIDES in top.data else None
    top.findings.raise_any()
    return Manifest(
        interface=own,
        build_system=system,
        description=description,
        dependencies=tuple(dependencies),
        winners=tuple(sorted(winners)),
        removed=tuple(sorted(removed)),
        closure=closure,
        timeout=timeout,
        options=tuple(sorted(options)),
        outputs=tuple(sorted(outputs)),
        provides=provides,
    )


def declared_name(data: bytes, *, file: str) -> PackageName | None:
    """Return the name that a manifest gives its package, whatever else is wrong with it; None when that is no name."""
    try:
        package = read_toml(data, file=file, topic="manifest").data.get("package")
    except UsageError:
        return None
    name = package.get("name") if isinstance(package, dict) else None
    return PackageName(name) if isinstance(name, str) and not package_name_fault(name) else None


def _package(table: Table, systems: Mapping[str, object], tools: Mapping[str, object]) -> tuple[Interface, str, str]:
    """Read `[package]`: its interface (empty where unknown), build system and description."""
    table.refuse_unknown(_PACKAGE_KEYS)
    name = table.string("name")
    if name is not None and (fault := package_name_fault(name)):
        table.note("name", "wrong-value", f"{shown(name)} is not a package name", fault)
    version = table.string("interface", hint=_version_hint(table.data.get("interface")))
    if version is not None and (fault := interface_version_fault(version)):
        table.note("interface", "wrong-value", f"{shown(version)} is not an interface version", fault)
    system = table.string("build-system", hint=f"one of {', '.join(repr(s) for s in sorted(systems))}")
    if system is not None and system not in systems:
        _refuse_system(table, system, sorted(systems), tools)
    description = table.string("description") if "description" in table.data else ""
    if description and (fault := text_fault(description)):
        table.note("description", "wrong-value", "package.description must be one line of text", fault)
    return Interface(PackageName(name or ""), version or ""), system or "", description or ""


def _refuse_system(table: Table, system: str, known: list[str], tools: Mapping[str, object]) -> None:
    """Note a build system that is neither built in nor a package under `[build-tools]`."""
    own = not package_name_fault(system) and names_own_system(system)
    if own and system in tools:
        return
    title = TABLES[Kind.TOOL]
    if own and system.lower() not in known:
        near = did_you_mean(system, tools) or did_you_mean(system, known)
        hint = f'name the package that brings it there: {system} = "1.0"' + f"; or {near}" * bool(near)
        what = f"the build system {shown(system)} is not under [{title}]"
        table.note("build-system", "no-build-tool", what, "a build system that is not built in is a tool", hint)
        return
    hint = suggestion(system, known, "build systems")
    if system in tools or not hint.startswith("did"):
        hint += f"; one of your own is a package with a capital letter in its name, named under [{title}] too"
    table.note("build-system", "wrong-value", f"unknown build system {shown(system)}", hint=hint)


def build_system_line(data: bytes) -> int:
    """Return the line of a manifest, read without complaint before, that names the build system; 0: unknown."""
    return key_lines(data.decode()).get(("package", "build-system"), 0)


def _dependencies(table: Table, kind: Kind) -> list[Dependency]:
    """Read one table of dependencies, sorted by interface, leaving out what is wrong."""
    found = []
    _refuse_case_twins(table)
    for name, value in table.data.items():
        path = (*table.path, name)
        at_least = 0
        if isinstance(value, dict):
            inner = Table(value, table.findings, path)
            _refuse_unknown_in_dependency(inner, name)
            version = inner.string("interface", hint=_version_hint(value.get("interface")))
            at_least = _at_least(inner)
            key: tuple[str | int, ...] = (*path, "interface")
        else:
            version, key = _version(table, name), path
        interface = _interface(table, name, version, key)
        if interface != _NO_INTERFACE:
            found.append(Dependency(interface, kind, at_least, table.findings.lines[path]))
    found.sort()
    return found


def _at_least(dependency: Table) -> int:
    if "at-least" not in dependency.data:
        return 0
    at_least = dependency.integer("at-least", 1)
    if not 1 <= at_least <= MAX_INTEGER:
        what = f"{dotted((*dependency.path, 'at-least'))} must be a build number"
        dependency.note("at-least", "wrong-value", what, f"{number(at_least)} is not between 1 and {MAX_INTEGER}")
    return at_least


def _interfaces(table: Table) -> list[Interface]:
    """Read a table of package = "version", leaving out what is wrong."""
    _refuse_case_twins(table)
    found = []
    for name in table.data:
        interface = _interface(table, name, _version(table, name), (*table.path, name))
        if interface != _NO_INTERFACE:
            found.append(interface)
    return found


def _version(table: Table, name: str) -> str | None:
    value = table.data[name]
    if isinstance(value, str):
        return value
    table.wrong_type(name, "an interface version", _version_hint(value))
    return None


def _version_hint(value: object) -> str:
    plain = isinstance(value, float) or (type(value) is int and abs(value) <= MAX_INTEGER)
    return f'write it in quotes: "{value}"' if plain else 'write the version as text, such as "1.0"'


def _interface(table: Table, name: str, version: str | None, key: tuple[str | int, ...]) -> Interface:
    """Check name and version of one line; `_NO_INTERFACE` when either is wrong."""
    name_fault = package_name_fault(name)
    if name_fault:
        table.note(name, "wrong-value", f"{shown(name)} is not a package name", name_fault)
    if version is None:
        return _NO_INTERFACE
    version_fault = interface_version_fault(version)
    if version_fault:
        what = f"{shown(version)} is not an interface version"
        table.findings.add("wrong-value", key, what, version_fault)
    return _NO_INTERFACE if name_fault or version_fault else Interface(PackageName(name), version)


def _refuse_unknown_in_dependency(table: Table, name: str) -> None:
    for key in table.data:
        if key not in _DEPENDENCY_KEYS:
            hint = suggestion(key, _DEPENDENCY_KEYS, "keys")
            if hint.startswith("known") and not package_name_fault(f"{name}.{key}"):
                hint = f'a name with a dot is written in quotes: "{name}.{key}"'
            table.note(key, "unknown-key", f"unknown key {shown(key)} in [{dotted(table.path)}]", hint=hint)


def _refuse_case_twins(table: Table) -> None:
    first: dict[str, str] = {}
    for name in table.data:
        twin = first.setdefault(name.lower(), name)
        if twin != name:
            because = f"it differs from {shown(twin)} only in case"
            table.note(name, "conflict", f"{shown(name)} is there twice in [{dotted(table.path)}]", because)


def _refuse_self_dependency(top: Table, own: Interface, dependencies: list[Dependency]) -> None:
    for dependency in dependencies:
        other = dependency.interface
        if other.name.lower() != own.name.lower():
            continue
        # An earlier line of a package may build the next one, as compilers do; it never meets it in a closure.
        if dependency.kind is Kind.TOOL and other.version != own.version:
            continue
        path = (TABLES[dependency.kind], other.name)
        because = "its closure would hold two of its interfaces" if other.version != own.version else ""
        top.findings.add("conflict", path, f"{own.name} depends on itself", because, "remove the line")


def _refuse_contradictions(
    top: Table, dependencies: list[Dependency], winners: list[Interface], removed: list[Interface]
) -> None:
    for interface in removed:
        path = (REMOVED, interface.name)
        if interface in winners:
            what = f"{interface} is removed and wins at once"
            top.findings.add("conflict", path, what, f"it is in [{WINNERS}] too", "keep one of the two")
        for dependency in dependencies:
            if dependency.interface == interface and dependency.kind is not Kind.TOOL:
                because = f"it is in [{TABLES[dependency.kind]}] too, on line {dependency.line}"
                what = f"{interface} is removed and depended on at once"
                top.findings.add("conflict", path, what, because, "keep one of the two")


def _closure(build: Table) -> str:
    closure = build.string("closure") if "closure" in build.data else CLOSURES[0]
    if closure is not None and closure not in CLOSURES:
        hint = suggestion(closure, CLOSURES)
        build.note("closure", "wrong-value", f"build.closure cannot be {shown(closure)}", hint=hint)
    return closure or CLOSURES[0]


def _timeout(build: Table) -> int:
    timeout = build.integer("timeout", 600)
    if not 1 <= timeout <= MAX_TIMEOUT:
        because = f"{number(timeout)} is not between 1 and {MAX_TIMEOUT} seconds"
        build.note("timeout", "wrong-value", "build.timeout is out of range", because)
    return timeout


def _options(build: Table, system: str, systems: Mapping[str, tuple[OptionSpec, ...]]) -> list[tuple[str, OptionValue]]:
    """Read what the build system asks for; without a known build system nothing can be said about its options."""
    if system not in systems:
        if not names_own_system(system):
            return []
        given = [name for name in build.data if name not in OF_EVERY_SYSTEM]
        for name in given:
            check_form(build, (*build.path, name), name, WORD, "{text} cannot be the name of an option")
        return [(name, read_option(build, OptionSpec(name, type_of(build.data[name]), "", ""))) for name in given]
    specs = systems[system]
    build.refuse_unknown([*OF_EVERY_SYSTEM, *(spec.name for spec in specs)])
    options: list[tuple[str, OptionValue]] = []
    for spec in specs:
        if spec.name in build.data:
            options.append((spec.name, read_option(build, spec)))
        elif spec.required:
            build.missing(spec.name, f"{spec.description[:1].lower()}{spec.description[1:].rstrip('.')}")
        else:
            default = spec.default
            copy = (
                list(default) if isinstance(default, list) else dict(default) if isinstance(default, dict) else default
            )
            options.append((spec.name, copy))
    return options


def _outputs(table: Table) -> list[tuple[str, str]]:
    found = []
    for pattern in table.data:
        path = (*table.path, pattern)
        check_key(table, path, pattern, OUTPUT_PATTERN, "{text} is not an output pattern")
        value = table.string(pattern)
        if value is not None:
            check_form(table, path, value, OUTPUT_TYPE, "{path} cannot be {text}")
            found.append((pattern, value))
    return found
