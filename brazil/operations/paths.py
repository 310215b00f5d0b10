"""Where things of a closure are on this machine, for scripts and editors.

All paths lead into the cache, read-only. The same content always has the same path; the cache can be deleted at any
time, and whoever asks again finds the content there again.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem, UsageError
from brazil.graph.closure import ClosureKind
from brazil.model.action import StepKind
from brazil.model.names import Interface
from brazil.model.nearest import did_you_mean
from brazil.model.package import MANIFEST
from brazil.model.versionset import RevisionInfo
from brazil.operations.building import BuildPorts, WorkspaceBuild, find_interfaces, one_interface
from brazil.operations.entering import Inside, inside
from brazil.operations.standing import would_run
from brazil.plan.environment import ARTIFACTS, artifact_path, search_paths
from brazil.plan.farm import Clash, make_farm
from brazil.ports import ContentStore
from brazil.workspace.farms import keep_farm
from brazil.workspace.folder import WorkspaceFolder

ROOT, FARM, NODE, EDITOR = "root", "farm", "node", "editor"
_VARIABLES = {
    "include": "CPATH",
    "library": "LIBRARY_PATH",
    "class": "CLASSPATH",
    "python": "PYTHONPATH",
    "pkg-config": "PKG_CONFIG_PATH",
    "cmake": "CMAKE_PREFIX_PATH",
    "bin": "PATH",
}
RECIPES = (ROOT, *_VARIABLES, NODE, FARM, EDITOR)


class Located(NamedTuple):
    """The answer to one recipe."""

    recipe: str
    package: Interface
    closure: ClosureKind | None  # None: the recipe is about none
    paths: tuple[str, ...]  # absolute, in the order of the search path
    clashes: tuple[Clash, ...] = ()  # of a farm


class EditorClosure(NamedTuple):
    """What an editor needs of one closure."""

    members: Mapping[Interface, str]  # member -> real path of its artifact, sorted
    tools: tuple[Interface, ...]
    search_paths: Mapping[str, tuple[str, ...]]  # variable -> real paths


class Editor(NamedTuple):
    """All that an editor needs of a package."""

    package: Interface
    workspace: Path
    base: RevisionInfo
    checkout: Path | None  # None: it is not in use
    root: str | None  # real path of its artifact; None: it does not build
    closures: Mapping[ClosureKind, EditorClosure | None]  # None: a member does not build
    environment: Mapping[str, str] | None  # of its build, with paths that are true inside; None: as of its closure


def check_recipe(recipe: str) -> None:
    """Refuse what is no recipe.

    Raises:
        UsageError: with the nearest that is.
    """
    if recipe not in RECIPES:
        hint = did_you_mean(recipe, RECIPES) or f"there are {', '.join(RECIPES)}"
        raise UsageError(Problem("path.unknown-recipe", f"{recipe!a} is nothing that has paths", hint=hint))


def closures_for(recipe: str, closure: ClosureKind) -> tuple[ClosureKind, ...]:
    """Return what must be built; nothing: the package itself."""
    return () if recipe == ROOT else tuple(ClosureKind) if recipe == EDITOR else (closure,)


def locate(
    workspace: WorkspaceFolder, build: WorkspaceBuild, name: str, recipe: str, kind: ClosureKind, store: ContentStore
) -> Located:
    """Answer a recipe from what was built for it.

    Raises:
        UsageError: the name means several interfaces.
        UnavailableError: the disk refuses.
    """
    if recipe == ROOT:
        root = one_interface(find_interfaces(name, build.candidate))
        return Located(recipe, root, None, (str(store.tree_path(build.artifacts[root])),))
    place = inside(build, name, kind, store)
    if recipe == FARM:
        return _farm(workspace, place, store)
    return Located(recipe, place.root, kind, _real(_listed(place, recipe), place, store))


def editor(workspace: WorkspaceFolder, build: WorkspaceBuild, name: str, ports: BuildPorts) -> Editor:
    """Gather all that an editor needs, as far as it could be built.

    Raises:
        UsageError: two tools of the package bring the same program.
    """
    store, candidate = ports.machine.store, build.candidate
    root = find_interfaces(name, candidate)[0]
    closures = {kind: _editor_closure(build, name, kind, store) for kind in ClosureKind}
    environment = None
    if closures[ClosureKind.BUILD]:
        environment = dict(would_run(build, name, StepKind.BUILD, ports).command.environment)
    artifact = build.artifacts.get(root)
    return Editor(
        root,
        workspace.root,
        candidate.base.info,
        workspace.checkout(root.name) if root in candidate.fresh else None,
        str(store.tree_path(artifact)) if artifact else None,
        closures,
        environment,
    )


def manifest_of(checkout: Path) -> Path:
    """Where the manifest of a checkout is."""
    return checkout / MANIFEST


def _editor_closure(build: WorkspaceBuild, name: str, kind: ClosureKind, store: ContentStore) -> EditorClosure | None:
    try:
        place = inside(build, name, kind, store)
    except KeyError:  # a member has no artifact
        return None
    found = search_paths(place.members, place.layouts)
    return EditorClosure(
        {member: str(store.tree_path(place.artifacts[member])) for member in place.members},
        tuple(tool for tool, _ in place.tools),
        {variable: _real(paths, place, store) for variable, paths in found.items()},
    )


def _listed(place: Inside, recipe: str) -> Sequence[str]:
    if recipe == NODE:
        having = [m for m in place.members if "node_modules" in place.layouts[m].folders]
        return [f"{artifact_path(member)}/node_modules" for member in having]
    return search_paths(place.members, place.layouts).get(_VARIABLES[recipe], ())


def _real(paths: Sequence[str], place: Inside, store: ContentStore) -> tuple[str, ...]:
    """Say where paths that are true inside are on this machine."""
    artifacts = {str(member): digest for member, digest in place.artifacts.items()}
    found = []
    for path in paths:
        member, slash, rest = path.removeprefix(f"{ARTIFACTS}/").partition("/")
        found.append(f"{store.tree_path(artifacts[member])}{slash}{rest}")
    return tuple(found)


def _farm(workspace: WorkspaceFolder, place: Inside, store: ContentStore) -> Located:
    farm = make_farm([(member, place.artifacts[member]) for member in place.members], store.read_directory)
    roots = {member: str(store.tree_path(place.artifacts[member])) for member in place.members}
    links = [(link.path, f"{roots[link.member]}/{link.path}") for link in farm.links]
    path = keep_farm(workspace, f"{place.kind}-{place.root}", farm.folders, links)
    return Located(FARM, place.root, place.kind, (str(path),), farm.clashes)
