"""Facts of the world to measure with, or made ones of the same shape where they are not there.

There are the 1,247 modules of a public registry, to resolve from, and the 3,955 revisions of a distribution, to store.
A module's compatibility level is an interface version, the place of a version in the module's history its build
number, and the minimum version of a dependency the lowest build that will do. Whoever has the facts names their
folder in `BRAZIL_DATA`.
"""

import gzip
import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from brazil.model.digest import digest_of
from brazil.model.names import Interface, PackageName
from brazil.model.package import Dependency, Kind, Manifest
from brazil.model.versionset import NewVersion
from brazil.resolve.catalog import MemoryCatalog
from brazil.resolve.solver import Request

Modules = Mapping[str, Any]  # name -> {"order": [version], "versions": {version: {"level": ..., "deps": [...]}}}
_MODULES = 1_247


class Question(NamedTuple):
    """Everything that there is, asked for at once."""

    request: Request
    manifests: tuple[tuple[int, Manifest], ...]  # (build number, what it declares)

    @property
    def catalog(self) -> MemoryCatalog:
        """What the solver asks."""
        return MemoryCatalog(self.manifests)


def modules() -> Modules:
    """Return the facts, or their twin where they are not there."""
    path = _folder() / "module-registry.json.gz"
    if not path.is_file():
        return _made_modules()
    with gzip.open(path) as file:
        found: Modules = json.load(file)["modules"]
    return found


def question(known: Modules, *, coherent: bool) -> Question:
    """Ask for the newest level of every module.

    Args:
        known: the modules.
        coherent: ask for valid pins, which the facts do not allow. Otherwise only I1 and I2 can fail: the levels of a
            module are packages of their own, and everything is needed in the one way that may go round in circles.
    """
    kind = Kind.NORMAL if coherent else Kind.TEST

    def interface(name: str, level: int) -> Interface:
        return Interface(PackageName(name), f"{level}") if coherent else Interface(PackageName(f"{name}.{level}"), "1")

    def newest(name: str) -> Interface:
        return interface(name, known[name]["versions"][known[name]["order"][-1]]["level"])

    places = {name: {v: n for n, v in enumerate(_order(module), 1)} for name, module in known.items()}

    def needs(dependencies: Iterable[tuple[str, str]]) -> Iterator[Dependency]:
        for name, least in dict(dependencies).items():
            if name not in known:
                continue  # 38 of them: modules from elsewhere
            if least not in places[name]:
                yield Dependency(newest(name), kind)
            else:
                level = known[name]["versions"][least]["level"]
                yield Dependency(interface(name, level), kind, places[name][least])

    manifests = tuple(
        (
            places[name][version],
            Manifest(
                interface(name, facts["level"]),
                "command",
                dependencies=tuple(sorted(needs(facts["deps"]), key=lambda dependency: dependency.interface)),
            ),
        )
        for name, module in known.items()
        for version, facts in module["versions"].items()
    )
    return Question(Request(tuple(sorted(map(newest, known))), {}), manifests)


def _order(module: Mapping[str, Any]) -> list[str]:
    """Return the versions, the least wanted first: those that were withdrawn are in no order."""
    return [*sorted(module["versions"].keys() - set(module["order"])), *module["order"]]


class Change(NamedTuple):
    """One revision of a history, as a change to the one before."""

    pins: Mapping[Interface, NewVersion]
    removed: tuple[Interface, ...]


def history() -> Sequence[Change]:
    """Return the revisions of a distribution, oldest first, or made ones where the facts are not there."""
    path = _folder() / "version-set-history.json.gz"
    if path.is_file():
        with gzip.open(path) as file:
            revisions = json.load(file)["revisions"]
    else:
        revisions = _made_history()
    return [
        Change(
            {_interface(name): _new(name, version) for name, version in sorted(revision["set"].items())},
            tuple(map(_interface, revision["removed"])),
        )
        for revision in revisions
    ]


def _folder() -> Path:
    return Path(os.environ.get("BRAZIL_DATA", "/nonexistent"))


def _interface(name: str) -> Interface:
    return Interface(PackageName(name), "1")


def _new(name: str, version: str) -> NewVersion:
    manifest = Manifest(_interface(name), "command", options=(("build", f"./build {version}\n"),))
    commit = hashlib.sha1(f"{name} {version}".encode(), usedforsecurity=False).hexdigest()
    return NewVersion(manifest, commit, digest_of(f"{name} {version}".encode()))


def _made_modules() -> Modules:
    """Make about as many modules, versions and dependencies; each release raises the minima.

    A few modules have most of the versions and are needed by most. The first two need each other.
    """
    chance = random.Random(1)
    lengths = [min(int(2.1 * chance.paretovariate(1.1)), 100) for _ in range(_MODULES)]
    made: dict[str, Any] = {}
    for number, length in enumerate(lengths):
        needs = sorted({int(number * chance.random() ** 3) for _ in range(chance.randint(2, 12))} - {number})
        if number == 0:
            needs = [1]
        versions = {
            f"{release}.0": {
                "level": 2 * release // length if number % 8 == 7 else 0,
                "deps": [[f"module{need}", f"{lengths[need] * release // length}.0"] for need in needs],
            }
            for release in range(length)
        }
        made[f"module{number}"] = {"order": list(versions), "versions": versions}
    return made


def _made_history() -> list[dict[str, Any]]:
    """Make as many revisions: a distribution begins with some packages, each revision releases one, or a new one."""
    chance = random.Random(1)
    names = [f"package{number:03d}" for number in range(807)]
    revisions: list[dict[str, Any]] = [{"set": dict.fromkeys(names[:288], "0"), "removed": []}]
    for number in range(1, 3_955):
        known = min(len(names), 288 + number // 5)
        revisions.append({"set": {names[int(known * chance.random() ** 2)]: str(number)}, "removed": []})
    return revisions
