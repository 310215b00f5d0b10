import json
import os
import signal
import subprocess
import time
from collections import Counter

import pytest

from tests.e2e.product import Product
from tests.sandbox_case import endless, processes_with

pytestmark = pytest.mark.sandbox


def _slow(work: Product, seconds: str) -> None:
    """Let the build of Rates take its time."""
    manifest = work.src("Rates") / "brazil.toml"
    manifest.write_text(manifest.read_text().replace("cp rate", f"sleep {seconds}\\ncp rate"))


def _wait_for(process: "subprocess.Popen[str]", event: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if json.loads(line)["event"] == event:
            return
    raise AssertionError(f"no {event}: {process.stderr and process.stderr.read()}")


def test_two_builds_at_once_run_each_key_once(shop: Product) -> None:
    one, two = (shop.workspace("Rates", name=name) for name in ("one", "two"))
    seconds = endless()
    for work in (one, two):
        _slow(work, f"{seconds} || true")
    before = Counter(shop.runs())
    first = one.start("build", "Shop", "--events")
    _wait_for(first, "started")
    second = two.start("build", "Shop", "--events")
    assert second.stdout
    told = ""
    while '"note"' not in told:
        line = second.stdout.readline()
        assert line, told
        told += line
    while not (sleeping := processes_with(f"sleep\0{seconds}")):  # it was said to start, and has to be set up
        assert first.poll() is None
    for process in sleeping:
        os.kill(process, signal.SIGTERM)  # the first goes on
    told += second.communicate(timeout=120)[0]
    assert first.stdout
    first.stdout.read()
    assert (first.wait(120), second.returncode) == (0, 0)
    ran = Counter(shop.runs()) - before
    # Rates again; Shop not, since what the slower build left is the same artifact.
    assert list(ran.values()) == [1]
    waits = [event["text"] for line in told.splitlines() if (event := json.loads(line))["event"] == "note"]
    assert waits == [f"build Rates-1.0 waits for process {first.pid}, build Rates-1.0, which runs the same"]
    assert not [line for line in told.splitlines() if json.loads(line)["event"] == "started"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "terminated"]
)
def test_interrupted_build_leaves_no_process_and_the_next_is_right(
    shop: Product, number: signal.Signals, code: int
) -> None:
    work = shop.workspace("Rates")
    seconds = endless()
    _slow(work, seconds)
    process = work.start("build", "--events")
    _wait_for(process, "started")
    while not processes_with(f"sleep\0{seconds}"):
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert not processes_with(f"sleep\0{seconds}")
    assert not list((shop.home / "data" / "runs").glob("*/*")), "the private copies of the source are gone"
    manifest = work.src("Rates") / "brazil.toml"
    manifest.write_text(manifest.read_text().replace(f"sleep {seconds}\\n", "test -s rate\\n"))
    assert work.ok("build", "--json").ran == {"build Rates-1.0"}
    assert work.ok("build").out.splitlines()[0] == "nothing to do: 1 result remembered, nothing ran"


@pytest.mark.parametrize(
    "numbers",
    [(signal.SIGINT, signal.SIGINT), (signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT) * 10],
    ids=["ctrl-c twice", "ctrl-c and terminated", "many"],
)
def test_second_signal_ends_at_once_and_the_next_is_right(shop: Product, numbers: tuple[signal.Signals, ...]) -> None:
    work = shop.workspace("Rates")
    seconds = endless()
    _slow(work, seconds)
    process = work.start("build", "--events")
    _wait_for(process, "started")
    while not processes_with(f"sleep\0{seconds}"):
        assert process.poll() is None
    for number in numbers:
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 143), err
    assert "Traceback" not in err
    deadline = time.monotonic() + 60
    while processes_with(f"sleep\0{seconds}"):  # the kernel ends it with its parent, a moment later
        assert time.monotonic() < deadline
    manifest = work.src("Rates") / "brazil.toml"
    manifest.write_text(manifest.read_text().replace(f"sleep {seconds}\\n", "test -s rate\\n"))
    assert work.process("build", "--json").ran == {"build Rates-1.0"}
    assert not list((shop.home / "data" / "runs").glob("*/*")), "what was left is gone"


def test_killed_build_is_done_again(shop: Product) -> None:
    work = shop.workspace("Rates")
    _slow(work, "98765.9")
    process = work.start("build", "--events")
    _wait_for(process, "started")
    process.kill()
    process.communicate(timeout=60)
    manifest = work.src("Rates") / "brazil.toml"
    manifest.write_text(manifest.read_text().replace("sleep 98765.9\\n", "test -s rate\\n"))
    assert work.ok("build", "Shop", "--json").ran == {"build Rates-1.0"}


def test_interrupted_publication_publishes_nothing(shop: Product) -> None:
    work = shop.workspace("Rates")
    _slow(work, "98765.8")
    work.commit("Rates")
    refs = work.refs()
    process = work.start("publish", "--events")
    _wait_for(process, "started")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[-1]) == (130, "interrupted")
    assert work.refs() == refs


@pytest.mark.parametrize("arguments", [["vs", "show", "shop/dev"], ["--help"], ["package", "list", "--json"]])
def test_reader_that_left_is_no_bug(shop: Product, arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = shop.start(*arguments, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode not in (0, 70)


def test_commands_in_a_process_of_their_own_answer_as_in_this_one(shop: Product) -> None:
    for arguments in (["vs", "log", "shop/dev", "--json"], ["vs", "show", "nope"], ["--version"]):
        here, there = shop.run(*arguments), shop.process(*arguments)
        assert (here.code, here.out, here.err) == (there.code, there.out, there.err)
