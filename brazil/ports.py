"""Everything the core may ask of the world.

Each port has a real adapter and, where tests need one, an in-memory one; both pass the suite in
`tests/contract`. An adapter translates foreign exceptions into `BrazilError`s at its boundary.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from brazil.model.action import ActionResult, FailedRun, Platform, Ran, RunRecord, SandboxRequest, SandboxResult
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName
from brazil.model.tree import Directory
from brazil.model.versionset import Draft, PackageRecord, RegisteredPackage, Revision, RevisionInfo
from brazil.model.workspace import Captured


class ContentStore(Protocol):
    """Blobs and Trees by Digest. Write once; every write is atomic and may be repeated; several processes may work."""

    def mark(self) -> str:
        """Return a text that changes whenever something that was there may be gone."""
        ...

    def has(self, digest: Digest) -> bool:
        """Say whether the blob is there, without reading it."""
        ...

    def read(self, digest: Digest) -> bytes:
        """Return a blob, checked against its digest.

        Raises:
            IntegrityError: it is not there ("store.missing") or is damaged ("store.damaged"; it is set aside).
        """
        ...

    def write(self, data: bytes) -> Digest:
        """Keep a blob."""
        ...

    def read_directory(self, digest: Digest) -> Directory:
        """Return one Directory, checked as `read` does and canonical.

        Raises:
            IntegrityError: as `read`, or the bytes are no canonical Directory.
        """
        ...

    def write_directory(self, directory: Directory) -> Digest:
        """Keep one Directory; its files and sub-directories must have been written before."""
        ...

    def has_tree(self, root: Digest) -> bool:
        """Say whether the Tree is complete."""
        ...

    def ingest(self, folder: Path, *, largest: int | None = None) -> Digest:
        """Move the content of a folder into the store as a Tree, modes normalised, links not followed.

        Args:
            folder: a private folder that nobody else uses; what is left of it is of no more use.
            largest: refuse more than this many bytes of files in total.

        Raises:
            HermeticityError: a link leaves the folder other than into /brazil/pkg, or an entry is a device, a
                socket, a FIFO, unreadable, or has a name that is not valid UTF-8; every offending path is named.
        """
        ...

    def tree_path(self, root: Digest) -> Path:
        """Return the absolute path of a folder that holds the Tree, read-only and shared, made at the first call.

        Raises:
            IntegrityError: part of the Tree is missing or damaged.
        """
        ...

    def copy_tree(self, root: Digest, target: Path) -> None:
        """Fill the new folder `target` with a private, writable copy of the Tree (0644, 0755, fixed times).

        Raises:
            IntegrityError: part of the Tree is missing or damaged.
        """
        ...


class ActionCache(Protocol):
    """Remembered results by the Digest of their Action. Only successes are kept."""

    def get(self, action: Digest) -> ActionResult | None:
        """Return the remembered result; a damaged one is forgotten and None is returned."""
        ...

    def put(self, action: Digest, result: ActionResult) -> None:
        """Remember a result, atomically; an existing one is replaced."""
        ...

    def claim(self, action: Digest, owner: str, waiting: Callable[[str], None]) -> AbstractContextManager[None]:
        """Hold the only right to run this Action among all processes; waits while another holds it.

        A dead holder never blocks. After waiting, look again with `get`.

        Args:
            action: what is to be run.
            owner: who works here, shown to whoever waits for us.
            waiting: told the owner's text, again and again while another holds it; what it raises ends the wait.
        """
        ...


class Sandbox(Protocol):
    """Runs one Action so that only its inputs are visible. Safe to call from several threads."""

    @property
    def platform(self) -> Platform:
        """The root file system every run sees."""
        ...

    @property
    def isolation(self) -> Mapping[str, str]:
        """What was found to hold by trying, such as {"network": "own namespace"}; recorded with every run."""
        ...

    def run(self, request: SandboxRequest) -> SandboxResult:
        """Run and wait; when it returns no process of the run is left.

        A run whose output cannot be kept (see `ContentStore.ingest`) has none, and says why.

        Raises:
            UnavailableError: the sandbox could not be set up.
        """
        ...

    def stop(self) -> None:
        """End every run at once (their results say "interrupt") and refuse new ones."""
        ...


class RunRecords(Protocol):
    """The permanent record of every run; only ever added to."""

    def add(self, record: RunRecord) -> None:
        """Keep the record of a run and its Snapshot."""
        ...

    def runs(self, action: Digest) -> Sequence[RunRecord]:
        """Return the runs of an Action, oldest first."""
        ...

    def ran(self) -> Iterator[Ran]:
        """List all runs, the one that was recorded last first; a record of one that is listed may be damaged."""
        ...


class FailedRuns(Protocol):
    """What failed runs left, of each workspace at most one per label, and only of the newest failures.

    Nothing here is ever part of a result. A tree that somebody stands in is removed when he has left.
    """

    def kept(self, workspace: Path) -> frozenset[str]:
        """Return the labels of what is kept for a workspace; one look into one folder."""
        ...

    def runs(self, workspace: Path) -> Sequence[FailedRun]:
        """Return what is kept for a workspace and is whole, newest first."""
        ...

    def forget(self, workspace: Path, labels: Iterable[str]) -> None:
        """Remove what is kept under labels; what cannot be removed now is removed later."""
        ...

    def forget_all(self, workspace: Path) -> int:
        """Remove all that is kept for a workspace, which may be gone; return the bytes of its files."""
        ...


class SandboxEntrance(Protocol):
    """Lets a user stand where a build or test runs, and see exactly what it sees; nothing of it is kept."""

    def enter(self, request: SandboxRequest, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        """Run a command of the user's in the place of the one requested, on his terminal; return its exit code.

        The source is a private copy and outputs are empty; both are gone afterwards. There is no limit of time.

        Args:
            request: what would run.
            arguments: program and arguments, at least one, started in /brazil.
            variables: added to the environment of the request.

        Raises:
            UnavailableError: the sandbox could not be set up.
        """
        ...

    def enter_failed(self, run: FailedRun, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        """Do the same in the tree that a failed run left; what is changed there stays as long as the tree is kept.

        Raises:
            UsageError: the tree is gone.
            UnavailableError: the sandbox could not be set up.
        """
        ...


class ClosureRunner(Protocol):
    """Runs a user's own command with a closure at its paths for life; everything else is the user's machine."""

    def run(
        self,
        inputs: Sequence[tuple[str, Digest]],
        environment: Mapping[str, str],
        arguments: Sequence[str],
    ) -> int:
        """Run with the terminal, network, files, user and current folder of the caller; return the exit code.

        Args:
            inputs: path relative to /brazil -> Tree, read-only, sorted.
            environment: the whole environment of the command.
            arguments: program and arguments, at least one.

        Raises:
            UnavailableError: the closure could not be bound.
            UsageError: there is no such program.
        """
        ...


class CommitInfo(NamedTuple):
    """One commit of a package."""

    id: str
    subject: str
    author: str
    time: int  # seconds since 1970


class SourceProvider(Protocol):
    """Sources of packages, straight from git objects of a local mirror; fetches what is missing."""

    def resolve(self, package: RegisteredPackage, ref: str) -> str:
        """Return the commit that a branch, tag or (abbreviated) commit id names now; "HEAD" for the default branch.

        Raises:
            UsageError: there is no such ref, or it is ambiguous.
            UnavailableError: the repository cannot be reached.
        """
        ...

    def tree(self, package: RegisteredPackage, commit: str) -> Digest:
        """Put the source at a commit into the store and return its root.

        Raises:
            UsageError: it holds something that is not supported (a submodule, an LFS pointer), by path.
            UnavailableError: the commit cannot be had.
        """
        ...

    def file(self, package: RegisteredPackage, commit: str, path: str) -> bytes | None:
        """Return one regular file at a commit, or None when it is not there."""
        ...

    def commits(self, package: RegisteredPackage, old: str, new: str) -> tuple[CommitInfo, ...]:
        """Return the commits that `new` has and `old` has not, newest first."""
        ...

    def known(self, package: RegisteredPackage, commit: str) -> bool:
        """Say whether others can have a commit: from the package's repository, or from the registry."""
        ...

    def adopt(self, package: RegisteredPackage, checkout: Path, commit: str) -> None:
        """Take a commit from a checkout into the mirror."""
        ...

    def keep(self, commits: Mapping[PackageName, str]) -> None:
        """Put the commits where everybody who reads the registry finds them, before a revision names them.

        Args:
            commits: what is about to be published.
        """
        ...


