"""What the long tests did: docs/soak.json, and pages for people made from it."""

import json
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs"

_LONG = """\
# Long tests

`make soak` writes this page.
"""
_STORMS = """
## Storms

Each case runs a command, lets one of its operations go wrong, runs the command again,
and compares what is there then with what an undisturbed run leaves. "kill" and "after" end every process right before
an operation, or in its middle or right after it; "enospc" and "eio" let it fail; "interrupt" is Ctrl-C right before
it, "impatient" more signals after that, of which the second ends it at once, "terminate" SIGTERM.
"""
_ESCAPES = """
## Escapes

Attempts of a build to see, change or outlive what it must not. They are part of the ordinary tests too.
"""
_FUZZING = """\
# Fuzzing

`make soak` writes this page. Every reader of what comes from outside is given inputs that a coverage-guided fuzzer
makes from real ones; it must take them, or refuse them with the error that it promises. What was found is mended, and
is a case in `tests/property/test_parsers.py`.
"""


def keep(topic: str, facts: Mapping[str, object]) -> None:
    """Keep what one kind of test did, with date and machine, and write the pages again."""
    where = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}",
    }
    file = DOCS / "soak.json"
    every = json.loads(file.read_text()) if file.is_file() else {}
    every = dict(sorted({**every, topic: {**where, **facts}}.items()))
    file.write_text(json.dumps(every, indent=2) + "\n")
    parts = [_LONG, _tables(_STORMS, every.get("storm")), _tables(_ESCAPES, every.get("escapes"))]
    (DOCS / "soak.md").write_text("".join(parts))
    if "fuzzing" in every:
        (DOCS / "fuzzing.md").write_text(_fuzzing(every["fuzzing"]))


def _tables(text: str, facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return ""
    rows = [f"| {key} | {value} |" for key, value in facts.items() if not isinstance(value, dict)]
    tables = [
        f"\n| {key} | cases |\n| --- | ---: |\n" + "\n".join(f"| {name} | {n} |" for name, n in value.items())
        for key, value in facts.items()
        if isinstance(value, dict)
    ]
    return text + "\n| what | value |\n| --- | --- |\n" + "\n".join([*rows, *tables]) + "\n"


def _fuzzing(facts: Mapping[str, Any]) -> str:
    rows = [
        f"| {name} | {count['executions']:,} | {count['accepted']:,} | {count['seconds']:.0f} | {count['crashes']} |"
        for name, count in facts["targets"].items()
    ]
    return f"""{_FUZZING}
{facts["date"]}, {facts["machine"]}:
{facts["executions"]:,} inputs in {facts["seconds"]:,} s, {facts["crashes"]} crashes.

| reader | inputs | of them taken | seconds | crashes |
| --- | ---: | ---: | ---: | ---: |
""" + "\n".join([*rows, ""])
