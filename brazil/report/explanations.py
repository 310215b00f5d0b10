"""What every error code means and what to do about it, as the pages in `brazil/explanations/` have it.

One file per topic, which is what a code has before its dot: a title, a sentence on the topic, then a section per code.
Only these pages are read, when somebody asks; errors themselves never need them.
"""

from importlib import resources
from typing import Any, NamedTuple

from brazil.errors import Problem, UsageError
from brazil.model.nearest import did_you_mean


class Page(NamedTuple):
    """What happened and what to do, for one code."""

    code: str  # such as "store.damaged"
    text: str  # paragraphs of Markdown, without a title; no line end at its end

    @property
    def summary(self) -> str:
        """The first sentence, on one line."""
        return _first_sentence(self.text)


class Topic(NamedTuple):
    """Codes about the same thing."""

    name: str  # such as "store"
    about: str  # one sentence
    pages: tuple[Page, ...]  # in the order of the file


def topics() -> tuple[Topic, ...]:
    """Return all topics, sorted by name."""
    folder = resources.files("brazil") / "explanations"
    return tuple(_topic(file.read_text("utf-8")) for file in sorted(folder.iterdir(), key=lambda file: file.name))


def topics_to_list(word: str | None) -> tuple[Topic, ...]:
    """Return all topics without a word, else the one of that name; none when the word means a page, or nothing."""
    every = topics()
    if word is None:
        return every
    return tuple(topic for topic in every if topic.name == word and all(page.code != word for page in topic.pages))


def find_page(code: str) -> tuple[Topic, Page]:
    """Return the page of a code, with its topic.

    Raises:
        UsageError: there is no such code; suggests the nearest.
    """
    found = {page.code: (topic, page) for topic in topics() for page in topic.pages}
    if code not in found:
        hint = (
            did_you_mean(code, [*found, *(topic.name for topic, _ in found.values())])
            or "'brazil explain' lists all codes"
        )
        raise UsageError(Problem("explain.unknown-code", f"no error has the code {code!a}", hint=hint))
    return found[code]


def page_markdown(page: Page) -> str:
    """Write a page."""
    return f"# {page.code}\n\n{page.text}"


def list_markdown(every: tuple[Topic, ...]) -> str:
    """Write every code with its first sentence, topic by topic."""
    return "\n\n".join(
        "\n".join([f"# {topic.name}", "", topic.about, "", *(f"- `{p.code}`: {p.summary}" for p in topic.pages)])
        for topic in every
    )


def page_data(topic: Topic, page: Page) -> dict[str, Any]:
    """Give a page its documented JSON shape."""
    return {"code": page.code, "topic": topic.name, "about": topic.about, "text": page.text}


def list_data(every: tuple[Topic, ...]) -> dict[str, Any]:
    """Give the list of codes its documented JSON shape."""
    return {
        "topics": [
            {
                "topic": topic.name,
                "about": topic.about,
                "codes": [{"code": page.code, "summary": page.summary} for page in topic.pages],
            }
            for topic in every
        ]
    }


def _topic(text: str) -> Topic:
    head, *sections = text.split("\n## ")
    name, _, about = head.removeprefix("# ").partition("\n")
    pages = (section.partition("\n") for section in sections)
    return Topic(name, about.strip(), tuple(Page(code, text.strip()) for code, _, text in pages))


def _first_sentence(text: str) -> str:
    words = text.partition("\n\n")[0].split()
    end = next((at for at, word in enumerate(words, 1) if word.endswith(".")), len(words))
    return " ".join(words[:end])
