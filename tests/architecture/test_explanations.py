"""Every code of a problem has a page, every page a code, and what a page says to type exists.

Codes are found in the source: the first argument of each `Problem`, followed through module constants and parameters.
What reads TOML composes its codes from a topic and what `Table` and `Findings` note; this is found there as well. A
code that is made in any other way fails the test, so that none is overlooked.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from brazil.cli.main import main
from brazil.model.conflict import ConflictKind
from brazil.report.explanations import Page, find_page, topics
from tests.shown import ROOT

READER = "toml_reader"  # composes codes of the topic that it is given
LONGEST = 12  # lines
PAGES = [page for topic in topics() for page in topic.pages]
SPANS = [(page.code, words) for page in PAGES for words in re.findall(r"`brazil( [^`]+)`", page.text)]

# The one composed code that cannot arise: no key of config.toml has to be there.
NEVER = {"configuration.missing-key"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """One parsed module of the package."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text())
        self.calls = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        self.functions = [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def around(self, node: ast.expr) -> Function:
        """Return the innermost function that a node is in."""
        inside = [f for f in self.functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
        return max(inside, key=lambda f: f.lineno)

    def constant(self, name: str) -> str | None:
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
                for target, value in _pairs(node):
                    if isinstance(target, ast.Name) and target.id == name and isinstance(value, ast.Constant):
                        return str(value.value)
        return None

    def texts(self, node: ast.expr) -> set[str]:
        """Return what an expression can be, where it stands for the code of a problem."""
        if isinstance(node, ast.Constant):
            return {str(node.value)}
        if isinstance(node, ast.Name):
            if (text := self.constant(node.id)) is not None:
                return {text}
            function = self.around(node)
            names = [argument.arg for argument in function.args.args]
            assert node.id in names, f"{self.path}:{node.lineno}: the code {node.id} cannot be followed"
            at = names.index(node.id)
            callers = [call for call in self.calls if called(call) == function.name]
            assert callers, f"{self.path}:{node.lineno}: nobody in this module gives {function.name} a code"
            return {text for call in callers for text in self.texts(call.args[at])}
        raise AssertionError(f"{self.path}:{node.lineno}: a code is made of {ast.unparse(node)}")


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=True)
        else:
            yield target, node.value


def called(call: ast.Call) -> str:
    """Return the last word of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def code_of(call: ast.Call) -> ast.expr:
    named = next((keyword.value for keyword in call.keywords if keyword.arg == "code"), None)
    return call.args[0] if call.args else named or call


def modules() -> list[Module]:
    others = {"programs", "starters", "reapi_pb"}  # what runs in sandboxes or is generated
    return [Module(path) for path in sorted((ROOT / "brazil").rglob("*.py")) if not others & {*path.parts}]


def plain_codes(every: Iterable[Module]) -> set[str]:
    """Return the codes that are written whole."""
    found = set()
    for module in every:
        if module.path.stem == READER:
            continue
        for call in module.calls:
            if called(call) == "Problem":
                found |= module.texts(code_of(call))
            for keyword in call.keywords:
                assert called(call) != "_replace" or keyword.arg != "code", f"{module.path}:{call.lineno}"
    return found


def read_codes(every: Iterable[Module]) -> set[str]:
    """Return the codes that the reader of TOML composes."""
    every = list(every)
    reader = next(module for module in every if module.path.stem == READER)
    always, noted = composed(reader), table_codes(reader)
    found = set()
    for module in every:
        for topic in {t for call in module.calls if called(call) == "read_toml" for t in given(module, call, "topic")}:
            ends = set(always)
            for call in module.calls:
                name = called(call)
                if name == "note":
                    ends |= module.texts(call.args[1])
                elif name == "add" and ast.unparse(call.func).endswith("findings.add"):
                    ends |= module.texts(call.args[0])
                elif name == "refuse_unknown":
                    ends.add(f"unknown-{ast.literal_eval(call.args[1]) if len(call.args) > 1 else 'key'}")
                else:
                    ends |= noted.get(name, set())
            found |= {f"{topic}.{end}" for end in ends}
    return found


def given(module: Module, call: ast.Call, name: str) -> set[str]:
    return {text for keyword in call.keywords if keyword.arg == name for text in module.texts(keyword.value)}


def composed(reader: Module) -> set[str]:
    """Return the ends of the codes that the reader gives whatever the topic is."""
    found = set()
    for call in reader.calls:
        if called(call) != "Problem":
            continue
        code = code_of(call)
        assert isinstance(code, ast.JoinedStr), f"{READER}:{call.lineno}"
        end = ast.unparse(code)[2:-1]
        if end != "{self.topic}.{code}":  # of Findings.add, whose callers give the code
            assert re.fullmatch(r"\{topic\}\.[a-z-]+", end), end
            found.add(end.removeprefix("{topic}."))
    return found


def table_codes(reader: Module) -> dict[str, set[str]]:
    """Return what each method of Table can note, those that it calls included."""
    table = next(node for node in reader.tree.body if isinstance(node, ast.ClassDef) and node.name == "Table")
    methods = {f.name: f for f in table.body if isinstance(f, Function)}

    def codes(name: str) -> set[str]:
        found = set()
        for call in (node for node in ast.walk(methods[name]) if isinstance(node, ast.Call)):
            if called(call) == "note" and isinstance(call.args[1], ast.Constant):
                found.add(str(call.args[1].value))
            elif called(call) in methods and called(call) != "note" and ast.unparse(call.func).startswith("self."):
                found |= codes(called(call))
        return found

    return {name: codes(name) for name in methods if name not in ("note", "refuse_unknown")}


@pytest.fixture(scope="module")
def codes() -> set[str]:
    every = modules()
    conflicts = {f"conflict.{kind}" for kind in ConflictKind}
    return plain_codes(every) | (read_codes(every) - NEVER) | conflicts


def test_every_code_has_a_page(codes: set[str]) -> None:
    assert codes - {page.code for page in PAGES} == set()


def test_every_page_has_a_code(codes: set[str]) -> None:
    assert {page.code for page in PAGES} - codes == set()


def test_all_ways_to_make_a_code_are_followed(codes: set[str]) -> None:
    """One of each: literal, constant, parameter, reader, noted by a table, by a method of another, conflict."""
    samples = {"store.damaged", "sandbox.limits", "source.lfs", "manifest.syntax", "workspace-file.newer"}
    assert samples | {"configuration.unknown-key", "manifest.unknown-table", "manifest.missing-key"} <= codes
    assert "conflict.cycle" in codes


def test_a_code_that_cannot_be_followed_is_not_overlooked(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def f(names):\n    for name in names:\n        yield Problem(f'x.{name}', 'what')\n")
    with pytest.raises(AssertionError, match="a code is made of"):
        plain_codes([Module(path)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_a_page_is_short_and_not_empty(page: Page) -> None:
    lines = page.text.splitlines()
    assert len(lines) <= LONGEST
    assert len(re.findall(r"\.\s|\.$", page.text)) >= 2, "what happened, and what to do"
    assert max(map(len, lines)) <= 120
    assert page.text.endswith(".")
    assert page.summary.endswith(".")


def test_pages_are_in_the_file_of_their_topic_and_sorted() -> None:
    for topic in topics():
        found = [page.code for page in topic.pages]
        assert found == sorted(set(found))
        assert {code.partition(".")[0] for code in found} == {topic.name}
        assert (ROOT / "brazil" / "explanations" / f"{topic.name}.md").is_file()
        assert "\n" not in topic.about
        assert topic.about.endswith(".")


@pytest.mark.parametrize(("code", "words"), SPANS)
def test_commands_of_a_page_exist(code: str, words: str) -> None:
    command: click.Command = main
    rest = words.split()
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest.pop(0))
        assert found is not None, f"{code}: there is no command brazil{words}"
        command = found
    options = {name for option in command.get_params(click.Context(command)) for name in option.opts}
    assert {word for word in rest if word.startswith("-")} <= options
    if not isinstance(command, click.Group):
        command.make_context("brazil", [*rest] if "--help" not in rest else [], resilient_parsing=True)


def test_a_page_is_found_by_its_code() -> None:
    topic, page = find_page("store.damaged")
    assert (topic.name, page.code) == ("store", "store.damaged")


def test_the_list_of_topics_in_the_docs_is_complete() -> None:
    shown = (ROOT / "docs" / "problems.md").read_text()
    rows = [f"| [`{topic.name}`](../brazil/explanations/{topic.name}.md) | {topic.about} |" for topic in topics()]
    assert "\n".join(rows) in shown