class CheckoutStatus(NamedTuple):
    """Where a checkout stands."""

    commit: str  # what HEAD names; empty when nothing is committed yet
    branch: str  # empty when detached
    changed: tuple[str, ...]  # tracked or untracked paths that differ from HEAD, sorted; ignored ones are left out
    busy: str  # "merge", "rebase" ... in progress; else empty


class Checkouts(Protocol):
    """Working trees of packages in use."""

    def begin(self, folder: Path, files: Mapping[str, bytes], actor: str) -> str:
        """Make the folder a git repository that holds these files, and return its first commit.

        Args:
            folder: new or empty; on failure it is as it was before.
            files: clean relative path -> content.
            actor: "Name <mail>" of who commits.

        Raises:
            UsageError: something is there.
            UnavailableError: the disk refuses.
        """
        ...

    def create(self, package: RegisteredPackage, commit: str, folder: Path) -> None:
        """Check a package out into the new folder, with no filters and no line-end conversion.

        Args:
            package: whose repository becomes `origin`.
            commit: what HEAD will name, detached.
            folder: must not exist; on failure it is not left behind.
        """
        ...

    def capture(self, folder: Path) -> Captured:
        """Put what git would track there (tracked and untracked, not ignored) into the store.

        Raises:
            UsageError: no git checkout, or it holds something that is not supported, by path.
        """
        ...

    def capture_all(self, folders: Sequence[Path]) -> dict[Path, Captured]:
        """Capture many checkouts.

        Args:
            folders: absolute.

        Raises:
            UsageError: as `capture`, with the problems of all of them, in the order of the folders.
        """
        ...

    def branches(self, folder: Path) -> Mapping[str, str]:
        """Return what only this checkout names: local branch, or "stash" -> commit.

        Raises:
            UsageError: the folder is no git checkout.
        """
        ...

    def status(self, folder: Path) -> CheckoutStatus:
        """Compare a checkout with its HEAD.

        Raises:
            UsageError: the folder is no git checkout.
        """
        ...


