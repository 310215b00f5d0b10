import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {"programs", "reapi_pb", "starters"}  # run in sandboxes; generated; the sources of other people's packages
MODULES = sorted(path for path in (ROOT / "brazil").rglob("*.py") if not NOT_OURS.intersection(path.parts))


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_layers_hold() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("store/__init__.py", "import brazil.sandbox", "brazil.store is not allowed to import brazil.sandbox"),
        ("registry/__init__.py", "import brazil.plan", "brazil.registry is not allowed to import brazil.plan"),
        ("model/__init__.py", "import brazil.ports", "brazil.model is not allowed to import brazil.ports"),
        ("newcomer.py", "import brazil.errors", "brazil.newcomer"),
    ],
)
def test_the_contract_sees_an_import_against_the_layers(tmp_path: Path, module: str, line: str, told: str) -> None:
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for path in MODULES:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    changed = tmp_path / "brazil" / module
    changed.write_text((changed.read_text() if changed.exists() else "") + f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert told in done.stdout


def hidden_imports(path: Path) -> Iterator[tuple[int, str]]:
    """The modules imported inside functions of a file, with their lines."""
    tree = ast.parse(path.read_text())
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    for node in {inner for function in functions for inner in ast.walk(function)}:
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "."
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_inside_functions_stand_only_where_they_save_start_up_time(path: Path) -> None:
    place = path.relative_to(ROOT / "brazil")
    if place.parts[0] in ("__main__.py", "cli", "places.py", "wiring.py"):
        return
    found = sorted(hidden_imports(path))
    if place == Path("formats/toml_writer.py"):
        # Who reads a format imports its writer too, and only who writes shall pay for `toml`.
        found = [(line, module) for line, module in found if module != "toml"]
    if place.parts[0] == "graph":
        found = [(line, module) for line, module in found if module.partition(".")[0] != "networkx"]
    assert found == []
