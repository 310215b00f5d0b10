"""Synthetic packages for benchmarks: the same ones for brazil and for the references.

Each package has three sources of about 1 KiB and up to five dependencies in lower layers, most of them in the two
below its own; some packages are hubs with many consumers. Its build joins its sources and the first lines of its
dependencies' outputs.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

SOURCES = ("one.txt", "two.txt", "three.txt")
_LAYERS = 25  # with the two numbers below: closures of 1,000 packages have 189 members on average
_NEAR = 2  # layers that most dependencies are in
_FAR = 0.1  # share of dependencies that are hubs
_HUBS = 0.02  # share of the packages below that are hubs


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
        near = min(below, _NEAR * width)
        wanted = min(chance.randint(0, 5), near)
        hubs = max(1, int(below * _HUBS))
        chosen: set[int] = set()
        while len(chosen) < wanted:
            chosen.add(chance.randrange(hubs) if chance.random() < _FAR else chance.randrange(below - near, below))
        packages.append(Synthetic(f"Pkg{number:06d}", tuple(f"Pkg{n:06d}" for n in sorted(chosen))))
    return packages


def closures_of(packages: Sequence[Synthetic]) -> dict[str, tuple[str, ...]]:
    """Work out what each package needs, directly or not.

    Args:
        packages: dependencies first.

    Returns:
        package -> names, sorted, without its own.
    """
    places = {package.name: place for place, package in enumerate(packages)}
    below: list[int] = []  # of each package, a bit for each member
    for package in packages:
        members = 0
        for name in package.dependencies:
            members |= below[places[name]] | 1 << places[name]
        below.append(members)
    return {
        package.name: tuple(packages[place].name for place in range(bits.bit_length()) if bits >> place & 1)
        for package, bits in zip(packages, below, strict=True)
    }


def _text(title: str, edition: int) -> str:
    lines = [f"{title} edition {edition}"]
    lines += [f"{title} line {n} {random.Random(f'{title}{n}').getrandbits(200):050x}" for n in range(1, 13)]
    return "\n".join(lines) + "\n"
