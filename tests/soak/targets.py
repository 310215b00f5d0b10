"""Every reader of what comes from outside, as a function of bytes that must never end otherwise than it promises."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from brazil.build_systems import option_specs
from brazil.errors import BrazilError, IntegrityError, UsageError
from brazil.formats import reapi, snapshot
from brazil.formats.configuration_file import read_configuration
from brazil.formats.junit import parse_junit, write_junit
from brazil.formats.manifest import manifest_from_data, manifest_to_data, parse_manifest
from brazil.formats.registry_files import (
    Message,
    SetState,
    message_text,
    package_text,
    read_message,
    read_package,
    read_record,
    read_result,
    read_set,
    record_text,
    result_text,
    set_text,
)
from brazil.formats.test_output import read_tests
from brazil.formats.toml_writer import dump
from brazil.formats.workspace_file import read_workspace_file, write_workspace_file
from brazil.gitrepo.index import is_plain_index
from brazil.gitrepo.objects import Commit, GitObject, ObjectReader, TreeEntry, parse_commit, parse_tree
from brazil.model.action import (
    Action,
    ActionResult,
    Command,
    Platform,
    RunRecord,
    SandboxResult,
    Snapshot,
    StepId,
    StepKind,
)
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName
from brazil.model.package import Dependency, Kind, Manifest
from brazil.model.tree import Directory, DirectoryNode, FileNode, SymlinkNode
from brazil.model.versionset import PackageRecord, Policy, Reason, RegisteredPackage, Result
from brazil.model.workspace import WorkspaceFile
from brazil.report.problems import problem_lines
from brazil.report.sets import time_text
from brazil.source.checkout import read_status
from brazil.source.listing import read_listing
from brazil.workspace.record_file import NOTHING
from brazil.workspace.trace import Trace, load, look, make_room, save_trace

_JUNIT = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="s"><testcase classname="c" name="n" time="1.5"><failure message="m">t</failure></testcase>
<testcase name="o"><skipped/></testcase></testsuite></testsuites>"""
_GO_TESTS = b"""{"Action":"output","Package":"p","Test":"T","Output":"=== RUN   T\\n"}
{"Action":"fail","Package":"p","Test":"T","Elapsed":0.5}
FAIL\tp/q [build failed]
"""
_CARGO_TESTS = b"""     Running unittests src/lib.rs (target/debug/deps/m-7)
test tests::bad ... FAILED
failures:
---- tests::bad stdout ----
said
failures:
test result: FAILED. 0 passed; 1 failed
   Doc-tests m
test src/lib.rs - a (line 1) ... ok
"""
_SHOWN_MOST = 1000  # characters of one line of a message


class Target(NamedTuple):
    """One reader."""

    read: Callable[[bytes], object]  # raises AssertionError when what it read does not hold together
    refusals: tuple[type[Exception], ...]  # what it may raise
    seeds: Sequence[bytes]  # whole, real inputs


def attempt(target: Target, data: bytes) -> bool:
    """Read some bytes and say whether they were taken; whatever is not promised is raised."""
    try:
        target.read(data)
    except target.refusals as error:
        if isinstance(error, BrazilError):
            lines = problem_lines(error)
            assert all(line.isprintable() and len(line) < _SHOWN_MOST for line in lines), lines
        return False
    return True


# Values, of which the seeds are written.

_INTERFACE, _OTHER = Interface(PackageName("JsonKit"), "2.0"), Interface(PackageName("Http-Kit"), "1")
_DIGEST = digest_of(b"x")
_MANIFEST = Manifest(
    _INTERFACE,
    "make",
    'says "hi" \\ caf\u00e9',
    (Dependency(_OTHER, Kind.NORMAL, 3, 7), Dependency(_OTHER, Kind.TOOL)),
    (_OTHER,),
    (_OTHER,),
    "direct",
    60,
    (("flags", ["-O2"]), ("install", True), ("jobs", 2), ("vars", {"A": "b"})),
    (("bin/*", "bin"),),
)
_RECORD = PackageRecord(PackageVersion(_INTERFACE, 7), "c" * 40, _DIGEST, _MANIFEST, (PackageVersion(_OTHER, 2),))
_SNAPSHOT = Snapshot(
    StepId(_INTERFACE, StepKind.BUILD), _DIGEST, Platform("linux-x86_64", "host", "e" * 64), (("src", _DIGEST),)
)
_RUN = RunRecord(_SNAPSHOT, SandboxResult(0, "", (("pkg/JsonKit-2.0", _DIGEST),), _DIGEST, 1, 2), {"user": "1000"})
_MANIFEST_TEXT = b"""\
[package]
name         = "OrderService"
interface    = "1.0"
build-system = "%s"
description  = "Takes orders"
[dependencies]
LogKit = "1.0"
JsonKit = { interface = "2.0", at-least = 7 }
[runtime-dependencies]
"zope.interface" = '5'
[test-dependencies.TestKit]
interface = "1.0"
[build-tools]
Python = "3"
[resolves-conflict-dependencies]
Z = "1"
[remove-dependencies]
JsonKit = "1.0"
[build]
closure = "direct"
timeout = 0x10
%s
[outputs]
"bin/*" = "bin"
"""
_OPTIONS = {
    b"command": b'build = """\nmake\n"""\ntest = "make check"',
    b"make": b'targets = ["all"]\nvariables = { A = "b" }',
    b"python": b'scripts = { pay = "shop:main" }',
}
_PORCELAIN = (
    b"# branch.oid 7670f1788464ed524ff447ff4acedf55c137b1f2\0# branch.head main\0"
    b"1 .M N... 100644 100644 100644 aaaa bbbb a file\0u UU N... 1 2 3 4 a b c both\0? new\0"
)
_LISTED = b"H 100644 aaaa 0\tfile\0? new\0S 100644 aaaa 0\tsparse\0H 160000 bbbb 0\tdeps/other\0? inner/\0"
_COMMIT = (
    b"tree 7670f1788464ed524ff447ff4acedf55c137b1f2\nparent 7670f1788464ed524ff447ff4acedf55c137b1f2\n"
    b"author Ada <ada@example.com> 1700000000 +0000\ncommitter Ada <ada@example.com> 1700000000 +0000\n\nwhy\n"
)


