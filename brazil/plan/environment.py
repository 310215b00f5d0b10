"""The variables a build sees, composed from what its closure offers.

One function makes them for builds, tests, tools and commands run in a closure, so that all agree. A Layout is
what of an artifact's content matters for that; `build/layout.py` reads it from the store.
"""

from collections.abc import Iterable, Mapping, Sequence
from shlex import quote
from typing import NamedTuple

from brazil.model.names import Interface

ROOT = "/brazil"
ARTIFACTS = "/brazil/pkg"  # every artifact's path for life is below it
TOOLS = "/brazil/tools/bin"
SYSTEM_PATH = "/usr/bin:/bin"

# Variable -> the folders of an artifact whose paths it lists. Those that begin with BRAZIL_ are for build systems
# of ours whose tools know no search path: folders of crates, of Go modules, and Maven repositories.
_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "ACLOCAL_PATH": ("share/aclocal",),
    "BRAZIL_CARGO_PATH": ("cargo",),
    "BRAZIL_GO_PATH": ("go",),
    "BRAZIL_MAVEN_PATH": ("maven",),
    "CPATH": ("include",),
    "LD_LIBRARY_PATH": ("lib",),
    "LIBRARY_PATH": ("lib",),
    "PATH": ("bin",),
    "PKG_CONFIG_PATH": ("lib/pkgconfig", "share/pkgconfig"),
    "PYTHONPATH": ("python",),
}
COMPOSED = (*_FOLDERS, "CLASSPATH", "CMAKE_PREFIX_PATH")
WATCHED = ("node_modules", *dict.fromkeys(folder for folders in _FOLDERS.values() for folder in folders))

# Everything that is true for every build. A clock or a host name is never among it. PYTHONHASHSEED makes byte code,
# which holds sets in hash order, come out the same.
COMMON: Mapping[str, str] = {
    "HOME": "/home/build",
    "LANG": "C.UTF-8",
    "LOGNAME": "build",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "315532800",
    "TMPDIR": "/tmp",
    "TZ": "UTC",
    "USER": "build",
}


class Layout(NamedTuple):
    """What an artifact offers to those who have it in their closure."""

    folders: frozenset[str] = frozenset()  # those of WATCHED that it has
    programs: tuple[str, ...] = ()  # names in bin/, sorted
    jars: tuple[str, ...] = ()  # names of *.jar in java/ without ":", which parts a class path, sorted
    modules: tuple[str, ...] = ()  # names in node_modules/, "@scope/name" for scoped ones, sorted


def artifact_path(interface: Interface) -> str:
    """The path for life of an artifact."""
    return f"{ARTIFACTS}/{interface}"


def search_paths(closure: Sequence[Interface], layouts: Mapping[Interface, Layout]) -> dict[str, tuple[str, ...]]:
    """List what each search path variable gets from a closure.

    Args:
        closure: sorted; the order of every search path.
        layouts: of every member.

    Returns:
        Mapping variable -> paths, only variables that get any, sorted by name.
    """
    found: dict[str, list[str]] = {name: [] for name in sorted(COMPOSED)}
    for interface in closure:
        root = artifact_path(interface)
        layout = layouts[interface]
        if layout.folders:
            for name, folders in _FOLDERS.items():
                found[name] += [f"{root}/{folder}" for folder in folders if folder in layout.folders]
            found["CMAKE_PREFIX_PATH"].append(root)
        found["CLASSPATH"] += [f"{root}/java/{jar}" for jar in layout.jars]
    return {name: tuple(paths) for name, paths in found.items() if paths}


def closure_environment(
    closure: Sequence[Interface], layouts: Mapping[Interface, Layout], *, tools: bool
) -> dict[str, str]:
    """Compose the variables of a build or test.

    Args:
        closure: sorted members.
        layouts: of every member.
        tools: whether /brazil/tools/bin exists and comes first on PATH.
    """
    paths = search_paths(closure, layouts)
    environment = {**COMMON, **{name: ":".join(value) for name, value in paths.items()}}
    environment["PATH"] = ":".join([TOOLS] * tools + list(paths.get("PATH", ())) + [SYSTEM_PATH])
    return environment


def entered_environment(
    closure: Sequence[Interface], layouts: Mapping[Interface, Layout], caller: Mapping[str, str], *, tools: bool
) -> dict[str, str]:
    """Compose the variables of a user's own command in a closure, whose search paths come before those of the caller.

    What the caller has below /brazil is of another closure that he is in, and left out.

    Args:
        closure: sorted members.
        layouts: of every member.
        caller: his environment.
        tools: whether /brazil/tools/bin exists and comes first on PATH.
    """
    paths = search_paths(closure, layouts)
    if tools:
        paths["PATH"] = (TOOLS, *paths.get("PATH", ()))
    environment = dict(caller)
    for name in COMPOSED:
        own = caller.get(name, "")
        kept = ":".join(path for path in own.split(":") if not path.startswith(f"{ROOT}/"))
        parts = [*paths.get(name, ()), *filter(None, [kept])]
        if parts:
            environment[name] = ":".join(parts)
        elif own:
            del environment[name]  # empty it would mean the current folder
    return environment


def launcher(tool: Interface, program: str, closure: Sequence[Interface], layouts: Mapping[Interface, Layout]) -> bytes:
    """Write the script that starts a tool's program with the variables of the tool's own closure, and no others."""
    paths = search_paths(closure, layouts)
    path = ":".join([TOOLS, *paths.pop("PATH", ()), SYSTEM_PATH])
    absent = [name for name in sorted(COMPOSED) if name not in paths and name != "PATH"]
    lines = ["#!/bin/sh", *["unset " + " ".join(absent)] * bool(absent)]
    lines += [f"export {name}={quote(':'.join(value))}" for name, value in paths.items()]
    lines += [f"export PATH={quote(path)}", f'exec {quote(f"{artifact_path(tool)}/bin/{program}")} "$@"', ""]
    return "\n".join(lines).encode()


def module_links(closure: Iterable[Interface], layouts: Mapping[Interface, Layout]) -> dict[str, str]:
    """List the links of /brazil/node_modules: module name -> link target; of two with one name the first stays."""
    links: dict[str, str] = {}
    for interface in closure:
        for module in layouts[interface].modules:
            up = "../" * (1 + module.count("/"))
            links.setdefault(module, f"{up}pkg/{interface}/node_modules/{module}")
    return dict(sorted(links.items()))
