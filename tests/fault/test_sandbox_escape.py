import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from brazil.errors import UnavailableError
from brazil.sandbox.probe import examine, judge, shortcomings
from tests.sandbox_case import Machine, endless, machine, processes_with

pytestmark = pytest.mark.sandbox


@pytest.fixture
def box(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path, tmp_path_factory)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server


def attempt(*scripts: str) -> str:
    """A script that tries each and says which worked."""
    return "\n".join(f"if sh -c {quoted(s)} >/dev/null 2>&1; then echo worked: {quoted(s)}; fi" for s in scripts)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def test_no_listener_of_the_host_is_reached(box: Machine, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    script = f"""
        command -v bash >/dev/null || {{ echo no bash; exit 0; }}
        bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' 2>/dev/null && echo reached
        bash -c 'exec 3<>/dev/tcp/192.0.2.1/80' 2>&1 | grep -o unreachable
        cut -d: -f1 /proc/net/dev | grep -v '|' | tr -d ' '
    """
    said = box.said(f"set +e\n{script}\nexit 0")
    if said == "no bash":
        pytest.skip("the platform has no bash to try it with")
    assert set(said.split("\n")) == {"unreachable", "lo"}


def test_the_loopback_of_the_run_works(box: Machine) -> None:
    script = """
        command -v perl >/dev/null || exit 0
        perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0);bind(S,sockaddr_in(4711,INADDR_LOOPBACK)) or die $!;
          listen(S,1);socket(C,PF_INET,SOCK_STREAM,0);connect(C,sockaddr_in(4711,INADDR_LOOPBACK)) or die $!'
    """
    box.said(script)


def test_no_abstract_socket_of_the_host_is_reached(box: Machine) -> None:
    name = f"brazil-{secrets.token_hex(8)}"
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(f"\0{name}")
        assert name not in box.said("cat /proc/net/unix")


def test_no_file_of_the_host_is_visible(box: Machine, home: Path) -> None:
    secret = home / "secret"
    secret.write_text("secret")
    places = ["/root", "/work", "/etc/shadow", "/etc/hostname", "/etc/machine-id", "/etc/resolv.conf", "/var", "/run"]
    places += ["/sys", "/mnt", "/opt", "/srv", "/boot", str(secret), str(box.folder), str(Path(__file__))]
    places += ["/usr/local/bin", "/dev/sda", "/dev/vda", "/dev/kmsg", "/dev/mem", "/proc/1/root/root"]
    assert box.said(f'for p in {" ".join(map(quoted, places))}; do if [ -e "$p" ]; then echo "$p"; fi; done') == ""


def test_nothing_of_the_platform_can_be_written(box: Machine) -> None:
    tries = [f"echo x >{path}" for path in ("/usr/x", "/usr/bin/sh", "/etc/passwd", "/etc/x", "/x", "/brazil/x")]
    tries += ["echo x >/usr/local/x", "echo x >/home/x", "chmod 777 /usr", "rm /etc/passwd", "mkdir /brazil/pkg/X"]
    tries += ["mount -o remount,rw /usr", "umount /usr/local"]
    assert box.said(attempt(*tries)) == ""


def test_no_setting_of_the_kernel_can_be_written(box: Machine) -> None:
    # Opening for appending and writing nothing: if it were allowed, this test would still change nothing.
    files = "{ find /proc -type f ! -path '/proc/[0-9]*' 2>/dev/null || :; }"
    assert box.said(f"{files} | while read -r f; do if (: >>$f) 2>/dev/null; then echo $f; fi; done") == ""
    assert box.said("echo out >/dev/stdout; echo err >/dev/stderr; echo fd >/proc/self/fd/1") == "out\nerr\nfd"


def test_no_power_can_be_gained(box: Machine) -> None:
    tries = ["unshare --user true", "unshare --mount true", "chroot / true", "mknod /tmp/x c 1 1", "chown 0 /tmp"]
    tries += ["mount -t tmpfs none /tmp", "nsenter -t 1 -m true", "su -c true", "setpriv --reuid 0 true"]
    assert box.said(attempt(*tries)) == ""
    assert box.said("kill -9 1; kill -9 -1 2>/dev/null || :; echo alive") == "alive"
    assert box.said("grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status | cut -f2 | sort -u") == (
        "0000000000000000\n1"
    )


def test_no_other_process_is_visible_nor_any_path_of_the_host(box: Machine) -> None:
    mark = f"3600.{secrets.token_hex(4)}"
    other = subprocess.Popen(["sleep", mark.partition(".")[0]], executable="/bin/sleep")
    try:
        said = box.said("for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done; cat /proc/self/cgroup")
    finally:
        other.kill()
        other.wait()
    lines = [line for line in said.split("\n") if line.strip()]
    assert lines[0].startswith("bwrap --args ")
    assert str(box.folder) not in said
    assert str(box.bwrap.path) not in said
    assert "sleep 3600" not in said
    assert all(line.endswith(":/") for line in lines if line[0].isdigit() and ":" in line)


def test_no_shared_memory_or_queue_of_the_host_is_visible(box: Machine) -> None:
    assert box.said("for kind in shm sem msg; do sed 1d /proc/sysvipc/$kind; done") == ""


def test_a_terminal_cannot_be_written_to(box: Machine) -> None:
    assert box.said(attempt("echo x >/dev/tty")) == ""


def test_two_runs_do_not_see_each_other(box: Machine) -> None:
    mark = endless()
    first = threading.Thread(
        target=lambda: box.run(f'echo x >/tmp/x; echo x >src/x; echo x >"$BRAZIL_OUT/x"; sleep {mark}')
    )
    first.start()
    while not processes_with(f"sleep\0{mark}"):
        assert first.is_alive()
    try:
        said = box.said("ls /tmp src pkg/Thing-1.0 /brazil/pkg | sort; ls -d /proc/[0-9]* | wc -l")
    finally:
        box.sandbox.stop()
        first.join()
    assert "x" not in said.split("\n")


def test_a_deep_tree_without_permissions_leaves_nothing(box: Machine) -> None:
    script = """
        cd src; n=0
        while [ $n -lt 300 ]; do
          mkdir dddddddddddddddddddddddddddddd; cd -P dddddddddddddddddddddddddddddd || exit 1; n=$((n + 1))
        done 2>/dev/null
        chmod 0 .
        exit 1
    """
    assert box.run(script).exit_code != 0
    assert box.left_behind() == []


def test_when_brazil_is_killed_the_run_dies_and_its_folder_is_swept(box: Machine, tmp_path: Path) -> None:
    mark = endless()
    child = os.fork()
    if child == 0:
        try:
            Machine(tmp_path, box.bwrap, box.platform).run(f"setsid sleep {mark} & sleep {mark}")
        finally:
            os._exit(0)
    while len(processes_with(f"sleep\0{mark}")) < 2:
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while processes_with(mark):  # the kernel ends them by itself; without it this never ends
        pass
    names = [path.name for path in box.runs.iterdir() if path.name.startswith(f"{child}-")]
    assert len(names) == 2
    again = Machine(tmp_path, box.bwrap, box.platform)
    assert [path.name for path in again.runs.iterdir() if path.name.startswith(f"{child}-")] == []


def test_ctrl_c_in_the_main_thread_leaves_no_process_and_no_folder(box: Machine, tmp_path: Path) -> None:
    mark = endless()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            mine = Machine(tmp_path, box.bwrap, box.platform)
            mine.run(f"trap '' INT TERM; setsid sleep {mark} & sleep {mark}")
        except KeyboardInterrupt:
            code = 0 if not processes_with(mark) and mine.left_behind() == [] else 2
        finally:
            sys.stderr.flush()
            os._exit(code)
    while len(processes_with(f"sleep\0{mark}")) < 2:
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    os.kill(child, signal.SIGINT)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_broken_bubblewrap_is_told_and_runs_nothing(box: Machine, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    bad = Machine(tmp_path, box.bwrap._replace(path=broken), box.platform)
    with pytest.raises(UnavailableError) as caught:
        bad.run("true")
    assert caught.value.code == "sandbox.setup"
    assert "No permissions to create new namespace" in caught.value.problems[0].because
    with pytest.raises(UnavailableError):
        assert bad.sandbox.isolation
    assert bad.left_behind() == []


def test_a_doctor_finds_what_holds(tmp_path: Path, box: Machine) -> None:
    found = examine(tmp_path / "cache", tmp_path / "runs")
    assert found.bwrap == box.bwrap
    assert found.isolation == box.sandbox.isolation
    assert all(problem.code == "sandbox.limits" for problem in found.problems)


def test_what_does_not_hold_is_said_so() -> None:
    host = {name: f"{name}:[1]" for name in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")}
    good = {f"ns-{name}": f"{name}:[2]" for name in host} | {
        "interfaces": "lo",
        "reached": "no",
        "processes": "3",
        "secret": "hidden",
        "usr": "read-only",
        "input": "read-only",
        "shelf": "",
        "settings": "",
        "host": "brazil",
        "uid": "1000:1000",
        "descriptors": "0 1 2",
        "CapEff": "0000000000000000",
        "CapBnd": "0000000000000000",
        "NoNewPrivs": "1",
        "nested": "no",
    }
    assert shortcomings(judge(good, host)) == []
    bad = {
        "user": {"uid": "0:0"},
        "network": {"reached": "yes"},
        "processes": {"processes": "120"},
        "files": {"secret": "visible"},
        "kernel settings": {"settings": "/proc/sysrq-trigger"},
        "ipc": {"ns-ipc": host["ipc"]},
        "cgroup": {"ns-cgroup": host["cgroup"]},
        "host name": {"host": "desk"},
        "capabilities": {"CapEff": "0000000000000001"},
        "nested namespaces": {"nested": "yes"},
        "descriptors": {"descriptors": "0 1 2 3 7"},
    }
    for name, facts in (*bad.items(), *(("files", fact) for fact in ({"input": "missing"}, {"shelf": "/tmp/ab"}))):
        assert [p.what for p in shortcomings(judge(good | facts, host))] == [f"builds are not isolated: {name}"]
