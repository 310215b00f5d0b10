"""Runs the tests of a Python package against its artifact and leaves junit.xml in $BRAZIL_REPORT.

Run inside the sandbox by the Python found there, 3.8 or newer. Arguments: the runner and the folder of the tests.
"""

from __future__ import annotations

import sys

sys.path[:] = filter(None, sys.path)  # not the current folder: the artifact is tested, not what it was made from
import os
import re
import time
import traceback
import unittest
from typing import Any
from xml.etree import ElementTree

RUNNER, START = sys.argv[1:3]
REPORT = os.path.join(os.environ["BRAZIL_REPORT"], "junit.xml")
NO_TESTS = "python: no test was found in " + START
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Result(unittest.TextTestResult):
    """Says on the log what happens, and keeps it as JUnit knows it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.suite = ElementTree.Element("testsuite", name=START)
        self.case: ElementTree.Element | None = None
        self.began = time.monotonic()

    def begin(self, name: str) -> ElementTree.Element:
        """Begin the record of a test; `name` is its id, as in `test_shop.ShopTest.test_a_price`."""
        # A subtest's description may hold dots of its own.
        head, space, rest = name.partition(" ")
        group, _, own = head.rpartition(".")
        names = {"classname": clean(group), "name": clean(own + space + rest)}
        self.began = time.monotonic()
        return ElementTree.SubElement(self.suite, "testcase", names)

    def end(self, case: ElementTree.Element) -> None:
        case.set("time", f"{time.monotonic() - self.began:.3f}")

    def add(self, kind: str, test: unittest.TestCase, error: Any, message: str = "") -> None:
        """Note that a test did not just pass; what stands for a whole class or module has no test that began."""
        case = self.case
        if case is None or not isinstance(test, unittest.TestCase):
            case = self.begin(test.id())
            self.end(case)
        detail = ElementTree.SubElement(case, kind, message=clean(message or str(error[1])))
        if error:
            detail.set("type", error[0].__name__)
            detail.text = clean("".join(traceback.format_exception(*error)))

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().startTest(test)
        self.case = self.begin(test.id())

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().stopTest(test)
        if self.case is not None:
            self.end(self.case)
        self.case = None

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addError(test, err)
        self.add("error", test, err)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addFailure(test, err)
        self.add("failure", test, err)

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:  # noqa: N802
        super().addSubTest(test, subtest, err)
        if err:
            kind = "failure" if issubclass(err[0], test.failureException) else "error"
            own, self.case = self.case, self.begin(subtest.id())
            self.add(kind, subtest, err)
            self.end(self.case)
            self.case = own

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        self.add("skipped", test, None, reason)

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        self.add("failure", test, None, "it passed, and was expected to fail")

    def write(self) -> None:
        for kind, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            self.suite.set(kind, str(sum(1 for _ in self.suite.iter(tag))))
        suites = ElementTree.Element("testsuites")
        suites.append(self.suite)
        ElementTree.ElementTree(suites).write(REPORT, encoding="utf-8", xml_declaration=True)


def clean(text: str) -> str:
    return NOT_IN_XML.sub("?", text)


def run_unittest() -> str | int:
    start = top = os.path.abspath(START)
    while os.path.isfile(os.path.join(top, "__init__.py")):
        top = os.path.dirname(top)
    # After PYTHONPATH, for the same reason.
    first = len(list(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))))
    sys.path.insert(first, top)
    suite = unittest.defaultTestLoader.discover(start, top_level_dir=top)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    assert isinstance(result, Result)
    result.write()
    if not result.testsRun and not result.skipped:
        return NO_TESTS
    return int(not result.wasSuccessful())


class ArtifactFirst:
    """Undoes what the setting `pythonpath` of pytest does: the artifact is tested, not the source beside it."""

    def pytest_load_initial_conftests(self) -> None:
        first = list(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
        sys.path[:] = first + [path for path in sys.path if path not in first]


def run_pytest() -> str | int:
    try:
        import pytest
    except ImportError:
        return (
            "python: there is no pytest here; install it on this machine or name the package that brings it"
            " under [test-dependencies]"
        )
    words = ["--import-mode=append", "-p", "no:cacheprovider", "--junitxml=" + REPORT]
    code = int(pytest.main([*words, START], plugins=[ArtifactFirst()]))
    return NO_TESTS if code == pytest.ExitCode.NO_TESTS_COLLECTED else code


if not os.path.isdir(START):
    sys.exit("python: there is no folder " + START)
sys.exit(run_pytest() if RUNNER == "pytest" else run_unittest())
