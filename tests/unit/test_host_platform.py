import os
from pathlib import Path

import pytest

from brazil.errors import UnavailableError
from brazil.sandbox.etc_tree import etc_entries
from brazil.sandbox.host_platform import HostPlatform
from brazil.sandbox.packages import dpkg_packages, installed

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9
Description: a library
 Version: not a field

Package: gone
Status: deinstall ok config-files
Version: 1

Package: gcc
Status: install ok installed
Version: 12
Architecture: amd64
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A small machine."""
    root = tmp_path / "host"
    for folder in ("usr/bin", "usr/lib", "usr/local/bin", "etc/alternatives", "etc/tool/conf.d", "var/lib/dpkg"):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "lib"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "var/lib/dpkg/status").write_text(STATUS)
    (root / "usr/bin/cc").symlink_to("/etc/alternatives/cc")
    (root / "etc/alternatives/cc").symlink_to("/usr/bin/gcc")
    (root / "usr/lib/tool").symlink_to("../../etc/tool")
    (root / "etc/tool/conf.d/a.conf").write_text("a")
    (root / "etc/tool/default").symlink_to("/etc/tool-default")
    (root / "etc/tool-default").write_text("reached through two links")
    (root / "etc/shadow").write_text("secret")
    (root / "usr/lib/shadow").symlink_to("/etc/shadow")
    (root / "usr/lib/broken").symlink_to("/etc/not-there")
    (root / "usr/local/bin/own").symlink_to("/etc/own")
    (root / "etc/own").write_text("of /usr/local")
    (root / "etc/unrelated").write_text("not linked")
    (root / "etc/private").mkdir(mode=0o700)
    (root / "etc/private/key").write_text("secret")
    (root / "usr/lib/key").symlink_to("/etc/private/key")
    return root


def entries(host: Path) -> dict[str, bytes]:
    return {e.path.removeprefix("etc/"): e.data for e in etc_entries(str(host)) if e.path != "etc"}


def test_etc_holds_what_usr_links_to(host: Path) -> None:
    found = entries(host)
    assert found["alternatives/cc"] == b"/usr/bin/gcc"
    assert found["tool/conf.d/a.conf"] == b"a"
    assert found["tool-default"] == b"reached through two links"


def test_etc_holds_nothing_private_broken_or_unrelated(host: Path) -> None:
    found = entries(host)
    assert not {"shadow", "not-there", "own", "unrelated", "private/key", "private"} & found.keys()
    assert b"secret" not in b"".join(found.values())


def test_etc_has_names_of_its_own(host: Path) -> None:
    (host / "etc/passwd").write_text("alice:x:1001:1001::/home/alice:/bin/sh\n")
    (host / "usr/lib/passwd").symlink_to("/etc/passwd")
    (host / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Rome")
    (host / "usr/lib/localtime").symlink_to("/etc/localtime")
    found = entries(host)
    assert b"build:x:1000:1000:" in found["passwd"]
    assert b"alice" not in found["passwd"]
    assert found["localtime"] == b"/usr/share/zoneinfo/UTC"


def test_nothing_is_below_a_link(host: Path) -> None:
    (host / "usr/lib/real").mkdir()
    (host / "usr/lib/real/file").write_text("x")
    (host / "etc/linked").symlink_to("/usr/lib/real")
    (host / "usr/lib/one").symlink_to("/etc/linked")
    (host / "usr/lib/two").symlink_to("/etc/linked/file")
    found = entries(host)
    assert found["linked"] == b"/usr/lib/real"
    assert "linked/file" not in found


def test_installed_packages_are_named_with_version_and_architecture() -> None:
    assert dpkg_packages(STATUS) == ["gcc 12 amd64", "libc6 2.36-9 amd64"]


@pytest.mark.parametrize("database", ["lib/apk/db/installed", "var/lib/rpm/rpmdb.sqlite"])
def test_other_package_databases_count_by_their_bytes(host: Path, database: str) -> None:
    (host / "var/lib/dpkg/status").unlink()
    (host / database).parent.mkdir(parents=True)
    (host / database).write_text("1")
    first = installed(str(host))
    (host / database).write_text("2")
    assert first.startswith(database)
    assert installed(str(host)) != first


def test_a_machine_without_a_package_database_is_told_by_its_files(host: Path) -> None:
    (host / "var/lib/dpkg/status").unlink()
    first = installed(str(host))
    (host / "usr/local/bin/new").write_text("not seen by builds")
    assert installed(str(host)) == first
    (host / "usr/bin/new").write_text("x")
    assert installed(str(host)) != first


def digest(cache: Path, host: Path) -> str:
    return HostPlatform.prepare(cache, host).platform.digest


def test_the_digest_follows_what_is_installed_and_the_etc_bytes(tmp_path: Path, host: Path) -> None:
    first = digest(tmp_path / "cache", host)
    assert digest(tmp_path / "cache", host) == first
    assert digest(tmp_path / "other cache", host) == first
    (host / "etc/unrelated").write_text("changed")
    assert digest(tmp_path / "cache", host) == first
    (host / "etc/tool/conf.d/a.conf").write_text("b")
    second = digest(tmp_path / "cache", host)
    (host / "etc/tool/conf.d/b.conf").write_text("")
    third = digest(tmp_path / "cache", host)
    (host / "var/lib/dpkg/status").write_text(STATUS.replace("2.36-9", "2.36-10"))
    fourth = digest(tmp_path / "cache", host)
    (host / "usr/bin/cc").unlink()
    (host / "etc/alternatives/cc").unlink()
    (host / "etc/alternatives/cc").symlink_to("/usr/bin/clang")
    fifth = digest(tmp_path / "cache", host)
    assert len({first, second, third, fourth, fifth}) == 5


def test_the_skeleton_has_fixed_modes_and_times_and_every_mount_point(tmp_path: Path, host: Path) -> None:
    before = os.umask(0o077)
    try:
        root = Path(HostPlatform.prepare(tmp_path / "cache", host).mounts.skeleton)
    finally:
        os.umask(before)
    assert (root / "bin").readlink() == Path("usr/bin")
    for name in ("usr", "proc", "dev", "tmp", "brazil", "home/build"):
        assert list((root / name).iterdir()) == []
    for path in (root / "etc", root / "etc/passwd", root / "etc/tool/conf.d/a.conf"):
        status = path.stat()
        assert (status.st_mode & 0o777, status.st_mtime) == (0o755 if path.is_dir() else 0o644, 315532800)


def test_a_host_with_folders_of_its_own_for_bin_has_them_bound(tmp_path: Path, host: Path) -> None:
    (host / "lib").unlink()
    (host / "lib").mkdir()
    assert HostPlatform.prepare(tmp_path / "cache", host).mounts.binds == ("/lib", "/usr")


def test_a_damaged_skeleton_is_made_again(tmp_path: Path, host: Path) -> None:
    cache = tmp_path / "cache"
    root = Path(HostPlatform.prepare(cache, host).mounts.skeleton)
    (root / "etc/passwd").write_text("")
    (cache / "platform/host").write_text("{")  # as after a power cut
    assert Path(HostPlatform.prepare(cache, host).mounts.skeleton) == root
    assert "build" in (root / "etc/passwd").read_text()
    assert sorted(p.name for p in root.parent.iterdir()) == sorted([root.name, "host"])


def test_processes_may_race_for_the_skeleton(tmp_path: Path, host: Path) -> None:
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                HostPlatform.prepare(tmp_path / "cache", host)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    root = Path(HostPlatform.prepare(tmp_path / "cache", host).mounts.skeleton)
    assert sorted(p.name for p in root.parent.iterdir()) == sorted([root.name, "host"])


def test_a_machine_without_usr_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        HostPlatform.prepare(tmp_path / "cache", tmp_path)
    assert caught.value.code == "platform.no-usr"
