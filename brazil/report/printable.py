"""Text that came from outside, made safe to show; light, because every command imports it."""


def printable(text: str) -> str:
    """Take out what could steer a terminal: logs and commit messages come from packages."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
