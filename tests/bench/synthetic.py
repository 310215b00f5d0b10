"""Synthetic packages for benchmarks: the same ones for brazil and for the references.

Each package has three sources of about 1 KiB and up to five dependencies in lower layers; some packages are hubs
with many consumers. Its build joins its sources and the first lines of its dependencies' outputs.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

SOURCES = ("one.txt", "two.txt", "three.txt")
_LAYERS = 12
_HUBS = 0.02  # share of the packages below that a package prefers to depend on


class Synthetic(NamedTuple):
    """One package."""

    name: str
    dependencies: tuple[str, ...]  # names, sorted

    def sources(self, edition: int = 0) -> dict[str, str]:
        """The three source files; another edition differs in its first line."""
        return {file: _text(f"{self.name}/{file}", edition) for file in SOURCES}

    def script(self, artifacts: str, out: str) -> str:
        """The build, run where the sources are.

        Args:
            artifacts: path of a dependency's output, with "{}" for its name.
            out: path of the own output file.
        """
        heads = "".join(f"head -n 1 {artifacts.format(name)}\n" for name in self.dependencies)
        return f"{{\ncat {' '.join(SOURCES)}\n{heads}}} > {out}\n"

    def manifest(self, closure: str) -> str:
        """Its brazil.toml."""
        needs = "".join(f'{name} = "1.0"\n' for name in self.dependencies)
        script = self.script("/brazil/pkg/{}-1.0/out.txt", '"$BRAZIL_OUT/out.txt"')
        return (
            f'[package]\nname = "{self.name}"\ninterface = "1.0"\nbuild-system = "command"\n'
            f"[dependencies]\n{needs}[build]\nclosure = \"{closure}\"\nbuild = '''\n{script}'''\n"
        )


def make_packages(count: int, seed: int = 1) -> Sequence[Synthetic]:
    """Make `count` packages, dependencies before their consumers."""
    chance = random.Random(seed)
    packages: list[Synthetic] = []
    width = max(1, count // _LAYERS)
    for number in range(count):
        below = (number // width) * width  # everything in lower layers
        wanted = min(chance.randint(0, 5), below)
        hubs = max(1, int(below * _HUBS))
        chosen: set[int] = set()
        while len(chosen) < wanted:
            chosen.add(
                chance.randrange(hubs) if chance.random() < 0.3 else chance.randrange(max(0, below - 3 * width), below)
            )
        packages.append(Synthetic(f"Pkg{number:06d}", tuple(f"Pkg{n:06d}" for n in sorted(chosen))))
    return packages


def _text(title: str, edition: int) -> str:
    lines = [f"{title} edition {edition}"]
    lines += [f"{title} line {n} {random.Random(f'{title}{n}').getrandbits(200):050x}" for n in range(1, 13)]
    return "\n".join(lines) + "\n"
