"""A small shop of packages, and the product run on it as a user runs it: by its command line."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from brazil.cli.start import run

REPOSITORY = Path(__file__).resolve().parents[2]

_GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}

_MAKEFILE = """\
all: libmoney.so
libmoney.so: money.c money.h
\t$(CC) -shared -fPIC -o $@ money.c
install: all
\tmkdir -p $(PREFIX)/lib/pkgconfig $(PREFIX)/include $(PREFIX)/bin $(PREFIX)/share
\tcp libmoney.so $(PREFIX)/lib/
\tcp money.h $(PREFIX)/include/
\tprintf 'prefix=%s\\nName: money\\nVersion: 1\\nLibs: -L$${prefix}/lib -lmoney\\n' '$(PREFIX)' \\
\t\t> $(PREFIX)/lib/pkgconfig/money.pc
\tprintf '#!/bin/sh\\ncat %s/lib/pkgconfig/money.pc\\n' '$(PREFIX)' > $(PREFIX)/bin/money-config
\tchmod +x $(PREFIX)/bin/money-config
\tmoney-config > /dev/null 2>&1 && exit 1 || $(PREFIX)/bin/money-config > $(PREFIX)/share/seen-by-own-build
check:
\tmoney-config | grep -qx 'prefix=$(PREFIX)'
"""


def toml(name: str, system: str = "command", *, interface: str = "1.0", **tables: Mapping[str, str]) -> str:
    """Write a brazil.toml; underscores in the names of tables stand for dashes."""
    lines = ["[package]", f'name = "{name}"', f'interface = "{interface}"', f'build-system = "{system}"']
    for table, values in tables.items():
        lines += ["", f"[{table.replace('_', '-')}]"]
        lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


# Shop -> Price -> Money, Shop -> Rates; Shop is built with Stamp.
SHOP: Mapping[str, Mapping[str, str]] = {
    "Money": {
        "brazil.toml": toml("Money", "make", build={"test-target": "check"}),
        "Makefile": _MAKEFILE,
        "money.h": "int money_add(int a, int b);\n",
        "money.c": '#include "money.h"\nint money_add(int a, int b) { return a + b; }\n',
    },
    "Price": {
        "brazil.toml": toml(
            "Price",
            dependencies={"Money": "1.0"},
            build={
                "build": 'mkdir "$BRAZIL_OUT/bin" "$BRAZIL_OUT/share"\n'
                'cc -o "$BRAZIL_OUT/bin/price" price.c -lmoney\n'
                'money-config > "$BRAZIL_OUT/share/seen-by-dependant"\n',
                "test": 'test "$(price 2 3)" = 5\nmoney-config | grep -qx prefix=/brazil/pkg/Money-1.0\n',
            },
        ),
        "price.c": "#include <money.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
        'int main(int n, char **v) { printf("%d\\n", n > 2 ? money_add(atoi(v[1]), atoi(v[2])) : 0); return 0; }\n',
    },
    "Rates": {
        "brazil.toml": toml(
            "Rates", build={"build": 'mkdir "$BRAZIL_OUT/share"\ncp rate "$BRAZIL_OUT/share/"', "test": "test -s rate"}
        ),
        "rate": "19\n",
    },
    "Stamp": {
        "brazil.toml": toml(
            "Stamp", build={"build": 'mkdir "$BRAZIL_OUT/bin"\ninstall -m 755 stamp.sh "$BRAZIL_OUT/bin/stamp"'}
        ),
        "stamp.sh": "#!/bin/sh\necho stamped\n",
    },
    "Shop": {
        "brazil.toml": toml(
            "Shop",
            dependencies={"Price": "1.0", "Rates": "1.0"},
            build_tools={"Stamp": "1.0"},
            build={
                "build": 'mkdir "$BRAZIL_OUT/bin" "$BRAZIL_OUT/share"\nstamp > "$BRAZIL_OUT/share/stamp"\n'
                'install -m 755 shop.sh "$BRAZIL_OUT/bin/shop"',
                "test": 'test "$(shop 1)" = 20',
            },
        ),
        "shop.sh": '#!/bin/sh\nexec price "$1" "$(cat /brazil/pkg/Rates-1.0/share/rate)"\n',
    },
}


STARTED: list["subprocess.Popen[str]"] = []  # what a test that failed may have left running


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.out)
        assert value["schema"] == 1
        return value

    @property
    def states(self) -> dict[str, str]:
        """Step -> how it ended, of a `--json` build, test or publication."""
        return {f"{step['kind']} {step['package']}": step["state"] for step in self.data["steps"]}

    @property
    def ran(self) -> set[str]:
        return {step for step, state in self.states.items() if state not in ("remembered", "skipped")}


class Product:
    """One user: a home of brazil, a registry, and a place to stand."""

    def __init__(self, folder: Path, *, repositories: Path, registry: str = "") -> None:
        self.folder = folder
        self.home = folder / "home"
        self.repositories = repositories
        self.registry = registry or str(folder / "registry.git")
        self.cwd = folder

    @property
    def environment(self) -> dict[str, str]:
        # What is asked for here stays; an ordinary user's own settings have no say.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BRAZIL_", "GIT_", "XDG_"))}
        modules = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        places = {"BRAZIL_HOME": str(self.home), "BRAZIL_REGISTRY": self.registry, "PYTHONPATH": modules}
        return {**kept, **_GIT, **places, "BRAZIL_ACTOR": "Ada <ada@example.com>"}

    def at(self, folder: Path) -> "Product":
        """The same user, standing elsewhere."""
        other = Product(self.folder, repositories=self.repositories, registry=self.registry)
        other.home, other.cwd = self.home, folder
        return other

    def run(self, *arguments: str) -> Answer:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            contextlib.chdir(self.cwd),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run(list(arguments))
        return Answer(code, out.getvalue(), err.getvalue())

    def ok(self, *arguments: str) -> Answer:
        """Run a command that must succeed."""
        answer = self.run(*arguments)
        assert answer.code == 0, f"{arguments}: {answer.code}\n{answer.out}\n{answer.err}"
        return answer

    def start(self, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a command in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "brazil", *arguments],
            cwd=self.cwd,
            text=True,
            **{
                "env": self.environment,
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **options,
            },
        )
        STARTED.append(process)
        return process

    def process(self, *arguments: str) -> Answer:
        """Run a command in a process of its own."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        return Answer(process.returncode, out, err)

    def workspace(self, *packages: str, name: str = "work", set_name: str = "shop/dev") -> "Product":
        """Make a workspace with packages in use, and stand in it."""
        self.ok("ws", "create", name, "--set", set_name)
        inside = self.at(self.cwd / name)
        if packages:
            inside.ok("ws", "use", *packages)
        return inside

    def add(self, name: str, files: Mapping[str, str], *, folder: Path | None = None) -> Path:
        """Make a repository and register it."""
        repository = make_repository((folder or self.folder / "own") / name, files)
        self.ok("package", "register", name, "--repository", str(repository))
        return repository

    def src(self, name: str) -> Path:
        return self.cwd / "src" / name

    def edit(self, name: str, file: str, old: str, new: str) -> None:
        """Change a file of a checkout."""
        path = self.src(name) / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def commit(self, name: str, message: str = "change") -> str:
        return commit_all(self.src(name), message)

    def revision(self, name: str = "shop/dev") -> int:
        number = self.ok("vs", "log", name, "-n", "1", "--json").data["revisions"][0]["number"]
        assert isinstance(number, int)
        return number

    def runs(self) -> list[str]:
        """One entry per run ever recorded: its Action."""
        return sorted(path.parent.name for path in (self.home / "data" / "records").glob("*/*/*.json"))

    def refs(self) -> str:
        """Everything that the registry's repository names."""
        return git(Path(self.registry), "for-each-ref") if Path(self.registry).is_dir() else ""

    def files(self) -> dict[str, bytes]:
        """Every file of the folder stood in, but for git's own and what can be recomputed."""
        found = {}
        for path in sorted(self.cwd.rglob("*")):
            inner = path.relative_to(self.cwd).parts
            if ".git" in inner or ".brazil" in inner or inner[0] in ("home", "registry.git"):
                continue
            if path.is_symlink() or not path.is_file():
                found["/".join(inner)] = os.fsencode(path.readlink()) if path.is_symlink() else b""
            else:
                found["/".join(inner)] = path.read_bytes()
        return found


def git(folder: Path, *arguments: str) -> str:
    """Run git without any settings of the user."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | _GIT
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr}"
    return done.stdout.strip()


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files, those that name an interpreter as programs."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)


def commit_all(folder: Path, message: str) -> str:
    """Commit everything that is there and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def make_repository(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    write_files(folder, files)
    commit_all(folder, "begin")
    return folder


def options(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def open_shop(folder: Path, packages: Mapping[str, Mapping[str, str]], targets: Sequence[str]) -> Product:
    """Make repositories, a registry and the set `shop/dev`, with nothing published."""
    product = Product(folder, repositories=folder / "repositories")
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q", "--bare", product.registry)
    for name, files in packages.items():
        product.add(name, files, folder=product.repositories)
    product.ok("vs", "create", "shop/dev", *options("--target", targets))
    return product


def copy_shop(template: Product, folder: Path) -> Product:
    """Copy a registry and a home to where they can be changed; the repositories are shared and only read."""
    folder.mkdir()
    for part in (template.home, Path(template.registry)):
        subprocess.run(["cp", "-a", "--", str(part), str(folder)], check=True)
    return Product(folder, repositories=template.repositories)
