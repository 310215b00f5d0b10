import pytest

from brazil.model.names import parse_interface, version_set_name
from brazil.model.versionset import Reason, RevisionDiff, RevisionInfo
from brazil.operations.version_sets import DeployDiff, DiffReport
from brazil.report.sets import diff_lines
from brazil.report.table import first_line, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1_572_864, "1.5 MiB"),
        (8 << 30, "8.0 GiB"),
        (1 << 55, "32768.0 TiB"),
    ],
)
def test_a_size_is_written_for_a_reader(size: int, text: str) -> None:
    assert size_text(size) == text


def test_the_first_line_of_a_text() -> None:
    assert [first_line(text) for text in ("", "one", "one\ntwo\n", "\n")] == ["", "one", "one", ""]


def shown(*differ: int) -> list[str]:
    """What stands below the title, when so many artifacts differ for each target."""
    info = RevisionInfo(version_set_name("a/b"), 1, "c" * 40, "d" * 40, 0, "A <a>", Reason("publish"))
    added = (parse_interface("New-1.0"),)
    diff = RevisionDiff(info, info, (), 3, added, (), (), ("linux-x86_64",), frozenset())
    deploy = tuple(DeployDiff(parse_interface(f"T{n}-1.0"), 9, count) for n, count in enumerate(differ))
    return diff_lines(DiffReport(diff, {}, deploy))[1:]


def test_what_changed_beside_pins_is_in_columns() -> None:
    assert shown() == ["  target added      New-1.0", "  platform removed  linux-x86_64"]


@pytest.mark.parametrize(
    ("differ", "lines"),
    [
        (
            (1, 0),
            [
                "deploy closure of T0-1.0: 9 packages, 1 artifact differs",
                "deploy closure of T1-1.0: 9 packages, 0 artifacts differ",
            ],
        ),
        (
            (0, 2, 0, 0, 0, 0),
            [
                "deploy closure of T1-1.0: 9 packages, 2 artifacts differ",
                "deploy closures of 5 more targets: no artifact differs",
            ],
        ),
        ((0,) * 6, ["deploy closures of 6 targets: no artifact differs"]),
        (
            (2,) * 8 + (0,),
            [
                *(f"deploy closure of T{n}-1.0: 9 packages, 2 artifacts differ" for n in range(5)),
                "deploy closures of 4 more targets: 3 with artifacts that differ",
            ],
        ),
    ],
)
def test_of_many_targets_the_first_that_differ_are_told(differ: tuple[int, ...], lines: list[str]) -> None:
    assert shown(*differ)[2:] == lines
