"""Build system `go`: one module; its programs into `bin/`, its importable packages as source into `go/<module path>`.

Versions are the business of the version set. So what is built is not the module's own go.mod but one made here: it
requires every module of the closure, found by BRAZIL_GO_PATH, and replaces each by its folder. A library is installed
with a go.mod that requires nothing, for the same reason. Nothing is looked up, and no checksum is asked for.

Programs are built with -trimpath. Tests are not: they may look for files beside their source, and go 1.19 and older
would compile the standard library again for it.
"""

import shlex
from collections.abc import Mapping
from textwrap import dedent

from brazil.build_systems.base import ARGUMENT, FOUND_TESTS, RELATIVE_PATH, BuildSystem, Recipe, require
from brazil.model.package import Form, Manifest, OptionSpec

_PROGRAMS = ("go",)

_ENVIRONMENT: Mapping[str, str] = {
    "GO111MODULE": "on",
    "GOENV": "off",
    "GOPROXY": "off",
    "GOSUMDB": "off",
    "GOTELEMETRY": "off",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}

# What of a package is installed: all but its tests.
_LISTS = "GoFiles CgoFiles IgnoredGoFiles IgnoredOtherFiles CFiles CXXFiles MFiles HFiles FFiles SFiles SwigFiles"
_FILES = "".join(
    f'{{{{range .{name}}}}}{{{{$p}}}}/{{{{.}}}}{{{{"\\n"}}}}{{{{end}}}}'
    for name in [*_LISTS.split(), "SwigCXXFiles", "SysoFiles", "EmbedFiles"]
)
_LIBRARY = f'{{{{if ne .Name "main"}}}}{{{{$p := .ImportPath}}}}{_FILES}{{{{end}}}}'

_HEAD = dedent("""\
    work=$PWD/.brazil/go
    export GOCACHE="$work/cache" GOPATH="$work/path" LD_RUN_PATH="${LIBRARY_PATH-}"
    mkdir -p "$work"
    fail() { echo "go: $*" >&2; exit 1; }
    cd -- "$source" || fail "there is no folder $source"
    [ -f go.mod ] || fail "there is no go.mod in $source"
    about=$(go mod edit -json)
    # The first of the keys in a text that is always written the same way.
    value() { printf '%s\\n' "$about" | awk -F '"' -v key="$1" '$2 == key { print $4; exit }'; }
    module=$(value Path)
    language=$(value Go)
    # Up to Go 1.20 the tool would try all the same, and say something only where it then fails.
    here=$([ -z "$language" ] || go env GOVERSION)
    case "$here" in
    go[0-9]*)
        [ "$(printf '%s\\n' "$language" "${here#go}" | sort -V | head -n 1)" = "$language" ] ||
            fail "go.mod asks for Go $language, and $here is here"
        ;;
    esac
    describe() {
        echo "module $module"
        [ -z "$language" ] || echo "go $language"
    }
    # Lines of a module path and its folder; of two folders the first stays.
    closure() {
        for folder in $(echo "${BRAZIL_GO_PATH-}" | tr : ' '); do
            find "$folder" -name go.mod | sed 's|/go.mod$||' | sort | while read -r path; do
                echo "${path#"$folder"/} $path"
            done
        done | awk -v own="$module" '$1 != own && !seen[$1]++'
    }
    if [ -d vendor ]; then
        GOFLAGS="-buildvcs=false -mod=vendor"
    else
        {
            describe
            closure | while read -r path folder; do
                major=$(echo "$path" | sed -n 's/.*[/.]v\\([0-9][0-9]*\\)$/\\1/p')
                echo "require $path v${major:-0}.0.0"
                echo "replace $path => $folder"
            done
        } > "$work.mod"
        GOFLAGS="-buildvcs=false -mod=readonly -modfile=$work.mod"
    fi
    export GOFLAGS
    """)

