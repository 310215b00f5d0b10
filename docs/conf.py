"""Makes a site of this repository's pages: `make docs`.

Sphinx reads the pages where they stand, so that a link between them is right on a git host and on the site. Pages are
plain Markdown; the navigation, which only the site needs, is made here. decisions/0018-documentation-site.md says why.
"""

import html
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "brazil" / "__init__.py").read_text())

# The navigation: titles, and the pages below each. A pattern stands for the pages that nothing before it has named, so
# that a new page always has a place.
SECTIONS = {
    "Begin": ("README", "docs/tour", "docs/concepts", "docs/daily", "docs/closures", "examples/workspace/README"),
    "Guides": ("docs/ci", "docs/coming-from/README", "docs/troubleshooting", "docs/problems"),
    "Reference": (
        "docs/commands/README",
        "docs/manifest",
        "docs/build-systems/README",
        "docs/json",
        "docs/formats",
    ),
    "Project": ("CHANGELOG", "docs/architecture", "docs/decisions/README", "docs/bench", "docs/soak", "docs/**/*"),
}

TITLES = {"README": "Install, and first steps", "docs/manifest": "brazil.toml"}

# Pages that have further ones below them.
PARENTS = {
    "docs/problems": "brazil/explanations/*",
    "examples/workspace/README": "examples/workspace/*/README",
    "docs/coming-from/README": "docs/coming-from/*",
    "docs/commands/README": "docs/commands/*",
    "docs/build-systems/README": "docs/build-systems/*",
    "docs/decisions/README": "docs/decisions/*",
}

project = "brazil"
version = release = VERSION[1] if VERSION else ""
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "docs/**.md", "brazil/explanations/*.md", "examples/**/README.md"]
exclude_patterns = [".*", "build", "dist", "tests"]  # not even walked
nitpicky = True
highlight_language = "none"
myst_heading_anchors = 4  # the anchors of git hosts

html_theme = "furo"
html_title = f"brazil {release}"
html_extra_path = ["site/top"]
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_use_index = False
html_search_scorer = str(ROOT / "docs" / "site" / "scorer.js")
html_show_search_summary = False  # would read the pages found, which no browser allows for files


def pages(root: Path, patterns: Iterable[str], taken: set[str]) -> list[str]:
    """Return the pages that match and are not taken, sorted within a pattern; takes them."""
    found = []
    for pattern in patterns:
        for path in sorted(root.glob(f"{pattern}.md")):
            page = path.relative_to(root).with_suffix("").as_posix()
            if page not in taken:
                taken.add(page)
                found.append(page)
    return found


Row = tuple[str, list[str]]  # a page, and the pages below it


def outline(root: Path) -> list[tuple[str, list[Row]]]:
    """Return the navigation: each title with its rows."""
    parents = {page: pattern for page, pattern in PARENTS.items() if (root / f"{page}.md").exists()}
    taken = {root_doc, *parents}
    below = {page: pages(root, [pattern], taken) for page, pattern in parents.items()}
    taken -= set(parents)
    return [
        (title, [(page, below.get(page, [])) for page in pages(root, patterns, taken)])
        for title, patterns in SECTIONS.items()
    ]


def note_outline(app: Sphinx, config: Config) -> None:
    """Make the navigation a part of the configuration: when it changes, all pages are made again."""
    config.outline = outline(Path(app.srcdir))


def add_lists(app: Sphinx, page: str, content: list[str]) -> None:
    """Append to a page the lists of the pages below it, so that Sphinx knows their order and that none is an orphan."""
    lists = [[name for name, _ in rows] for _, rows in app.config.outline] if page == root_doc else []
    lists += [below for _, rows in app.config.outline for name, below in rows if name == page and below]
    for names in lists:
        content[0] += "\n".join(["", "", "```{toctree}", ":hidden:", "", *(f"/{name}" for name in names), "```", ""])


def write_navigation(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """Give the theme the navigation of a page.

    Sphinx would make it of the headings of all pages, for every page anew: 9 of 22 s of processor time with 115 pages.
    """
    parent = next((parent for _, rows in app.config.outline for parent, names in rows if page in names), "")

    def item(level: int, name: str, below: str = "") -> str:
        here = "current " * (name in (page, parent))
        link = html.escape(app.builder.get_relative_uri(page, name))
        title = TITLES.get(name) or app.env.titles[name].astext().removeprefix("Build system ")
        text = f'<a class="{here}reference internal" href="{link}">{html.escape(title)}</a>{below}'
        return f'<li class="{here}toctree-l{level}">{text}</li>'

    def row(name: str, below: list[str]) -> str:
        items = "".join(item(2, other) for other in below)
        return item(1, name, f"<ul>{items}</ul>" if below else "")

    parts = [
        f'<p class="caption" role="heading" aria-level="2"><span class="caption-text">{title}</span></p>'
        f"<ul>{''.join(row(name, below) for name, below in rows)}</ul>"
        for title, rows in app.config.outline
        if rows
    ]
    context["toctree"] = lambda **options: "".join(parts)


def setup(app: Sphinx) -> None:
    """Have pages completed when they are read, and their navigation made when they are written."""
    app.add_config_value("outline", [], "env")
    app.connect("config-inited", note_outline)
    app.connect("source-read", add_lists)
    app.connect("html-page-context", write_navigation, priority=400)  # before the theme uses it
