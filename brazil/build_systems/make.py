"""Build system `make`: the package's makefile builds, and installs below the variable PREFIX.

Everything a manifest gives is quoted, and no target can be taken for an option or a variable.
"""

import shlex

from brazil.build_systems.base import RELATIVE_PATH, TARGET, TARGET_OR_NONE, BuildSystem, Recipe, require
from brazil.build_systems.native import refuse_nothing
from brazil.model.package import Form, Manifest, OptionSpec

# "D" writes no times or owners into a static library. Not on the command line: there it would overrule a
# makefile that says something else.
_ENVIRONMENT = (("ARFLAGS", "Drc"),)

_PROGRAMS = ("make",)


def _recipe(manifest: Manifest, _top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    words = ["make", '-j"$jobs"']
    if options["makefile"]:
        words += ["-f", shlex.quote(str(options["makefile"]))]
    variables = options["variables"]
    assert isinstance(variables, dict)
    words += [shlex.quote(f"{name}={value}") for name, value in sorted(variables.items())]
    make = " ".join([*words, 'PREFIX="$BRAZIL_OUT"'])
    targets = options["targets"]
    assert isinstance(targets, list)
    build = [" ".join([make, "--", *map(shlex.quote, targets)]) if targets else make]
    if options["install-target"]:
        build.append(f"{make} -- {shlex.quote(str(options['install-target']))}")
    build.append(refuse_nothing("make", "does the makefile install below $(PREFIX)?"))
    test = _script([f"{make} -- {shlex.quote(str(options['test-target']))}"]) if options["test-target"] else ""
    return Recipe(build=_script(build), test=test, environment=_ENVIRONMENT)


def _script(lines: list[str]) -> str:
    # An assignment of its own, because a failure inside an argument does not end the script.
    return require("make", _PROGRAMS) + "\n".join(["jobs=$(nproc)", *lines, ""])


SYSTEM = BuildSystem(
    name="make",
    summary='Runs make, then its install target with PREFIX="$BRAZIL_OUT".',
    options=(
        OptionSpec(
            "install-target",
            "string",
            "The target that installs below PREFIX; empty: the build leaves its artifact there by itself.",
            default="install",
            form=TARGET_OR_NONE,
        ),
        OptionSpec(
            "makefile",
            "string",
            "The makefile; empty: the one that make finds.",
            default="",
            form=RELATIVE_PATH,
        ),
        OptionSpec(
            "targets",
            "strings",
            "What to make before installing; empty: the makefile's first target.",
            default=[],
            form=TARGET,
        ),
        OptionSpec(
            "test-target",
            "string",
            "The target that tests; empty: there are no tests.",
            default="",
            form=TARGET_OR_NONE,
        ),
        OptionSpec(
            "variables",
            "table",
            "Variables for make's command line, which overrule those of the makefile.",
            default={},
            key_form=Form(r"(?!PREFIX$)[A-Za-z_][A-Za-z0-9_]*", "the name of a variable other than PREFIX"),
        ),
    ),
    recipe=_recipe,
    detects=("Makefile", "GNUmakefile", "makefile"),
    programs=_PROGRAMS,
)
