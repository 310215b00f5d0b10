"""Command lines completed as a shell asks for it, and by real shells."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from brazil.build_systems import SYSTEMS
from brazil.cli.complete import source_of
from tests.commands import commands
from tests.e2e.product import Product, toml
from tests.terminal import Terminal

SCRIPTS = Path(__file__).resolve().parents[2] / "brazil" / "cli" / "completions"


def offered(product: Product, line: str, **variables: str) -> dict[str, str]:
    """Value -> what it is, of what may come next on a line."""
    asked = {"_BRAZIL_COMPLETE": "zsh", "_BRAZIL_LINE": line, **variables}
    with mock.patch.dict(os.environ, asked):
        answer = product.run()
    assert (answer.code, answer.err) == (0, "")
    rows = [row.split("\t") for row in answer.out.splitlines()]
    assert all(2 <= len(row) <= 3 for row in rows)
    return {row[1] if row[0] == "plain" else f"<{row[0]}>": row[2] if len(row) == 3 else "" for row in rows}


def values(product: Product, line: str, **variables: str) -> list[str]:
    return list(offered(product, line, **variables))


@pytest.fixture
def work(shop: Product) -> Product:
    return shop.workspace("Money")


@pytest.mark.sandbox
def test_every_place_of_a_line_is_completed_with_what_fits_there(work: Product) -> None:
    everything = ["Money", "Price", "Rates", "Shop", "Stamp"]
    cases = {
        "brazil w": ["ws"],
        "brazil ws dr": ["drop"],
        "brazil build --keep": ["--keep-going"],
        "brazil build ": everything,
        "brazil build Money P": ["Price"],
        "brazil build Money ": everything[1:],
        "brazil build Money-": ["Money-1.0"],
        "brazil test Sh": ["Shop"],
        "brazil exec ": everything,
        "brazil exec Shop -- ": [],
        "brazil ws use ": everything[1:],
        "brazil ws drop ": ["Money"],
        "brazil ws create other --set ": ["shop/dev"],
        "brazil ws create other --set=sh": ["--set=shop/dev"],
        "brazil ws create other --set shop/dev --revision ": ["1", "0"],
        "brazil ws sync --revision ": ["1", "0"],
        "brazil vs show s": ["shop/dev"],
        "brazil vs show shop/dev@": ["shop/dev@1", "shop/dev@0"],
        "brazil vs show 'shop/d": ["shop/dev"],
        "brazil vs diff shop/dev ": ["1", "0", "shop/dev"],
        "brazil vs diff shop/dev@0 ": ["shop/dev"],
        "brazil vs log ": ["shop/dev"],
        "brazil vs create a --from shop/dev@1": ["shop/dev@1"],
        "brazil vs create a --target Mo": ["Money-1.0"],
        "brazil publish --set ": ["shop/dev"],
        "brazil publish -p R": ["Rates"],
        "brazil publish -p Rates -p R": [],
        "brazil package show ": everything,
        "brazil package dependencies add S": ["Shop", "Stamp"],
        "brazil package dependencies add Stamp-": ["Stamp-1.0"],
        "brazil package dependencies add Money --kind t": ["test", "tool"],
        "brazil package new A --build-system ": list(SYSTEMS),
        "brazil explain workspace.n": ["workspace.none", "workspace.not-in-use", "workspace.not-listed"],
        "brazil completion ": ["bash", "zsh", "fish"],
        "brazil ws delete /": [str(work.cwd), "<dir>"],
        "brazil test --junit ": ["<dir>"],
        "brazil --registry ": ["<dir>"],
        "brazil --registry /nowhere vs show ": [],
        "brazil nonsense ": [],
        "brazil 'unclosed ": [],
        "brazil ws use --commit ": [],
    }
    assert {line: values(work, line) for line in cases} == cases
    assert offered(work, "brazil ws sync --revision ")["0"] == "create"
    assert offered(work, "brazil package new A --build-system cm")["cmake"] == SYSTEMS["cmake"].summary
    price = work.src("Money") / "brazil.toml"
    price.write_text(toml("Money", dependencies={"Rates": "1.0"}, build_tools={"Stamp": "1.0"}))
    assert values(work.at(work.src("Money")), "brazil package dependencies remove ") == ["Rates", "Stamp"]


@pytest.mark.sandbox
def test_bash_is_told_only_the_part_that_it_replaces(work: Product) -> None:
    """It takes words apart at "=" and "@"."""
    assert values(work, "brazil vs show shop/dev@", _BRAZIL_WORD="@") == ["@1", "@0"]
    assert values(work, "brazil vs show shop/dev@1", _BRAZIL_WORD="@1") == ["@1"]
    assert values(work, "brazil ws create a --set=sh", _BRAZIL_WORD="sh") == ["shop/dev"]
    assert values(work, 'brazil vs show "sh', _BRAZIL_WORD='"sh') == ["shop/dev"]


@pytest.mark.sandbox
def test_what_is_pinned_is_read_once_for_a_revision(work: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Price" in values(work, "brazil build ")
    work.registry = str(work.folder / "gone")
    (work.cwd / "brazil-workspace.toml").write_text(
        (work.cwd / "brazil-workspace.toml").read_text().replace("registry.git", "gone")
    )
    assert "Price" in values(work, "brazil build ")
    assert len(list((work.home / "cache" / "members").iterdir())) == 1


@pytest.mark.sandbox
def test_a_key_that_is_pressed_waits_for_nothing_heavy(work: Product) -> None:
    """An answer takes 100 to 150 ms, most of it the interpreter and click; see what it imports."""
    program = "import sys; sys.argv = ['brazil']\nfrom brazil.__main__ import main\n"
    program += "try: main()\nexcept SystemExit: print(*sys.modules)"
    heavy = {
        "networkx",
        "git",
        "rich",
        "google.protobuf",
        "toml",
        "brazil.build.executor",
        "brazil.operations.building",
    }
    for line in ("", "build ", "ws use ", "ws create --", "vs show shop/dev@", "package new A --build-system "):
        asked = work.environment | {"_BRAZIL_COMPLETE": "bash", "_BRAZIL_LINE": f"brazil {line}"}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=work.cwd, env=asked, capture_output=True, text=True, check=True
        )
        *offers, modules = done.stdout.splitlines()
        assert offers, line
        assert heavy.intersection(modules.split()) == set(), line


def test_whatever_is_wrong_nothing_is_said_made_or_fetched(tmp_path: Path) -> None:
    product = Product(tmp_path, repositories=tmp_path, registry="https://localhost:1/registry.git")
    before = sorted(tmp_path.rglob("*"))
    for line in (
        "brazil vs show ",
        "brazil build ",
        "brazil ws use ",
        "brazil package show A",
        "brazil ws sync --revision ",
    ):
        assert values(product, line) == [], line
    (tmp_path / "brazil-workspace.toml").write_text("schema = [")
    assert values(product, "brazil build ") == []
    (tmp_path / "brazil-workspace.toml").unlink()
    product.registry = ""  # the default registry, which the first command that needs it makes
    assert values(product, "brazil vs show ") == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.sandbox
def test_a_name_that_no_shell_takes_as_it_is_is_not_offered(shop: Product) -> None:
    odd = shop.cwd / "a\nb"
    odd.mkdir()
    shop.at(odd).ok("ws", "create", "work", "--set", "shop/dev")
    fine = shop.workspace(name="with space; $(x)")
    assert str(fine.cwd) in offered(shop, "brazil ws delete ")
    assert not [value for value in offered(shop, "brazil ws delete ") if "a\n" in value or "?" in value]


def test_every_package_set_and_revision_on_a_command_line_is_completed() -> None:
    """A new command has these by its metavars; see `brazil/cli/complete.py` when one of them is missing here."""
    words = {"PACKAGE", "SET", "SET[@N]", "INTERFACE", "CODE"}
    for each in commands():
        for parameter in each.command.params:
            word = (
                (parameter.metavar or (parameter.name or "").upper()).removesuffix("...").removeprefix("[").rstrip("]")
            )
            if word in words:
                assert source_of(each.path.removeprefix("brazil "), parameter), (each.path, parameter.name)


@pytest.fixture
def bin_folder(work: Product, tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "brazil"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m brazil "$@"\n')
    program.chmod(0o755)
    return folder


class Shell:
    """A person's shell on a terminal, in a workspace."""

    def __init__(self, work: Product, bin_folder: Path, *command: str) -> None:
        program = shutil.which(command[0])
        if not program:
            pytest.skip(f"{command[0]} is not installed")
        self.terminal = Terminal(100, 40)
        environment = work.environment | {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "TERM": "xterm",
            "PS1": "% ",
            "HOME": str(bin_folder.parent),
        }
        self.process = subprocess.Popen(
            [program, *command[1:]],
            cwd=work.cwd,
            env=environment,
            stdin=self.terminal.theirs,
            stdout=self.terminal.theirs,
            stderr=self.terminal.theirs,
            start_new_session=True,
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.terminal.__exit__()

    def run(self, line: str) -> None:
        """Type a line, and wait until it has run."""
        self.terminal.type(f"{line}; echo ready-$((1+1))\n")
        self.terminal.wait(lambda terminal: "ready-2" in terminal.text)
        self.terminal.type("clear\n")
        self.terminal.wait(lambda terminal: "ready-2" not in "\n".join(terminal.rows))

    def completes(self, typed: str, to: str) -> None:
        """Type something, a tab and a sign, and wait until the line ends like this; then throw it away."""
        self.terminal.type(f"{typed}\t!")
        to += "!"
        self.terminal.wait(lambda terminal: any(to in row for row in terminal.rows))
        self.terminal.type("\x15")


@pytest.fixture
def bash(work: Product, bin_folder: Path) -> Iterator[Shell]:
    shell = Shell(work, bin_folder, "bash", "--norc", "--noprofile", "-i")
    yield shell
    shell.close()


@pytest.fixture
def zsh(work: Product, bin_folder: Path) -> Iterator[Shell]:
    shell = Shell(work, bin_folder, "zsh", "-f", "-i")
    yield shell
    shell.close()


@pytest.mark.sandbox
def test_bash_completes(bash: Shell, work: Product) -> None:
    bash.run('eval "$(brazil completion bash)"')
    bash.completes("brazil bui", "brazil build ")
    bash.completes("brazil build --kee", "--keep-going ")
    bash.completes("brazil build Mon", "build Money ")
    bash.completes("brazil vs show sh", "show shop/dev ")
    bash.completes("brazil vs show shop/dev@1", "shop/dev@1 ")
    bash.completes("brazil ws create x --set=s", "--set=shop/dev ")
    bash.completes("brazil explain workspace.non", "workspace.none ")
    (work.cwd / "a folder").mkdir()
    bash.completes("brazil ws delete a", "delete a\\ folder/")
    bash.terminal.type("brazil ws \t\t")
    bash.terminal.wait(lambda terminal: "clean" in terminal.text and "delete" in terminal.text)
    assert "$(x)" not in bash.terminal.text


@pytest.mark.sandbox
def test_zsh_completes(zsh: Shell, work: Product) -> None:
    zsh.run('autoload -U compinit && compinit -u -D && eval "$(brazil completion zsh)"')
    zsh.completes("brazil bui", "brazil build ")
    zsh.completes("brazil build --kee", "--keep-going ")
    zsh.completes("brazil build Mon", "build Money ")
    zsh.completes("brazil vs show shop/dev@1", "shop/dev@1 ")
    zsh.completes("brazil ws create x --set=s", "--set=shop/dev ")
    (work.cwd / "a folder").mkdir()
    zsh.completes("brazil ws delete a", "delete a\\ folder/")
    zsh.terminal.type("brazil ws \t")
    zsh.terminal.wait(lambda terminal: "clean  -- Delete what can be made again" in terminal.text)


@pytest.mark.sandbox
def test_fish_completes(work: Product, bin_folder: Path) -> None:
    fish = shutil.which("fish")
    if not fish:
        pytest.skip("fish is not installed")
    lines = [
        "brazil bui",
        "brazil build Mon",
        "brazil vs show shop/dev@",
        "brazil explain workspace.non",
        "brazil ws create x --set=s",
    ]
    asked = "; ".join(f"echo '> {line}'; complete -C '{line}'" for line in lines)
    done = subprocess.run(
        [fish, "--no-config", "-c", f"brazil completion fish | source; {asked}"],
        cwd=work.cwd,
        env=work.environment | {"PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": str(bin_folder.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [row.partition("\t")[0] for row in done.stdout.splitlines()]
    assert rows == [
        *("> brazil bui", "build"),
        *("> brazil build Mon", "Money"),
        *("> brazil vs show shop/dev@", "shop/dev@1", "shop/dev@0"),
        *("> brazil explain workspace.non", "workspace.none"),
        *("> brazil ws create x --set=s", "--set=shop/dev"),
    ]
    assert "build\tBuild packages of the workspace." in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_valid(shell: str) -> None:
    program = shutil.which(shell)
    if not program:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n", SCRIPTS / f"brazil.{shell}"], check=True)
