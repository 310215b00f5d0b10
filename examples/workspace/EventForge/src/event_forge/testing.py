"""event-test: reads and writes the lines in `tests` with the code that was made, and reports in JUnit XML."""

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


def main() -> int:
    """Test; return the exit code."""
    options = json.loads(os.environ["BRAZIL_OPTIONS"])
    code = Path(os.environ["BRAZIL_OUT"], "python", f"{options['module']}.py")
    if not code.is_file():
        print("event-test: lines are tested by the code for Python, and there is none", file=sys.stderr)
        return 1
    classes = [value for value in runpy.run_path(str(code)).values() if hasattr(value, "read")]
    results = [(line, fault(line, classes)) for line in _lines("good.lines")]
    results += [(line, "" if refused(line, classes) else "it was not refused") for line in _lines("bad.lines")]
    _report(results)
    failed = [f"{line!r}: {why}" for line, why in results if why]
    print("\n".join([*failed, f"{len(results)} lines, {len(failed)} wrong"]))
    return 1 if failed or not results else 0


def fault(line: str, classes: list[Any]) -> str:
    """Say why a line does not come back as it is; empty: it does."""
    try:
        found = [record for record in (made.read(line) for made in classes) if record is not None]
    except ValueError as error:
        return str(error)
    if len(found) != 1:
        return f"{len(found)} records read it"
    written: str = found[0].write()
    return "" if written == line else f"it comes back as {written!r}"


def refused(line: str, classes: list[Any]) -> bool:
    """Say whether a record refuses a line."""
    try:
        for made in classes:
            made.read(line)
    except ValueError:
        return True
    return False


def _lines(name: str) -> list[str]:
    path = Path("tests", name)
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _report(results: list[tuple[str, str]]) -> None:
    suite = ElementTree.Element("testsuite", name="lines", tests=str(len(results)))
    for number, (line, why) in enumerate(results, 1):
        name = " ".join(line.split())
        case = ElementTree.SubElement(suite, "testcase", classname="lines", name=f"{number} {name}")
        if why:
            ElementTree.SubElement(case, "failure", message=why)
    ElementTree.ElementTree(suite).write(Path(os.environ["BRAZIL_REPORT"], "lines.xml"), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
