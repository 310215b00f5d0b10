"""Begin a package: a new repository with everything in it, or the manifest for a source that is there already."""

from pathlib import Path
from typing import NamedTuple

from brazil.build_systems import SYSTEMS
from brazil.build_systems.starter import detect, manifest_for, starter
from brazil.errors import Problem, UnavailableError, UsageError
from brazil.model.names import PackageName
from brazil.model.nearest import did_you_mean
from brazil.model.package import MANIFEST
from brazil.ports import Checkouts


class NewPackage(NamedTuple):
    """A package that was begun."""

    name: PackageName
    folder: Path
    build_system: str
    files: tuple[str, ...]  # paths that were written, sorted
    commit: str  # the first one; empty: the repository or source was there, and committing is left to its owner


def new_package(name: PackageName, folder: Path, system: str, checkouts: Checkouts, actor: str) -> NewPackage:
    """Begin a package.

    Args:
        name: of the package.
        folder: new or empty: gets a git repository with a package that builds; with nothing but the `.git` of a
            repository: gets the same files, which its owner commits; with a source in it: gets a manifest.
        system: the build system; empty: the one that the source looks made for.
        checkouts: makes the repository.
        actor: who commits.

    Raises:
        UsageError: there is a manifest, or which build system it is cannot be said.
        UnavailableError: the disk refuses.
    """
    if system and system not in SYSTEMS:
        hint = did_you_mean(system, SYSTEMS) or f"there are {', '.join(SYSTEMS)}"
        raise UsageError(Problem("package.build-system", f"there is no build system {system!a}", hint=hint))
    try:
        there = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        top = [entry for entry in there if entry != ".git"]
        if top:
            return _manifest(name, folder, system, top)
        return _whole(name, folder, system, checkouts if not there else None, actor)
    except OSError as error:
        because = error.strerror or str(error)
        raise UnavailableError(Problem("package.folder", f"{folder} cannot be made a package", because)) from error


def _whole(name: PackageName, folder: Path, system: str, checkouts: Checkouts | None, actor: str) -> NewPackage:
    if not system:
        hint = f"choose one with --build-system: {', '.join(SYSTEMS)}"
        raise UsageError(Problem("package.build-system", f"how is {name} to be built?", "there is no source yet", hint))
    files = starter(system, name)
    commit = ""
    if checkouts:
        commit = checkouts.begin(folder, files, actor)
    else:  # there is a repository already
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    return NewPackage(name, folder, system, tuple(sorted(files)), commit)


def _manifest(name: PackageName, folder: Path, system: str, top: list[str]) -> NewPackage:
    if MANIFEST in top:
        what = f"{folder} is a package already"
        raise UsageError(Problem("package.exists", what, f"it has a {MANIFEST}", "edit it, or choose another folder"))
    likely = (system,) if system else detect(top)
    if len(likely) != 1:
        because = f"it may be {' or '.join(likely)}" if likely else "no file of it says so"
        hint = f"choose one with --build-system: {', '.join(likely or SYSTEMS)}"
        raise UsageError(Problem("package.build-system", f"how is {folder} to be built?", because, hint))
    with (folder / MANIFEST).open("xb") as file:
        file.write(manifest_for(likely[0], name))
    return NewPackage(name, folder, likely[0], (MANIFEST,), "")
