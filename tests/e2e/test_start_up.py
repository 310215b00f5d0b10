import subprocess
import sys

import pytest

from brazil.source import capture
from tests.e2e.product import Product

_HEAVY = {"networkx", "git", "rich", "grpc", "google.protobuf", "toml", "click", "platformdirs", "boto3"}
_REPORT = """
import sys
from brazil.__main__ import answer
print("exit code", answer(sys.argv[1:]))
print("loaded:", *sorted(sys.modules))
"""


def _loaded(product: Product, *arguments: str) -> tuple[str, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, *arguments],
        cwd=product.cwd,
        env=product.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said, _, modules = done.stdout.rpartition("loaded:")
    return said, set(modules.split())


def test_version_imports_nothing_of_ours_and_next_to_nothing_else(shop: Product) -> None:
    said, modules = _loaded(shop, "--version")
    assert said.startswith("brazil ")
    assert {name for name in modules if name.partition(".")[0] == "brazil"} == {"brazil", "brazil.__main__"}
    heavy = {"subprocess", "asyncio", "dataclasses", "typing", "tomllib", "json", "re", "importlib.metadata", "pathlib"}
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        env=shop.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not modules & (_HEAVY | heavy) - set(bare.stdout.split())


@pytest.mark.sandbox
def test_build_with_nothing_to_do_imports_next_to_nothing(shop: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_FRESH", 0)  # so that even a build right after the checkout leaves a trace
    work = shop.workspace("Money")
    work.ok("build")
    said, modules = _loaded(work, "build")
    assert said == "nothing to do: 1 result remembered, nothing ran\nexit code 0\n"
    ours = {name for name in modules if name.partition(".")[0] == "brazil"}
    assert ours == {
        "brazil",
        "brazil.__main__",
        "brazil.cli",
        "brazil.cli.start",
        "brazil.cli.unchanged",
        "brazil.places",
        "brazil.report",
        "brazil.report.unchanged",
        "brazil.sandbox",
        "brazil.sandbox.known_platform",
        "brazil.store",
        "brazil.store.mark",
        "brazil.workspace",
        "brazil.workspace.place",
        "brazil.workspace.trace",
    }
    assert not modules & (_HEAVY | {"subprocess", "asyncio", "dataclasses", "tomllib", "json", "pathlib", "signal"})
    assert not modules & {"collections", "contextlib", "functools", "hashlib", "_hashlib"}


def test_help_imports_no_command(shop: Product) -> None:
    said, modules = _loaded(shop, "--help")
    assert "publish" in said
    assert not modules & (_HEAVY - {"click"})
    assert not {name for name in modules if name.startswith(("brazil.operations", "brazil.store", "brazil.registry"))}
