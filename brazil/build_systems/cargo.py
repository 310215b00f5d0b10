"""Build system `cargo`: crates; programs into `bin/`, C libraries into `lib/`, library crates as source into `cargo/`.

The crates of the closure, found by BRAZIL_CARGO_PATH, and those of a folder `vendor` stand in one directory source,
which takes the place of the registry. Only a lock file that comes with `vendor` holds: its checksums are those of a
registry, and which version of a crate there is, is the business of the version set.

cargo wants development dependencies, and optional ones of features that nobody asked for, even where nothing needs
them; a closure has what is needed. The one way around is -Zavoid-dev-deps, as distributions use it, and that wants
RUSTC_BOOTSTRAP. The compiler and build scripts are not to see it: what is not stable in the language stays off.
"""

import shlex
from collections.abc import Mapping
from textwrap import dedent

from brazil.build_systems.base import ARGUMENT, FOUND_TESTS, RELATIVE_PATH, BuildSystem, Recipe, require
from brazil.model.package import Manifest, OptionSpec

_PROGRAMS = ("cargo", "rustc", "cc")

_ENVIRONMENT: Mapping[str, str] = {
    "CARGO_INCREMENTAL": "0",
    "CARGO_NET_OFFLINE": "true",
    "CARGO_TERM_COLOR": "never",
    "CARGO_TERM_PROGRESS_WHEN": "never",
}

_HEAD = dedent("""\
    work=$PWD/.brazil/cargo
    fail() { echo "cargo: $*" >&2; exit 1; }
    export CARGO_HOME="$work/home" CARGO_TARGET_DIR="$work/target"
    mkdir -p "$work/home" "$work/crates"
    # No path of this build in what is compiled; shared libraries are found where they stay for life.
    CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$PWD=/brazil/src"
    separator=$(printf '\\037')
    for folder in $(echo "${LIBRARY_PATH-}" | tr : ' '); do
        CARGO_ENCODED_RUSTFLAGS="$CARGO_ENCODED_RUSTFLAGS${separator}-Clink-arg=-Wl,-rpath,$folder"
    done
    export CARGO_ENCODED_RUSTFLAGS
    cd -- "$source" || fail "there is no folder $source"
    [ -f Cargo.toml ] || fail "there is no Cargo.toml in $source"
    # Of two crates with one name and version the first stays.
    for crate in "$PWD"/vendor/*/ $(echo "${BRAZIL_CARGO_PATH-}" | tr : '\\n' | sed -n 's|..*|&/*/|p'); do
        name=$(basename "$crate")
        if [ -f "$crate/Cargo.toml" ] && [ ! -e "$work/crates/$name" ]; then ln -s "${crate%/}" "$work/crates/$name"; fi
    done
    cat > "$work/home/config.toml" << END
    [env]
    RUSTC_BOOTSTRAP = { value = "0", force = true }
    [source.crates-io]
    replace-with = "closure"
    [source.closure]
    directory = "$work/crates"
    END
    unstable() { RUSTC_BOOTSTRAP=1 cargo -Zavoid-dev-deps "$@"; }
    if [ -d vendor ] && [ -f Cargo.lock ]; then
        run() { command=$1; shift; cargo "$command" --frozen "$@"; }
    else
        if [ -f Cargo.lock ]; then
            echo "cargo: Cargo.lock is left aside: the closure says which versions there are"
            rm Cargo.lock
        fi
        run() { command=$1; shift; unstable "$command" --offline "$@"; }
    fi
    """)

