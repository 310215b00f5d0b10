"""The build systems that are built in, by the name a manifest gives in `build-system`."""

from collections.abc import Mapping

from brazil.build_systems import autotools, cargo, cmake, command, go, java, make, maven, meson, node, python
from brazil.build_systems.base import BuildSystem
from brazil.model.package import OptionSpec

SYSTEMS: Mapping[str, BuildSystem] = {
    module.SYSTEM.name: module.SYSTEM
    for module in (autotools, cargo, cmake, command, go, java, make, maven, meson, node, python)
}  # sorted by name


def option_specs() -> Mapping[str, tuple[OptionSpec, ...]]:
    """Return build system -> the options it reads from `[build]`, for the reader of manifests."""
    return {name: system.options for name, system in SYSTEMS.items()}
