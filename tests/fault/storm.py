"""Faults at counted operations of a whole command, and what must hold after the next one."""

import gc
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from brazil.graph.invariants import check
from brazil.model.names import VersionSetName
from brazil.wiring import Wiring
from tests.e2e.product import Answer, Product, commit_all, git, open_shop, options, toml
from tests.terminal import PATIENCE

KINDS = ("kill", "after", "enospc", "eio", "interrupt", "impatient", "terminate")
POINTS = ("none", "open", "write", "rename", "link", "symlink", "unlink", "mkdir", "sync", "exec", "read")
_LAYERS = Path(__file__).parent / "injected"
_WORDS = struct.Struct("4q")


def _package(name: str, script: str, **tables: Mapping[str, str]) -> dict[str, str]:
    build = {"build": f'mkdir "$BRAZIL_OUT/share"\n{script}', "test": "test -s data"}
    return {"brazil.toml": toml(name, build=build, **tables), "data": f"data of {name}\n"}


def _joined(name: str, *parts: str) -> str:
    files = " ".join(["data", *(f"/brazil/pkg/{part}-1.0/share/{part}" for part in parts)])
    return f'cat {files} > "$BRAZIL_OUT/share/{name}"'


# App -> Lib -> Base, App -> Tool
PACKAGES: Mapping[str, Mapping[str, str]] = {
    "Base": _package("Base", _joined("Base")),
    "Tool": _package("Tool", _joined("Tool")),
    "Lib": _package("Lib", _joined("Lib", "Base"), dependencies={"Base": "1.0"}),
    "App": _package("App", _joined("App", "Lib", "Tool"), dependencies={"Lib": "1.0", "Tool": "1.0"}),
}

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "build": ("build", "App"),
    "test": ("test", "App"),
    "publish": ("publish",),
    "ws create": ("ws", "create", "other", "--set", "shop/dev"),
    "ws use": ("ws", "use", "Base"),
    "ws sync": ("ws", "sync"),
    "ws drop": ("ws", "drop", "Tool"),
}


class Case(NamedTuple):
    """One command and what goes wrong in it."""

    command: str
    kind: str
    at: int  # the operation that is hit, from 1


class Hit(NamedTuple):
    """What came of a case."""

    case: Case
    point: str  # class of the operation; "none": the command had fewer
    code: int  # of the command that was hit
    faults: tuple[str, ...]  # what does not hold


