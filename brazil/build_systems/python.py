"""Build system `python`: packages and modules, copied or from the wheel that a build backend makes, byte-compiled.

The artifact has `python/` with the code and `bin/` with one launcher per script. Byte code names the path that
the artifact has for life, never where it was compiled, and is never checked against the source (unchecked hash):
times of files do not matter. Tests run against the artifact, which is on PYTHONPATH before the source.

The programs beside this module run inside the sandbox, by the Python found there. They hold nothing from a manifest:
that reaches them as quoted arguments. Without `site`, which only a build backend needs, and with a fixed hash seed,
nothing else reaches the build.
"""

import json
import shlex
from functools import cache
from pathlib import Path

from brazil.build_systems.base import RELATIVE_PATH, BuildSystem, Recipe, require
from brazil.model.package import Form, Manifest, OptionSpec

_PROGRAMS = ("python3",)
_NEEDS = require("python", _PROGRAMS)
_END = "BRAZIL_END_OF_PROGRAM"

# The default of `tests`, which no manifest can write: "tests" when the source has it, else no tests.
_DETECT = "tests?"

_TESTS = Form(r"(?!.*\?)" + RELATIVE_PATH.pattern, RELATIVE_PATH.words)
_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_DOTTED = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"


def _recipe(manifest: Manifest, top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    tests = str(options["tests"])
    if tests == _DETECT:
        tests = "tests" if "tests" in top else ""
    given = {name: options[name] for name in ("packages", "scripts", "source")}
    given |= {"home": f"/brazil/pkg/{manifest.interface}/python", "tests": tests}
    arguments = f'{shlex.quote(json.dumps(given, sort_keys=True))} "${{PYTHONPATH-}}"'
    build = f"PYTHONPATH= PYTHONHASHSEED=0 python3 -S -s -B - {arguments}"
    test = f"python3 -B - {shlex.quote(str(options['test-runner']))} {shlex.quote(tests)}"
    return Recipe(
        build=_NEEDS + _fed(build, "python_build"),
        test=_NEEDS + _fed(test, "python_test") if tests else "",
    )


def _fed(command: str, program: str) -> str:
    """Give a command a program of ours on its standard input."""
    return f"{command} <<'{_END}'\n{_text(program)}{_END}\n"


@cache
def _text(program: str) -> str:
    return Path(__file__).with_name("programs").joinpath(f"{program}.py").read_text(encoding="utf-8")


SYSTEM = BuildSystem(
    name="python",
    summary="Installs packages and modules of Python, copied or from the wheel that their build backend makes.",
    options=(
        OptionSpec(
            "packages",
            "strings",
            "Packages and modules to copy; empty: every one at the top of the source but tests and set-up files.",
            default=[],
            form=Form(_IDENTIFIER, "the name of a package or module at the top of the source"),
        ),
        OptionSpec(
            "scripts",
            "table",
            'Programs of `bin` and the function each calls, such as `pay = "shop.main:main"`.',
            default={},
            form=Form(f"{_DOTTED}:{_DOTTED}", "'module:function'"),
            key_form=Form(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", "the name of a program"),
        ),
        OptionSpec(
            "source",
            "string",
            "The folder with pyproject.toml or the packages; empty: the top, and packages are copied from `src` there.",
            default="",
            form=RELATIVE_PATH,
        ),
        OptionSpec(
            "test-runner",
            "string",
            "What finds and runs the tests; pytest comes from the test closure or the machine.",
            default="unittest",
            choices=("pytest", "unittest"),
        ),
        OptionSpec(
            "tests",
            "string",
            "The folder of the tests, by default `tests` when there is one; empty: there are no tests.",
            default=_DETECT,
            form=_TESTS,
        ),
    ),
    recipe=_recipe,
    detects=("pyproject.toml", "setup.py", "setup.cfg"),
    programs=_PROGRAMS,
)
