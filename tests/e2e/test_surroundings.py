import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.product import Product, commit_all, copy_shop, git, make_repository, toml

pytestmark = pytest.mark.sandbox

NEW = toml("New", build={"build": "true"})


class Case(NamedTuple):
    name: str
    prepare: Callable[[Path], Path | None]
    error: str  # the first line of the answer, with its code; {} names places
    hint: str = ""
    ref: str = ""
    exit_code: int = 2


def _empty(repository: Path) -> Path:
    git(repository.parent, "init", "-q", "--bare", "empty.git")
    return repository.parent / "empty.git"


def _shallow(repository: Path) -> Path:
    commit_all(repository, "second")
    place = repository.parent / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{repository}", str(place)], check=True)
    return place


def _broken_file(repository: Path) -> Path:
    place = repository.parent / "linked"
    place.mkdir()
    (place / ".git").write_text(f"gitdir: {repository}/nowhere\n")
    return place


def _no_manifest(repository: Path) -> None:
    git(repository, "mv", "brazil.toml", "brazil.tml")
    commit_all(repository, "renamed")


def _linked_manifest(repository: Path) -> None:
    (repository / "brazil.toml").unlink()
    (repository / "brazil.toml").symlink_to("/etc/passwd")
    commit_all(repository, "link")


def _folder_as_manifest(repository: Path) -> None:
    (repository / "brazil.toml").unlink()
    (repository / "brazil.toml").mkdir()
    (repository / "brazil.toml" / "file").write_text("")
    commit_all(repository, "folder")


def _huge_manifest(repository: Path) -> None:
    (repository / "brazil.toml").write_text("#" * 10_000_000)
    commit_all(repository, "huge")


def _odd_name(repository: Path) -> None:
    (Path(os.fsdecode(os.fsencode(repository) + b"/caf\xe9"))).write_text("")
    commit_all(repository, "odd")


def _tags(repository: Path) -> None:
    git(repository, "tag", "blob", git(repository, "rev-parse", "HEAD:brazil.toml"))
    git(repository, "tag", "both")
    git(repository, "branch", "both", commit_all(repository, "second"))


def _nothing(repository: Path) -> None:
    pass


_NO_REF = "{place} [source.unknown-ref]"
_BAD = "error: {ref!a} is not a branch, tag or commit: it holds a character that is not allowed in a ref [source.ref]"
_ENDS = (
    "error: {ref!a} is not a branch, tag or commit: "
    "it starts or ends with a character that is not allowed there [source.ref]"
)
_NO_MANIFEST = "error: brazil.toml of New at {commit}: New has no brazil.toml at the top of its repository"
REPOSITORIES = [
    Case("empty", _empty, f"error: New has no branch, tag or commit 'HEAD': {_NO_REF}", "it has no commit yet"),
    Case("shallow", _shallow, f"error: New has no branch, tag or commit 'HEAD': {_NO_REF}", "git fetch --unshallow"),
    Case(
        "a .git file to nowhere",
        _broken_file,
        "error: the repository {place} cannot be reached: not a git repository: ",
        "check the address",
        exit_code=5,
    ),
    Case("no manifest", _no_manifest, f"{_NO_MANIFEST} [manifest.missing]", "write one: see docs/manifest.md"),
    Case("manifest is a link", _linked_manifest, f"{_NO_MANIFEST}: it is a link [manifest.missing]", "make it a file"),
    Case("manifest is a folder", _folder_as_manifest, f"{_NO_MANIFEST}: it is a folder [manifest.missing]", "make it"),
    Case(
        "manifest of 10 MB",
        _huge_manifest,
        "error: brazil.toml of New at {commit}: the file is too large: "
        "it has 10000000 bytes, at most 1048576 are allowed [manifest.too-large]",
    ),
    Case(
        "a name that is not UTF-8",
        _odd_name,
        r"error: caf\xe9 cannot be part of the source of New: "
        "its name is reserved, no valid UTF-8, or there twice [source.name]",
        "rename it",
    ),
    Case("a tag of a blob", _tags, f"error: 'blob' of New names no commit: {_NO_REF}", "a tag of a commit", "blob"),
    Case("branch and tag", _tags, "error: 'both' is ambiguous in New: it could be ", "refs/heads/...", "both"),
    Case("unknown", _nothing, f"error: New has no branch, tag or commit 'abc': {_NO_REF}", "is it pushed?", "abc"),
    *(
        Case(r, _nothing, _BAD, "", r)
        for r in ("HEAD~1", "main^{tree}", "main:x", "@{u}", "refs/heads/*", "a..b", "a b")
    ),
    *(Case(r, _nothing, _ENDS, "", r) for r in ("--all", "-", "@", "..")),
]


