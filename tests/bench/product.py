"""brazil's side: a workspace in which every package is in use, or a set in which every package is pinned."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from brazil.model.names import Interface, PackageName, version_set_name
from brazil.model.versionset import Policy, RegisteredPackage
from brazil.operations import version_sets, workspaces
from brazil.wiring import Wiring
from tests.bench.synthetic import Synthetic

BRAZIL = [str(Path(sys.executable).with_name("brazil"))]

SET = version_set_name("bench/all")


def environment(home: Path) -> dict[str, str]:
    """The environment of a brazil that has its files in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BRAZIL_")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "BRAZIL_HOME": str(home), "BRAZIL_ACTOR": "Bench <bench@example.com>"}


def make_workspace(folder: Path, packages: Sequence[Synthetic], closure: str, variables: Mapping[str, str]) -> Path:
    """Make a workspace with a checkout of every package; each is a git repository with nothing committed.

    Returns:
        Its root.
    """
    wiring = Wiring(variables)
    targets = (Interface(PackageName(packages[-1].name), "1.0"),)
    wiring.registry.register(RegisteredPackage(targets[0].name, str(folder / "all" / "src" / targets[0].name)))
    version_sets.create_set(SET, Policy(targets), wiring.registry)
    workspace = workspaces.create_workspace(folder / "all", SET, None, wiring.registry)
    for package in packages:
        checkout = workspace.checkout(PackageName(package.name))
        git = checkout / ".git"
        for place in (git / "objects", git / "refs"):
            place.mkdir(parents=True)
        (git / "HEAD").write_text("ref: refs/heads/main\n")
        (git / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n")
        for name, text in package.sources().items():
            (checkout / name).write_text(text)
        (checkout / "brazil.toml").write_text(package.manifest(closure))
    file = workspace.read()
    workspace.save(file._replace(packages=tuple(sorted(PackageName(p.name) for p in packages))))
    return workspace.root
