"""What bubblewrap is told: one pure function for a build or test run, one for `brazil exec`.

Invariants of a run: every namespace is its own, nothing of the host is visible but what the Platform binds,
all of it is read-only, and the environment is exactly the Command's (bubblewrap itself adds PWD). Options come
in the order in which bubblewrap applies them, so a later mount may stand inside an earlier one. Nothing here
looks at the file system.

Few inputs are bound by bubblewrap like everything else. Many are not (see `binder`), also because it takes at most
9,000 arguments: it shows the one folder that holds them all, on a shelf in /brazil, and leaves the rest to who takes
the shelf away again before the command starts.
"""

import os.path
from collections.abc import Mapping, Sequence
from typing import NamedTuple

USER_ID = 1000
HOST_NAME = "brazil"
HOME = "/home/build"
ROOT = "/brazil"
SHELF = f"{ROOT}/.shelf"  # shows the folder that holds many inputs until each is at its place
_FEW = 6  # inputs that bubblewrap binds: 0.15 ms each, and more the more there are; the other way costs 1.2 ms at once

# Measured: --disable-userns costs nothing that shows (5.6 ms with and without), and a build that cannot make
# namespaces of its own reaches far less of the kernel.
NAMESPACES: tuple[str, ...] = (
    "--unshare-user",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup",
    "--disable-userns",
    "--uid",
    str(USER_ID),
    "--gid",
    str(USER_ID),
    "--hostname",
    HOST_NAME,
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--clearenv",
)


class RootMounts(NamedTuple):
    """What a Platform puts at the root of every run."""

    skeleton: str  # folder that becomes /, with all mount points
    binds: tuple[str, ...]  # host paths seen at the same place, sorted
    hidden: tuple[tuple[str, str], ...]  # (path inside, empty folder of the host that covers it), sorted


class Inputs(NamedTuple):
    """The inputs of one run, and when they are many the one folder that is bound to show them all."""

    places: tuple[tuple[str, str], ...]  # (place, folder), read-only
    above: str  # a folder that holds all folders, as near as their names tell; empty: each is bound by itself

    @classmethod
    def of(cls, places: Sequence[tuple[str, str]], few: int = _FEW) -> "Inputs":
        """Find the one folder, for more than a few places."""
        folders = [folder for _, folder in places]
        if len(folders) <= few:
            return cls(tuple(places), "")
        # Of the least and the greatest, so of all; commonpath of these two need not hold what sorts between them.
        start = os.path.commonprefix([min(folders), max(folders)])  # noqa: RUF071
        return cls(tuple(places), start[: start.rindex("/")] or "/")


class Places(NamedTuple):
    """What one run adds to its Platform; places inside are relative to /brazil, folders are host paths."""

    source: str  # folder at /brazil/src, writable
    outputs: tuple[tuple[str, str], ...]  # (place, folder), writable
    inputs: Inputs


def run_options(
    root: RootMounts,
    places: Places,
    environment: Sequence[tuple[str, str]],
    scratch: int,
    *,
    terminal: bool = False,
) -> list[str]:
    """Say how bubblewrap sets up one run in /brazil.

    Args:
        root: what the Platform shows.
        places: what this run adds.
        environment: all variables of the command.
        scratch: bytes that /tmp and the home folder may each hold.
        terminal: a user's terminal stays in control of the command; the filter must then keep it from typing there.
    """
    options = [o for o in NAMESPACES if o != "--new-session"] if terminal else [*NAMESPACES]
    options += ("--ro-bind", root.skeleton, "/")
    for path in root.binds:
        options += ("--ro-bind", path, path)
    for path, folder in root.hidden:
        options += ("--ro-bind", folder, path)
    # Started by root, a build has root's id on the host, to whom /proc/sys and others belong: without this it can
    # set core_pattern, and so run programs outside. bubblewrap protects only what it sees to be writable itself.
    options += ("--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev")
    options += ("--size", str(scratch), "--perms", "1777", "--tmpfs", "/tmp")
    options += ("--size", str(scratch), "--perms", "0755", "--tmpfs", HOME)
    options += _own_root((*places.outputs, *places.inputs.places))
    options += ("--bind", places.source, f"{ROOT}/src")
    for place, folder in places.outputs:
        options += ("--bind", folder, f"{ROOT}/{place}")
    options += _bound(places.inputs)
    options += ("--chdir", ROOT)
    for name, value in environment:
        options += ("--setenv", name, value)
    return options


def input_binds(inputs: Inputs) -> list[tuple[str, str]]:
    """Say what is still to be bound where bubblewrap has set up everything else.

    Returns:
        (source, target), both paths inside; none when bubblewrap has bound them and /brazil is read-only.
    """
    if not inputs.above:
        return []
    start = len(inputs.above.rstrip("/"))
    return [(SHELF + folder[start:], f"{ROOT}/{place}") for place, folder in inputs.places]


def enter_options(top: Mapping[str, str | None], inputs: Inputs, *, keep_capabilities: bool) -> list[str]:
    """Say how bubblewrap shows a user's whole machine and a closure at /brazil.

    Args:
        top: what is in the host's root folder, name -> target of a symbolic link, or None for anything else.
        inputs: with places relative to /brazil.
        keep_capabilities: for root, who would otherwise become an ordinary user in all but name.
    """
    options: list[str] = []
    for name, target in sorted(top.items()):
        if name == ROOT.strip("/"):
            continue
        if target is None:
            options += ("--dev-bind-try", f"/{name}", f"/{name}")
        else:
            options += ("--symlink", target, f"/{name}")
    options += _own_root(inputs.places)
    options += _bound(inputs)
    options += ("--remount-ro", "/")
    if keep_capabilities:
        options += ("--cap-add", "ALL")
    return options


def _bound(inputs: Inputs) -> list[str]:
    """Bind the inputs and close /brazil, or show them all on the shelf."""
    if inputs.above:
        return ["--ro-bind", inputs.above, SHELF]
    options: list[str] = []
    for place, folder in inputs.places:
        options += ("--perms", "0755", "--dir", f"{ROOT}/{place}", "--ro-bind", folder, f"{ROOT}/{place}")
    return [*options, "--remount-ro", ROOT]


def _own_root(places: Sequence[tuple[str, str]]) -> list[str]:
    """Make /brazil: a small file system of its own for mount points, which is cheaper than folders on disk."""
    options = ["--perms", "0755", "--tmpfs", ROOT]
    # bubblewrap makes missing folders above a mount point by itself, but with other modes in each version.
    for folder in sorted({place[:n] for place, _ in places for n, c in enumerate(place) if c == "/"}):
        options += ("--perms", "0755", "--dir", f"{ROOT}/{folder}")
    return options
