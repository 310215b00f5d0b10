"""What isolation a run really gets, found by trying to break it from inside.

A run of our own is started exactly as a build is. From inside it looks for a listener and a secret file that
were put on the host, for processes, for capabilities, and tries to write to /usr and to an input. What holds is
recorded with every run; what does not hold, or cannot be had, is a Problem with the command that would change it.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from brazil.errors import Problem, UnavailableError
from brazil.sandbox.arguments import HOST_NAME, ROOT, SHELF, USER_ID, Inputs, Places, input_binds, run_options
from brazil.sandbox.binder import Binder
from brazil.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from brazil.sandbox.folders import RunFolders, remove_tree
from brazil.sandbox.host_platform import HostPlatform
from brazil.sandbox.launch import Limits, launch
from brazil.sandbox.limits import Limiter, find_hierarchies

_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
_INPUT = "pkg/Probe-1.0"
_NO_LIMIT = "sandbox.limits"
_LIMITS = Limits(seconds=30, log=1 << 16, file_size=1 << 20, memory=0, processes=256)

# $1: port of a listener on the host's loopback; $2: a secret file; $3: an input that holds a file named "seen";
# $4: where all inputs were seen while they were bound. Only /bin/sh is sure to be there; `reached`
# stays "unknown" on a platform with neither bash nor perl, and the interfaces alone are then the witness.
# Somebody waits for this, so the shell itself does what it can: a process of its own takes a millisecond.
_SCRIPT = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
writable() { { true >"$1"; } 2>/dev/null; }
cd /proc/self/ns
set -f
for link in $(readlink cgroup ipc mnt net pid user uts); do say "ns-${link%%:*}" "$link"; done
set +f
interfaces=; while IFS=': ' read -r name rest; do
  case $rest in *[0-9]*) interfaces="$interfaces$name ";; esac
done </proc/net/dev; say interfaces "$interfaces"
if command -v bash >/dev/null; then
  if bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0"' "$1" 2>/dev/null; then say reached yes; else say reached no; fi
elif command -v perl >/dev/null; then
  if perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0);exit !connect(S,sockaddr_in($ARGV[0],INADDR_LOOPBACK))' "$1"
  then say reached yes; else say reached no; fi
else say reached unknown; fi
count=0; for p in /proc/[0-9]*; do count=$((count + 1)); done; say processes $count
if [ -e "$2" ]; then say secret visible; else say secret hidden; fi
if writable /usr/.brazil-probe; then say usr writable; else say usr read-only; fi
if [ ! -f "$3/seen" ]; then say input missing
elif writable "$3/seen" || writable "$3/new"; then say input writable; else say input read-only; fi
shelf=; for f in "$4"/*; do if [ -e "$f" ]; then shelf="$shelf$f "; fi; done; say shelf "$shelf"
open=; for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger; do
  if { true >>$f; } 2>/dev/null; then open="$open$f "; fi # opens, writes nothing
done; say settings "$open"
read -r name </proc/sys/kernel/hostname; say host "$name"
held=; for f in /proc/self/fd/*; do held="$held${f##*/} "; done; say descriptors "$held"
while read -r key value rest; do
  case $key in
    CapEff:|CapBnd:|NoNewPrivs:) say "${key%:}" "$value";;
    Uid:) user=$value;;
    Gid:) say uid "$user:$value";;
  esac
done </proc/self/status
if command -v unshare >/dev/null && unshare --user true 2>/dev/null; then say nested yes; else say nested no; fi
"""


class Examination(NamedTuple):
    """What this machine can do for builds."""

    bwrap: Bubblewrap | None
    isolation: Mapping[str, str]  # sorted; empty when nothing can run
    problems: tuple[Problem, ...]  # what is missing, with what would provide it

    @property
    def sound(self) -> bool:
        """Whether builds run here, isolated; a limit may be missing all the same."""
        return bool(self.isolation) and all(problem.code == _NO_LIMIT for problem in self.problems)


def probe(
    bwrap: Bubblewrap,
    platform: HostPlatform,
    folders: RunFolders,
    limiter: Limiter | None = None,
    binder: Binder | None = None,
    stop: int = -1,
) -> Mapping[str, str]:
    """Return what was found to hold, sorted by name; "NOT ..." marks what does not.

    Args:
        bwrap: the program that builds will use.
        platform: the root file system that builds will use.
        folders: where builds will run; nothing is left there.
        limiter: the limits that builds will use.
        binder: what will bind their inputs.
        stop: descriptor that becomes readable when this must end; -1: none.

    Raises:
        UnavailableError: nothing could be run.
    """
    limiter = limiter or Limiter(find_hierarchies())
    folder = folders.make()
    try:
        facts = _ask(bwrap, platform, folder, limiter, binder or Binder(), stop, folders.lock)
    finally:
        remove_tree(folder)
    held = judge(facts, {name: os.readlink(f"/proc/self/ns/{name}") for name in _NAMESPACES})
    held |= limiter.in_force()
    held |= {"bubblewrap": str(bwrap), "overlay": "available" if bwrap.overlay else "none"}
    return dict(sorted(held.items()))


