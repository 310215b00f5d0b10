import os
import subprocess
from pathlib import Path

import pytest

from brazil.build.layout import Layouts
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode
from brazil.plan.environment import (
    ARTIFACTS,
    COMMON,
    COMPOSED,
    TOOLS,
    WATCHED,
    Layout,
    closure_environment,
    entered_environment,
    launcher,
    module_links,
    search_paths,
)
from brazil.store.memory import MemoryStore
from tests.steps import iface

FULL = Layout(frozenset(WATCHED), ("run",), ("a.jar", "b.jar"), ("@s/m", "m"))
A, B, C = map(iface, "ABC")


def test_search_paths_list_what_there_is_in_order() -> None:
    found = search_paths((A, B), {A: FULL, B: Layout(frozenset({"lib"}), jars=("c.jar",))})
    assert found == {
        "ACLOCAL_PATH": ("/brazil/pkg/A-1.0/share/aclocal",),
        "BRAZIL_CARGO_PATH": ("/brazil/pkg/A-1.0/cargo",),
        "BRAZIL_GO_PATH": ("/brazil/pkg/A-1.0/go",),
        "BRAZIL_MAVEN_PATH": ("/brazil/pkg/A-1.0/maven",),
        "CLASSPATH": (
            "/brazil/pkg/A-1.0/java/a.jar",
            "/brazil/pkg/A-1.0/java/b.jar",
            "/brazil/pkg/B-1.0/java/c.jar",
        ),
        "CMAKE_PREFIX_PATH": ("/brazil/pkg/A-1.0", "/brazil/pkg/B-1.0"),
        "CPATH": ("/brazil/pkg/A-1.0/include",),
        "LD_LIBRARY_PATH": ("/brazil/pkg/A-1.0/lib", "/brazil/pkg/B-1.0/lib"),
        "LIBRARY_PATH": ("/brazil/pkg/A-1.0/lib", "/brazil/pkg/B-1.0/lib"),
        "PATH": ("/brazil/pkg/A-1.0/bin",),
        "PKG_CONFIG_PATH": ("/brazil/pkg/A-1.0/lib/pkgconfig", "/brazil/pkg/A-1.0/share/pkgconfig"),
        "PYTHONPATH": ("/brazil/pkg/A-1.0/python",),
    }
    assert list(found) == sorted(found)


def test_nothing_to_find_sets_no_variable() -> None:
    assert search_paths((), {}) == {}
    assert search_paths((A,), {A: Layout()}) == {}
    assert closure_environment((), {}, tools=False) == {**COMMON, "PATH": "/usr/bin:/bin"}


def test_a_user_inside_a_closure_keeps_what_is_his_behind_it() -> None:
    caller = {
        "PATH": "/bin:",
        "CPATH": "/brazil/pkg/X-1/include:/mine",
        "PYTHONPATH": "/brazil/pkg/X-1/python",
        "A": "1",
    }
    environment = entered_environment((A,), {A: Layout(frozenset({"include"}))}, caller, tools=True)
    assert environment == {
        "A": "1",
        "CMAKE_PREFIX_PATH": "/brazil/pkg/A-1.0",
        "CPATH": "/brazil/pkg/A-1.0/include:/mine",  # what is of the closure that he comes from is not here
        "PATH": "/brazil/tools/bin:/bin:",
    }


def test_tools_come_first_then_the_closure_then_the_system() -> None:
    environment = closure_environment((A,), {A: FULL}, tools=True)
    assert environment["PATH"] == "/brazil/tools/bin:/brazil/pkg/A-1.0/bin:/usr/bin:/bin"
    assert environment["SOURCE_DATE_EPOCH"] == "315532800"


def test_links_to_modules_lead_up_from_where_they_are() -> None:
    links = module_links((A, B), {A: FULL, B: Layout(modules=("@s/m", "@s/n", "other"))})
    assert links == {
        "@s/m": "../../pkg/A-1.0/node_modules/@s/m",
        "@s/n": "../../pkg/B-1.0/node_modules/@s/n",
        "m": "../pkg/A-1.0/node_modules/m",
        "other": "../pkg/B-1.0/node_modules/other",
    }
    assert list(links) == sorted(links)
    for module, target in links.items():
        landed = os.path.normpath(f"/brazil/node_modules/{module.rpartition('/')[0]}/{target}")
        assert landed.startswith(f"{ARTIFACTS}/")
        assert landed.endswith(f"/node_modules/{module}")


HOSTILE = [
    "plain",
    "two words",
    "quote'quote",
    'double"quote',
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "back\\slash",
    "new\nline",
    "*",
    "-n",
    "$HOME",
    "ünï",
    "#!",
    "end&",
]