@pytest.fixture(scope="module")
def world(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    product = copy_shop(template, tmp_path_factory.mktemp("surroundings") / "shop")
    product.workspace("Rates")
    return product


def _refused(product: Product, arguments: list[str], exit_code: int, error: str, hint: str) -> None:
    before = product.refs(), product.files(), product.runs()
    answer = product.run(*arguments)
    assert (answer.code, answer.out) == (exit_code, ""), answer
    first, *rest = answer.err.splitlines()
    assert first.startswith(error), first
    assert hint in "".join(line for line in rest if line.startswith("  hint: "))
    assert (product.refs(), product.files(), product.runs()) == before, "nothing changed"


@pytest.mark.parametrize("case", REPOSITORIES, ids=lambda case: case.name)
def test_a_repository_or_ref_that_is_none(world: Product, case: Case, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "New", {"brazil.toml": NEW})
    place = case.prepare(repository) or repository
    shop = copy_shop(world, tmp_path / "shop")
    text = Path(shop.registry)
    refs = git(text, "for-each-ref")
    named = f"New={case.ref}" if case.ref else "New"
    answer = shop.run("package", "register", "New", "--repository", str(place))
    if answer.code == 0:
        refs = git(text, "for-each-ref")
        answer = shop.run("publish", "--set", "shop/dev", "-p", named, "--target", "New-1.0")
    assert (answer.code, answer.out) == (case.exit_code, ""), answer
    commit = git(repository, "rev-parse", "HEAD")[:12]
    error, *rest = answer.err.splitlines()
    assert error.startswith(case.error.format(place=place, ref=case.ref, commit=commit)), error
    assert case.hint in "".join(rest)
    assert git(text, "for-each-ref") == refs, "nothing changed"


KINDS = [
    "bare",
    "detached",
    "dirty",
    "hooks",
    "worktree",
    "tag of a tag",
    "CRLF",
    "case twins",
    "links out",
    "large file",
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_unusual_repository_is_taken(world: Product, kind: str, tmp_path: Path) -> None:
    repository = place = make_repository(tmp_path / "New", {"brazil.toml": NEW})
    ref = ""
    ran = tmp_path / "ran"
    if kind == "bare":
        place = tmp_path / "bare.git"
        git(tmp_path, "clone", "-q", "--bare", str(repository), str(place))
    elif kind == "dirty":
        (repository / "brazil.toml").write_text("this was not committed")
        (repository / "new").write_text("")
    elif kind == "hooks":
        for hook in ("post-checkout", "pre-push", "reference-transaction", "post-update", "pre-auto-gc"):
            file = repository / ".git" / "hooks" / hook
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"#!/bin/sh\ntouch {ran}\n")
            file.chmod(0o755)
        git(repository, "config", "core.fsmonitor", f"touch {ran}; false")
        git(repository, "config", "uploadpack.packObjectsHook", f"touch {ran}; exec")
    elif kind == "large file":
        with (repository / "large").open("wb") as file_:
            file_.truncate(20_000_000)
    elif kind == "detached":
        git(repository, "checkout", "-q", "--detach")
    elif kind == "worktree":
        place = tmp_path / "worktree"
        git(repository, "worktree", "add", "-q", str(place))
    elif kind == "tag of a tag":
        git(repository, "tag", "-a", "-m", "x", "one")
        git(repository, "tag", "-a", "-m", "y", "two", "one")
        ref = "=two"
    elif kind == "CRLF":
        (repository / "brazil.toml").write_bytes(NEW.replace("\n", "\r\n").encode())
    elif kind == "case twins":
        (repository / "Readme").write_text("a")
        (repository / "README").write_text("b")
    else:
        (repository / "out").symlink_to("/etc/passwd")
    if kind in ("CRLF", "case twins", "links out", "large file"):
        commit_all(repository, kind)
    shop = copy_shop(world, tmp_path / "shop")
    shop.ok("package", "register", "New", "--repository", str(place))
    shop.ok("publish", "--set", "shop/dev", "-p", f"New{ref}", "--target", "New-1.0")
    work = shop.workspace("New")
    assert work.ok("build", "--json").ran == set(), "the checkout is the source"
    assert not ran.exists(), "nothing of the repository ran"


_FILE = "error: {file}"
WORKSPACE_FILES = [
    (
        "empty",
        ".*",
        "",
        _FILE + ": schema: missing key 'schema' [workspace-file.missing-key]",
        "begins with 'schema = 1'",
    ),
    ("newer", "schema = 1", "schema = 9", _FILE + ":1: schema: the file was written by a newer brazil: ", "use brazil"),
    ("twice", r"\Z", 'set = "x"\n', _FILE + ":7: not valid TOML: cannot overwrite a value (column 10)", ""),
    ("bad set", "shop/dev", "../x", _FILE + ":3: set: '../x' is not a version set name: ", ""),
    ("other set", "shop/dev", "no/pe", "error: there is no version set 'no/pe' [registry.unknown-set]", ""),
    (
        "no revision",
        "revision = 1",
        "revision = 99",
        "error: 'shop/dev' has no revision 99: it has revisions 0 to 1",
        "",
    ),
    (
        "helper",
        'registry = ".*"',
        'registry = "ext::sh"',
        _FILE + ":2: registry: 'ext::sh' is no place of a registry",
        "URL",
    ),
    (
        "case twins",
        r"packages = .*",
        'packages = ["Rates", "rates"]',
        _FILE + ":6: packages[1]: 'rates' is there twice",
        "",
    ),
    ("path", r"packages = .*", 'packages = ["../x"]', _FILE + ":6: packages[0]: '../x' is not a package name: ", ""),
    (
        "unknown key",
        r"\Z",
        "foo = 1\n",
        _FILE + ":7: foo: unknown key 'foo' [workspace-file.unknown-key]",
        "known keys",
    ),
    (
        "byte order mark",
        r"\A",
        "\ufeff",
        _FILE + ":1: the file begins with a byte order mark: TOML has none",
        "save it",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "error", "hint"), [c[1:] for c in WORKSPACE_FILES], ids=[c[0] for c in WORKSPACE_FILES]
)
def test_a_workspace_file_edited_by_hand(world: Product, old: str, new: str, error: str, hint: str) -> None:
    work = world.at(world.folder / "work")
    file = work.cwd / "brazil-workspace.toml"
    text = file.read_text()
    file.write_text("" if old == ".*" else re.sub(old, lambda _: new, text, count=1))
    try:
        _refused(work, ["build"], 2, error.format(file=file), hint)
    finally:
        file.write_text(text)


REGISTRY_REFS = [
    ("blob", "it names a blob", 4, " is damaged: {id} is a blob [registry.damaged]"),
    ("1" * 40, "it names what is missing", 4, " is damaged: the commit that it names is missing [registry.damaged]"),
    ("commit", "its commit was made by hand", 4, " is damaged: it has no line 'Brazil-Revision' [registry.damaged]"),
]


@pytest.mark.parametrize(
    ("names", "exit_code", "error"), [(c[0], *c[2:]) for c in REGISTRY_REFS], ids=[c[1] for c in REGISTRY_REFS]
)
@pytest.mark.parametrize("command", ["vs show bad", "vs log bad", "ws create new --set bad"])
def test_a_ref_of_a_set_that_was_moved_by_hand(
    world: Product, command: str, names: str, exit_code: int, error: str
) -> None:
    registry = Path(world.registry)
    made = {
        "blob": ("rev-parse", "refs/heads/sets/shop/dev.set:versionset.toml"),
        "commit": ("commit-tree", "refs/heads/sets/shop/dev.set^{tree}", "-m", "by hand"),
    }
    id_ = git(registry, *made[names]) if names in made else names
    ref = registry / "refs/heads/sets/bad.set"
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(f"{id_}\n")
    try:
        answer = world.run(*command.split())
    finally:
        ref.unlink()
    assert (answer.code, answer.out) == (exit_code, "")
    first, hint = answer.err.splitlines()
    assert first.startswith("error: refs/heads/sets/bad.set")
    assert first.endswith(error.format(id=id_))
    assert hint.startswith("  hint: it was changed by hand or by another program; ")
    assert not (world.cwd / "new").exists()


def test_a_checkout_that_is_not_there_can_be_dropped(world: Product) -> None:
    work = world.at(world.folder / "work")
    file = work.cwd / "brazil-workspace.toml"
    text = file.read_text()
    file.write_text(re.sub("packages = .*", 'packages = ["Rates", "Stamp"]', text))
    try:
        error = f"error: {work.src('Stamp')} is no git checkout: it is not there [source.no-checkout]"
        _refused(work, ["build"], 2, error, "brazil ws drop Stamp")
    finally:
        file.write_text(text)


def _process(work: Product, words: str, *prefix: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-m", "brazil", *words.split()],
        cwd=work.cwd,
        env=work.environment | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def test_names_that_this_encoding_cannot_write(world: Product) -> None:
    done = _process(world, "vs list", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 2
    assert done.stderr == (
        "error: names of files cannot be written in ascii [command.locale]\n  hint: set PYTHONUTF8=1\n"
    )
    assert _process(world, "vs list", LC_ALL="POSIX").returncode == 0


def test_a_folder_that_is_gone(world: Product, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    done = _process(world, "build", "sh", "-c", 'mkdir "$0"; cd "$0"; rmdir "$0"; exec "$@"', str(gone))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the current folder is gone [command.no-folder]\n  hint: ")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_closed_stream_is_no_file_of_ours(world: Product, closed: str) -> None:
    work = world.at(world.folder / "work")
    for words in ("vs list", "build"):
        done = _process(work, words, "sh", "-c", f'exec "$@" {closed}', "sh")
        assert done.returncode == 0, done
        assert "bug" not in done.stderr


_KEPT = "in /brazil/pkg/New-1.0, the output"
BUILDS = [
    ("fails", "exit 3", "exit code 3"),
    ("kills itself", "kill -9 $$", "exit code 137"),
    ("hangs", "sleep 3600", "time limit of 1 s"),
    ("kills its parent", "kill -9 $PPID; sleep 3600", "time limit of 1 s"),
    ("removes its output folder", 'rmdir "$BRAZIL_OUT"', "exit code 1"),
    ("writes noise", "head -c 100000 /dev/urandom; exit 1", "exit code 1"),
    ("forks away", "(setsid sleep 3600 &) & sleep 3600", "time limit of 1 s"),
    ("leaves work in the background", "setsid sleep 3600 & exit 1", "exit code 1"),
    (
        "leaves what cannot be read",
        "mkdir $BRAZIL_OUT/x; touch $BRAZIL_OUT/y; chmod 0 $BRAZIL_OUT/*; exit 1",
        "exit code 1",
    ),
    ("changes its inputs", "touch /usr/x || touch /brazil/tools/x || exit 7", "exit code 7"),
    (
        "escapes by a link",
        "ln -s /etc/passwd $BRAZIL_OUT/out",
        f"{_KEPT} 'out' cannot be kept: it is a link that leaves the artifact, to '/etc/passwd'",
    ),
    (
        "leaves a socket",
        'cd $BRAZIL_OUT && perl -MIO::Socket::UNIX -e "IO::Socket::UNIX->new(Listen=>1,Local=>q(s)) or die"',
        f"{_KEPT} 's' cannot be kept: it is a device, a socket or a FIFO",
    ),
    (
        "leaves a pipe",
        "mkfifo $BRAZIL_OUT/pipe",
        f"{_KEPT} 'pipe' cannot be kept: it is a device, a socket or a FIFO",
    ),
    (
        "leaves a name that is no text",
        r'touch $BRAZIL_OUT/$(printf "caf\351")',
        f"{_KEPT} 'caf\\udce9' cannot be kept: it is not valid UTF-8",
    ),
    ("steers the terminal", r'printf "\033[2J\007"; exit 1', "exit code 1"),
]


@pytest.mark.parametrize(("script", "cause"), [case[1:] for case in BUILDS], ids=[case[0] for case in BUILDS])
def test_a_build_that_goes_wrong_is_told_and_changes_nothing(
    world: Product, script: str, cause: str, tmp_path: Path
) -> None:
    shop = copy_shop(world, tmp_path / "shop")
    shop.add(
        "New", {"brazil.toml": NEW.replace('"true"', f"{script!r}" + "\ntimeout = 1" * cause.startswith("time limit"))}
    )
    refs = shop.refs()
    answer = shop.run("publish", "--set", "shop/dev", "-p", "New", "--target", "New-1.0")
    assert (answer.code, answer.out) == (1, ""), answer
    refused = cause.startswith(_KEPT)
    told = "its output cannot be kept [output.refused]" if refused else cause
    assert answer.err.splitlines()[-1] == f"  build New-1.0 failed: {told}"
    assert answer.err.splitlines().count(f"  | brazil: {cause}") == refused
    assert all(c.isprintable() for c in answer.err.replace("\n", "").replace("\t", ""))
    assert shop.refs() == refs
