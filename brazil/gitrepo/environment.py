"""What every git process of ours sees: no hooks, no prompts, nothing inherited that points elsewhere.

Configuration is handed over in the environment, where it outranks every file. Two kinds of process exist:
a local one reads no configuration of the user or the system, a remote one does, because credentials, proxies
and ssh commands live there.
"""

import os

# Where these come from another git process (a hook, an alias), they would lead us to another repository.
_ALIEN = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_PROTOCOL",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_TEMPLATE_DIR",
    "GIT_TRACE",
    "GIT_WORK_TREE",
)

_ALWAYS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.alternateRefsCommand", "true"),
    ("core.fsync", "all"),
    ("core.quotePath", "false"),
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
    ("protocol.ext.allow", "never"),
    ("protocol.version", "2"),
    ("advice.detachedHead", "false"),
    ("init.defaultBranch", "main"),
    ("init.templateDir", ""),
)
_LOCAL = (
    # Which files a checkout holds must not depend on who looks at it.
    ("core.excludesFile", "/dev/null"),
    ("core.attributesFile", "/dev/null"),
    ("core.packedRefsTimeout", "10000"),
    ("core.filesRefLockTimeout", "10000"),
    ("fastimport.unpackLimit", "1"),
    # Local commands run nothing that a repository's owner could choose, so whose it is does not matter.
    ("safe.directory", "*"),
)
# glibc gives the memory of each compressor back to the kernel and asks for it again: half of the time of a commit
# of 50 pins (31 and 15 ms of processor time). Other C libraries pass this over.
_MEMORY = {"MALLOC_TOP_PAD_": str(16 << 20)}  # bytes

_REMOTE = (
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "60"),
)


def local_environment() -> dict[str, str]:
    """Return the whole environment of a git process that touches no other repository."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment.update(_common(), **_MEMORY, GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null")
    environment.update(_configuration((*_ALWAYS, *_LOCAL)))
    return environment


def remote_changes() -> dict[str, str]:
    """Return what a git process that fetches or pushes gets on top of the user's environment."""
    return _common() | _configuration((*_ALWAYS, *_REMOTE))


def inherited_names() -> list[str]:
    """Return the variables that no git process of ours may inherit, sorted."""
    counted = (name for name in os.environ if name.startswith(("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_TRACE")))
    return sorted({*_ALIEN, *counted} - _configuration((*_ALWAYS, *_REMOTE)).keys())


def _common() -> dict[str, str]:
    return {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
        "LANGUAGE": "C",
    }


def _configuration(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    environment = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for index, (key, value) in enumerate(pairs):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment
