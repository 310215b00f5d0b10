"""`brazil explain`: what an error code means and what to do."""

import sys

import click

from brazil.cli.context import json_option, tell_json
from brazil.report import explanations


@click.command()
@click.argument("code", required=False)
@json_option
def explain(code: str | None, as_json: bool) -> None:
    """Say what the error with CODE means and what to do; without CODE list all codes.

    The code of an error stands in brackets at the end of its message. Its first word, such as "registry", lists the
    codes that begin with it.

    \b
    Examples:
      brazil explain registry.unknown-set
      brazil explain registry
    """
    listed = explanations.topics_to_list(code)
    if code is None or listed:
        data, text = explanations.list_data(listed), explanations.list_markdown(listed)
    else:
        topic, page = explanations.find_page(code)
        data, text = explanations.page_data(topic, page), explanations.page_markdown(page)
    if as_json:
        tell_json(data)
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        click.echo(text)
