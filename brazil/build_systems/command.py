"""Build system `command`: the package's own shell commands, nothing added."""

from brazil.build_systems.base import BuildSystem, Recipe
from brazil.model.package import Manifest, OptionSpec


def _recipe(manifest: Manifest, _top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    return Recipe(build=str(options["build"]), test=str(options["test"]))


SYSTEM = BuildSystem(
    name="command",
    summary="Runs shell commands of the package's own.",
    options=(
        OptionSpec(
            "build",
            "string",
            'Shell commands that leave the artifact in "$BRAZIL_OUT", run in the source by `/bin/sh -eu`.',
            default="",
            required=True,
        ),
        OptionSpec("test", "string", "Shell commands that test it; empty: there are no tests.", default=""),
    ),
    recipe=_recipe,
)
