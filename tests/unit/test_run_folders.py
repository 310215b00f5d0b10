import os
import subprocess
import sys
from pathlib import Path

from brazil.sandbox.folders import RunFolders, measure, remove_tree


def test_a_tree_without_permissions_is_removed(tmp_path: Path) -> None:
    inner = tmp_path / "run/a/b"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    (inner / "file").chmod(0)
    inner.chmod(0)
    (tmp_path / "run/a").chmod(0o111)
    remove_tree(str(tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_links_are_removed_and_never_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o500)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/folder").symlink_to(kept)
    (tmp_path / "run/up").symlink_to("..")
    (tmp_path / "run/broken").symlink_to("nowhere")
    remove_tree(str(tmp_path / "run"))
    assert list(tmp_path.iterdir()) == [kept]
    assert kept.stat().st_mode & 0o777 == 0o500


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_text("x")
    (tmp_path / "run").symlink_to("kept")
    remove_tree(str(tmp_path / "run"))
    assert (tmp_path / "kept/file").exists()


def test_no_tree_is_too_deep(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    before = os.open(tmp_path / "run", os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d" * 50, dir_fd=before)
        after = os.open("d" * 50, os.O_RDONLY, dir_fd=before)
        os.close(before)
        before = after
    os.close(before)
    assert measure([str(tmp_path / "run")], 10) > 10  # its path cannot be spoken: counted as too much
    remove_tree(str(tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []


def test_removing_nothing_is_well(tmp_path: Path) -> None:
    remove_tree(str(tmp_path / "run"))
    remove_tree(str(tmp_path / "no" / "run"))


def test_measuring_counts_bytes_and_stops_early(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_bytes(b"x" * 100)
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").write_bytes(b"y" * 10)
    assert measure([str(tmp_path)], 1000) == 110
    assert measure([str(tmp_path)], 5) > 5


def test_folders_of_killed_processes_are_swept_and_those_of_others_kept(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    script = (
        "import os, sys; from pathlib import Path; from brazil.sandbox.folders import RunFolders;"
        "folders = RunFolders(Path(sys.argv[1])); Path(folders.make(), 'file').touch();"
        "print('ready', flush=True); sys.stdin.read(); os._exit(9)"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", script, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
    dead, alive = children
    dead.kill()
    dead.communicate()
    mine = RunFolders(root)
    own = Path(mine.make())
    names = {path.name.partition("-")[0] for path in root.iterdir()}
    assert names == {str(alive.pid), str(os.getpid())}
    assert own.is_dir()
    alive.communicate()


def test_the_folder_is_given_back(tmp_path: Path) -> None:
    folders = RunFolders(tmp_path / "runs")
    folders.make()
    del folders
    assert list((tmp_path / "runs").iterdir()) == []
