"""From a source Tree to a Fresh package: reads the manifest that is part of it."""

from brazil.build.candidate import Fresh
from brazil.build_systems import option_specs
from brazil.errors import Problem, UsageError
from brazil.formats.manifest import parse_manifest
from brazil.model.digest import Digest
from brazil.model.names import PackageName
from brazil.model.package import MANIFEST
from brazil.ports import ContentStore


def fresh_package(
    store: ContentStore, name: PackageName, source: Digest, commit: str, file: str, *, ignored: bool = False
) -> Fresh:
    """Read and check the manifest of a source.

    Args:
        store: holds the source.
        name: the package this is expected to be.
        source: root of its Tree.
        commit: where it is from; empty for a checkout's uncommitted content.
        file: its manifest as the user knows it, for messages.
        ignored: if it has none, that is because git ignores the file.

    Raises:
        UsageError: there is no manifest, it is wrong, or it is another package's.
    """
    top = store.read_directory(source)
    for node in top.files:
        if node.name == MANIFEST:
            manifest = parse_manifest(store.read(node.digest), file=file, systems=option_specs())
            break
    else:
        because, hint = "", "write one: see docs/manifest.md"
        if any(link.name == MANIFEST for link in top.symlinks):
            because, hint = "it is a link", "make it a file"
        elif any(folder.name == MANIFEST for folder in top.directories):
            because, hint = "it is a folder", "make it a file"
        elif ignored:
            because = "git ignores the one that is there"
            hint = f"take it out of .gitignore, or say 'git add --force {MANIFEST}'"
        what = f"{name} has no {MANIFEST} at the top of its repository"
        raise UsageError(Problem("manifest.missing", what, because, hint, file=file))
    if manifest.name != name:
        raise UsageError(
            Problem(
                "manifest.other-package",
                f"the repository of {name} holds the package {manifest.name}",
                hint=f'set name = "{name}" or register the repository under its own name',
                file=file,
                key="package.name",
            )
        )
    return Fresh(manifest, source, commit, file)
