"""Sources of other people, fetched by the ordinary clients when a test runs, and made packages of ours."""

import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.product import Product, commit_all, git

_DEB = re.compile(r"^(Types: *|)deb(?= |$)(?: deb-src)?", re.MULTILINE)


def run(*command: str, folder: Path) -> None:
    """Run a client of a registry; where it cannot be reached, the test is skipped and says so."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"could not be fetched: {' '.join(command)}: {done.stderr.strip()[-300:]}")


def from_pip(folder: Path, *requirements: str) -> Sequence[Path]:
    """Fetch source distributions, named `name==version`; return their folders in the same order."""
    names = [requirement.partition("==")[0] for requirement in requirements]
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ",".join(names))
    run(*pip, *requirements, folder=folder)
    found = []
    for name in names:
        (archive,) = (p for p in folder.glob("*.tar.gz") if p.name.lower().startswith(f"{name.lower()}-"))
        with tarfile.open(archive) as members:
            members.extractall(folder, filter="data")
        found.append(folder / archive.name.removesuffix(".tar.gz"))
    return found


def from_debian(folder: Path, package: str) -> Path:
    """Fetch a package that Debian built, such as one of sources of Go or Rust; return the folder it is unpacked in."""
    run("apt-get", "download", "--quiet", package, folder=folder)
    (archive,) = folder.glob(f"{package}_*.deb")
    run("dpkg-deb", "--extract", archive.name, package, folder=folder)
    return folder / package


def from_debian_source(folder: Path, *packages: str) -> Sequence[Path]:
    """Fetch sources that Debian builds packages from, from where this machine gets those; return their folders."""
    lists = folder / "sources"
    lists.mkdir()
    for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if path.suffix in (".list", ".sources") and path.is_file():
            (lists / path.name).write_text(_DEB.sub(r"\g<1>deb-src", path.read_text()))
    places = {"Etc::sourcelist": "/dev/null", "Etc::sourceparts": lists, "State::lists": folder, "Cache": folder}
    apt = ("apt-get", "-qq", *(f"-oDir::{name}={path}" for name, path in places.items()))
    run(*apt, "update", folder=folder)
    found = []
    for package in packages:
        (folder / package).mkdir()
        run(*apt, "source", package, folder=folder / package)
        found += [path for path in (folder / package).iterdir() if path.is_dir()]
    return found


def from_npm(folder: Path, *names: str) -> Sequence[Path]:
    """Fetch packages, named `name@version`; return their folders in the same order."""
    found = []
    for name in names:
        run("npm", "pack", "--silent", name, folder=folder)
        (archive,) = folder.glob(f"{name.replace('@', '-')}.tgz")
        with tarfile.open(archive) as members:
            members.extractall(folder / name, filter="data")
        found += [path for path in (folder / name).iterdir() if path.is_dir()]
    return found


def make_package(product: Product, source: Path, name: str, manifest: str) -> None:
    """Make a repository of a source with this `brazil.toml`, of at most fifteen lines, and register it."""
    assert len(manifest.splitlines()) <= 15
    git(source, "init", "-q", "-b", "main")
    (source / "brazil.toml").write_text(manifest)
    git(source, "add", "--all", "--force")  # what its authors track, whatever they ignore
    commit_all(source, "as it was fetched")
    product.ok("package", "register", name, "--repository", str(source))
