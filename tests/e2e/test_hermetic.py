import os
import socket
import threading
from pathlib import Path

import pytest

from tests.e2e.product import Product, git, toml
from tests.sandbox_case import endless

pytestmark = pytest.mark.sandbox

# Writes what it can see, one fact a line, into the artifact; `secret`, `port` and the pid are put in by the test.
_SPY = r"""
mkdir "$BRAZIL_OUT/share"
exec > "$BRAZIL_OUT/share/report"
echo "user $(id -u) $(id -g) $(id -un)"
echo "host $(uname -n)"
echo "folder $(pwd)"
echo "umask $(umask)"
echo "home $HOME $(ls -A "$HOME" | wc -l)"
echo "tmp $(ls -A /tmp | wc -l)"
echo "brazil $(ls /brazil | tr '\n' ' ')"
echo "pkg $(ls /brazil/pkg | tr '\n' ' ')"
echo "devices $(sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' ')"
echo "processes $(ls -d /proc/[0-9]* | wc -l | awk '{ print ($1 < 10) ? "few" : "many" }')"
echo "time $(stat -c %Y source.txt) $SOURCE_DATE_EPOCH $(date +%Z)"
for path in @paths@; do
    if [ -e "$path" ]; then echo "sees $path"; fi
done
for path in /usr /etc /brazil /brazil/pkg /brazil/pkg/Rates-1.0 /brazil/pkg/Rates-1.0/share/rate; do
    if [ -d "$path" ]; then
        if (: > "$path/x") 2> /dev/null; then echo "writes $path"; fi
    elif (: >> "$path") 2> /dev/null; then echo "writes $path"; fi
done
if bash -c ': < /dev/tcp/127.0.0.1/@port@' 2> /dev/null; then echo "reaches the host's loopback"; fi
if bash -c ': < /dev/tcp/192.0.2.1/80' 2> /dev/null; then echo "reaches a network"; fi
if kill -0 @pid@ 2> /dev/null; then echo "signals the host"; fi
env | cut -d= -f1 | sort | tr '\n' ' ' | sed 's/^/env /'
echo
"""


def test_build_sees_what_is_declared_and_nothing_else(shop: Product, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    listener = socket.create_server(("127.0.0.1", 0))
    reached: list[object] = []
    threading.Thread(target=lambda: reached.append(listener.accept()), daemon=True).start()
    paths = [secret, shop.home, shop.registry, Path.home(), "/root", "/var", "/sys/class", "/etc/passwd-"]
    script = (
        _SPY.replace("@paths@", " ".join(map(str, paths)))
        .replace("@port@", str(listener.getsockname()[1]))
        .replace("@pid@", str(os.getpid()))
    )
    shop.add(
        "Spy",
        {
            "brazil.toml": toml("Spy", dependencies={"Rates": "1.0"}, build={"build": ". ./spy.sh"}),
            "spy.sh": script,
            "source.txt": "",
        },
    )
    shop.ok("vs", "create", "spy", "--target", "Spy-1.0")
    done = shop.process("publish", "--set", "spy", "-p", "Spy")
    assert done.code == 0, done.err
    work = shop.workspace("Spy", set_name="spy")
    work.ok("build")
    *facts, environment = (work.cwd / "build" / "Spy" / "share" / "report").read_text().splitlines()
    assert facts == [
        "user 1000 1000 build",
        "host brazil",
        "folder /brazil/src",
        "umask 0022",
        facts[4],
        "tmp 0",
        "brazil pkg src ",
        "pkg Rates-1.0 Spy-1.0 ",
        "devices lo",
        "processes few",
        "time 315532800 315532800 UTC",
    ], "nothing is seen, written, reached or signalled"
    assert facts[4].startswith("home /") and facts[4].endswith(" 0")
    assert not reached
    names = set(environment.split()[1:])
    assert names <= {
        *("BRAZIL_INTERFACE", "BRAZIL_OUT", "BRAZIL_PACKAGE", "BRAZIL_VERSION"),
        *(
            "HOME",
            "LANG",
            "PATH",
            "PWD",
            "SHLVL",
            "SOURCE_DATE_EPOCH",
            "TZ",
            "_",
            "OLDPWD",
            "LOGNAME",
            "PYTHONHASHSEED",
            "TMPDIR",
            "USER",
        ),
    }, "no other environment than the declared one"


def test_what_a_build_leaves_running_ends_with_it(shop: Product) -> None:
    marker = endless()
    work = shop.workspace("Rates")
    text = toml("Rates", build={"build": f"setsid sleep {marker} & mkdir $BRAZIL_OUT/share; cp rate $BRAZIL_OUT/share"})
    (work.src("Rates") / "brazil.toml").write_text(text)
    work.ok("build")
    assert marker not in _command_lines()


def test_output_that_leaves_the_artifact_is_refused_by_its_path(shop: Product) -> None:
    work = shop.workspace("Rates")
    text = toml("Rates", build={"build": 'ln -s /etc/passwd "$BRAZIL_OUT/stolen"'})
    (work.src("Rates") / "brazil.toml").write_text(text)
    answer = work.run("build")
    assert answer.code == 1
    assert "stolen" in answer.err
    assert not work.runs() or git(work.src("Rates"), "status", "--short")


def test_undeclared_dependency_is_not_there(shop: Product) -> None:
    work = shop.workspace("Rates")
    text = toml(
        "Rates", build={"build": 'mkdir "$BRAZIL_OUT/share"\ncp /brazil/pkg/Money-1.0/lib/* "$BRAZIL_OUT/share"'}
    )
    (work.src("Rates") / "brazil.toml").write_text(text)
    work.ok("build", "Price")
    answer = work.run("build")
    assert answer.code == 1
    assert "/brazil/pkg/Money-1.0" in answer.err


def _command_lines() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)
