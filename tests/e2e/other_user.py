"""Another user of this machine, who can read the product and nothing of ours."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.product import REPOSITORY

_ID = 65534  # any id that is not ours and owns nothing


class OtherUser(NamedTuple):
    """Somebody else, and what they can run the product with."""

    folder: Path  # that every user may enter
    modules: Path
    python: str

    @property
    def environment(self) -> dict[str, str]:
        """What an ordinary login of theirs has, unlike ours in all that must not matter."""
        return {"PYTHONPATH": str(self.modules), "PATH": os.environ["PATH"], "LANG": "C", "TZ": "Asia/Tokyo"}

    def own(self, folder: Path) -> None:
        """Give them a folder and what is in it."""
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, _ID, _ID, follow_symlinks=False)

    def run(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command as them."""
        return subprocess.run(
            command,
            cwd=folder,
            env={**self.environment, **environment},
            user=_ID,
            group=_ID,
            extra_groups=[],
            umask=0o077,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def find_other_user() -> Iterator[OtherUser]:
    """Give another user, for as long as it is needed; skips where nobody can act as one."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as another user")
    folder = Path(tempfile.mkdtemp(prefix="brazil-other-user-", dir="/tmp"))  # pytest's own are for one user only
    try:
        folder.chmod(0o755)
        modules = _modules(folder / "modules")
        yield OtherUser(folder, modules, _python(modules))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _modules(folder: Path) -> Path:
    """Copy the product and what it needs to where another user can read it."""
    waiting, seen = ["brazil"], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another platform or Python
            continue
        waiting += [re.match(r"[\w.-]+", text)[0] for text in found.requires or () if "extra ==" not in text]  # type: ignore[index]
        for file in found.files or ():
            if name != "brazil" and not {"..", "tests", "__pycache__"} & set(file.parts):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), folder / file)
    shutil.copytree(REPOSITORY / "brazil", folder / "brazil", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _python(modules: Path) -> str:
    """Find an interpreter that the other user can run with those modules."""
    program = "import tomllib, click, git, networkx, google.protobuf.message, brazil.cli.main"
    environment = {"PYTHONPATH": str(modules), "PATH": os.environ["PATH"]}
    for python in dict.fromkeys([sys.executable, os.path.realpath(sys.executable), "/usr/bin/python3"]):
        with contextlib.suppress(OSError):
            command = [python, "-c", program]
            done = subprocess.run(command, env=environment, cwd="/", user=_ID, group=_ID, extra_groups=[], check=False)
            if done.returncode == 0:
                return python
    pytest.skip("no Python interpreter here can be run by another user")
