"""Build system `java`: compiles by javac, packs one jar, runs the tests by JUnit's console.

The artifact has `java/<Package>.jar`, and `bin/` with one launcher per script. Tests run against that jar,
compiled apart from it.

jar writes one fixed time into all entries and sorts them, so nothing of a file's age or order reaches a jar. Names of
files reach javac through a list, sorted and quoted as its argument files want it.
"""

import shlex
from textwrap import dedent

from brazil.build_systems.base import RELATIVE_PATH, BuildSystem, Recipe, require
from brazil.build_systems.jvm import LIGHT, SCRIPTS, launchers
from brazil.model.package import Form, Manifest, OptionSpec

# Of a JUnit that the platform brings: where Debian's junit5 and junit4 have it.
_JUNIT = " ".join(
    f"/usr/share/java/{name}.jar" for name in ("junit-platform-console-standalone", "junit4", "hamcrest-core")
)

# Measured: 0.72 s of processor time become 0.46 for one small file, and 7.4 s become 2.7 for 215 files.
_LIGHT = " ".join(f"-J{flag}" for flag in LIGHT.split())

_FUNCTIONS = dedent("""\
    work=.brazil/java
    fail() { echo "java: $*" >&2; exit 1; }

    # Compiles the sources of folder $1 and the resources of folder $2 into $3; the other arguments are for javac.
    compile() {
        from=$1 resources=$2 to=$3
        shift 3
        mkdir -p "$to" "$work/generated"
        find "$from" -type f -name '*.java' | LC_ALL=C sort | sed 's/[\\\\"]/\\\\&/g; s/.*/"&"/' > "$to.sources"
        [ -s "$to.sources" ] || fail "there is no Java source in $from"
        if [ -d "$resources" ]; then
            cp -RL "$resources/." "$to/"
            find "$to" -type f -name '*.java' -delete
        fi
        # An explicit source path, so that sources inside a jar of the closure are not compiled into this one.
        javac @LIGHT@ -d "$to" -s "$work/generated" -encoding UTF-8 -sourcepath "$from" "$@" "@$to.sources"
    }
    """).replace("@LIGHT@", _LIGHT)

_BUILD = dedent("""\
    [ -n "$source" ] || { source=src; [ ! -d src/main/java ] || source=src/main/java; }
    [ -d "$source" ] || fail "there is no folder $source; name the one of the sources with source under [build]"
    if [ -z "$resources" ]; then
        resources=$source
        [ "$source" != src/main/java ] || resources=src/main/resources
    else
        [ -d "$resources" ] || fail "there is no folder $resources"
    fi
    mkdir -p "$work/empty" "$BRAZIL_OUT/java"
    set -- -processorpath "${CLASSPATH:-$work/empty}" "$@"
    if [ -f "$source/module-info.java" ]; then
        set -- -classpath "$work/empty" --module-path "${CLASSPATH:-$work/empty}" "$@"
    else
        set -- -classpath "${CLASSPATH:-$work/empty}" "$@"
    fi
    compile "$source" "$resources" "$work/classes" "$@"
    set -- --create --file "$BRAZIL_OUT/java/$BRAZIL_PACKAGE.jar" --date=1980-01-01T00:00:02Z
    manifest=$work/classes/META-INF/MANIFEST.MF
    [ ! -f "$manifest" ] || set -- "$@" --manifest "$manifest"
    jar @LIGHT@ "$@" -C "$work/classes" . || fail "jar must be that of JDK 17 or newer; here is $(javac -version 2>&1)"
    """).replace("@LIGHT@", _LIGHT)

_TEST = dedent("""\
    if [ -n "$tests" ]; then
        [ -d "$tests" ] || fail "there is no folder $tests"
    else
        for tests in src/test/java tests test ''; do [ ! -d "$tests" ] || break; done
        [ -n "$tests" ] || { echo "java: there are no tests in src/test/java, tests or test"; exit 0; }
    fi
    resources=$tests
    [ "$tests" != src/test/java ] || resources=src/test/resources
    path=${CLASSPATH-}
    case "$path" in
    *junit-platform-console*) ;;
    *) for jar in @JUNIT@; do [ ! -f "$jar" ] || path=$path:$jar; done ;;
    esac
    case "$path" in
    *junit-platform-console*) ;;
    *)
        echo "java: there is no JUnit here; install junit5 on this machine or name a package with" \\
            "java/junit-platform-console-standalone.jar under [test-dependencies]" >&2
        exit 127
        ;;
    esac
    compile "$tests" "$resources" "$work/tests" -classpath "$path" -processorpath "$path" "$@"
    code=0
    java -ea -classpath "$work/tests:$path" org.junit.platform.console.ConsoleLauncher --disable-banner \\
        --disable-ansi-colors --fail-if-no-tests --scan-classpath="$work/tests" --reports-dir="$BRAZIL_REPORT" ||
        code=$?
    [ "$code" != 2 ] || fail "no test was found in $tests; the name of a class with tests begins or ends with Test"
    exit "$code"
    """).replace("@JUNIT@", _JUNIT)

_COMPILERS = ("java", "javac", "jar")

# The default of `tests`, which no manifest can write: the first folder of the usual ones that there is.
_DETECT = "tests?"


def _recipe(manifest: Manifest, top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    flags, scripts, tests = options["options"], options["scripts"], str(options["tests"])
    assert isinstance(flags, list)
    assert isinstance(scripts, dict)
    begin = require("java", _COMPILERS) + _FUNCTIONS
    arguments = shlex.join(["set", "--", *flags]) + "\n"
    places = "".join(f"{name}={shlex.quote(str(options[name]))}\n" for name in ("source", "resources"))
    build = begin + places + arguments + _BUILD + launchers("java", scripts)
    if tests == _DETECT:
        tests = ""
        tested = not {"src", "test", "tests"}.isdisjoint(top)
    else:
        tested = bool(tests)
    test = begin + f"tests={shlex.quote(tests)}\n" + arguments + _TEST
    return Recipe(build=build, test=test if tested else "")


SYSTEM = BuildSystem(
    name="java",
    summary="Compiles Java by javac into one jar.",
    options=(
        OptionSpec(
            "options",
            "strings",
            "Further options of javac, for the package and for its tests.",
            default=[],
            form=Form(r"[^\n]+", "one line"),
        ),
        OptionSpec(
            "resources",
            "string",
            "The folder of other files for the jar; empty: src/main/resources beside src/main/java, else the sources'.",
            default="",
            form=RELATIVE_PATH,
        ),
        SCRIPTS,
        OptionSpec(
            "source",
            "string",
            "The folder of the sources; empty: src/main/java when there is one, else src.",
            default="",
            form=RELATIVE_PATH,
        ),
        OptionSpec(
            "tests",
            "string",
            "The folder of the tests, by default src/test/java, tests or test when there is one; empty: no tests.",
            default=_DETECT,
            form=Form(r"(?!.*\?)" + RELATIVE_PATH.pattern, RELATIVE_PATH.words),
        ),
    ),
    recipe=_recipe,
    detects=("build.gradle", "build.gradle.kts", "build.xml"),
    programs=_COMPILERS,
)
