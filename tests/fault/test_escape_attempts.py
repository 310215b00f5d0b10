import ctypes
import os
import platform
import pty
import secrets
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.sandbox_case import OUTPUT, Machine, endless, machine, processes_with

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls are given by their numbers on x86-64"),
]

_NAMESPACES = {"cgroup": 1 << 25, "uts": 1 << 26, "ipc": 1 << 27, "user": 1 << 28, "pid": 1 << 29, "net": 1 << 30}
_KEYCTL, _ADD_KEY = 250, 248

# Perl that must be refused by the kernel. Where a success would do harm, what is asked for changes nothing:
# a wrong argument, or a value that is set already; the right is judged before it is.
CALL = "sub call { my ($number, @words) = @_; syscall($number, @words) }"  # literals cannot be handed over as they are
REFUSED = {
    "mount a folder": "call(165, 'none', '/tmp', 'tmpfs', 0, 0)",
    "mount the host's processes": "call(165, 'proc', '/tmp', 'proc', 0, 0)",
    "bind a folder elsewhere": "call(165, '/usr', '/tmp', 0, 4096, 0)",
    "mount a control group": "call(165, 'none', '/tmp', 'cgroup2', 0, 0)",
    "make the platform writable": "call(165, 'none', '/usr', 0, 4096 | 32, 0)",
    "uncover what a mount hides": "call(166, '/usr', 2)",
    "change the root": "call(161, '/tmp')",
    "exchange the root": "call(155, '/tmp', '/tmp')",
    "open a file system": "call(430, 'tmpfs', 0)",
    "copy a mount": "call(428, -100, '/usr', 1)",
    "change the rights of a mount": "call(442, -100, '/usr', 0, pack('Q4', 0, 1, 0, 0), 32)",
    "open a file by its handle": "call(304, -100, pack('LLQ', 8, 1, 2), 0)",
    "become root": "call(105, 0)",
    "become the group of root": "call(106, 0)",
    "leave all groups": "call(116, 0, 0)",
    "give itself a mapping of users": "open(F, '>', '/proc/self/uid_map') && syswrite(F, '0 0 1') ? 0 : -1",
    "make a device": "call(133, '/tmp/device', 020666, 259)",
    "give a file to root": "do { open(F, '>', '/tmp/f'); chown(0, 0, '/tmp/f') ? 0 : -1 }",
    "give a program rights": "do { open(F, '>', '/tmp/p'); "
    "call(188, '/tmp/p', 'security.capability', pack('L5', 0x02000001, 1 << 21, 0, 0, 0), 20, 0) }",
    "open a raw socket": "call(41, 2, 3, 255)",
    "open a packet socket": "call(41, 17, 3, 768)",
    "watch a processor": "call(298, pack('L2Q7', 0, 112, (0) x 7) . chr(0) x 64, -1, 0, -1, 0)",
    "load a filter program": "call(321, 5, pack('L2Q6', 1, 1, (0) x 6), 56)",
    "load a module": "call(175, '', 0, '')",
    "load another kernel": "call(246, 0, 0, 0, 0)",
    "restart the machine": "call(169, 0, 0, 0, 0)",
    "swap to a file": "call(167, '/nonexistent', 0)",
    "write the accounts of processes": "call(163, '/nonexistent')",
    "change the name of the host": "call(170, 'brazil', 6)",
    "reach the ports of devices": "call(173, 0x80, 1, 1)",
    "hang the terminal up": "call(153)",
    "go before others": "call(141, 0, 0, -5)",
    "run in real time": "call(144, 0, 1, pack('L', 1))",
    "raise its limits": "call(302, 0, 4, pack('QQ', -1, -1), 0)",
    "be spared when memory runs out": "open(F, '>', '/proc/self/oom_score_adj') && syswrite(F, '-1000') ? 0 : -1",
    "reach the log of the kernel": "call(103, 3, 'x' x 64, 64)",
} | {f"make a {name} namespace": f"call(272, {flag})" for name, flag in _NAMESPACES.items()} | {
    f"enter the {name} namespace of the first process":
        f"open(F, '<', '/proc/1/ns/{name}') ? call(308, fileno(F), 0) : -1"
    for name in (*_NAMESPACES, "mnt")
}  # fmt: skip