def _index() -> bytes:
    entry = bytes(24) + (0o100644).to_bytes(4, "big") + bytes(12) + b"i" * 20 + (6).to_bytes(2, "big") + b"a/file"
    entry += bytes(8 - len(entry) % 8)
    return b"DIRC" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + entry + b"TREE\0\0\0\x04rest" + b"s" * 20


# What is done with what was read: it is written and read again, as it will be later.


def _manifest(data: bytes) -> None:
    manifest = parse_manifest(data, file="brazil.toml", systems=option_specs())
    assert manifest_from_data(manifest_to_data(manifest), "p") == manifest
    record = _RECORD._replace(version=PackageVersion(manifest.interface, 1), manifest=manifest)
    assert read_record(record_text(record), "p") == record


def _workspace(data: bytes) -> None:
    value = read_workspace_file(data, file="brazil-workspace.toml")
    assert read_workspace_file(write_workspace_file(value), file="again") == value


def _record(data: bytes) -> None:
    record = read_record(data, "ref:path")
    assert parse_again(lambda: record_text(record), lambda text: read_record(text, "p")) in (record, None)


def _package(data: bytes) -> None:
    package = read_package(data, "ref:path")
    assert parse_again(lambda: package_text(package), lambda text: read_package(text, "p")) in (package, None)


def _set(data: bytes) -> None:
    state = read_set(data, "ref:path")
    assert parse_again(lambda: set_text(state), lambda text: read_set(text, "p")) in (state, None)


def _result(data: bytes) -> None:
    found = read_result(data, "ref:path")
    assert read_result(result_text(*found), "p") == found


def _message(data: bytes) -> None:
    message = read_message(data.decode("utf-8", "replace"), "ref")
    assert message.number >= 0 and type(message.number) is int
    assert all(isinstance(part, str) for pair in message.reason.packages for part in pair)


def parse_again(write: Callable[[], bytes], read: Callable[[bytes], object]) -> object:
    """Read what is written; None where our own writer refuses, as it does control characters."""
    try:
        text = write()
    except UsageError:
        return None
    return read(text)


def _commit(data: bytes) -> Commit:
    commit = parse_commit(GitObject("c" * 40, "commit", data))
    assert time_text(commit.time)
    return commit


def _answer(data: bytes) -> object:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return ObjectReader(Path("/nowhere"))._answer(SimpleNamespace(stdout=file))  # type: ignore[arg-type]


def _again(decode: Callable[[bytes], Any], encode: Callable[[Any], bytes]) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        value = decode(data)
        assert decode(encode(value)) == value

    return read


class _Folder:
    """A folder for those that read files by their path."""

    def __init__(self) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix="brazil-fuzz-")
        self.path = Path(self._kept.name)
        self._written: set[bytes] = set()

    def index(self, data: bytes) -> None:
        (self.path / "index").write_bytes(data)
        assert is_plain_index(self.path / "index") in (True, False)

    def trace(self, data: bytes) -> None:
        place = self.path / ".brazil/traces/key.trace"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        payload = load(str(self.path / ".brazil/traces/key.trace"))
        # The checksum finds damage. A fuzzer, which sees what is compared, can forge it; so can who may edit sources.
        if payload is not None and bytes(payload) in self._written:
            assert look(str(self.path), "key") is not None

    def trace_seed(self) -> bytes:
        rows = [("Shop", *_DIGEST, ("", "file"), b"\1" * 48)]
        make_room(str(self.path))
        save_trace(str(self.path), "key", Trace(rows, (1, 2, 3), 2, ("Shop-1.0",), NOTHING))
        payload = load(str(self.path / ".brazil/traces/key.trace"))
        assert payload is not None
        self._written.add(bytes(payload))
        return (self.path / ".brazil/traces/key.trace").read_bytes()


