"""A build system that a package of the set brings, from a publication to a change of its options."""

import json
from collections.abc import Mapping

import pytest

from tests.e2e.product import Product, open_shop, options, toml
from tests.e2e.systems import runs

pytestmark = pytest.mark.sandbox

_PROVIDES = """
[provides-build-system]
program = "page"
tests = true

[provides-build-system.options.title]
type = "string"
description = "What stands at the top."
default = "Untitled"
"""

PACKAGES: Mapping[str, Mapping[str, str]] = {
    # What the tool needs to run, and the package that it builds must not see.
    "Frame": {
        "brazil.toml": toml("Frame", build={"build": 'mkdir "$BRAZIL_OUT/bin"; install frame "$BRAZIL_OUT/bin"'}),
        "frame": '#!/bin/sh\necho "<$1>"\n',
    },
    "PageMaker": {
        "brazil.toml": toml(
            "PageMaker",
            dependencies={"Frame": "1.0"},
            build={"build": 'mkdir "$BRAZIL_OUT/bin"; install page-build page-test "$BRAZIL_OUT/bin"'},
        )
        + _PROVIDES,
        "page-build": '#!/bin/sh -eu\nmkdir "$BRAZIL_OUT/share"\nframe "$BRAZIL_OPTIONS" > "$BRAZIL_OUT/share/page"\n'
        'echo "$BRAZIL_CLOSURE|${CLOSURE_CPATH-}|${CPATH-}" > "$BRAZIL_OUT/share/paths"\n',
        "page-test": '#!/bin/sh -eu\ngrep -qF -- "$(cat tests/word)" "$BRAZIL_OUT/share/page"\n'
        'echo "$BRAZIL_CLOSURE"\n',
    },
    "Words": {
        "brazil.toml": toml("Words", build={"build": 'mkdir "$BRAZIL_OUT/include"; cp words.h "$BRAZIL_OUT/include"'}),
        "words.h": "\n",
    },
    "Book": {
        "brazil.toml": toml(
            "Book", "PageMaker", dependencies={"Words": "1.0"}, build_tools={"PageMaker": "1.0"}, build={"title": "Red"}
        ),
        "tests/word": "Red\n",
    },
    "Plain": {"brazil.toml": toml("Plain", "PageMaker", build_tools={"PageMaker": "1.0"})},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    product = open_shop(tmp_path_factory.mktemp("own") / "shop", PACKAGES, ["Book-1.0", "Plain-1.0"])
    product.ok("publish", "--set", "shop/dev", *options("-p", PACKAGES))
    return product


def test_a_package_is_built_and_tested_by_the_programs_of_its_tool(shop: Product) -> None:
    found = runs(shop)
    assert "test Plain-1.0" not in found
    files = found["build Book-1.0"].files
    assert json.loads(files["share/page"].strip(b"<>\n")) == {"title": "Red"}
    assert files["share/paths"] == b"/brazil/pkg/Words-1.0|/brazil/pkg/Words-1.0/include|\n"
    assert found["test Book-1.0"].log == "/brazil/pkg/Book-1.0:/brazil/pkg/Words-1.0\n"
    assert json.loads(found["build Plain-1.0"].files["share/page"].strip(b"<>\n")) == {"title": "Untitled"}


def test_a_change_of_the_tool_reaches_what_it_builds(shop: Product) -> None:
    work = shop.workspace("PageMaker", name="tool")
    work.edit("PageMaker", "page-build", "-eu\n", "-eu\n# said\n")
    states = work.ok("build", "Book", "--json").states
    assert {step for step, state in states.items() if state != "remembered"} == {
        "build PageMaker-1.0", "build Book-1.0",
    }  # fmt: skip
    # Another default changes nothing for who gives the option.
    work.edit("PageMaker", "page-build", "# said\n", "")
    work.edit("PageMaker", "brazil.toml", "Untitled", "No title")
    assert work.ok("build", "Book", "Plain", "--json").ran == {"build PageMaker-1.0", "build Plain-1.0"}


def test_an_option_that_the_tool_no_longer_has_is_refused_for_all_its_users(shop: Product) -> None:
    work = shop.workspace("PageMaker", name="option")
    work.edit("PageMaker", "brazil.toml", "options.title", "options.heading")
    answer = work.run("build", "Book")
    assert answer.code == 2
    assert "brazil.toml of Book-1.0.1:13: build.title: unknown key 'title' in [build]" in answer.err
    before = shop.runs()
    work.commit("PageMaker")
    assert work.run("publish").code == 2
    assert shop.runs() == before


def test_a_tool_without_its_program_is_not_published(shop: Product) -> None:
    work = shop.workspace("PageMaker", name="program")
    work.edit("PageMaker", "brazil.toml", "page-build page-test", "page-build")
    work.commit("PageMaker")
    answer = work.run("publish")
    assert answer.code == 1
    assert "the artifact has no program bin/page-test" in answer.err