@pytest.fixture
def box(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    found = machine(tmp_path, tmp_path_factory)
    if not Path("/usr/bin/perl").exists():
        pytest.skip("the platform has no perl to try it with")
    return found


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A folder of the host that nothing may change."""
    folder = tmp_path / "witness"
    folder.mkdir()
    (folder / "file").write_text("precious")
    return folder


def perl(code: str) -> str:
    return "/usr/bin/perl -e '" + code.replace("'", "'\\''") + "'"


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_the_kernel(box: Machine, name: str) -> None:
    code = f"{CALL} my $r = {REFUSED[name]}; print($r == -1 ? qq(refused\\n) : qq(worked: $r\\n));"
    assert box.said(perl(code)) == "refused"
    assert box.left_behind() == []


def test_an_abstract_socket_of_the_host_cannot_be_connected(box: Machine) -> None:
    name = f"brazil-{secrets.token_hex(8)}"
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(f"\0{name}")
        server.listen()
        code = f'socket(S, 1, 1, 0); print(connect(S, pack("Sa*", 1, "\\0{name}")) ? "reached" : "refused")'
        assert box.said(perl(code)) == "refused"


def test_a_socket_file_of_the_host_cannot_be_connected(box: Machine, witness: Path) -> None:
    place = Path("/tmp") / f"brazil-{secrets.token_hex(4)}"
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(place))
        server.listen()
        try:
            code = f'socket(S, 1, 1, 0); print(connect(S, pack("Sa*", 1, "{place}")) ? "reached" : "refused")'
            assert box.said(perl(code)) == "refused"
        finally:
            place.unlink()


def test_an_inherited_descriptor_leads_nowhere(box: Machine, witness: Path) -> None:
    held = os.open(witness, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(held, True)
    try:
        said = box.said('for p in /proc/[0-9]*; do for f in "$p"/fd/*; do cat "$f/file" 2>/dev/null || :; done; done')
    finally:
        os.close(held)
    assert "precious" not in said


def test_a_key_of_the_callers_session_cannot_be_found(box: Machine) -> None:
    # In a child, whose session keyring is its own: nothing of this process changes.
    libc = ctypes.CDLL(None, use_errno=True)
    name = f"brazil-{secrets.token_hex(8)}".encode()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if libc.syscall(_KEYCTL, 1, None) == -1 or libc.syscall(_ADD_KEY, b"user", name, b"precious", 8, -3) == -1:
                os._exit(77)
            find = f'{CALL} my $k = call({_KEYCTL}, 10, -3, "user", "{name.decode()}", 0);'
            look = find + ' print($k == -1 ? "refused" : $k)'
            code = 0 if box.said(perl(look)) == "refused" else 2
        finally:
            os._exit(code)
    answer = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if answer == 77:
        pytest.skip("keys cannot be made here")
    assert answer == 0


def test_no_virtual_socket_to_the_machine_below_can_be_made(box: Machine) -> None:
    assert box.said(perl("print(socket(S, 40, 1, 0) ? qq(made) : qq(refused))")) == "refused"
    assert box.said(perl("print(socket(S, 2, 1, 0) && socket(T, 1, 1, 0) ? qq(made) : qq(refused))")) == "made"


def test_nothing_of_the_callers_environment_is_in_any_process(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "precious")
    assert "precious" not in box.said("cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; echo end")


def test_characters_cannot_be_pushed_into_the_terminal(box: Machine, tmp_path: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        code = 1
        try:
            push = (
                'open(T, "+<", "/dev/tty"); my $x = "x"; '
                'for my $f (*STDIN, *STDOUT, *STDERR, *T) { ioctl($f, 0x5412, $x) and print("pushed") } print("end")'
            )
            code = 0 if box.said(perl(push)) == "end" else 2
        finally:
            os._exit(code)
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        os.close(terminal)


def test_a_signal_to_everybody_stays_inside(box: Machine) -> None:
    for signal_ in ("TERM", "KILL", "STOP", "HUP"):
        result = box.run(f"kill -{signal_} 0; sleep 1; echo alive", timeout=2)
        assert result.outputs == () or "alive" in box.log(result)
    assert box.run("kill -STOP $$", timeout=1).ended_by == "timeout"
    assert box.said("echo still here") == "still here"


def test_a_fork_loop_ends_with_the_run(box: Machine) -> None:
    if not box.sandbox.isolation["process limit"].startswith("control group"):
        pytest.skip("no limit on processes of this run alone is in force here")
    mark = f"escape-{secrets.token_hex(4)}"
    script = perl(f'$0 = "{mark}"; fork while 1')
    result = box.run(script, processes=50, timeout=2)
    assert result.exit_code != 0
    assert processes_with(mark) == []
    assert box.left_behind() == []


def test_a_memory_bomb_ends_where_nobody_said_how_much_there_is(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    if not box.sandbox.isolation["memory limit"].startswith("control group"):
        pytest.skip("no limit on memory is in force here")
    monkeypatch.setattr("brazil.sandbox.run.memory_of_machine", lambda: 128 << 20)
    result = box.run(perl('my @x; push @x, "a" x 1048576 for 1 .. 4096; print "whole"'))
    assert result.exit_code != 0
    assert f"because all together they used more than {96 << 20} bytes of memory, its limit" in box.log(result)


def test_a_memory_bomb_ends_with_the_run(box: Machine) -> None:
    if not box.sandbox.isolation["memory limit"].startswith("control group"):
        pytest.skip("no limit on memory is in force here")
    result = box.run(perl('my @x; push @x, "a" x 1048576 for 1 .. 4096; print "whole"'), memory=64 << 20)
    assert "whole" not in box.log(result)
    result = box.run("head -c 400000000 /dev/zero >/dev/shm/x && echo whole", memory=64 << 20)
    assert "whole" not in box.log(result)


@pytest.mark.parametrize("place", ["src", '"$BRAZIL_OUT"', "/tmp", '"$HOME"'])
def test_a_disk_bomb_is_ended(box: Machine, place: str) -> None:
    result = box.run(f"head -c 50000000 /dev/zero >{place}/x; echo all", largest_output=1_000_000, memory=40 << 20)
    assert result.exit_code != 0, box.log(result)
    assert box.left_behind() == []


def test_an_input_cannot_be_linked_or_changed_by_any_way(box: Machine) -> None:
    dep = box.tree({"lib/data": "precious", "bin/tool*": "#!/bin/sh\n"})
    at = "/brazil/pkg/Dep-1.0"
    tries = [f'ln {at}/lib/data "$BRAZIL_OUT/x"', f"chmod 777 {at}/lib/data", f"touch -d @1 {at}/lib/data"]
    tries += [
        f"mv {at}/lib/data {at}/lib/other",
        f"rm -f {at}/bin/tool",
        f"mkdir {at}/new",
        f"truncate -s 0 {at}/lib/data",
    ]
    tries += [f"mv {at} /brazil/pkg/Other-1.0", f"ln -sfn /tmp {at}", f"exec 3<{at}/lib/data; echo x >/proc/self/fd/3"]
    tries += [perl(f'{CALL} call(188, "{at}/lib/data", "user.x", "y", 1, 0) == 0 or exit 1')]
    script = "\n".join(
        f"if ( {one} ) >/dev/null 2>&1; then echo 'worked {number}'; fi" for number, one in enumerate(tries)
    )
    assert box.said(script, inputs=((at.removeprefix("/brazil/"), dep),)) == ""
    assert box.said(f"cat {at}/lib/data", inputs=((at.removeprefix("/brazil/"), dep),)) == "precious"


def test_a_link_to_the_host_in_source_and_output_is_never_followed(box: Machine, witness: Path) -> None:
    script = f"cd src; ln -s {witness} a; ln -s {witness}/file b; mkdir d; ln -s {witness} d/x; chmod -R 0 d; exit 1"
    assert box.run(script).exit_code == 1
    assert box.run(f'ln -s {witness} "$BRAZIL_OUT/x"').ended_by == "refused"
    assert box.left_behind() == []
    assert [p.name for p in witness.iterdir()] == ["file"]
    assert (witness / "file").read_text() == "precious"


def test_an_output_exchanged_for_a_link_while_it_is_kept_is_not_followed(box: Machine, witness: Path) -> None:
    swap = f"while :; do rm -rf x; mkdir x; echo y >x/file; rm -rf x; ln -s {witness} x; done 2>/dev/null"
    for _ in range(5):
        # None when the link was there at the end.
        for _, root in box.run(f'cd "$BRAZIL_OUT"; (setsid sh -c {swap!r} &) ; sleep 0.05').outputs:
            kept = box.store.read_directory(root)
            assert [n.name for n in kept.directories + kept.files] in ([], ["x"])
    assert (witness / "file").read_text() == "precious"
    assert b"precious" not in b"".join(p.read_bytes() for p in (box.folder / "data").rglob("*") if p.is_file())


@pytest.mark.parametrize("script", ['rmdir "$BRAZIL_OUT"; ln -sT {0} "$BRAZIL_OUT"', "mv src old; ln -sT {0} src"])
def test_a_place_of_the_run_cannot_become_a_link(box: Machine, witness: Path, script: str) -> None:
    result = box.run("set +e; cd /brazil; " + script.format(witness) + "; exit 0")
    assert result.outputs == ((OUTPUT, box.tree({})),)
    assert (witness / "file").read_text() == "precious"


def test_the_first_process_sees_and_may_no_more_than_the_build(box: Machine) -> None:
    assert box.said("ls -a / >/tmp/a; ls -a /proc/1/root/ >/tmp/b; cmp /tmp/a /tmp/b; readlink /proc/1/cwd") in (
        "/",
        "/brazil",
    )
    assert box.said("grep -h ^Cap /proc/1/status | cut -f2 | sort -u") in ("0000000000000000",)
    said = box.said("for f in /proc/1/fd/*; do readlink $f; done; ls -d /proc/1/fd/*/. 2>/dev/null || :")
    # Beside pipes it holds the lock by which a run that was left behind is found: an empty file.
    others = [line for line in said.split("\n") if not line.startswith(f"{box.runs}/")]
    kinds = {line.partition(":")[0] for line in others}
    assert box.said("cat /proc/1/fd/* </dev/null 2>/dev/null & sleep 0.2; kill $!") == ""
    assert kinds <= {"/dev/null", "pipe", "anon_inode", "socket"}, said


def test_a_first_process_that_is_traced_ends_with_the_run(box: Machine) -> None:
    mark = f"escape-{secrets.token_hex(4)}"
    result = box.run(perl(f'{CALL} $0 = "{mark}"; call(101, 16, 1, 0, 0); sleep 3600'), timeout=1)
    assert (result.exit_code, result.ended_by) == (137, "timeout")
    assert processes_with(mark) == []
    assert box.left_behind() == []


def test_a_program_with_the_rights_of_its_owner_is_kept_without_them(box: Machine) -> None:
    result = box.run('cd "$BRAZIL_OUT"; cp /bin/true su; chmod 6755 su; ls -l su')
    ((_, root),) = result.outputs
    assert [(n.name, n.executable) for n in box.store.read_directory(root).files] == [("su", True)]
    kept = [
        p for p in (box.folder / "data").rglob("*") if p.is_file() and p.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    ]
    assert kept == []


def test_the_folder_of_a_run_is_closed_to_other_users(box: Machine) -> None:
    box.said("true")
    assert [oct(p.stat().st_mode & 0o077) for p in box.runs.iterdir() if p.is_dir()] == ["0o0"]


def test_no_core_is_written(box: Machine) -> None:
    assert box.said("ulimit -Hc; ulimit -Sc").split() == ["0", "0"]
    result = box.run("cd src; kill -SEGV $$")
    assert (result.exit_code, result.outputs) == (139, ())
    assert box.left_behind() == []


def test_devices_are_only_those_that_hold_nothing(box: Machine) -> None:
    known = {
        "core",
        "fd",
        "full",
        "null",
        "ptmx",
        "pts",
        "random",
        "shm",
        "stderr",
        "stdin",
        "stdout",
        "tty",
        "urandom",
    }
    assert set(box.said("ls /dev").split()) <= known | {"zero", "console"}
    assert box.said("ls /dev/pts /dev/shm | grep -v : | grep . || :") in ("", "ptmx")


def test_io_uring_opens_no_more_than_open_does(box: Machine) -> None:
    # It may be there; what it opens is what this root and these rights give.
    code = CALL + "my $f = call(425, 8, chr(0) x 120); print($f == -1 ? qq(refused) : qq(made))"
    assert box.said(perl(code)) in ("refused", "made")
    assert box.said("cat /etc/shadow 2>/dev/null || echo absent") == "absent"


def test_nothing_survives_a_run_that_hides(box: Machine) -> None:
    mark = endless()
    hide = f'fork and exit; syscall(112); fork and exit; $SIG{{$_}} = "IGNORE" for keys %SIG; exec "sleep", "{mark}"'
    assert box.said(perl(hide) + " </dev/null >/dev/null 2>&1; echo hidden") == "hidden"
    assert processes_with(f"sleep\0{mark}") == []
