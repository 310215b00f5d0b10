import re

import click
import pytest

from brazil.errors import UsageError
from tests.commands import Command, commands, parse
from tests.shown import ROOT

EVERY = list(commands())
LEAVES = [each for each in EVERY if not each.is_group]

# What these print is no facts of ours: the output of a user's command, a script, a document that is JSON already.
NO_FACTS = {"brazil exec", "brazil shell", "brazil completion", "brazil package schema"}


def name(each: Command) -> str:
    return each.path.removeprefix("brazil ")


@pytest.mark.parametrize("each", LEAVES, ids=name)
def test_the_help_of_a_command_has_examples_of_it(each: Command) -> None:
    assert each.examples, f"the help text of {each.path} needs a paragraph that begins with \\b and Example:"
    assert any(parse(example) == each.path for example in each.examples)


@pytest.mark.parametrize("each", EVERY, ids=name)
def test_every_example_of_a_help_text_is_a_command_line_that_is_understood(each: Command) -> None:
    for example in each.examples:
        assert parse(example).startswith("brazil"), example


@pytest.mark.parametrize("each", LEAVES, ids=name)
def test_every_command_that_tells_facts_tells_them_as_json(each: Command) -> None:
    assert ("--json" in each.options) != (each.path in NO_FACTS)


@pytest.mark.parametrize("each", EVERY, ids=name)
def test_every_option_says_what_it_is_for(each: Command) -> None:
    assert each.command.help
    silent = [p.opts for p in each.command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


@pytest.mark.parametrize("each", EVERY, ids=name)
def test_exit_codes_in_help_are_those_of_the_readme(each: Command) -> None:
    table = (ROOT / "README.md").read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    known = set(re.findall(r"\d+", " ".join(re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE))))
    _, _, told = (each.command.help or "").partition("Exit codes:\n")
    found = re.findall(r"^ +(\d+)  \S", told.partition("\n\n")[0], re.MULTILINE)
    assert {*found} <= known
    assert bool(found) == bool(told)


@pytest.mark.parametrize("line", ["brazil bulid", "brazil ws create", "brazil build --nothing", "brazil vs log a -n 0"])
def test_a_command_line_that_is_not_understood_is_found(line: str) -> None:
    with pytest.raises((click.ClickException, UsageError)):
        parse(line)
