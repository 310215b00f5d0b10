"""Build system `maven`: Maven, offline, with what the platform and the closure hold as its only repository.

The local repository of a run is made of links: to the artifacts of the platform (Debian's) and, before them, to those
of `maven/` in every member of the closure. What may be the project's own is copied, because installing writes through
links. What Maven then says that it installed is the artifact: `maven/` in a repository's layout, with links to
the jars in `java/`.

Maven compiles the tests again in the run that tests, and never in the build: `maven.test.skip`.
"""

import shlex
from textwrap import dedent

from brazil.build_systems.base import RELATIVE_PATH, BuildSystem, Recipe, require
from brazil.build_systems.jvm import LIGHT, SCRIPTS, launchers
from brazil.model.package import Form, Manifest, OptionSpec

_BEGIN = dedent("""\
    top=$(pwd)
    repository=$top/.brazil/maven
    fail() { echo "maven: $*" >&2; exit 1; }

    [ -f "$source/pom.xml" ] || fail "there is no pom.xml in $source; name its folder with source under [build]"

    # Puts links to all files of a repository into ours.
    add() { [ ! -d "$1" ] || cp -rs --remove-destination "$1/." "$repository/"; }

    mkdir -p "$repository"
    add /usr/share/maven-repo
    IFS=:
    for folder in ${BRAZIL_MAVEN_PATH-}; do add "$folder"; done
    unset IFS
    find "$source" -name pom.xml -exec grep -ohE '<artifactId>[A-Za-z0-9_.-]+<' {} + | tr '<>' '  ' | sort -u |
        while read -r _ name; do
            find "$repository" -type l -path "*/$name/*/$name-*" -exec sh -c '
                for link; do cp -L "$link" "$link.copy"; mv -f "$link.copy" "$link"; done' sh {} +
        done

    cd "$source"
    # Runs Maven in a way that is the same everywhere.
    maven() {
        mvn --offline --batch-mode --no-transfer-progress --fail-at-end "-Dmaven.repo.local=$repository" \\
            -Dproject.build.outputTimestamp=1980-01-01T00:00:02Z -Dstyle.color=never "$@"
    }
    """)

_BUILD = dedent("""\
    maven "$@" -Dmaven.test.skip=true install
    find "$repository" -name _remote.repositories | LC_ALL=C sort | while read -r list; do
        folder=${list%/*}
        place=maven/${folder#"$repository/"}
        version=${folder##*/} name=${folder%/*} name=${name##*/}
        sed -n 's/>=$//p' "$list" | while read -r file; do  # those from no remote repository
            mkdir -p "$BRAZIL_OUT/$place"
            cp "$folder/$file" "$BRAZIL_OUT/$place/"
            [ "$file" = "$name-$version.jar" ] || continue
            mkdir -p "$BRAZIL_OUT/java"
            ln -s "../$place/$file" "$BRAZIL_OUT/java/$name.jar"
        done
    done
    [ -d "$BRAZIL_OUT/maven" ] || fail "Maven installed nothing"
    """)

_TEST = dedent("""\
    [ -n "$(find . -path '*/src/test' -prune)" ] || { echo "maven: there are no tests in src/test"; exit 0; }
    code=0
    maven "$@" verify || code=$?
    find . -path '*/target/*-reports/TEST-*.xml' -exec cp --parents {} "$BRAZIL_REPORT" ';'
    [ "$code" != 0 ] || [ -n "$(ls -A "$BRAZIL_REPORT")" ] ||
        fail "no test was found; JUnit 5 is found when the project depends on junit-jupiter"
    exit "$code"
    """)

_PROGRAMS = ("java", "javac", "mvn")


def _recipe(manifest: Manifest, _top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    flags, scripts, variables = options["options"], options["scripts"], options["variables"]
    assert isinstance(flags, list)
    assert isinstance(scripts, dict)
    assert isinstance(variables, dict)
    words = [*flags, *(f"-D{name}={value}" for name, value in sorted(variables.items()))]
    source = str(options["source"]) or "."
    begin = f"{require('maven', _PROGRAMS)}source={shlex.quote(source)}\n{shlex.join(['set', '--', *words])}\n{_BEGIN}"
    return Recipe(
        build=begin + _BUILD + launchers("maven", scripts),
        test=begin + _TEST if options["tests"] else "",
        environment=(("MAVEN_OPTS", LIGHT),),  # measured: 5.0 s of processor time become 2.6 for a small project
    )


SYSTEM = BuildSystem(
    name="maven",
    summary="Runs Maven offline; what it needs comes from the closure and from the platform.",
    options=(
        OptionSpec(
            "options",
            "strings",
            "Further options of Maven, such as a profile: `-Pfast`.",
            default=[],
            form=Form(r"-[^\n]+", "an option that begins with a dash"),
        ),
        SCRIPTS,
        OptionSpec("source", "string", "The folder of the pom.xml; empty: the top.", default="", form=RELATIVE_PATH),
        OptionSpec("tests", "boolean", "Whether Maven runs the tests, where there are any in src/test.", default=True),
        OptionSpec(
            "variables",
            "table",
            "Properties for Maven's command line, which overrule those of the project.",
            default={},
            key_form=Form(r"[A-Za-z_][A-Za-z0-9_.-]*", "the name of a property"),
        ),
    ),
    recipe=_recipe,
    detects=("pom.xml",),
    programs=_PROGRAMS,
)
