"""Reads the pages of the project: their blocks, their links, and whether what they show is what happens."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

# What differs from run to run, in the order it is looked for.
_VARYING = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", r"\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC"),
    (r"in \d+\.\d s", r"in \\d+\\.\\d s"),
    (r"after \d+\.\d s", r"after \\d+\\.\\d s"),
    (r"(about|at most) \d+\.\d s", r"\1 \\d+\\.\\d s"),
    (r"\d+\.\d s before", r"\\d+\\.\\d s before"),
    (r"(commits?:?) [0-9a-f]{4}\b", r"\1 [0-9a-f]{4,}"),
    (r"(?<![0-9A-Za-z{])(?=[0-9a-f]*\d)[0-9a-f]{8,}\b", r"[0-9a-f]{8,}"),
)


class Example(NamedTuple):
    """Commands that a page shows, and what they print."""

    page: Path
    line: int
    commands: str
    output: str  # empty: not shown


def examples(page: Path) -> list[Example]:
    """Return the ```sh blocks of a page, each with the ```text block that follows it at once."""
    text = page.read_text()
    blocks = list(_BLOCK.finditer(text))
    found = []
    for at, block in enumerate(blocks):
        if block[1] != "sh":
            continue
        after = blocks[at + 1] if at + 1 < len(blocks) else None
        shown = after[2] if after and after[1] == "text" and not text[block.end() : after.start()].strip() else ""
        found.append(Example(page, text.count("\n", 0, block.start()) + 1, block[2], shown))
    return found


def pattern(shown: str, home: str) -> re.Pattern[str]:
    """Turn shown output into what real output must match; a line "..." stands for any lines."""
    lines = []
    for line in shown.splitlines():
        if line == "...":
            lines.append(r"(?:.*\n)*?")
            continue
        text = re.escape(line.replace("/home/ada", home)).replace(r"\ ", " ").replace(r"\-", "-").replace(r"\:", ":")
        for seen, wanted in _VARYING:
            text = re.sub(seen.replace(r"\.", r"\\\."), wanted, text)
        lines.append(text + r"\n")
    return re.compile("".join(lines))


def links(page: Path) -> Iterator[str]:
    """Return the targets of a page's links that are not web pages."""
    for target in _LINK.findall(_BLOCK.sub("", page.read_text())):
        if not re.match(r"[a-z]+://", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings have."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
