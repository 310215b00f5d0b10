"""What a build system adapter is: data plus one small pure function. It describes and never runs."""

from collections.abc import Callable
from typing import NamedTuple

from brazil.model.package import Manifest, OptionSpec


class Recipe(NamedTuple):
    """How one package is built and tested.

    Scripts are run by `/bin/sh -eu` with /brazil/src as the working directory; the build leaves its artifact in
    "$BRAZIL_OUT". The variables that lead to the closure are composed in `plan/environment.py`, not here.
    """

    build: str
    test: str = ""  # empty: the package has no tests
    environment: tuple[tuple[str, str], ...] = ()  # further variables, sorted by name


class BuildSystem(NamedTuple):
    """One way to build packages, chosen by `build-system` in the manifest."""

    name: str
    summary: str  # one sentence for docs and help
    options: tuple[OptionSpec, ...]  # sorted by name; `closure` and `timeout` belong to every build system
    # From the manifest and the names at the top of the source tree.
    recipe: Callable[[Manifest, frozenset[str]], Recipe]