_BUILD = dedent("""\
    go list -f '{{if eq .Name "main"}}program{{else}}{{.ImportPath}}{{end}}' "$@" > "$work/packages"
    if grep -qx program "$work/packages"; then
        mkdir "$BRAZIL_OUT/bin"
        go build -trimpath -ldflags=-buildid= -o "$BRAZIL_OUT/bin/" "$@"
    else
        go build "$@"
    fi
    if grep -vx program "$work/packages" | grep -qvE '(^|/)internal(/|$)'; then
        target=$BRAZIL_OUT/go/$module
        mkdir -p "$target"
        describe > "$target/go.mod"
        go list -f "$files" "$@" | grep -v '_test\\.go$' | sed "s|^$module/||" | sort -u |
            xargs -d '\\n' cp --parents --no-preserve=mode -t "$target" --
        find . -maxdepth 1 -type f -regextype egrep -regex './(LICENSE|COPYING|NOTICE).*' -exec cp -t "$target" {} +
    fi
    [ -s "$work/packages" ] || fail "there is neither a program nor a package to import in $source"
    [ -n "$(ls -A "$BRAZIL_OUT")" ] || fail "nothing but internal packages was found in $source"
    """)

# What `go test -json` says goes to the report, and to the log in the words for people that are inside of it.
_TEST = dedent("""\
    go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' "$@" > "$work/tested"
    if [ ! -s "$work/tested" ]; then
        [ -z "$wanted" ] || fail "no test was found in $source"
        echo "go: there are no tests in $source"
        exit 0
    fi
    { go test -json -timeout 0 @arguments@"$@" 2>&1 || echo $? > "$work/code"; } |
        tee "$BRAZIL_REPORT/go-test.jsonl" |
        sed -u -e '/^{/!b' -e '/"Action":"output"/!d' -e 's/^.*"Output":"//' -e 's/"}$//' -e 's/\\\\n$//' \\
            -e 's/\\\\t/\\t/g' -e 's/\\\\"/"/g' -e 's/\\\\u003c/</g' -e 's/\\\\u003e/>/g' -e 's/\\\\u0026/\\&/g' \\
            -e 's/\\\\\\\\/\\\\/g'
    [ ! -f "$work/code" ] || exit "$(cat "$work/code")"
    [ -z "$wanted" ] || grep -q '"Action":"run"' "$BRAZIL_REPORT/go-test.jsonl" || fail "no test was found in $source"
    """)


def _recipe(manifest: Manifest, _top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    names = {name: options[name] for name in ("arguments", "targets", "test-arguments")}
    words = {name: [shlex.quote(word) for word in value] for name, value in names.items() if isinstance(value, list)}
    head = f"{require('go', _PROGRAMS)}source={shlex.quote(str(options['source']) or '.')}\n{_HEAD}"
    build = ["set --", *words["arguments"], *(words["targets"] or ["./..."])]
    test = ["set --", *words["arguments"], "./..."]
    wanted = "yes" if options["tests"] is True else ""
    arguments = "".join(f"{word} " for word in words["test-arguments"])
    return Recipe(
        build=f"{head}files={shlex.quote(_LIBRARY)}\n{' '.join(build)}\n{_BUILD}",
        test=""
        if options["tests"] is False
        else f"{head}wanted={wanted}\n{' '.join(test)}\n{_TEST.replace('@arguments@', arguments)}",
        environment=tuple(sorted(_ENVIRONMENT.items())),
    )


SYSTEM = BuildSystem(
    name="go",
    summary="Builds the programs of a Go module, and installs its packages as source.",
    options=(
        OptionSpec(
            "arguments",
            "strings",
            'Arguments for go build and go test, such as "-tags=netgo".',
            default=[],
            form=ARGUMENT,
        ),
        OptionSpec(
            "source",
            "string",
            "The folder that holds go.mod; empty: the top.",
            default="",
            form=RELATIVE_PATH,
        ),
        OptionSpec(
            "targets",
            "strings",
            'What to build and install, such as "./cmd/pay"; empty: all packages of the module.',
            default=[],
            form=Form(r"\.(?:/(?!\.\.(?:/|$))[^/\n]+)*", "a package or pattern below '.'"),
        ),
        OptionSpec(
            "test-arguments",
            "strings",
            'Further arguments for go test, such as "-short".',
            default=[],
            form=ARGUMENT,
        ),
        FOUND_TESTS,
    ),
    recipe=_recipe,
    detects=("go.mod",),
    programs=_PROGRAMS,
)
