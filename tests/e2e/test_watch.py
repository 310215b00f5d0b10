"""`brazil build --watch` as a real process, which is told of by its events and ended by Ctrl-C."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.product import Product, git
from tests.terminal import PATIENCE

pytestmark = pytest.mark.sandbox


class Watched:
    """A watch that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def until_it_waits(self, until: Callable[[str], bool] = lambda _: True) -> list[dict[str, Any]]:
        """Read the events up to the next wait, or to one whose note is as it should: a slow writer is seen twice."""
        assert self.process.stdout
        events = []
        for line in self.process.stdout:
            events.append(json.loads(line))
            if events[-1].get("topic") == "watch" and until(events[-1]["text"]):
                return events
        raise AssertionError(f"it has ended: {events}")

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE)
        assert "Traceback" not in err
        return self.process.returncode


def ran(events: list[dict[str, Any]]) -> list[str]:
    return [event["step"] for event in events if event["event"] == "started"]


def notes(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["topic"], event["text"]) for event in events if event["event"] == "note"]


def test_a_day_with_watch(shop: Product) -> None:
    for other in (("--json",), ("--dry-run",)):
        assert shop.workspace(name=f"no{other[0]}").run("build", "--watch", *other).code == 2
    work = shop.workspace("Rates")
    (work.src("Rates") / ".git" / "info" / "exclude").write_text("*.swp\n")
    rate, built = work.src("Rates") / "rate", work.cwd / "build" / "Rates" / "share" / "rate"
    watched = Watched(work.start("build", "Shop", "--watch", "--events"))
    first = watched.until_it_waits()
    assert (ran(first), notes(first)) == ([], [("watch", "done, waiting for changes in Rates")])

    # What git ignores, what lies in `.git` and what is only touched changes nothing: the next build is for the edit.
    (work.src("Rates") / ".rate.swp").write_text("x")
    git(work.src("Rates"), "commit", "--allow-empty", "-qm", "nothing")
    rate.touch()
    time.sleep(0.5)
    for number in range(20, 25):  # a burst
        rate.write_text(f"{number}\n")
    events = watched.until_it_waits(lambda _: built.read_text() == "24\n")
    assert notes(events)[0] == ("change", "Rates")
    assert ran(events)[-2:] == ["build Rates-1.0", "build Shop-1.0"]

    manifest = (work.src("Rates") / "brazil.toml").read_text()
    (work.src("Rates") / "brazil.toml").write_text(f"{manifest}nonsense")
    topics = [topic for topic, _ in notes(watched.until_it_waits())]
    assert (topics[0], set(topics[1:-1]), topics[-1]) == ("change", {"error"}, "watch")
    (work.src("Rates") / "brazil.toml").write_text(manifest.replace("cp rate", "sleep 1\\ncp rate"))
    assert ran(watched.until_it_waits()) == ["build Rates-1.0"], "it comes out as before"

    # An edit while a build runs is built after it.
    rate.write_text("30\n")
    assert watched.process.stdout
    while json.loads(watched.process.stdout.readline())["event"] != "started":
        pass
    rate.write_text("31\n")
    watched.until_it_waits()
    assert ran(watched.until_it_waits(lambda _: built.read_text() == "31\n"))[-2:] == [
        "build Rates-1.0",
        "build Shop-1.0",
    ]

    work.ok("ws", "use", "Stamp")
    watched.until_it_waits(lambda text: text == "done, waiting for changes in Rates, Stamp")
    work.ok("ws", "drop", "Stamp")
    watched.until_it_waits(lambda text: text == "done, waiting for changes in Rates")
    assert watched.end(signal.SIGINT) == 130


def test_watch_is_ended_while_it_builds_and_leaves_nothing(shop: Product) -> None:
    work = shop.workspace("Rates")
    work.edit("Rates", "brazil.toml", "cp rate", "sleep 3600\\ncp rate")
    watched = Watched(work.start("test", "--watch", "--events", "--keep-going", "--jobs", "1"))
    assert watched.process.stdout
    while json.loads(watched.process.stdout.readline())["event"] != "started":
        pass
    assert watched.end(signal.SIGTERM) == 143
    assert [path for path in (shop.home / "data" / "runs").glob("*") if path.is_dir() and any(path.iterdir())] == []
    assert work.ok("build", "Money").code == 0