class FolderWatch(Protocol):
    """Notices that something changes below folders; it may tell of what means nothing, and may miss something."""

    def watch(self, deep: Iterable[Path], flat: Iterable[Path]) -> None:
        """Notice from now on what changes below these folders and below no others. May be called again.

        Args:
            deep: with everything below them, links not followed.
            flat: only what is directly in them.

        Raises:
            UnavailableError: the machine has no more watches.
        """
        ...

    def wait(self, longest: float) -> Collection[Path] | None:
        """Wait for a change and until nothing more has changed for a moment, but not longer than so many seconds.

        A change since the last wait ends this one at once, so what happens while nobody waits is not missed.

        Returns:
            What in the watched folders has changed, or has something below it that has; None: the time is over.
        """
        ...


class Moved(NamedTuple):
    """A revision was not committed: somebody else was first."""

    head: Revision


class Registry(Protocol):
    """Packages, package versions and the revisions of version sets. History is only ever added."""

    @property
    def location(self) -> str:
        """Path or URL of the registry's repository."""
        ...

    def refresh(self) -> None:
        """Look at what others have published since; nothing to do for a local registry.

        Raises:
            UnavailableError: the registry cannot be reached.
        """
        ...

    def settle(self) -> None:
        """Clear what interrupted writers left and the next writer would: for who finds that nothing has to be written.

        Raises:
            UnavailableError: the registry cannot be written.
        """
        ...

    def packages(self) -> Sequence[RegisteredPackage]:
        """Return every registered package, sorted by name."""
        ...

    def package(self, name: PackageName) -> RegisteredPackage | None:
        """Return one package, or None."""
        ...

    def register(self, package: RegisteredPackage) -> bool:
        """Add a package, or change its repository or owners; False when it was there just so.

        Raises:
            UsageError: another package has the same name but for case.
        """
        ...

    def versions(self, interface: Interface) -> Sequence[int]:
        """Return the build numbers of an interface, rising; empty when there is none."""
        ...

    def interfaces(self, name: PackageName) -> Sequence[Interface]:
        """Return the interfaces of a package that have versions, sorted."""
        ...

    def record(self, version: PackageVersion) -> PackageRecord:
        """Return one package version.

        Raises:
            UsageError: there is no such version.
        """
        ...

    def sets(self) -> Sequence[VersionSetName]:
        """Return the names of all version sets, sorted."""
        ...

    def create_set(self, name: VersionSetName, draft: Draft) -> Revision:
        """Begin a set: revision 0 when the draft pins nothing, else revision 1.

        Raises:
            UsageError: the name is taken, or clashes with another but for case.
        """
        ...

    def revision(self, name: VersionSetName, number: int | None = None) -> Revision:
        """Return a revision; the newest when no number is given.

        Raises:
            UsageError: there is no such set or revision; says which there are.
        """
        ...

    def history(self, name: VersionSetName, limit: int | None = None) -> Iterable[RevisionInfo]:
        """Return the revisions of a set, newest first."""
        ...

    def published(self, name: VersionSetName, token: str) -> RevisionInfo | None:
        """Return the revision that a request token made, or None."""
        ...

    def commit(self, name: VersionSetName, parent: str, draft: Draft) -> Revision | Moved:
        """Make the next revision of a set, or nothing.

        Numbers the new versions in its retry loop, adds their records to the catalog, then moves the set's ref
        from `parent` in one step. When the ref has moved, returns `Moved`; what was added to the catalog then
        stays there unused.

        Args:
            name: the set.
            parent: commit of the revision that the draft was made from.
            draft: what the new revision holds.
        """
        ...


class Clock(Protocol):
    """The time, for records; never for anything that is hashed into a Key."""

    def now(self) -> int:
        """Nanoseconds since 1970, UTC."""
        ...