def examine(cache: Path, runs: Path) -> Examination:
    """Look at everything a sandbox needs, and say what is missing; never raises for that.

    Args:
        cache: where the platform's skeleton is kept.
        runs: where builds run.
    """
    try:
        bwrap = find_bubblewrap()
    except UnavailableError as error:
        return Examination(None, {}, error.problems)
    try:
        isolation = probe(bwrap, HostPlatform.prepare(cache), RunFolders(runs))
    except UnavailableError as error:
        return Examination(bwrap, {}, error.problems)
    return Examination(bwrap, isolation, tuple(shortcomings(isolation)))


def judge(facts: Mapping[str, str], host: Mapping[str, str]) -> dict[str, str]:
    """Turn what was seen inside into what holds.

    Args:
        facts: key -> what the script said.
        host: namespace -> its identity outside.
    """
    own = {name: facts.get(f"ns-{name}", "") not in ("", host[name]) for name in _NAMESPACES}
    alone = facts.get("interfaces") == "lo" and facts.get("reached") != "yes"
    kernel = facts.get("settings") == ""
    home = facts.get("secret") == "hidden" and facts.get("shelf") == ""
    home = home and facts.get("usr") == facts.get("input") == "read-only"
    no_power = set(facts.get("CapEff", "x")) == set(facts.get("CapBnd", "x")) == {"0"} and facts["NoNewPrivs"] == "1"
    return {
        "user": _held(own["user"] and facts.get("uid") == f"{USER_ID}:{USER_ID}", "own namespace, 1000:1000"),
        "network": _held(own["net"] and alone, "own namespace, loopback only"),
        # The shell, the process that waits for it and, with some shells, one for a substitution.
        "processes": _held(own["pid"] and 0 < int(facts.get("processes", "0")) <= 4, "own namespace"),
        "files": _held(own["mnt"] and home, "only the platform, read-only"),
        "kernel settings": _held(kernel, "read-only"),
        "ipc": _held(own["ipc"], "own namespace"),
        "cgroup": _held(own["cgroup"], "own namespace"),
        "host name": _held(own["uts"] and facts.get("host") == HOST_NAME, HOST_NAME),
        "capabilities": _held(no_power, "none"),
        "nested namespaces": _held(facts.get("nested") == "no", "forbidden"),
        "descriptors": _held(set(facts.get("descriptors", "9").split()) <= {"0", "1", "2", "3"}, "none inherited"),
    }


def shortcomings(isolation: Mapping[str, str]) -> list[Problem]:
    """List what does not hold, with what would change it."""
    found = [
        Problem("sandbox.isolation", f"builds are not isolated: {name}", value, "report it with 'brazil doctor --json'")
        for name, value in isolation.items()
        if value.startswith("NOT ")
    ]
    hint = "run in a delegated control group: 'systemd-run --user --scope -p Delegate=yes brazil ...'"
    for name in ("memory limit", "process limit"):
        if isolation.get(name) == "none":
            found.append(Problem(_NO_LIMIT, f"no {name} for builds", "no control group can be made", hint))
    return found


def _held(holds: bool, what: str) -> str:
    return what if holds else f"NOT {what}"


def _ask(
    bwrap: Bubblewrap, platform: HostPlatform, folder: str, limiter: Limiter, binder: Binder, stop: int, lock: int
) -> dict[str, str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        secret = f"{folder}/{os.urandom(8).hex()}"
        Path(secret).write_text("secret")
        for name in ("src", "input"):
            os.mkdir(f"{folder}/{name}")
        Path(folder, "input", "seen").touch()
        places = Places(f"{folder}/src", (), Inputs.of([(_INPUT, f"{folder}/input")], few=0))
        options = run_options(platform.mounts, places, (("LC_ALL", "C"), ("PATH", "/usr/bin:/bin")), 1 << 20)
        port = str(listener.getsockname()[1])
        command = ("/bin/sh", "-c", _SCRIPT, "probe", port, secret, f"{ROOT}/{_INPUT}", SHELF)
        binds = input_binds(places.inputs)
        try:
            binder.start()  # it becomes ready while bubblewrap sets up
            ending = launch(
                str(bwrap.path),
                options,
                command,
                _LIMITS,
                limiter,
                stop,
                lock=lock,
                prepare=lambda namespace: binder.bind(namespace, binds, SHELF, ROOT),
            )
        except OSError as error:
            raise UnavailableError(Problem("sandbox.probe", f"{bwrap} cannot be started", str(error))) from error
    said = ending.log.decode("utf-8", "replace")
    if ending.exit_code != 0:
        raise UnavailableError(
            Problem(
                "sandbox.probe", "no sandbox could be set up", said.strip().replace("\n", "; "), "see 'brazil doctor'"
            )
        )
    lines = (line.partition("=") for line in said.splitlines())
    return {key: value.strip() for key, _, value in lines}
