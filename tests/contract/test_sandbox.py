import os
import shutil
import signal
import stat
import threading
from pathlib import Path

import pytest

from brazil.errors import InternalError, UnavailableError
from brazil.model.action import Command, SandboxResult
from brazil.sandbox.bubblewrap import find_bubblewrap
from brazil.sandbox.host_platform import HostPlatform
from tests.sandbox_case import OUTPUT, Machine, as_nobody, endless, machine, nobodys, processes_with

pytestmark = pytest.mark.sandbox


@pytest.fixture
def box(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path, tmp_path_factory)


def test_an_output_is_kept_and_the_log_holds_both_streams(box: Machine) -> None:
    result = box.run('echo out; echo err >&2; cat src/name >"$BRAZIL_OUT/copy"', {"name": "hello"})
    assert (result.exit_code, result.ended_by) == (0, "")
    assert box.log(result) == "out\nerr\n"
    assert result.outputs == ((OUTPUT, box.tree({"copy": "hello"})),)
    assert 0 < result.started <= result.finished


def test_names_ids_and_settings_are_fixed(box: Machine) -> None:
    said = box.said("id -un; id -u; id -g; id -gn; uname -n; umask; pwd; date +%Z; getent passwd build; ulimit -n")
    assert said.split("\n") == [
        "build",
        "1000",
        "1000",
        "build",
        "brazil",
        "0022",
        "/brazil",
        "UTC",
        "build:x:1000:1000:build:/home/build:/bin/sh",
        "1024",
    ]


