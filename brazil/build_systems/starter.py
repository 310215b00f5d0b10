"""What a new package of each build system begins with: real files in `starters/`, with the package's name put in.

`@Name@` stands for the name of the package, `@name@` for the same as a word that the language and its tools take as a
name; both also in names of files.
"""

import re
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable

from brazil.build_systems import SYSTEMS
from brazil.build_systems.taken import free
from brazil.model.names import PackageName

_LEAST_SPECIFIC = {"make"}  # many sources of other build systems have a makefile too


def starter(system: str, name: PackageName) -> dict[str, bytes]:
    """Return the files of a new package: path -> content, sorted.

    Args:
        system: one of SYSTEMS that has a starter.
        name: of the package.
    """
    found = dict(_files(resources.files("brazil.build_systems") / "starters" / system, ""))
    inner = free(system, word(name))
    texts = ((path, data.decode()) for path, data in sorted(found.items()))
    return {_named(path, name, inner): _named(text, name, inner).encode() for path, text in texts}


def manifest_for(system: str, name: PackageName) -> bytes:
    """Return the least manifest of a package whose source is there already."""
    return f'[package]\nname         = "{name}"\ninterface    = "1.0"\nbuild-system = "{system}"\n'.encode()


def detect(top: Iterable[str]) -> tuple[str, ...]:
    """Say which build systems a source looks made for, the likely ones, sorted.

    Args:
        top: the names at its top.
    """
    names = frozenset(top)
    found = {name for name, system in SYSTEMS.items() if names.intersection(system.detects)}
    return tuple(sorted(found - _LEAST_SPECIFIC or found))


def _files(folder: Traversable, below: str) -> Iterable[tuple[str, bytes]]:
    for entry in folder.iterdir():
        path = f"{below}{entry.name}"
        if entry.is_file():
            yield path, entry.read_bytes()
        elif entry.name != "__pycache__":
            yield from _files(entry, f"{path}/")


def _named(text: str, name: PackageName, inner: str) -> str:
    return text.replace("@Name@", name).replace("@name@", inner)


def word(name: PackageName) -> str:
    """Return a package's name as a word of small letters, digits and underscores: `JsonKit` is `json_kit`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")
