"""Working trees of packages in use: made, captured and compared with their HEAD.

Invariants: a checkout's files are the bytes of its blobs (no line ends, filters or keywords are converted), so
that capturing a clean one gives the Tree of its commit; it appears whole or not at all; no hook runs.
"""

import fcntl
import hashlib
import marshal
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from brazil.errors import BrazilError, Problem, UnavailableError, UsageError
from brazil.gitrepo.names import check_commit, check_url
from brazil.gitrepo.process import GitFailedError, broken, in_checkout, run
from brazil.gitrepo.remote import Transport, TransportFactory
from brazil.model.versionset import RegisteredPackage
from brazil.model.workspace import Captured
from brazil.ports import CheckoutStatus, Clock, ContentStore
from brazil.source.capture import Capture, Remembered, capture
from brazil.source.listing import endless_problems, walk_checkout
from brazil.source.mirror import SourceMirror, refs_of
from brazil.source.side_by_side import capture_side_by_side

# `-x` says no; an encoding cannot be "no", only unspecified.
_ATTRIBUTES = "* -text -filter -ident -eol !working-tree-encoding\n"
_REMOVALS = 40  # tries, two seconds together; what is left then is swept by the next who makes this checkout
_MAGIC = b"brazil stats 1\n"
_BUSY = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


class GitCheckouts:
    """Checkouts made from the mirror of sources."""

    def __init__(
        self,
        mirror: Callable[[], SourceMirror],
        *,
        store: ContentStore,
        cache: Path,
        clock: Clock,
        transport: TransportFactory,
        second: Sequence[str],
    ) -> None:
        """Name what checkouts are made from.

        Args:
            mirror: called when a checkout is made; has the commits.
            store: where captured Trees go.
            cache: folder for stat caches; may be deleted at any time.
            clock: tells which stats are too fresh to trust.
            transport: called when a checkout is made.
            second: command of a process that captures as this one does, see `side_by_side.py`.
        """
        self._mirror = mirror
        self._store = store
        self._cache = cache
        self._clock = clock
        self._make_transport = transport
        self._second = second

    def begin(self, folder: Path, files: Mapping[str, bytes], actor: str) -> str:
        """Make the new or empty folder a git repository that holds these files, and return its first commit."""
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links in the way stay as they are
        with _appearing(folder, "the package cannot be made", or_filling=True) as staged:
            self._make_transport().init(staged, bare=False)
            for path, data in files.items():
                (staged / path).parent.mkdir(parents=True, exist_ok=True)
                (staged / path).write_bytes(data)
            place = in_checkout(staged)
            name, _, mail = actor.partition(" <")
            signed = (*place, "-c", f"user.name={name}", "-c", f"user.email={mail.rstrip('>')}")
            run(place, ["add", "--all", "--", "."])
            run(signed, ["commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", "begin"])
            return run(place, ["rev-parse", "--verify", "HEAD"]).decode().strip()

    def create(self, package: RegisteredPackage, commit: str, folder: Path) -> None:
        """Check a package out into the new folder, with no filters and no line-end conversion."""
        check_commit(commit)
        check_url(package.repository)
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links in the way stay as they are
        with _appearing(folder, f"{package.name} cannot be checked out") as staged:
            self._mirror().ensure(package, commit)
            self._fill(package, commit, staged)

    def _fill(self, package: RegisteredPackage, commit: str, staged: Path) -> None:
        transport: Transport = self._make_transport()
        transport.init(staged, bare=False)
        (staged / ".git" / "info").mkdir(exist_ok=True)
        (staged / ".git" / "info" / "attributes").write_text(_ATTRIBUTES, "utf-8")
        below = refs_of(package.name)
        refspecs = [
            f"+{below}/heads/*:refs/remotes/origin/*",
            f"+{below}/tags/*:refs/tags/*",
            f"+{commit}:refs/brazil/base",
        ]
        transport.fetch(staged / ".git", str(self._mirror().repository.absolute()), refspecs)
        settings = [
            ("core.autocrlf", "false"),
            ("core.safecrlf", "false"),
            ("submodule.recurse", "false"),
            ("remote.origin.url", package.repository),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ]
        for key, value in settings:
            run(in_checkout(staged), ["config", "--local", key, value])
        transport.checkout(staged, commit)

    def capture(self, folder: Path) -> Captured:
        """Put what git would track there into the store."""
        _require_checkout(folder)
        folder = folder.resolve()
        file = self._cache / f"stats-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]}"
        remembered = _load(file)
        found = self._capture(folder, remembered)
        if remembered and not self._store.has_tree(found.captured.root):
            # The store was cleaned since: what is remembered names content that is gone.
            found = self._capture(folder, {})
        if found.remembered != remembered:
            _save(file, found.remembered)
        return found.captured

    def capture_all(self, folders: Sequence[Path]) -> dict[Path, Captured]:
        """Capture many, in no order."""
        return capture_side_by_side(folders, self.capture, self._second)

    def _capture(self, folder: Path, remembered: Remembered) -> Capture:
        try:
            return capture(folder, self._store, remembered, self._clock.now)
        except GitFailedError as failure:
            raise _unreadable(folder, failure) from failure

    def status(self, folder: Path) -> CheckoutStatus:
        """Compare a checkout with its HEAD."""
        _require_checkout(folder)
        if endless := endless_problems(folder, walk_checkout(os.fsencode(folder), 0)):
            raise UsageError(*(p._replace(what=f"{p.what} in {folder}") for p in endless))
        arguments = ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"]
        try:
            output = run(in_checkout(folder.absolute()), arguments)
        except GitFailedError as failure:
            raise _unreadable(folder, failure) from failure
        return read_status(output)._replace(busy=_busy(folder))

    def branches(self, folder: Path) -> Mapping[str, str]:
        """Return what only this checkout names: its local branches, and "stash" where something is stashed."""
        _require_checkout(folder)
        arguments = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/", "refs/stash"]
        try:
            output = run(in_checkout(folder.absolute()), arguments)
        except GitFailedError as failure:
            raise _unreadable(folder, failure) from failure
        rows = (line.split(" ", 1) for line in os.fsdecode(output).splitlines())
        return {ref.removeprefix("refs/heads/").removeprefix("refs/"): commit for commit, ref in rows}


