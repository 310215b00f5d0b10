"""The references: ninja, and ninja with every command under bare bubblewrap."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import ninja

from tests.bench.synthetic import SOURCES, Synthetic

NINJA = [str(Path(ninja.BIN_DIR, "ninja")), "--quiet"]  # the program itself: what is on PATH may be a script

_ROOT = "--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64"


def write_ninja(
    folder: Path, packages: Sequence[Synthetic], bwrap: str, closures: Mapping[str, Sequence[str]] | None
) -> None:
    """Write sources and a build.ninja.

    Args:
        folder: new; sources go to src/<name>, outputs to out/<name>/out.txt.
        packages: dependencies first.
        bwrap: the program each command runs under; empty: none.
        closures: package -> what its command sees; None: its direct dependencies.
    """
    lines = ["rule build", "  command = $line", "  description = $out", ""]
    for package in packages:
        source = folder / "src" / package.name
        source.mkdir(parents=True)
        (folder / "out" / package.name).mkdir(parents=True)
        for name, text in package.sources().items():
            (source / name).write_text(text)
        seen = closures[package.name] if closures is not None else package.dependencies
        inputs = [f"src/{package.name}/{name}" for name in SOURCES] + [f"out/{name}/out.txt" for name in seen]
        lines.append(f"build out/{package.name}/out.txt: build {' '.join(inputs)}")
        lines.append(f"  line = {_line(folder, package, bwrap, seen)}")
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")


def _line(folder: Path, package: Synthetic, bwrap: str, seen: Sequence[str]) -> str:
    if not bwrap:
        script = package.script(f"{folder}/out/{{}}/out.txt", f"{folder}/out/{package.name}/out.txt")
        return f"cd src/{package.name} && /bin/sh -euc {_quoted(script)}"
    script = package.script("/brazil/pkg/{}-1.0/out.txt", "/brazil/out/out.txt")
    binds = " ".join(f"--ro-bind {folder}/out/{name} /brazil/pkg/{name}-1.0" for name in seen)
    return (
        f"{bwrap} --unshare-all --die-with-parent {_ROOT} --proc /proc --dev /dev --tmpfs /tmp"
        f" --ro-bind {folder}/src/{package.name} /brazil/src --bind {folder}/out/{package.name} /brazil/out {binds}"
        f" --chdir /brazil/src /bin/sh -euc {_quoted(script)}"
    )


def _quoted(script: str) -> str:
    return shlex.quote(script.strip().replace("\n", "; ").replace("{;", "{").replace("; }", "; }")).replace("$", "$$")
