import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "workspace"

COMMITS = {
    "LedgerKit": "867f2330b9db267b90d9893753efb2dce098561c",
    "MoneyKit": "7670f1788464ed524ff447ff4acedf55c137b1f2",
    "PaymentService": "1f6140fbc8863750c864145ba1c27e25b164e345",
}


def make(target: Path, examples: Path = EXAMPLES, **environment: str) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, str(examples / "make-repositories"), str(target)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {name.removesuffix(".git"): commit for name, commit in map(str.split, done.stdout.splitlines())}


def git(*words: str | Path) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_commit_ids_are_known(tmp_path: Path) -> None:
    assert make(tmp_path) == COMMITS
    for name, commit in COMMITS.items():
        assert git("-C", tmp_path / f"{name}.git", "rev-parse", "main") == commit
        assert "brazil.toml" in git("-C", tmp_path / f"{name}.git", "ls-tree", "--name-only", "main").split()


def test_running_it_twice_changes_nothing(tmp_path: Path) -> None:
    first = make(tmp_path)
    before = contents(tmp_path)
    assert make(tmp_path) == first
    assert contents(tmp_path) == before


def test_the_ids_do_not_depend_on_the_user_or_the_files_around(tmp_path: Path, home: Path) -> None:
    (home / ".gitconfig").write_text(
        "[core]\n\tautocrlf = true\n\tfileMode = true\n\texcludesFile = ~/ignore\n[user]\n\tname = Somebody\n"
        "[init]\n\tdefaultBranch = trunk\n\tdefaultObjectFormat = sha256\n[commit]\n\tgpgSign = true\n"
    )
    (home / "ignore").write_text("*.py\n")
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "ignore").write_text("*.c\n")
    (home / ".config" / "git" / "attributes").write_text("* text eol=crlf\n")
    examples = tmp_path / "elsewhere"
    shutil.copytree(EXAMPLES, examples)
    for path in examples.rglob("*"):
        if path.is_file():
            path.chmod(0o755)
    (examples / "MoneyKit" / "build").mkdir(exist_ok=True)
    (examples / "MoneyKit" / "build" / "left.o").write_text("built")
    environment = {
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_AUTHOR_NAME": "Somebody",
        "GIT_DEFAULT_HASH": "sha256",
        "TZ": "Asia/Tokyo",
    }
    assert make(tmp_path / "made", examples, **environment) == COMMITS


def test_a_repository_with_another_history_is_left_alone(tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path / "MoneyKit.git")
    before = contents(tmp_path)
    done = subprocess.run(
        [sys.executable, EXAMPLES / "make-repositories", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "MoneyKit.git holds another history" in done.stderr
    kept = {name: content for name, content in contents(tmp_path).items() if name.startswith("MoneyKit.git")}
    assert kept == before


def test_the_changes_apply_one_after_the_other(tmp_path: Path) -> None:
    make(tmp_path)
    git("clone", "--quiet", tmp_path / "MoneyKit.git", tmp_path / "checkout")
    changes = sorted((EXAMPLES / "changes").iterdir())
    assert len(changes) == 3
    for change in changes:
        git("-C", tmp_path / "checkout", "apply", change)


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--help"]])
def test_wrong_usage_makes_nothing(tmp_path: Path, words: list[str]) -> None:
    command = [sys.executable, str(EXAMPLES / "make-repositories"), *words]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 2
    assert list(tmp_path.iterdir()) == []
