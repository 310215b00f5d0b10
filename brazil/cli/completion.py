"""`brazil completion`: the script that lets a shell complete command lines."""

from importlib import resources

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def completion(shell: str) -> None:
    """Print the script that lets your shell complete commands, options, and names of packages, sets and revisions.

    Names come from the workspace and from what is known of the registry; nothing is fetched.

    \b
    For bash, in ~/.bashrc:
      eval "$(brazil completion bash)"
    \b
    For zsh, in ~/.zshrc after compinit:
      eval "$(brazil completion zsh)"
    \b
    Examples:
      brazil completion bash > ~/.local/share/bash-completion/completions/brazil
      brazil completion fish > ~/.config/fish/completions/brazil.fish
    """
    click.echo((resources.files("brazil.cli") / "completions" / f"brazil.{shell}").read_text("utf-8"), nl=False)