_FIELDS = {"1": 8, "u": 10, "?": 1}  # words before the path in a line of `status --porcelain=v2`


def read_status(output: bytes) -> CheckoutStatus:
    """Read what `git status --porcelain=v2 --branch -z` says; it does not say what is in progress."""
    commit = branch = ""
    changed = []
    for line in os.fsdecode(output).split("\0"):
        words = line.split(" ")
        if line.startswith("# branch.oid ") and words[2] != "(initial)":
            commit = words[2]
        elif line.startswith("# branch.head ") and words[2] != "(detached)":
            branch = words[2]
        elif words[0] in _FIELDS:
            changed.append(line.split(" ", _FIELDS[words[0]])[-1])
    return CheckoutStatus(commit, branch, tuple(sorted(set(changed))), "")


@contextmanager
def _appearing(folder: Path, refusal: str, *, or_filling: bool = False) -> Iterator[Path]:
    """Give a place in which a new repository is made; it becomes `folder` at the end, or is not left behind.

    Args:
        folder: must not exist.
        refusal: what is said when it does.
        or_filling: an empty folder will do too; it stays, because somebody may stand in it, and is filled.
    """
    filling = or_filling and folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())
    if os.path.lexists(folder) and not filling:
        raise UsageError(Problem("source.folder-exists", refusal, f"{folder} exists", "move it away"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        with _held(folder) as staged:
            try:
                yield staged
                if filling:
                    _fill_from(staged, folder)
                else:
                    staged.rename(folder)
            except BaseException:
                _remove(staged)
                raise
    except OSError as error:
        because, hint = error.strerror or str(error), "free space or fix its permissions"
        raise UnavailableError(Problem("source.folder", f"{folder} cannot be made", because, hint)) from error
    except GitFailedError as failure:
        raise broken(folder, failure) from failure


def _fill_from(staged: Path, folder: Path) -> None:
    """Move a repository into an empty folder; all of it, or nothing."""
    moved: list[Path] = []
    try:
        # `.git` comes last: before it is there, nobody takes the folder for a repository.
        for path in sorted(staged.iterdir(), key=lambda path: path.name == ".git"):
            moved.append(folder / path.name)
            path.rename(moved[-1])
        staged.rmdir()
    except BaseException:
        for path in moved:
            if path.is_dir():
                _remove(path)
            else:
                path.unlink(missing_ok=True)
        raise


def _require_checkout(folder: Path) -> None:
    if not os.path.lexists(folder):
        hint = f"put it back, or say 'brazil ws drop {folder.name}'"
        raise UsageError(Problem("source.no-checkout", f"{folder} is no git checkout", "it is not there", hint))
    if not os.path.lexists(folder / ".git"):
        hint = f"run 'git init' there, or move it away and say 'brazil ws drop {folder.name}'"
        raise UsageError(Problem("source.no-checkout", f"{folder} is no git checkout", "it has no '.git'", hint))


def _unreadable(folder: Path, failure: GitFailedError) -> BrazilError:
    hint = f"move it away, then 'brazil ws drop {folder.name}' and use it again"
    if "not a git repository" in failure.text:
        return UsageError(Problem("source.no-checkout", f"{folder} is no git checkout", failure.text, hint))
    return UsageError(Problem("source.checkout", f"git cannot read the checkout {folder}", failure.text, hint))


def _busy(folder: Path) -> str:
    place = folder / ".git"
    if place.is_file():
        target = place.read_text("utf-8", "surrogateescape").removeprefix("gitdir:").strip()
        place = folder / target
    return next((word for name, word in _BUSY if (place / name).exists()), "")


def _remove(staged: Path) -> None:
    """Remove a checkout that was not finished; a git that a signal left behind may write to it for a moment."""
    for _ in range(_REMOVALS):
        shutil.rmtree(staged, ignore_errors=True)
        if not staged.exists():
            return
        time.sleep(0.05)


@contextmanager
def _held(folder: Path) -> Iterator[Path]:
    """Make a folder beside `folder`, locked while its maker lives: a process id comes again, and would not tell."""
    staged = folder.with_name(f".{folder.name}.{os.urandom(8).hex()}.partial")
    staged.mkdir()
    with _locked(staged):
        yield staged


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder, at the latest until this process ends; yields False where another one has, or nobody can."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except OSError:
            locked = False
        yield locked
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left beside `folder`."""
    for path in sorted(folder.parent.glob("." + _quoted(folder.name) + ".*.partial")):
        with _locked(path) as locked:
            if locked:
                shutil.rmtree(path, ignore_errors=True)


def _quoted(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _load(file: Path) -> Remembered:
    try:
        data = file.read_bytes()
    except OSError:
        return {}
    payload = data[len(_MAGIC) + 32 :]
    # marshal trusts its input, so nothing reaches it that is not exactly what was written.
    if data[: len(_MAGIC) + 32] != _MAGIC + hashlib.sha256(payload).digest():
        return {}
    found = marshal.loads(payload)
    return found if isinstance(found, dict) else {}


def _save(file: Path, remembered: Remembered) -> None:
    payload = marshal.dumps(remembered)
    temporary = file.with_name(f".{file.name}.{os.urandom(8).hex()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(_MAGIC + hashlib.sha256(payload).digest() + payload)
            temporary.rename(file)
        except OSError:
            temporary.unlink(missing_ok=True)
