"""A build system that a package of the version set brings: programs of its artifact, and options in its manifest.

The programs run as tools do, through launchers, with the search paths of their own closure. Those of the package that
is built are handed on under names of ours, so a compiler can be told of them.
"""

import json
import shlex
from collections.abc import Sequence
from functools import partial

from brazil.build_systems.base import BuildSystem, Recipe
from brazil.build_systems.native import TESTS, have_tests
from brazil.model.names import Interface
from brazil.model.package import Manifest, OptionSpec, Provided

_TOOLS = "/brazil/tools/bin"
LONGEST = 100_000  # bytes of JSON; Linux takes no variable of more than 131,072


def provided_options(provided: Provided) -> tuple[OptionSpec, ...]:
    """Return the options that a package can give to a build system which another one brings, sorted by name."""
    return tuple(sorted((*provided.options, *[TESTS] * provided.tests), key=lambda spec: spec.name))


def provided_system(provider: Interface, provided: Provided, search_paths: Sequence[str]) -> BuildSystem:
    """Make a build system of what a package brings.

    Args:
        provider: the package.
        provided: what its manifest says.
        search_paths: names of the variables that launchers set for tools.
    """
    return BuildSystem(
        name=provider.name,
        summary=f"Runs {provided.program}-build of {provider}.",
        options=provided_options(provided),
        recipe=partial(_recipe, provided, search_paths),
    )


def _recipe(provided: Provided, search_paths: Sequence[str], manifest: Manifest, top: frozenset[str]) -> Recipe:
    tests = provided.tests and have_tests(dict(manifest.options)["tests"], top)
    return Recipe(
        build=_script(f"{provided.program}-build", search_paths),
        test=_script(f"{provided.program}-test", search_paths) if tests else "",
        environment=(("BRAZIL_OPTIONS", options_text(provided, manifest)),),
        names_closure=True,
    )


def options_text(provided: Provided, manifest: Manifest) -> str:
    """Write the options of a package as its build system reads them."""
    declared = {spec.name for spec in provided.options}
    return json.dumps({name: value for name, value in manifest.options if name in declared}, sort_keys=True)


def _script(program: str, search_paths: Sequence[str]) -> str:
    # A launcher unsets what is not of its own closure. The names are ours, so nothing foreign is evaluated.
    return (
        f"for name in {' '.join(search_paths)}; do\n"
        '  eval "value=\\${$name-}"\n'
        '  [ -z "$value" ] || export "CLOSURE_$name=$value"\n'
        "done\n"
        f"{_TOOLS}/{program}\n"
    )


def with_programs(recipe: Recipe, provided: Provided) -> Recipe:
    """Return the recipe of a package that brings a build system: its build fails where a program is not made.

    So it is told where it can be mended, and nobody ever meets an artifact without.
    """
    ends = ["build", *["test"] * provided.tests]
    checks = [_check(f"bin/{provided.program}-{end}") for end in ends]
    return recipe._replace(build="\n".join(["(", recipe.build, ")", *checks, ""]))


def _check(program: str) -> str:
    message = f"provides-build-system: the artifact has no program {program}"
    return (
        f'[ -f "$BRAZIL_OUT/{program}" ] && [ -x "$BRAZIL_OUT/{program}" ] || '
        f"{{ echo {shlex.quote(message)} >&2; exit 1; }}"
    )