def run_launcher(folder: Path, program: str, closure_jar: str, arguments: list[str]) -> list[str]:
    """Run a launcher by the real /bin/sh with /brazil moved into `folder`; return what the tool saw."""
    tool = Interface(PackageName("Tool"), "1.0")
    layouts = {tool: Layout(frozenset({"bin", "python"}), (program,), (closure_jar,)), A: Layout(frozenset({"lib"}))}
    script = launcher(tool, program, (A, tool), layouts).decode()
    bin_ = folder / "brazil" / "pkg" / "Tool-1.0" / "bin"
    bin_.mkdir(parents=True)
    shown = 'printf "%s\\0" "$CLASSPATH" "$PYTHONPATH" "$LD_LIBRARY_PATH" "${CPATH-unset}" "$PATH" "$KEPT" "$@"'
    (bin_ / program).write_text(f"#!/bin/sh\n{shown}\n")
    (bin_ / program).chmod(0o755)
    start = folder / "launcher"
    start.write_text(script.replace("/brazil/", f"{folder}/brazil/"))
    found = subprocess.run(
        ["/bin/sh", str(start), *arguments],
        env={"CPATH": "/of/the/build", "CLASSPATH": "/of/the/build.jar", "KEPT": "yes", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        cwd=folder,
        check=True,
    )
    assert found.stderr == b""
    return found.stdout.decode().replace(f"{folder}/brazil", "/brazil").split("\0")[:-1]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_launcher_starts_its_tool_whatever_things_are_called(tmp_path: Path, name: str) -> None:
    arguments = ["", "two words", "$HOME", "*"]
    seen = run_launcher(tmp_path, name, f"{name}.jar", arguments)
    assert seen == [
        f"/brazil/pkg/Tool-1.0/java/{name}.jar",
        "/brazil/pkg/Tool-1.0/python",
        "/brazil/pkg/A-1.0/lib",
        "unset",
        f"{TOOLS}:/brazil/pkg/Tool-1.0/bin:/usr/bin:/bin",
        "yes",
        *arguments,
    ]
    assert not (tmp_path / "pwned").exists()


def test_a_launcher_sets_or_unsets_every_composed_variable() -> None:
    script = launcher(A, "run", (A,), {A: Layout(frozenset({"bin"}))}).decode()
    unset, *exports = script.splitlines()[1:]
    named = {*unset.split()[1:], *(line.split("=")[0].split()[1] for line in exports if line.startswith("export"))}
    assert named == set(COMPOSED)


def test_a_launcher_with_everything_set_unsets_nothing() -> None:
    script = launcher(A, "run", (A,), {A: FULL}).decode()
    assert "unset" not in script


def folder(store: MemoryStore, *names: str, directories: tuple[DirectoryNode, ...] = ()) -> Digest:
    files = tuple(FileNode(name.rstrip("*"), store.write(b""), name.endswith("*")) for name in sorted(names))
    return store.write_directory(Directory(files, directories))


def test_a_layout_is_read_from_an_artifact() -> None:
    store = MemoryStore()
    empty = folder(store)
    scoped = folder(store, directories=(DirectoryNode("inner", empty),))
    modules = Directory(
        directories=(DirectoryNode(".bin", empty), DirectoryNode("@scope", scoped), DirectoryNode("plain", empty)),
        symlinks=(SymlinkNode("linked", "plain"),),
    )
    programs = Directory(
        (FileNode("data", store.write(b"")), FileNode("run", store.write(b""), True)),
        symlinks=(SymlinkNode("alias", "run"),),
    )
    top = (
        DirectoryNode("bin", store.write_directory(programs)),
        DirectoryNode("java", folder(store, "b.jar", "a.jar", "a:b.jar", "notes.txt")),
        DirectoryNode("lib", folder(store, directories=(DirectoryNode("pkgconfig", empty),))),
        DirectoryNode("node_modules", store.write_directory(modules)),
        DirectoryNode("share", empty),
    )
    artifact = folder(store, "python", "README", directories=top)
    layouts = Layouts(store)
    assert layouts.of(artifact) == Layout(
        folders=frozenset({"bin", "lib", "lib/pkgconfig", "node_modules"}),
        programs=("alias", "run"),
        jars=("a.jar", "b.jar"),
        modules=("@scope/inner", "linked", "plain"),
    )
    assert layouts.of(artifact) is layouts.of(artifact)
    assert layouts.of(empty) == Layout()


def test_the_page_on_build_systems_names_every_variable_and_folder() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "build-systems" / "README.md").read_text()
    assert [name for name in sorted({*COMMON, *COMPOSED, *WATCHED}) if f"`{name}`" not in page] == []