def test_the_environment_is_exactly_the_commands(box: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the caller")
    assert sorted(box.said("env").split("\n")) == [
        "BRAZIL_OUT=/brazil/pkg/Thing-1.0",
        "HOME=/home/build",
        "PATH=/usr/bin:/bin",
        "PWD=/brazil",
        "TZ=UTC",
    ]


def test_input_ends_at_once_and_no_descriptor_is_inherited(box: Machine) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        assert box.said("wc -c; for n in $(seq 3 99); do if [ -e /proc/self/fd/$n ]; then echo $n; fi; done") == "0"
    finally:
        os.close(read)
        os.close(write)


def test_the_root_of_a_run_holds_what_is_promised(box: Machine) -> None:
    names = set(box.said("echo /*").split())
    assert {"/brazil", "/usr", "/bin", "/lib", "/etc", "/proc", "/dev", "/tmp", "/home"} <= names
    assert names <= {"/brazil", "/usr", "/etc", "/proc", "/dev", "/tmp", "/home", "/bin", "/sbin"} | {
        f"/lib{suffix}" for suffix in ("", "32", "64", "x32")
    }
    assert box.said("echo /brazil/* /brazil/pkg/* /home/* /usr/local/* /tmp/*") == (
        "/brazil/pkg /brazil/src /brazil/pkg/Thing-1.0 /home/build /usr/local/* /tmp/*"
    )


def test_tmp_home_source_and_output_are_writable_and_fresh_each_time(box: Machine) -> None:
    script = 'for d in /tmp "$HOME" src "$BRAZIL_OUT" /dev/shm; do test ! -e $d/x; echo >$d/x; done'
    for _ in range(2):
        assert box.run(script).exit_code == 0


def test_an_input_is_at_its_place_and_cannot_be_changed(box: Machine) -> None:
    dependency = box.tree({"bin/run*": "#!/bin/sh\necho ran\n", "lib/data": "content", "lib/link@": "data"})
    shared = box.store.tree_path(dependency)
    script = """
        cd /brazil/pkg/Dep-1.0; bin/run; cat lib/link; echo
        for attempt in 'echo x >lib/data' 'echo x >>lib/data' 'chmod 777 lib/data' 'rm lib/data' 'touch lib/data' \\
            'mv lib other' 'ln lib/data "$BRAZIL_OUT/hard"' 'chmod 777 .' 'echo x >new' 'mkdir /brazil/pkg/Evil-1.0'; do
          if sh -c "$attempt" 2>/dev/null; then echo "worked: $attempt"; fi
        done
    """
    assert box.said(script, inputs=(("pkg/Dep-1.0", dependency),)) == "ran\ncontent"
    assert (shared / "lib/data").read_text() == "content"
    assert stat.S_IMODE((shared / "lib/data").stat().st_mode) & 0o222 == 0
    assert box.store.ingest(copy(box, dependency)) == dependency


@pytest.mark.parametrize("program", sorted({str(find_bubblewrap().path), shutil.which("bwrap") or ""} - {""}))
def test_a_closure_of_hundreds_is_there_and_nothing_else_of_the_store(box: Machine, program: str) -> None:
    odd = (
        "pkg/a b-1",
        "pkg/it's-1",
        'pkg/"q"-1',
        "pkg/back\\slash-1",
        "pkg/$(x)-1",
        "pkg/\n-1",
        "pkg/é-1",
        "tools/in/x",
    )
    places = (*odd, *(f"pkg/Member{n}-1.0" for n in range(300)))
    inputs = tuple((place, box.tree({"name": place, "folder/file": "x"})) for place in places)
    unseen = box.tree({"name": "not an input"})
    for root in (unseen, inputs[0][1]):
        box.store.tree_path(root)
    script = f"""
        set +e; cd /brazil; writes() {{ if (: >"$1") 2>/dev/null; then echo "writable: $1"; fi; }}
        find pkg tools -name name -exec cat {{}} \\; -exec echo \\; >"$BRAZIL_OUT/names"
        for d in pkg/* tools/in/*; do
          if [ "$d" != pkg/Thing-1.0 ]; then writes "$d/new"; writes "$d/folder/file"; fi
        done
        for d in pkg tools tools/in .; do writes $d/new; done
        find / -path /proc -prune -o -name {unseen.hash} -print 2>/dev/null
        grep -c ' /brazil/[pt]' /proc/self/mountinfo
        grep ' /tmp ' /proc/self/mountinfo | grep -vc tmpfs
        echo /tmp/* /tmp/.[!.]*
    """
    other = Machine(box.folder, find_bubblewrap([Path(program)]), box.platform)
    result = other.run(script, inputs=inputs)
    assert box.log(result) == f"{len(places) + 1}\n0\n/tmp/* /tmp/.[!.]*\n"
    (kept,) = box.store.read_directory(result.outputs[0][1]).files
    assert sorted(box.store.read(kept.digest).decode().rstrip("\n").split("\n")) == sorted(
        line for place in places for line in place.split("\n")
    )


def test_a_closure_of_thousands_is_there(box: Machine) -> None:
    inputs = tuple((f"pkg/Member{n}-1.0", box.tree({"name": "x"})) for n in (0, *range(2, 4000)))
    said = box.said("cat pkg/Member*/name | wc -c; ls -d pkg/* | wc -l; ls -ld pkg/Member7-1.0", inputs=inputs)
    assert said.split()[:2] == ["3999", "4000"]


def test_inputs_are_bound_for_an_ordinary_user_too() -> None:
    def run(folder: Path) -> str:
        other = nobodys(folder)
        inputs = tuple((f"pkg/Dep{n}-1.0", other.tree({"name": f"{n} "})) for n in range(10))
        return other.said("cat pkg/Dep*/name; if touch pkg/Dep1-1.0/name 2>/dev/null; then echo bad; fi", inputs=inputs)

    assert as_nobody(run) == "0 1 2 3 4 5 6 7 8 9"


def test_a_run_whose_inputs_cannot_be_bound_does_not_start(box: Machine) -> None:
    dependency = box.tree({"name": "x"})
    inputs = tuple((f"pkg/Dep{n}-1.0", dependency) for n in range(10))  # more than bubblewrap binds by itself
    assert box.said("cat pkg/Dep9-1.0/name", inputs=inputs) == "x"
    ours = [pid for pid in processes_with("binder_process.py") if parent(pid) == os.getpid() and os.getsid(pid) == pid]
    for helper in ours:
        os.killpg(helper, signal.SIGKILL)
    with pytest.raises(UnavailableError):
        box.run("true", inputs=inputs)
    assert box.left_behind() == []
    assert box.said("cat pkg/Dep9-1.0/name", inputs=inputs) == "x"


def parent(pid: int) -> int:
    """Return the parent of a process; 0 of one that has ended meanwhile, such as one of another test."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def copy(box: Machine, root: object) -> Path:
    target = box.folder / "copy"
    box.store.copy_tree(root, target)  # type: ignore[arg-type]
    return target


def test_the_source_is_private_to_the_run(box: Machine) -> None:
    source = {"file": "original", "folder/program*": "#!/bin/sh\n"}
    before = box.tree(source)
    assert box.run("echo changed >src/file; rm -r src/folder", source).exit_code == 0
    assert box.tree(source) == before
    result = box.run("cd src; cat file; echo; ls folder", source)
    assert box.log(result) == "original\nprogram\n"


def test_several_outputs_and_none(box: Machine) -> None:
    command = Command(("/bin/sh", "-c", "echo r >report/r; echo p >pkg/P-1/p"), (), "brazil", ("pkg/P-1", "report"))
    assert box.run("", command=command).outputs == (
        ("pkg/P-1", box.tree({"p": "p\n"})),
        ("report", box.tree({"r": "r\n"})),
    )
    assert box.run("", command=Command(("/bin/true",), (), "brazil", ())).outputs == ()


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("kill -SEGV $$", 139)])
def test_a_failure_keeps_no_output_and_its_exit_code(box: Machine, script: str, code: int) -> None:
    result = box.run(f'echo x >"$BRAZIL_OUT/x"; {script}')
    assert (result.exit_code, result.ended_by, result.outputs) == (code, "", ())


def test_a_command_that_is_not_there_cannot_be_set_up(box: Machine) -> None:
    with pytest.raises(UnavailableError) as caught:
        box.run("", command=Command(("/no/such/program",), (), "brazil", ()))
    assert "/no/such/program" in caught.value.problems[0].because
    assert box.left_behind() == []


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("mkfifo pipe", "pipe"),
        ("mkdir -p deep/er; mkfifo deep/er/pipe", "deep/er/pipe"),
        ("ln -s /etc/passwd link", "link"),
        ("ln -s ../../../etc/passwd link", "link"),
        (r"touch \"$(printf 'bad\377name')\"", "bad"),
    ],
)
def test_an_output_that_cannot_be_kept_is_refused_by_name(box: Machine, script: str, path: str) -> None:
    result = box.run(f'echo "it was said"; cd "$BRAZIL_OUT"; {script}')
    assert (result.exit_code, result.ended_by, result.outputs) == (0, "refused", ())
    what, why = result.cause.split("\n")
    assert what == "its output cannot be kept [output.refused]"
    assert why.startswith("in /brazil/pkg/Thing-1.0, ")
    assert path in why
    assert box.log(result) == f"it was said\nbrazil: {why}\n"
    assert box.left_behind() == []


def test_of_much_that_cannot_be_kept_the_log_has_all_and_the_cause_the_first(box: Machine) -> None:
    result = box.run('cd "$BRAZIL_OUT"; for n in $(seq 10 40); do mkfifo "$n"; done')
    lines = [
        f"in /brazil/pkg/Thing-1.0, the output '{n}' cannot be kept: it is a device, a socket or a FIFO"
        for n in range(10, 41)
    ]
    assert result.cause.split("\n")[1:] == [*lines[:20], "and 11 more"]
    assert box.log(result).splitlines() == [f"brazil: {line}" for line in lines]


def test_a_link_into_another_artifact_is_kept_as_a_link(box: Machine) -> None:
    result = box.run('ln -s /brazil/pkg/Dep-1.0/lib/x "$BRAZIL_OUT/x"')
    assert result.outputs == ((OUTPUT, box.tree({"x@": "/brazil/pkg/Dep-1.0/lib/x"})),)


def test_nothing_is_left_behind_whatever_a_build_does(box: Machine) -> None:
    hostile = 'mkdir -p src/a/b "$BRAZIL_OUT/c"; touch src/a/b/f; chmod 0 src/a/b src/a; ln -s / src/root; exit 1'
    assert box.run(hostile).exit_code == 1
    assert box.left_behind() == []


def test_the_time_limit_ends_the_whole_process_tree(box: Machine) -> None:
    mark = endless()
    script = f"echo begun; setsid sleep {mark} & (setsid setsid sleep {mark} &) ; trap '' TERM INT HUP; sleep {mark}"
    result = box.run(script, timeout=1)
    assert processes_with(mark) == []
    assert (result.exit_code, result.ended_by, result.outputs) == (137, "timeout", ())
    assert box.log(result) == "begun\nbrazil: ended after 1 s, its time limit\n"
    assert box.left_behind() == []


def test_what_runs_in_the_background_ends_with_the_command(box: Machine) -> None:
    mark = endless()
    script = f'setsid sleep {mark} >/dev/null 2>&1 & (trap "" TERM; setsid sleep {mark}) & echo done'
    assert box.said(script) == "done"
    assert processes_with(mark) == []


def test_one_file_may_not_be_larger_than_the_limit(box: Machine) -> None:
    result = box.run('head -c 2000000 /dev/zero >"$BRAZIL_OUT/big"', largest_output=1_000_000)
    assert (result.exit_code, result.ended_by, result.outputs) == (137, "output", ())
    assert "more than 1000000 bytes" in box.log(result)


def test_many_files_are_measured_while_the_command_runs(box: Machine) -> None:
    script = 'n=0; while :; do n=$((n + 1)); head -c 90000 /dev/zero >"src/$n"; done'
    result = box.run(script, largest_output=1_000_000)
    assert (result.exit_code, result.ended_by) == (137, "output")


def test_many_files_are_measured_when_the_command_has_ended(box: Machine) -> None:
    result = box.run('for n in 1 2 3; do head -c 400000 /dev/zero >"$BRAZIL_OUT/$n"; done', largest_output=1_000_000)
    assert (result.exit_code, result.ended_by, result.outputs) == (137, "output", ())


def test_a_long_log_is_cut_and_never_stops_the_command(box: Machine) -> None:
    result = box.run('head -c 3000000 /dev/zero | tr "\\0" x; echo >"$BRAZIL_OUT/end"', largest_log=1000)
    assert result.exit_code == 0
    kept, cut, rest = box.log(result).partition("\n")
    assert (kept, cut) == ("x" * 1000, "\n")
    assert rest == "brazil: the log is cut here: 2999000 more bytes were dropped, it may have 1000\n"


def test_a_log_of_odd_bytes_is_kept_as_it_is(box: Machine) -> None:
    result = box.run(r"printf '\000\377\n'")
    assert box.store.read(result.log) == b"\x00\xff\n"


def test_the_number_of_processes_is_limited_where_it_is_said_to_be(box: Machine) -> None:
    script = "n=0; while [ $n -lt 60 ]; do n=$((n + 1)); sleep 3600 & done; echo all"
    assert box.said(script, processes=2000) == "all"
    # A resource limit counts all of this user's processes, so that no low one can be tried.
    if box.sandbox.isolation["process limit"].startswith("control group"):
        result = box.run(script, processes=20)
        assert result.exit_code != 0
        assert "all" not in box.log(result).split("\n")
        assert "it had 20 processes at once, its limit" in box.log(result)


def test_memory_is_limited_where_it_is_said_to_be(box: Machine) -> None:
    # tail keeps an endless line in memory.
    script = "head -c 200000000 /dev/zero | tail -n 1 | wc -c"
    assert box.said(script, memory=400 << 20) == "200000000"
    limited = box.sandbox.isolation["memory limit"].startswith("control group")
    assert ("200000000" in box.log(box.run(script, memory=50 << 20))) is not limited


def test_stop_ends_every_run_and_refuses_new_ones(box: Machine) -> None:
    results: list[SandboxResult] = []
    mark = endless()

    def work() -> None:
        results.append(box.run(f"echo begun; sleep {mark}"))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(processes_with(f"sleep\0{mark}")) < 3:
        assert all(thread.is_alive() for thread in threads)
    box.sandbox.stop()
    for thread in threads:
        thread.join()
    assert processes_with(mark) == []
    assert [(r.exit_code, r.ended_by, r.outputs) for r in results] == [(137, "interrupt", ())] * 3
    assert box.log(results[0]) == "begun\nbrazil: ended because the work was stopped\n"
    with pytest.raises(UnavailableError) as caught:
        box.run("true")
    assert caught.value.code == "sandbox.stopped"
    assert box.left_behind() == []


def test_several_threads_run_at_once(box: Machine) -> None:
    said: dict[int, str] = {}

    def work(number: int) -> None:
        said[number] = box.said(f'echo {number} >"$BRAZIL_OUT/n"; cat "$BRAZIL_OUT/n"')

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {number: str(number) for number in range(8)}


def test_the_output_is_the_same_from_two_folders(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outputs = set()
    for name in ("one", "another folder with a longer name"):
        (tmp_path / name).mkdir()
        outputs.add(machine(tmp_path / name, tmp_path_factory).run(EVERYTHING_THAT_MIGHT_DIFFER).outputs)
    assert len(outputs) == 1


EVERYTHING_THAT_MIGHT_DIFFER = """
    cd "$BRAZIL_OUT"
    { id; pwd; uname -n; env | sort; umask; date +%Z; ls -la /brazil/src; readlink /proc/self/cwd; ls -A / /etc; } |
      sed 's/ [A-Z][a-z][a-z] [ 0-9][0-9] [0-9:]* / /' >seen
    if command -v cc >/dev/null; then
      echo 'int main(void) { return sizeof(__FILE__); }' >/brazil/src/main.c
      cc -g -o program /brazil/src/main.c
    fi
    touch plain; chmod 600 plain; cp /bin/true tool; chmod 700 tool
"""


def test_the_output_is_the_same_under_two_users(box: Machine) -> None:
    def run(folder: Path) -> str:
        other = Machine(folder, find_bubblewrap(), HostPlatform.prepare(folder / "platform"))
        result = other.run(EVERYTHING_THAT_MIGHT_DIFFER)
        assert result.exit_code == 0, other.log(result)
        assert other.left_behind() == []
        return f"{other.platform.platform.digest} {result.outputs[0][1]}"

    assert as_nobody(run) == run(box.folder)


@pytest.mark.parametrize(
    ("outputs", "inputs", "told"),
    [
        (("../etc",), (), "no clean relative path"),
        (("pkg/../../x",), (), "no clean relative path"),
        (("",), (), "no clean relative path"),
        (("pkg/A-1", "pkg/A-1/lib"), (), "is inside"),
        (("src",), (), "is inside"),
        (("pkg/A-1",), ("pkg/A-1",), "is inside"),
        ((), ("src/x",), "is inside"),
        ((), ("/etc",), "no clean relative path"),
    ],
)
def test_a_place_outside_or_taken_is_refused(
    box: Machine, outputs: tuple[str, ...], inputs: tuple[str, ...], told: str
) -> None:
    command = Command(("/bin/true",), (), "brazil", outputs)
    with pytest.raises(InternalError) as caught:
        box.run("", command=command, inputs=tuple((place, box.tree({})) for place in inputs))
    assert told in caught.value.problems[0].because


def test_places_side_by_side_are_no_conflict(box: Machine) -> None:
    command = Command(("/bin/sh", "-c", "ls pkg"), (), "brazil", ("pkg/A-1", "pkg/A-1.1"))
    assert box.said("", command=command, inputs=(("pkg/A-1+", box.tree({})),)) == "A-1\nA-1+\nA-1.1"


def test_what_isolation_holds_was_found_by_trying(box: Machine) -> None:
    held = box.sandbox.isolation
    assert held["network"] == "own namespace, loopback only"
    assert held["files"] == "only the platform, read-only"
    assert [name for name, value in held.items() if value.startswith("NOT ")] == []
    assert list(held) == sorted(held)
    assert box.sandbox.isolation is held
    assert box.sandbox.platform == box.platform.platform
