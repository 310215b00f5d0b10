"""Makes a site of this repository's pages: `make docs`.

Sphinx reads the pages where they stand, so that a link between them is right on a git host and on the site. Pages are
plain Markdown; the navigation, which only the site needs, is made here. decisions/0018-documentation-site.md says why.
"""

import re
from collections.abc import Iterable
from pathlib import Path

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
        "docs/schema/README",
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
    "docs/schema/README": "docs/schema/*",
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


def toctree(names: list[str], *options: str) -> str:
    """Write the directive that lists pages in the navigation."""
    return "\n".join(["", "```{toctree}", ":hidden:", *options, "", *map(entry, names), "```", ""])


def entry(page: str) -> str:
    """Write the line of a page in such a list."""
    return f"{TITLES[page]} </{page}>" if page in TITLES else f"/{page}"


def navigation(root: Path) -> dict[str, str]:
    """Return for each page with others below it the directives that say so."""
    parents = {page: pattern for page, pattern in PARENTS.items() if (root / f"{page}.md").exists()}
    taken = {root_doc, *parents}
    below = {page: toctree(pages(root, [pattern], taken)) for page, pattern in parents.items()}
    taken -= set(parents)
    lists = [toctree(pages(root, names, taken), f":caption: {title}") for title, names in SECTIONS.items()]
    return below | {root_doc: "".join(lists)}


def note_navigation(app: Sphinx, config: Config) -> None:
    """Make the navigation a part of the configuration: when it changes, all pages are made again."""
    config.navigation = navigation(Path(app.srcdir))


def add_navigation(app: Sphinx, page: str, content: list[str]) -> None:
    """Append to a page what is below it."""
    content[0] += app.config.navigation.get(page, "")


def setup(app: Sphinx) -> None:
    """Have pages completed when they are read."""
    app.add_config_value("navigation", {}, "env")
    app.connect("config-inited", note_navigation)
    app.connect("source-read", add_navigation)
