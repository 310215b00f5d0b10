"""Build system `node`: a package of JavaScript or TypeScript, with the files that npm would publish.

The artifact has `node_modules/<name>/` and a link in `bin/` for each program. The package's own `node_modules` holds
links to the packages it depends on, at their paths for life, so node finds them wherever the package runs; what is not
linked is found by node's own rule in /brazil/node_modules.

npm runs scripts and says which files a package has; nothing is ever installed by it.
"""

import pkgutil
import shlex
from textwrap import dedent

from brazil.build_systems.base import RELATIVE_PATH, BuildSystem, Recipe, require
from brazil.model.package import Form, Manifest, OptionSpec

_ENVIRONMENT = (
    ("npm_config_audit", "false"),
    ("npm_config_fund", "false"),
    ("npm_config_offline", "true"),
    ("npm_config_update_notifier", "false"),
)

_BEGIN = dedent("""\
    [ -f "$source/package.json" ] || {
        echo "node: there is no package.json in $source; name its folder with source under [build]" >&2
        exit 1
    }
    cd "$source"
    """)

_ENGINES = dedent("""\
    if grep -q '"engines"' package.json; then
    node - <<'BRAZIL_END_OF_PROGRAM'
    @PROGRAM@
    BRAZIL_END_OF_PROGRAM
    fi
    """)

# In the artifact's folder, because npm would take what is put into the source.
_PACK = dedent("""\
    packed=$BRAZIL_OUT/packed
    mkdir "$packed"
    npm pack --ignore-scripts --loglevel=error --pack-destination "$packed" > "$packed/name"
    home=$BRAZIL_OUT/node_modules/$(node -p 'require("./package.json").name')
    mkdir -p "$home"
    tar -xzf "$packed"/*.tgz -C "$home" --strip-components=1
    rm -r "$packed"
    node - <<'BRAZIL_END_OF_PROGRAM'
    @PROGRAM@
    BRAZIL_END_OF_PROGRAM
    """)

# Tests may name the package's files by their places in the source: built ones are laid there.
_TEST = dedent("""\
    cp -R "$BRAZIL_OUT/node_modules/$(node -p 'require("./package.json").name')/." .
    """)

_RUN_TESTS = dedent("""\
    if [ -z "$tests" ]; then
        for tests in test tests ''; do [ ! -d "$tests" ] || break; done
        [ -n "$tests" ] || { echo "node: there are no tests in test or tests"; exit 0; }
    fi
    node - "$tests" <<'BRAZIL_END_OF_PROGRAM'
    @PROGRAM@
    BRAZIL_END_OF_PROGRAM
    """)

_PROGRAMS = ("node", "npm")

# Defaults that no manifest can write: the script `build` when there is one, and `test` or `tests` likewise.
_DETECT_BUILD = "build?"
_DETECT_TESTS = "tests?"

_SCRIPT = Form(r"(?:[A-Za-z0-9_][A-Za-z0-9_.:@/-]*)?", "the name of a script of package.json")


def _recipe(manifest: Manifest, top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    projects, tests = options["typescript"], str(options["tests"])
    assert isinstance(projects, list)
    source = str(options["source"]) or "."
    begin = require("node", _PROGRAMS) + f"source={shlex.quote(source)}\n" + _BEGIN
    build = begin + _with_program(_ENGINES, "node_engines") + (require("node", ("tsc",)) if projects else "")
    build += "".join(f"tsc --project {shlex.quote(project)}\n" for project in projects)
    if options["build-script"] == _DETECT_BUILD:
        build += "npm run --if-present build\n"
    elif options["build-script"]:
        build += f"npm run {shlex.quote(str(options['build-script']))}\n"
    test = begin + _TEST
    if options["test-script"]:
        test += f"npm run {shlex.quote(str(options['test-script']))}\n"
    if tests == _DETECT_TESTS:
        tests = ""
        found = bool(options["source"]) or not {"test", "tests"}.isdisjoint(top)
    else:
        found = bool(tests)
    if found:
        test += f"tests={shlex.quote(tests)}\n" + _with_program(_RUN_TESTS, "node_test")
    tested = found or bool(options["test-script"])
    return Recipe(build + _with_program(_PACK, "node_build"), test if tested else "", _ENVIRONMENT)


def _with_program(script: str, program: str) -> str:
    text = pkgutil.get_data("brazil.build_systems", f"programs/{program}.js")
    assert text
    return script.replace("@PROGRAM@\n", text.decode())


SYSTEM = BuildSystem(
    name="node",
    summary="Builds a package of JavaScript or TypeScript by its own script, with the files that npm would publish.",
    options=(
        OptionSpec(
            "build-script",
            "string",
            "The script of package.json that builds, by default `build` when there is one; empty: nothing is run.",
            default=_DETECT_BUILD,
            form=_SCRIPT,
        ),
        OptionSpec("source", "string", "The folder of package.json; empty: the top.", default="", form=RELATIVE_PATH),
        OptionSpec(
            "test-script",
            "string",
            "The script of package.json to run before the tests, or as the tests when `tests` is empty.",
            default="",
            form=_SCRIPT,
        ),
        OptionSpec(
            "tests",
            "string",
            "The folder of tests for node's runner, by default test or tests when there is one; empty: it is not run.",
            default=_DETECT_TESTS,
            form=Form(r"(?!.*\?)" + RELATIVE_PATH.pattern, RELATIVE_PATH.words),
        ),
        OptionSpec(
            "typescript",
            "strings",
            "Projects that tsc compiles first: folders with a tsconfig.json, or such files by their names.",
            default=[],
            form=RELATIVE_PATH,
        ),
    ),
    recipe=_recipe,
    detects=("package.json",),
    programs=_PROGRAMS,
)