def _configuration(data: bytes) -> None:
    read_configuration(data, file="config.toml")


def _status(data: bytes) -> None:
    for name in read_status(data).changed:
        assert isinstance(name, str)


def _listing(data: bytes) -> None:
    listing = read_listing(data, lambda path: False)
    assert listing.paths == sorted(set(listing.paths))


def _test_output(file: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        cases = read_tests({file: data}).cases
        assert len(parse_junit(write_junit(file, cases))) == len(cases)

    return read


def _git_tree(data: bytes) -> list[TreeEntry]:
    return parse_tree(data)


def targets() -> dict[str, Target]:
    """Return all of them, by name."""
    folder = _Folder()
    stored, kept = (IntegrityError,), (IntegrityError, UsageError)
    workspace = WorkspaceFile("/r.git", VersionSetName("shop/dev"), 3, "c" * 40, (PackageName("Shop"),))
    directory = Directory(
        (FileNode("a", _DIGEST, True),), (DirectoryNode("b", _DIGEST),), (SymlinkNode("c", "../elsewhere"),)
    )
    action = Action(_DIGEST, _DIGEST, 60, b"salt")
    command = Command(("/bin/sh", "-c", "true"), (("A", "b"),), "brazil", ("pkg/X-1.0",))
    done = ActionResult(0, (("pkg/X-1.0", _DIGEST),), _DIGEST, 1_000_000_001, 2)
    reason = Reason("publish", ((PackageName("JsonKit"), "c" * 40),), "why\n\nindeed")
    state = SetState(44, "token", Policy((_OTHER, _INTERFACE), ("linux-x86_64",), ("ada",)))
    result = Result("e" * 64, _DIGEST, Digest("a" * 64, 0), _DIGEST, _DIGEST)
    message = message_text(Message(3, "token", reason)).encode()
    return {
        "config.toml": Target(
            _configuration, (UsageError,), [dump({"registry": "/r", "jobs": 2, "actor": "Ada <a@b>"})]
        ),
        "brazil.toml": Target(_manifest, (UsageError,), [_MANIFEST_TEXT % pair for pair in _OPTIONS.items()]),
        "brazil-workspace.toml": Target(_workspace, (UsageError,), [write_workspace_file(workspace)]),
        "package.toml": Target(
            _package, kept, [package_text(RegisteredPackage(_INTERFACE.name, "git@host:json.git", ("ada", "bob")))]
        ),
        "record": Target(_record, kept, [record_text(_RECORD)]),
        "versionset.toml": Target(_set, kept, [set_text(state)]),
        "result": Target(_result, kept, [result_text(_INTERFACE, result)]),
        "commit message": Target(_message, kept, [message]),
        "Directory": Target(
            _again(reapi.decode_directory, reapi.encode_directory), stored, [reapi.encode_directory(directory)]
        ),
        "Command": Target(_again(reapi.decode_command, reapi.encode_command), stored, [reapi.encode_command(command)]),
        "Action": Target(_again(reapi.decode_action, reapi.encode_action), stored, [reapi.encode_action(action)]),
        "ActionResult": Target(
            _again(reapi.decode_action_result, reapi.encode_action_result), stored, [reapi.encode_action_result(done)]
        ),
        "snapshot": Target(
            _again(snapshot.decode_snapshot, snapshot.encode_snapshot), stored, [snapshot.encode_snapshot(_SNAPSHOT)]
        ),
        "run record": Target(_again(snapshot.decode_run, snapshot.encode_run), stored, [snapshot.encode_run(_RUN)]),
        "git tree": Target(_git_tree, (ValueError,), [b"100644 file\0" + b"i" * 20 + b"40000 folder\0" + b"j" * 20]),
        "git commit": Target(_commit, (ValueError,), [_COMMIT]),
        "git cat-file": Target(_answer, stored, [b"c" * 40 + b" commit 4\nabcd\n", b"HEAD missing\n"]),
        "git index": Target(folder.index, (), [_index()]),
        "git status": Target(_status, (), [_PORCELAIN]),
        "git ls-files": Target(_listing, (), [_LISTED]),
        "trace": Target(folder.trace, (), [folder.trace_seed()]),
        "JUnit": Target(_test_output("a.xml"), (), [_JUNIT]),
        "automake tests": Target(_test_output("a.trs"), (), [b":test-result: PASS 1 - one\n:test-result: XFAIL\n"]),
        "go tests": Target(_test_output("go-test.jsonl"), (), [_GO_TESTS]),
        "cargo tests": Target(_test_output("cargo-test.txt"), (), [_CARGO_TESTS]),
    }


def known_inputs(folder: Path, name: str, target: Target) -> Path:
    """Write the seeds of a target where a fuzzer begins."""
    place = folder / name.replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (place / f"seed-{number}").write_bytes(seed)
    return place