def compiled(name: str, folder: Path) -> Path:
    """Compile a layer between programs and the system."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("there is no C compiler")
    made = folder / f"{name}.so"
    command = [compiler, "-O1", "-w", "-shared", "-fPIC", "-o", str(made), str(_LAYERS / f"{name}.c"), "-ldl"]
    subprocess.run(command, check=True)
    return made


class Storm:
    """A shop with a workspace that every case finds in the same state."""

    def __init__(self, folder: Path) -> None:
        self._library = compiled("fault", folder)
        self._state = folder / "state"
        self._place = folder / "shop"
        self._saved = folder / "saved"
        self.product = open_shop(self._place, PACKAGES, ["App-1.0"])
        self.product.ok("publish", "--set", "shop/dev", *options("-p", PACKAGES))
        self.work = self.product.workspace("Lib", "Tool")
        base = self.product.repositories / "Base"
        (base / "data").write_text("data of Base, again\n")
        self.product.ok("publish", "--set", "shop/dev", "-p", f"Base={commit_all(base, 'again')}")
        (self.work.src("Lib") / "data").write_text("data of Lib, again\n")
        self.work.commit("Lib")
        gc.collect()  # ends what this process started
        shutil.rmtree(self.product.home / "data" / "runs")
        self._place.rename(self._saved)
        self._twins: dict[str, dict[str, Any]] = {}
        self._counts: dict[tuple[str, bool], int] = {}

    def begin(self) -> None:
        """Make everything as it was."""
        shutil.rmtree(self._place, ignore_errors=True)
        subprocess.run(["cp", "-a", "--", str(self._saved), str(self._place)], check=True)

    def standing(self, command: str) -> Product:
        return self.product if command == "ws create" else self.work

    def count(self, command: str, kind: str) -> int:
        """How many operations a command has when nothing goes wrong."""
        reads = kind == "eio"
        if (command, reads) not in self._counts:
            self.begin()
            answer, count, _ = self.run(Case(command, kind, 0))
            assert answer.code == 0, answer
            self._counts[command, reads] = count
            self._twins.setdefault(command, self.seen(command))
        return self._counts[command, reads]

    def run(self, case: Case) -> tuple[Answer, int, str]:
        """Run the command of a case; return its answer, how many operations there were, and which was hit."""
        self._state.write_bytes(_WORDS.pack(0, case.at, 0, 0))
        standing = self.standing(case.command)
        environment = standing.environment | {
            "LD_PRELOAD": str(self._library),
            "FAULT_STATE": str(self._state),
            "FAULT_KIND": case.kind,
            "FAULT_BELOW": str(self._place),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "brazil", *COMMANDS[case.command]],
            cwd=standing.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += "\nit hung"
        count, _, _, hit = _WORDS.unpack(self._state.read_bytes())
        return Answer(process.returncode, out, err), count, POINTS[hit]

    def survive(self, case: Case) -> Hit:
        """Let a case go wrong, run the command again, and say what does not hold."""
        self.count(case.command, case.kind)
        self.begin()
        before = self.product.revision()
        answer, _, point = self.run(case)
        faults = [f"first: {text}" for text in self._after_fault(case, answer, point, before)]
        again = self._again(case)
        if again.code:
            faults.append(f"the next command ended with {again.code}: {again.out}{again.err}; before: {answer.err}")
        else:
            faults += self._wrong(case.command, before)
        return Hit(case, point, answer.code, tuple(faults))

    def _again(self, case: Case) -> Answer:
        standing = self.standing(case.command)
        again = standing.process(*COMMANDS[case.command])
        # What was done before the fault is said to be so.
        done = {"ws use": "in-use", "ws drop": "not-in-use", "ws create": "workspace.exists"}.get(case.command)
        if again.code == 2 and done and done in again.err:
            return Answer(0, again.out, again.err)
        return again

    def _after_fault(self, case: Case, answer: Answer, point: str, before: int) -> list[str]:
        faults = []
        if "Traceback" in answer.err or answer.code == 70 or "it hung" in answer.err:
            faults.append(f"ended with {answer.code}: {answer.err}")
        # A command that is all but done ends well; SIGTERM right at the start of Python is its end.
        codes = {"interrupt": (0, 130), "impatient": (0, 130, 143), "terminate": (0, 143, -signal.SIGTERM)}
        if case.kind in codes and answer.code not in codes[case.kind]:
            faults.append(f"ended with {answer.code}: {answer.err}")
        left = self.processes()
        if case.kind != "impatient":  # who does not wait leaves it to the next command
            left += [path for path in self.left_over() if not path.endswith(".dropped")]
        if case.kind in codes and left:
            faults.append(f"{left} is left")
        if case.kind in ("enospc", "eio") and answer.code not in (0, 1, 2, 4, 5):
            faults.append(f"ended with {answer.code}: {answer.err}")
        if answer.code == 0 and case.command == "publish" and self.product.revision() != before + 1:
            faults.append("said to be published and is not")
        return faults

    def _wrong(self, command: str, before: int) -> list[str]:
        faults = []
        twin, seen = self._twins[command], self.seen(command)
        faults += [f"{key} is {seen.get(key)!r} and not {twin[key]!r}" for key in twin if seen.get(key) != twin[key]]
        faults += self.broken_repositories()
        faults += self.broken_invariants()
        faults += [f"{process} is left" for process in self.processes()]
        faults += [f"{path} is left" for path in self.left_over()]
        mounts = Path("/proc/self/mountinfo").read_text()
        if str(self._place) in mounts:
            faults.append("a mount is left")
        if self.product.revision() > before + (command == "publish"):
            faults.append("a revision more than there should be")
        return faults

    def seen(self, command: str) -> dict[str, Any]:
        """Return what a user can see, without what may differ: build numbers, times."""
        head = self.product.ok("vs", "show", "shop/dev", "--json").data
        log = self.product.ok("vs", "log", "shop/dev", "--json").data["revisions"]
        found: dict[str, Any] = {
            "number": head["number"],
            "numbers": [line["number"] for line in log],
            "sources": {i: (pin["commit"], pin["source"]) for i, pin in head["pins"].items()},
            "results": {
                i: (r["build"], r["artifact"], r["test"]) for p in head["results"].values() for i, r in p.items()
            },
            "file": (self.work.cwd / "brazil-workspace.toml").read_text(),
            "src": self.work.cwd.joinpath("src").is_dir() and _files(self.work.cwd / "src"),
            "links": {p.name: p.readlink().name for p in sorted((self.work.cwd / "build").iterdir())},
        }
        if command == "ws create":
            found["other"] = _files(self._place / "other")
        return found

    def broken_repositories(self) -> list[str]:
        faults = []
        places = [Path(self.product.registry), self.product.home / "data" / "sources.git"]
        for place in places:
            done = subprocess.run(
                ["git", "-C", str(place), "fsck", "--full", "--strict"], capture_output=True, text=True
            )
            if done.returncode or "error" in done.stderr or "missing" in done.stdout:
                faults.append(f"fsck of {place.name}: {done.stdout}{done.stderr}")
            if git(place, "for-each-ref", "refs/brazil"):
                faults.append(f"{place.name} has private refs")
            faults += [
                f"{p} is locked" for p in place.rglob("*.lock") if p.name != "brazil.lock" and "objects" not in p.parts
            ]
        return faults

    def broken_invariants(self) -> list[str]:
        """What any revision of the set breaks of what every revision must keep."""
        registry = Wiring(self.product.environment).registry
        name = VersionSetName("shop/dev")
        revisions = [registry.revision(name, info.number) for info in registry.history(name)]
        return [
            f"revision {revision.info.number}: {problem.what}: {problem.because}"
            for revision in revisions
            for results in (None, *revision.results.values())
            for problem in check(revision.records, results)
        ]

    def left_over(self) -> list[str]:
        """What a dead process staged and the next command did not clear."""
        data = self.product.home / "data"
        found = [*(data / "runs").glob("*"), *self.work.cwd.glob("src/.*")]
        return sorted(str(path) for path in found)

    def processes(self) -> list[str]:
        """Processes that stand in the shop, or were started for it and lost their parent."""
        deadline = time.monotonic() + PATIENCE
        while (found := _related(str(self._place))) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found


def _related(place: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            held = [os.readlink(link) for link in (folder / "fd").iterdir()]  # noqa: PTH115 - no real path
        except OSError:
            continue
        if str(os.getpid()) in (folder.name, parent):
            continue  # of this test
        inside = command.startswith("bwrap --args") and place in _mounts(folder)
        if inside or place in command or any(path.startswith(place) for path in held):
            found.append(f"{folder.name} (parent {parent}): {command}")
    return found


def _mounts(folder: Path) -> str:
    try:
        return (folder / "mountinfo").read_text()
    except OSError:
        return ""


def _files(folder: Path) -> dict[str, bytes]:
    """Every file but git's own, and the commit of each checkout."""
    found = {}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.name == ".git":
            head = path / "HEAD"
            found[str(inner)] = head.read_bytes() if head.is_file() else b"none"
        elif ".git" not in inner.parts and ".brazil" not in inner.parts and path.is_file():
            found[str(inner)] = path.read_bytes()
    return found


def survive_all(folder: str, cases: Sequence[tuple[str, str, float]]) -> list[Hit]:
    """Survive cases, each at a part (0 to 1) of the operations of its command."""
    storm = Storm(Path(folder))
    return [storm.survive(Case(c, k, 1 + int(part * storm.count(c, k)))) for c, k, part in cases]