_BUILD = dedent("""\
    run build --release --message-format=json-render-diagnostics "$@" > "$work/messages"
    # One line for each thing that was made of this source; ids have another form since cargo 1.77.
    grep '"reason":"compiler-artifact"' "$work/messages" | grep -E '"package_id":"[^"]*path\\+file:' > "$work/made" || :
    install_all() { while read -r file; do install -D -m "$1" -t "$2" "$file"; done; }
    sed -n 's/.*"executable":"\\([^"]*\\)".*/\\1/p' "$work/made" | install_all 755 "$BRAZIL_OUT/bin"
    grep -E '"crate_types":\\[[^]]*"(cdylib|staticlib)"' "$work/made" | sed 's/.*"filenames":\\[\\([^]]*\\)\\].*/\\1/' |
        tr ',' '\\n' | sed -n 's/^"\\(.*\\.\\(so\\|a\\)\\)"$/\\1/p' | install_all 644 "$BRAZIL_OUT/lib"
    grep -E '"kind":\\[[^]]*"(lib|rlib|proc-macro)"' "$work/made" | sed -n 's/.*"manifest_path":"\\([^"]*\\)".*/\\1/p' |
        sort -u > "$work/libraries"
    exclude=
    if cargo package --help | grep -q -e --exclude-lockfile; then exclude=--exclude-lockfile; fi
    while read -r manifest; do
        folder=$(dirname "$manifest")
        # Who uses a library needs no programs of it; with them a lock file would be made, and need all there ever is.
        rm -rf "$folder/src/main.rs" "$folder/src/bin"
        awk '/^[ \\t]*\\[/ { bin = /^[ \\t]*\\[\\[ *bin *\\]\\]/ }
            !bin && !/^[ \\t]*default-run *=/' "$manifest" > "$work/manifest"
        cp "$work/manifest" "$manifest"
        unstable package --quiet --offline --no-verify --no-metadata --allow-dirty $exclude --manifest-path "$manifest"
    done < "$work/libraries"
    for crate in "$work"/target/package/*.crate; do
        [ -f "$crate" ] || break
        name=$(basename "$crate" .crate)
        mkdir -p "$BRAZIL_OUT/cargo"
        tar -C "$BRAZIL_OUT/cargo" -xzf "$crate"
        rm -f "$BRAZIL_OUT/cargo/$name/Cargo.toml.orig" "$BRAZIL_OUT/cargo/$name/Cargo.lock"
        echo '{"files":{}}' > "$BRAZIL_OUT/cargo/$name/.cargo-checksum.json"
    done
    [ -n "$(ls -A "$BRAZIL_OUT")" ] || fail "there is neither a program nor a library in $source"
    """)

_TEST = dedent("""\
    { run test --no-fail-fast "$@" 2>&1 || echo $? > "$work/code"; } | tee "$BRAZIL_REPORT/cargo-test.txt"
    [ ! -f "$work/code" ] || exit "$(cat "$work/code")"
    if ! grep -q 'test .* \\.\\.\\. ' "$BRAZIL_REPORT/cargo-test.txt"; then
        [ -z "$wanted" ] || fail "no test was found in $source"
    fi
    """)


def _recipe(manifest: Manifest, _top: frozenset[str]) -> Recipe:
    options = dict(manifest.options)
    names = {name: options[name] for name in ("arguments", "test-arguments")}
    words = {name: [shlex.quote(word) for word in value] for name, value in names.items() if isinstance(value, list)}
    head = f"{require('cargo', _PROGRAMS)}source={shlex.quote(str(options['source']) or '.')}\n{_HEAD}"
    build = " ".join(["set --", *words["arguments"]])
    test = " ".join([build, *words["test-arguments"]])
    wanted = "yes" if options["tests"] is True else ""
    return Recipe(
        build=f"{head}{build}\n{_BUILD}",
        test="" if options["tests"] is False else f"{head}wanted={wanted}\n{test}\n{_TEST}",
        environment=tuple(sorted(_ENVIRONMENT.items())),
    )


SYSTEM = BuildSystem(
    name="cargo",
    summary="Builds the programs of a Rust package or workspace, and installs its libraries as source.",
    options=(
        OptionSpec(
            "arguments",
            "strings",
            'Arguments for cargo build and cargo test, such as "--features=tls" or "--workspace".',
            default=[],
            form=ARGUMENT,
        ),
        OptionSpec(
            "source",
            "string",
            "The folder that holds Cargo.toml; empty: the top.",
            default="",
            form=RELATIVE_PATH,
        ),
        OptionSpec(
            "test-arguments",
            "strings",
            'Further arguments for cargo test, such as "--lib".',
            default=[],
            form=ARGUMENT,
        ),
        FOUND_TESTS,
    ),
    recipe=_recipe,
    detects=("Cargo.toml",),
    programs=_PROGRAMS,
)
