"""JUnit XML: what most test tools write, and what most readers of test results expect.

There is no one specification; read is what pytest, ctest, meson, node, surefire and Gradle write. A document type
is refused, since only it can make a small file large or reach other files.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from xml.parsers import expat

from brazil.model.tested import Case, CaseEnd

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

# Element -> how a case ends that holds it. Of several the first counts.
_ENDS = {"failure": CaseEnd.FAILED, "error": CaseEnd.ERROR, "skipped": CaseEnd.SKIPPED}
_DEEPEST = 100  # elements inside one another

# That a report may tell of. Measured: a file of 64 MiB can hold 3.4 million, which take 520 MB of memory.
MOST_CASES = 100_000
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold


def parse_junit(data: bytes) -> list[Case]:
    """Read the cases of a file.

    Raises:
        ValueError: it is not XML, or not of this kind; says why.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    reader.attach(parser)
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:  # the latter: an encoding that Python does not know
        raise ValueError(str(error)) from error
    return reader.cases


def write_junit(name: str, cases: Iterable[Case]) -> bytes:
    """Write cases as one suite.

    Args:
        name: of the suite.
        cases: in the order they are to have.
    """
    cases = tuple(cases)
    root = Element("testsuites")
    suite = SubElement(root, "testsuite", {"name": _clean(name), "tests": str(len(cases))})
    for word, end in (("failures", CaseEnd.FAILED), ("errors", CaseEnd.ERROR), ("skipped", CaseEnd.SKIPPED)):
        suite.set(word, str(sum(case.end is end for case in cases)))
    suite.set("time", f"{sum(case.seconds for case in cases):.3f}")
    for case in cases:
        names = {"classname": _clean(case.suite), "name": _clean(case.name), "time": f"{case.seconds:.3f}"}
        element = SubElement(suite, "testcase", names)
        for word, end in _ENDS.items():
            if case.end is end:
                SubElement(element, word, {"message": _clean(case.message)}).text = _clean(case.output) or None
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


class _Reader:
    """Takes what the parser meets, element by element."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self._suites: list[str] = []
        self._depth = 0
        self._case: dict[str, str] | None = None
        self._end = CaseEnd.PASSED
        self._message = ""
        self._text: list[str] | None = None  # of the element that says how the case ended

    def attach(self, parser: "XMLParserType") -> None:
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._characters

    def _refuse_doctype(self, *_: object) -> None:
        raise ValueError("it has a document type, which no test tool writes")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"its elements stand more than {_DEEPEST} deep")
        if self._depth == 1 and name not in ("testsuites", "testsuite"):
            raise ValueError(f"it begins with {name!a}, not with 'testsuites' or 'testsuite'")
        if name == "testsuite":
            self._suites.append(attributes.get("name", ""))
        elif name == "testcase":
            self._case = attributes
            self._end, self._message, self._text = CaseEnd.PASSED, "", None
        elif name in _ENDS and self._case is not None and self._end is CaseEnd.PASSED:
            self._end = _ENDS[name]
            self._message = attributes.get("message", "")
            self._text = []

    def _finish(self, name: str) -> None:
        self._depth -= 1
        if name == "testsuite":
            self._suites.pop()
        elif name == "testcase" and self._case is not None:
            if len(self.cases) == MOST_CASES:
                raise ValueError(f"it has more than {MOST_CASES} cases")
            self.cases.append(self._made(self._case))
            self._case = None

    def _made(self, attributes: dict[str, str]) -> Case:
        suite = attributes.get("classname") or (self._suites[-1] if self._suites else "")
        output = "".join(self._text or ()).strip()
        message = self._message or output.partition("\n")[0]
        return Case(suite, attributes.get("name", ""), self._end, _seconds(attributes), message, output)

    def _characters(self, text: str) -> None:
        if self._text is not None and self._case is not None:
            self._text.append(text)


def _seconds(attributes: dict[str, str]) -> float:
    try:
        seconds = float(attributes.get("time", "").replace(",", "") or 0)
    except ValueError:
        return 0.0  # some tools write units; how long it took is not worth losing the case for
    return seconds if 0 <= seconds < 1e9 else 0.0


def _clean(text: str) -> str:
    return _NO_CHARACTER.sub("?", text)
