"""From manifests and sources to Recipes: finds the build system of each package, built in or brought by another.

What a package says to a build system that another package brings is checked here, before anything runs: only now it
is known which manifest says what may be said. Nothing is run for that.
"""

from collections.abc import Callable, Mapping

from brazil.build_systems import SYSTEMS, option_specs
from brazil.build_systems.base import BuildSystem, Recipe
from brazil.build_systems.own import LONGEST, options_text, provided_system, with_programs
from brazil.errors import Problem, UsageError
from brazil.formats.manifest import build_system_line, parse_manifest
from brazil.model.digest import Digest
from brazil.model.names import Interface
from brazil.model.package import MANIFEST, Kind, Manifest
from brazil.model.tree import Directory
from brazil.plan.environment import COMPOSED
from brazil.ports import ContentStore


def make_recipes(
    sources: Mapping[Interface, Digest],
    manifests: Mapping[Interface, Manifest],
    store: ContentStore,
    file: Callable[[Interface], str],
) -> dict[Interface, Recipe]:
    """Make the recipes of everything that has a source here.

    Args:
        sources: package -> root of its source.
        manifests: of everything in the set.
        store: holds the sources.
        file: names the manifest of a package, for messages.

    Raises:
        UsageError: what a package says to a build system that another one brings is wrong; every problem is in it.
    """
    recipes: dict[Interface, Recipe] = {}
    problems: list[Problem] = []
    for interface, source in sources.items():
        manifest, top = manifests[interface], store.read_directory(source)
        system = SYSTEMS.get(manifest.build_system)
        if system is None:
            try:
                system, manifest = _own(manifest, manifests, _manifest_text(top, store), file(interface))
            except UsageError as error:
                problems += error.problems
                continue
        recipe = system.recipe(manifest, frozenset(node.name for nodes in top for node in nodes))
        recipes[interface] = with_programs(recipe, manifest.provides) if manifest.provides else recipe
    if problems:
        raise UsageError(*problems)
    return recipes


def _manifest_text(top: Directory, store: ContentStore) -> bytes:
    return store.read(next(node.digest for node in top.files if node.name == MANIFEST))


def _own(
    manifest: Manifest, manifests: Mapping[Interface, Manifest], text: bytes, file: str
) -> tuple[BuildSystem, Manifest]:
    """Return the build system that a tool of a package brings, and the manifest with its options checked."""
    tool = next((t for t in manifest.of_kind(Kind.TOOL) if t.name == manifest.build_system), None)
    if tool is None:  # a record of a later brazil, with a build system that is not known here; this refuses it
        manifest = parse_manifest(text, file=file, systems=option_specs())
        return SYSTEMS[manifest.build_system], manifest
    provided = manifests[tool].provides
    if provided is None:
        raise UsageError(
            Problem(
                "manifest.no-build-system",
                f"{tool} brings no build system",
                "its manifest has no [provides-build-system]",
                f"choose one that is built in: {', '.join(SYSTEMS)}",
                file,
                build_system_line(text),
                "package.build-system",
            )
        )
    system = provided_system(tool, provided, COMPOSED)
    checked = parse_manifest(text, file=file, systems={**option_specs(), system.name: system.options})
    length = len(options_text(provided, checked))
    if length > LONGEST:
        because = f"as JSON it has {length} bytes, at most {LONGEST} are allowed"
        hint = "keep long texts in files of the source"
        raise UsageError(Problem("manifest.too-large", "what is said under [build] is too large", because, hint, file))
    return system, checked
