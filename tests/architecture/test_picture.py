import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_picture_of_the_layers_is_what_the_code_imports() -> None:
    drawn = subprocess.run(
        [sys.executable, ROOT / "scripts" / "draw-layers", "--stdout"], capture_output=True, text=True, check=True
    )
    assert drawn.stdout == (ROOT / "docs" / "architecture.svg").read_text(), "run scripts/draw-layers"


def test_every_part_of_the_program_is_in_the_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    parts = [
        f"`brazil/{path.name}{'/' if path.is_dir() else ''}`"
        for path in sorted((ROOT / "brazil").iterdir())
        if path.name != "__pycache__" and (path.is_dir() or path.suffix == ".py") and not path.name.startswith("__")
    ]
    assert len(parts) > 15
    assert [part for part in parts if f"| {part} |" not in page] == []
