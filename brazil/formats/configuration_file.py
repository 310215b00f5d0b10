"""Reads the user's `config.toml`."""

from typing import NamedTuple

from brazil.formats.toml_reader import read_toml

_KEYS = ("actor", "jobs", "registry")
MOST_JOBS = 1024


class ConfigurationFile(NamedTuple):
    """What a user configured; empty or 0: nothing."""

    registry: str = ""  # path or URL
    jobs: int = 0  # Steps at a time
    actor: str = ""  # "Name <mail>"


def read_configuration(data: bytes, *, file: str) -> ConfigurationFile:
    """Read the file.

    Args:
        data: the whole file.
        file: its name, for messages.

    Raises:
        UsageError: it is wrong, with every problem.
    """
    top = read_toml(data, file=file, topic="configuration")
    top.refuse_unknown(_KEYS)
    registry = (top.string("registry") or "") if "registry" in top.data else ""
    actor = (top.string("actor") or "") if "actor" in top.data else ""
    jobs = top.integer("jobs", 0)
    if not 0 <= jobs <= MOST_JOBS:
        top.note(
            "jobs", "wrong-value", f"jobs must be between 0 and {MOST_JOBS}", hint="0 means one more than processors"
        )
    top.findings.raise_any()
    return ConfigurationFile(registry, jobs, actor)
