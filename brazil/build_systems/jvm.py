"""What the build systems for Java share: programs that start a class of the closure."""

import shlex
from collections.abc import Mapping
from textwrap import dedent

from brazil.model.package import Form, OptionSpec

# Short runs: the optimising compiler never pays off.
LIGHT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

_NAME = r"[A-Za-z_$][A-Za-z0-9_$]*"

SCRIPTS = OptionSpec(
    "scripts",
    "table",
    'Programs of `bin` and the class whose `main` each calls, such as `pay = "shop.Main"`.',
    default={},
    form=Form(rf"{_NAME}(?:\.{_NAME})*", "the name of a class"),
    key_form=Form(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", "the name of a program"),
)

_LAUNCH = dedent("""\
    launch() {
        javap -classpath "$BRAZIL_OUT/java/*:${CLASSPATH-}" "$2" > /dev/null 2>&1 || {
            echo "@SYSTEM@: script $1: there is no class $2" >&2
            exit 1
        }
        mkdir -p "$BRAZIL_OUT/bin"
        printf '#!/bin/sh\\nexec java %s "$@"\\n' "'$2'" > "$BRAZIL_OUT/bin/$1"
        chmod 755 "$BRAZIL_OUT/bin/$1"
    }
    """)


def launchers(system: str, scripts: Mapping[str, str]) -> str:
    """Write shell lines that put a program into `bin` for each script, after the jars are in `java`.

    A program finds its classes by CLASSPATH, which whoever runs something in a closure has set.
    """
    if not scripts:
        return ""
    lines = [f"launch {shlex.quote(name)} {shlex.quote(scripts[name])}\n" for name in sorted(scripts)]
    return _LAUNCH.replace("@SYSTEM@", system) + "".join(lines)
