import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from brazil.build_systems import SYSTEMS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "workspace"

COMMITS = {
    "Audit": "9540858d770389dc708613edde06da1f42cf8f7f",
    "CardProvider": "9ae6ac0c12f4f092d66d1a35eca4dedf19a8298d",
    "EventForge": "cb9018ca8d77f95313f5e02a05d0dd25da41824d",
    "JournalKit": "1e2e5c3dc1e060b576559dabfcece87a48475760",
    "LedgerKit": "cec5dd44fe8756b6ff0920fc2b41204f71909f7e",
    "LedgerReport": "a642408bc2afb6b9d5e3c754346971c17ce6598f",
    "MoneyKit": "7670f1788464ed524ff447ff4acedf55c137b1f2",
    "PaymentService": "61407b316f7a97a670d6c0d8670ad09ac12699a7",
    "ProviderApi": "cd98d89e2175184a579c840e50a5e60b10f0426e",
    "ProviderTestKit": "8363dba33d6ac6daa0e0781bbc685fa70859f636",
    "PyMoney": "ffc6d68a3ee613f4f884fcebd0ba2bf333887f06",
    "Reconciler": "55dbeac9885676e468236eb3b8be60f99733d5bf",
    "ShopEvents": "e373c6fc6e221ba47ffd7a6cc70de4bc070351df",
    "Storefront": "52b8145b5aab65d6c451ae6f0b4e2ad7c7adea2f",
    "WalletKit": "46583a442c4cf3db13da5375d147185e2296bbbf",
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
    for package, numbers in (("MoneyKit", "123"), ("Audit", "4")):
        git("clone", "--quiet", tmp_path / f"{package}.git", tmp_path / package)
        for number in numbers:
            (change,) = (EXAMPLES / "changes").glob(f"{number}-*.patch")
            git("-C", tmp_path / package, "apply", change)
    assert len(list((EXAMPLES / "changes").iterdir())) == 4


def test_an_older_interface_is_a_branch_and_the_first_commit(tmp_path: Path) -> None:
    make(tmp_path)
    repository = tmp_path / "ShopEvents.git"
    branches = git("-C", repository, "for-each-ref", "--format=%(refname:short)").split()
    assert branches == ["1.0", "main"]
    assert git("-C", repository, "rev-list", "main").split() == [
        git("-C", repository, "rev-parse", branch) for branch in ("main", "1.0")
    ]
    for branch, interface in (("1.0", "1.0"), ("main", "2.0")):
        assert f'interface    = "{interface}"' in git("-C", repository, "show", f"{branch}:brazil.toml")


@pytest.mark.parametrize("words", [[], ["a", "b"], ["--help"]])
def test_wrong_usage_makes_nothing(tmp_path: Path, words: list[str]) -> None:
    command = [sys.executable, str(EXAMPLES / "make-repositories"), *words]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_built_is_decided_by_the_programs_in_usr(tmp_path: Path) -> None:
    script = runpy.run_path(str(EXAMPLES / "can-be-built"))
    for target, needs in script["NEEDS"].items():
        manifest = tomllib.loads((EXAMPLES / target.removesuffix("-1.0") / "brazil.toml").read_text())
        programs = {f"bin/{program}" for program in SYSTEMS[manifest["package"]["build-system"]].programs}
        assert programs - {"bin/python3"} <= {*needs}, target
        assert script["missing"](needs, tmp_path / target) == [Path(path).name for path in needs]
        for path in needs:
            (tmp_path / target / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / target / path).touch()
        assert script["missing"](needs, tmp_path / target) == []


def test_the_readme_says_why_each_dependency_is_there() -> None:
    """The table has exactly the dependencies of the manifests, by kind."""
    tables = {
        "dependencies": "dependency",
        "runtime-dependencies": "run-time dependency",
        "test-dependencies": "test dependency",
        "build-tools": "build tool",
        "resolves-conflict-dependencies": "resolves-conflict",
        "remove-dependencies": "removed",
    }
    meant = set()
    for path in EXAMPLES.glob("*/brazil.toml"):
        manifest = tomllib.loads(path.read_text())
        for table, words in tables.items():
            meant |= {(manifest["package"]["name"], name, words) for name in manifest.get(table, {})}
    told, package = set(), ""
    section = (EXAMPLES / "README.md").read_text().partition("## Why each dependency is there")[2].partition("## ")[0]
    for row in re.findall(r"^\| (.*?) ?\| (.*?) \| (.*?) \| ", section, re.MULTILINE)[2:]:
        package = row[0] or package
        names = [name.split()[0] for name in row[1].split(", ")]
        told |= {(user, name, row[2]) for user in package.split(", ") for name in names}
    assert told == meant
