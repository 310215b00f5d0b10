"""A farm against what a naive merge of the same files says."""

from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from brazil.plan.farm import Clash, Farm, Link, make_farm
from brazil.store.memory import MemoryStore
from brazil.workspace.farms import keep_farm
from brazil.workspace.folder import WorkspaceFolder
from tests.sandbox_case import tree
from tests.steps import iface

A, B, C = map(iface, "ABC")


def farm_of(*members: Mapping[str, str]) -> Farm:
    store = MemoryStore()
    roots = [(name, tree(store, dict(files))) for name, files in zip((A, B, C), members, strict=False)]
    return make_farm(roots, store.read_directory)


def test_what_only_one_member_has_is_one_link() -> None:
    farm = farm_of({"include/a/x.h": "1", "include/a/y.h": "2"}, {"lib/b.so": "3"})
    assert farm == ((), (Link("include", A), Link("lib", B)), ())


def test_folders_that_several_have_are_merged() -> None:
    farm = farm_of({"lib/a": "1", "lib/own/x": "2"}, {"lib/b": "3"}, {"lib/c": "4"})
    assert farm.folders == ("lib",)
    assert farm.links == (Link("lib/a", A), Link("lib/b", B), Link("lib/c", C), Link("lib/own", A))
    assert farm.clashes == ()


def test_the_same_content_is_no_clash() -> None:
    assert farm_of({"share/LICENSE": "x", "s/a/b": "y"}, {"share/LICENSE": "x", "s/a/b": "y"}) == (
        (),
        (Link("s", A), Link("share", A)),
        (),
    )


def test_of_different_things_under_one_name_the_first_is_linked() -> None:
    farm = farm_of({"bin/x": "1", "doc": "file"}, {"bin/x*": "1", "doc/page": "2"}, {"bin/x@": "y", "doc/page": "3"})
    assert farm.links == (Link("bin/x", A), Link("doc", A))
    assert farm.clashes == (Clash("bin/x", A, (B, C)), Clash("doc", A, (B, C)))


def test_a_folder_wins_over_files_and_is_still_merged() -> None:
    farm = farm_of({"x/a": "1"}, {"x": "file"}, {"x/c": "3"})
    assert farm.folders == ("x",)
    assert farm.links == (Link("x/a", A), Link("x/c", C))
    assert farm.clashes == (Clash("x", A, (B,)),)


_NAMES = st.sampled_from(["a", "b", "a/a", "a/b", "b/a", "a/a/a"])


def _is_possible(files: Mapping[str, str]) -> bool:
    return not any(other.startswith(f"{path}/") for path in files for other in files)


_MEMBER = st.dictionaries(_NAMES, st.sampled_from("12"), max_size=4).filter(_is_possible)


@given(st.lists(_MEMBER, min_size=1, max_size=3))
def test_every_file_is_reached_unless_a_clash_hides_it(members: list[dict[str, str]]) -> None:
    store = MemoryStore()
    roots = {n: tree(store, f) for n, f in zip((A, B, C), members, strict=False)}
    farm = make_farm(list(roots.items()), store.read_directory)
    files = dict(zip((A, B, C), members, strict=False))
    links = {link.path: link.member for link in farm.links}
    assert len(links) == len(farm.links)
    assert not set(farm.folders) & set(links)
    for member, own in files.items():
        for path, text in own.items():
            reached = next((m for p, m in links.items() if f"{path}/".startswith(f"{p}/")), None)
            if any(f"{path}/".startswith(f"{clash.path}/") and member in clash.hidden for clash in farm.clashes):
                continue
            assert reached is not None
            assert files[reached][path] == text


def test_a_farm_on_disk_changes_in_one_step_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / ".brazil").mkdir()
    (tmp_path / "x").write_text("content")
    workspace = WorkspaceFolder(tmp_path)
    target = str(tmp_path / "x")
    first = keep_farm(workspace, "build-A-1.0", ["lib"], [("lib/x", target)])
    other = keep_farm(workspace, "build-A-1.0-2.0", [], [("x", target)])  # whose name begins like the first's
    state = first.readlink()
    assert (first / "lib" / "x").read_text() == "content"
    assert keep_farm(workspace, "build-A-1.0", ["lib"], [("lib/x", target)]).readlink() == state
    (tmp_path / ".brazil" / "farms" / ".build-A-1.0@new").mkdir()  # of somebody who was killed
    assert keep_farm(workspace, "build-A-1.0", [], [("y", target)]) == first
    assert sorted(path.name for path in first.iterdir()) == ["y"]
    assert (other / "x").read_text() == "content"
    assert len(list(first.parent.iterdir())) == 4
    workspace.clean()
    assert list((tmp_path / ".brazil").iterdir()) == [tmp_path / ".brazil" / "lock"]
