"""The site that `make docs` makes: complete, without a broken link, and of use without any network."""

import fcntl
import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from brazil.report.explanations import topics
from tests.browser import PROGRAM, browser
from tests.shown import PAGES, ROOT

pytestmark = pytest.mark.skipif(
    not importlib.util.find_spec("furo"), reason="there is no Sphinx with Furo; scripts/bootstrap docs installs it"
)
CODES = [page.code for topic in topics() for page in topic.pages]


class Page(HTMLParser):
    """What a page of the site has and where it leads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []  # for a reader to follow
        self.parts: list[str] = []  # scripts, styles, pictures: what the browser fetches by itself
        self.headings: list[int] = []
        self.without_alt: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.anchors |= {name for name in (values.get("id"), values.get("name")) if name}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        if tag in ("script", "img", "iframe") and values.get("src"):
            self.parts.append(values["src"] or "")
        if tag == "link" and values.get("href"):
            self.parts.append(values["href"] or "")
        if tag == "img" and not (values.get("alt") or "").strip():
            self.without_alt.append(values.get("src") or "")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))


def build(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Make the site of a tree as `make docs` does."""
    options = ("-q", "-W", "--keep-going", "--no-color", "-c", f"{ROOT}/docs", "-d", f"{folder}-cache")
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made once for all processes that the tests are spread over."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            done = build(ROOT, folder / "html")
            assert (done.returncode, done.stderr) == (0, "")
            (folder / "made").touch()
    return folder / "html"


@pytest.fixture(scope="module")
def read(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_page_is_on_the_site(read: dict[Path, Page], site: Path) -> None:
    wanted = [*PAGES, *(ROOT / "brazil" / "explanations").glob("*.md")]
    assert [page for page in wanted if site / page.relative_to(ROOT).with_suffix(".html") not in read] == []


def test_pages_are_plain_markdown() -> None:
    """A git host would show a directive or a role as text."""
    exotic = re.compile(r"^\s*(?:```+|:::+)\s*\{|\{[a-z-]+\}`|^\([\w-]+\)=$", re.MULTILINE)
    assert [page.relative_to(ROOT) for page in PAGES if exotic.search(page.read_text())] == []


def test_every_link_leads_somewhere(read: dict[Path, Page], site: Path) -> None:
    """Sphinx looks at the links of pages; these are also those of the theme and of the navigation."""
    broken = []
    for path, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = read[target].anchors if target in read else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                broken.append(f"{path.relative_to(site)}: {link}")
    assert broken == []


def test_nothing_comes_from_elsewhere(read: dict[Path, Page], site: Path) -> None:
    parts = {part for page in read.values() for part in page.parts}
    assert {part for part in parts if urlsplit(part).netloc} == set()
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)]*", styles) == []


def test_every_code_has_an_address(read: dict[Path, Page], site: Path) -> None:
    def is_there(code: str) -> bool:
        page = read[site / "brazil" / "explanations" / f"{code.partition('.')[0]}.html"]
        return code.replace(".", "-") in page.anchors

    assert [code for code in CODES if not is_there(code)] == []


def test_pages_can_be_heard(read: dict[Path, Page], site: Path) -> None:
    """One title, no level of headings left out, and words for every picture."""
    wrong = []
    for path, page in read.items():
        if path.parent == site and path.stem in ("index", "search"):
            continue
        steps = [after - before for before, after in zip(page.headings, page.headings[1:], strict=False)]
        if page.headings[:1] != [1] or page.headings.count(1) != 1 or max(steps, default=0) > 1 or page.without_alt:
            wrong.append((path.relative_to(site).as_posix(), page.headings, page.without_alt))
    assert wrong == []


def test_what_is_wrong_with_a_page_fails_the_build(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    (pages / "docs").mkdir(parents=True)
    (pages / "docs" / "index.md").write_text("# Start\n\n[here](other.md) [there](absent.md) [that](other.md#part)\n")
    (pages / "docs" / "other.md").write_text("# Other\n\n![a picture](absent.svg)\n")
    done = build(pages, tmp_path / "html")
    assert done.returncode == 1
    found = {
        (Path(file).name, rest) for file, rest in re.findall(r"^(\S+\.md):.*\[(\S+)\]$", done.stderr, re.MULTILINE)
    }
    assert found == {("index.md", "myst.xref_missing"), ("other.md", "image.not_readable")}, done.stderr
    assert done.stderr.count("myst.xref_missing") == 2


@pytest.mark.browser
@pytest.mark.skipif(not PROGRAM, reason="there is no chromium on this machine")
def test_a_code_is_found_by_the_search_of_a_site_on_a_disk(site: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "profile") as page:
        page.open(f"file://{quote(str(site))}/index.html")
        page.wait("location.pathname.endsWith('/docs/index.html') && document.readyState == 'complete'")
        page.value("document.querySelector('input[name=q]').value = 'store.damaged'")
        page.value("document.querySelector('form[role=search]').submit()")
        first = "document.querySelector('#search-results li a')"
        page.wait(
            f"location.pathname.endsWith('/search.html') && {first} && {first}.textContent.endsWith('store.damaged')"
        )
        page.value(f"{first}.click()")
        page.wait("location.hash == '#store-damaged' && document.readyState == 'complete'")
        text = page.value("document.querySelector('section#store-damaged').textContent")
        assert "A file in the store does not have the content that its name promises" in text
        assert page.value("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints == []
        assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
