"""What test tools leave in a report: JUnit XML, and the words of those that do not write it.

A file is known by its name: `*.xml` is JUnit, `*.trs` automake's, `go-test.jsonl` what `go test -json` says, and
`cargo-test.txt` what `cargo test` prints. Other files are not about cases.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath

from brazil.formats.junit import MOST_CASES, parse_junit
from brazil.model.tested import Case, CaseEnd, Tested


def reads(file: str) -> bool:
    """Say whether a file of a report, by its path, is about cases."""
    return _reader(file) is not None


def read_tests(files: Mapping[str, bytes]) -> Tested:
    """Read the cases of a report.

    Args:
        files: path -> content, of files that `reads` knows; others are passed over.
    """
    cases: list[Case] = []
    unreadable: list[tuple[str, str]] = []
    for file, data in sorted(files.items()):
        read = _reader(file)
        if read is None:
            continue
        try:
            found = read(file, data)
        except ValueError as error:
            unreadable.append((file, str(error)))
            continue
        if len(cases) + len(found) > MOST_CASES:
            unreadable.append((file, f"with it there are more than {MOST_CASES} cases"))
        else:
            cases += found
    return Tested(tuple(cases), tuple(unreadable))


def _reader(file: str) -> Callable[[str, bytes], list[Case]] | None:
    name = PurePosixPath(file).name
    return _BY_NAME.get(name) or _BY_ENDING.get(PurePosixPath(name).suffix)


def _junit(_: str, data: bytes) -> list[Case]:
    return parse_junit(data)


_TRS_ENDS = {
    "PASS": CaseEnd.PASSED,
    "XFAIL": CaseEnd.PASSED,  # it failed, as it should
    "SKIP": CaseEnd.SKIPPED,
    "FAIL": CaseEnd.FAILED,
    "XPASS": CaseEnd.FAILED,
    "ERROR": CaseEnd.ERROR,
}


def _automake(file: str, data: bytes) -> list[Case]:
    """Read what the test driver of automake wrote. Source: the manual of automake, "API for Custom Test Drivers"."""
    suite = file.removesuffix(".trs")
    cases = []
    for line in data.decode(errors="replace").splitlines():
        field, colon, rest = line.removeprefix(":").partition(":")
        if not colon or field != "test-result":
            continue
        word, _, name = rest.strip().partition(" ")
        if word not in _TRS_ENDS:
            raise ValueError(f"{word!a} is no test result")
        cases.append(Case(suite, name.strip() or PurePosixPath(suite).name, _TRS_ENDS[word]))
    if not cases:
        raise ValueError("it has no ':test-result:'")
    return cases


_GO_ENDS = {"pass": CaseEnd.PASSED, "fail": CaseEnd.FAILED, "skip": CaseEnd.SKIPPED}
_GO_UNBUILT = re.compile(r"FAIL\s+(?P<package>\S+) \[(?P<why>.+)\]")


def _go(_: str, data: bytes) -> list[Case]:
    """Read the events of `go test -json`. Source: `go doc test2json`. What a compiler says stands between them."""
    said: dict[tuple[str, str], list[str]] = {}
    cases: list[Case] = []
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        if not line.startswith("{"):
            if found := _GO_UNBUILT.fullmatch(line):
                cases.append(Case(found["package"], "build", CaseEnd.ERROR, message=found["why"]))
            continue
        try:
            event = json.loads(line)
            action, package, test = (str(event.get(key, "")) for key in ("Action", "Package", "Test"))
            seconds = float(event.get("Elapsed") or 0)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"line {number} is no event of go test") from error
        if not test:
            continue
        if action == "output":
            said.setdefault((package, test), []).append(str(event.get("Output", "")))
        elif action in _GO_ENDS:
            end = _GO_ENDS[action]
            lines = [] if end is CaseEnd.PASSED else "".join(said.get((package, test), ())).splitlines()
            own = [line.strip() for line in lines if not line.lstrip().startswith(("=== ", "--- "))]
            cases.append(Case(package, test, end, seconds, own[0] if own else "", "\n".join(lines)))
    return cases


_CARGO_SUITE = re.compile(r"\s*(?:Running (?:unittests )?(?P<file>\S+)|Doc-tests (?P<crate>\S+))")
_CARGO_SAYS = ("successes:", "failures:")
_CARGO_SAID = re.compile(r"---- (?P<name>.+?) (?:stdout|stderr) ----")
_PANICS = r"(?: - should panic)?"
_CARGO_CASE = re.compile(rf"(?:.*(?=test \S+{_PANICS} \.\.\. ))?test (?P<name>.+?){_PANICS} \.\.\. (?P<rest>.*)")
_CARGO_WORD = re.compile("(?P<end>ok|FAILED|ignored)")
_CARGO_END = re.compile(f"(?P<before>.*?){_CARGO_WORD.pattern}(?:,.*)?")
_CARGO_ENDS = {"ok": CaseEnd.PASSED, "FAILED": CaseEnd.FAILED, "ignored": CaseEnd.SKIPPED}


def _cargo(_: str, data: bytes) -> list[Case]:
    """Read what `cargo test` prints for people: its machine-readable form is not stable.

    A suite has a heading, a line for each case (`test NAME ... ok`), and then what the cases said, if anything.
    """
    suites: list[tuple[str, list[str]]] = [("", [])]
    for line in data.decode(errors="replace").splitlines():
        if found := _CARGO_SUITE.match(line):
            suites.append((found["file"] or f"doc-tests {found['crate']}", []))
        else:
            suites[-1][1].append(line)
    return [case for suite, lines in suites for case in _cargo_cases(suite, lines)]


def _cargo_cases(suite: str, lines: list[str]) -> Iterator[Case]:
    cut = next((number for number, line in enumerate(lines) if line in _CARGO_SAYS), len(lines))
    said: dict[str, list[str]] = {}
    listening: list[str] = []
    for line in lines[cut:]:
        if found := _CARGO_SAID.fullmatch(line):
            listening = said.setdefault(found["name"], [])
        elif line in _CARGO_SAYS or line.startswith("test result:"):
            listening = []
        else:
            listening.append(line)
    for name, rest in _with_what_follows(lines[:cut]):
        if end := _cargo_end(rest):
            output = "\n".join(said.get(name, ())).strip()
            yield Case(suite, name, end, message=output.partition("\n")[0], output=output)


def _with_what_follows(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Return each case's name with the rest of its line and the lines up to the next one.

    Where output is not captured (`--nocapture`), tests write before the line of a case, between its name and its end,
    and after it.
    """
    cases: list[tuple[str, list[str]]] = []
    for line in lines:
        if found := _CARGO_CASE.fullmatch(line):
            cases.append((found["name"], [found["rest"]]))
        elif cases:
            cases[-1][1].append(line)
    return cases


def _cargo_end(rest: list[str]) -> CaseEnd | None:
    """Return how a case ended: a line of its own says it, else a line with a test's words before or after it."""
    ends = [found for line in rest if (found := _CARGO_END.fullmatch(line))]
    alone = next((found for found in ends if not found["before"]), None)
    found = alone or (ends[0] if ends else _CARGO_WORD.match(rest[0]))
    return _CARGO_ENDS[found["end"]] if found else None


_BY_NAME = {"go-test.jsonl": _go, "cargo-test.txt": _cargo}
_BY_ENDING = {".xml": _junit, ".trs": _automake}
