"""Sources of packages from one bare repository that mirrors all of theirs.

Rules:
1. `refs/packages/<Name>/` follows the package's repository, forward and back; `refs/kept/<Name>/<commit>` holds
   what was adopted or published, so that it is never collected.
2. A commit that is wanted is looked for here, then in the package's repository, then in `refs/sources/` of the
   registry: what was published is never lost with its repository.
3. Everything is read from git objects; nothing is checked out.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from brazil.errors import Problem, UnavailableError, UsageError
from brazil.gitrepo.locking import writing
from brazil.gitrepo.names import check_commit, check_url, is_abbreviated, is_commit, local_path, ref_fault
from brazil.gitrepo.objects import DIRECTORY, ObjectReader, parse_commit, parse_tree
from brazil.gitrepo.process import GitFailedError, broken, in_repository, run
from brazil.gitrepo.remote import RemoteRefMissingError, RewrittenError, Transport, TransportFactory
from brazil.gitrepo.writing import RefUpdate, refs_below
from brazil.model.digest import Digest
from brazil.model.names import PackageName, package_name
from brazil.model.nearest import did_you_mean
from brazil.model.versionset import RegisteredPackage
from brazil.ports import CommitInfo, ContentStore
from brazil.source.trees import TreeConverter, TreeMemory

_REGULAR = (0o100644, 0o100664, 0o100755)


class SourceMirror:
    """Sources of packages, from a mirror that fetches what it lacks."""

    def __init__(
        self, repository: Path, *, store: ContentStore, cache: Path, registry: str, transport: TransportFactory
    ) -> None:
        """Name a mirror; it is made when it is first needed.

        Args:
            repository: the bare repository that all packages share.
            store: where Trees go.
            cache: folder for what was converted; may be deleted at any time.
            registry: path or URL of the registry, which keeps every published commit.
            transport: called when something must be made or fetched.
        """
        self._repository = repository
        self._registry = check_url(registry)
        self._make_transport = transport
        self._transport: Transport | None = None
        self._objects = ObjectReader(repository)
        self._trees = TreeConverter(self._objects, store, TreeMemory(cache))

    @property
    def repository(self) -> Path:
        """The bare repository."""
        return self._repository

    def resolve(self, package: RegisteredPackage, ref: str) -> str:
        """Return the commit that a branch, tag or (abbreviated) commit id names now; "HEAD" for the default branch."""
        if fault := ref_fault(ref):
            raise UsageError(Problem("source.ref", f"{ref[:200]!a} is not a branch, tag or commit", fault))
        if is_commit(ref):
            return self._whole(package, ref)
        self._fetch(package)
        below = f"{refs_of(package.name)}/"
        refs = {name.removeprefix(below): id_ for name, id_ in self._refs(below).items()}
        wanted = {"HEAD"} if ref == "HEAD" else {f"heads/{ref}", f"tags/{ref}"}
        if ref.startswith(("refs/heads/", "refs/tags/")):
            wanted = {ref.removeprefix("refs/")}
        found = {id_ for name in sorted(wanted & refs.keys()) if (id_ := self._peeled(refs[name]))}
        if not found and is_abbreviated(ref):
            found = set(self._abbreviated(package, ref))
        if len(found) == 1:
            return found.pop()
        raise _unknown(package, ref, sorted(found), sorted({name.partition("/")[2] for name in refs} - {""}))

    def _whole(self, package: RegisteredPackage, commit: str) -> str:
        if self._belongs(package, commit):
            return commit
        try:
            self._fetch(package)
            if self._belongs(package, commit):
                return commit
        except UnavailableError:
            if not self._from_registry(package, commit):
                raise
            return commit
        if self._from_registry(package, commit):
            return commit
        raise _unknown(package, commit, [], [])

    def _belongs(self, package: RegisteredPackage, commit: str) -> bool:
        # All packages share the objects: that a commit is here does not make it this package's.
        if not self._has(commit):
            return False
        return self._objects.read(_kept(package.name, commit)) is not None or self._is_in_repository(package, commit)

    def _is_in_repository(self, package: RegisteredPackage, commit: str) -> bool:
        """Say whether the package's repository has a commit, as it was seen last."""
        below = f"{refs_of(package.name)}/"
        return self._has(commit) and bool(self._git("for-each-ref", "--count=1", f"--contains={commit}", "--", below))

    def _abbreviated(self, package: RegisteredPackage, ref: str) -> list[str]:
        ids = self._git("rev-parse", f"--disambiguate={ref}").decode("ascii").split()
        commits = (o.id for o in self._objects.read_many(ids) if o is not None and o.type == "commit")
        return sorted({id_ for id_ in commits if self._belongs(package, id_)})

    def tree(self, package: RegisteredPackage, commit: str) -> Digest:
        """Put the source at a commit into the store and return its root."""
        try:
            return self._trees.convert(self._root(package, commit))
        except UsageError as error:
            problems = (p._replace(what=f"{p.what} of {package.name}") for p in error.problems)
            raise UsageError(*problems) from error

    def file(self, package: RegisteredPackage, commit: str, path: str) -> bytes | None:
        """Return one regular file at a commit, or None when it is not there."""
        tree = self._root(package, commit)
        *folders, last = path.encode("utf-8", "surrogateescape").split(b"/")
        for folder in folders:
            found = self._entry(tree, folder, (DIRECTORY,))
            if found is None:
                return None
            tree = found
        blob = self._entry(tree, last, _REGULAR)
        answer = self._objects.read(blob) if blob is not None else None
        return answer.data if answer is not None else None

    def _entry(self, tree: str, name: bytes, modes: Sequence[int]) -> str | None:
        found = self._objects.read(tree)
        entries = parse_tree(found.data) if found is not None and found.type == "tree" else []
        return next((e.id for e in entries if e.name == name and e.mode in modes), None)

    def commits(self, package: RegisteredPackage, old: str, new: str) -> tuple[CommitInfo, ...]:
        """Return the commits that `new` has and `old` has not, newest first."""
        for commit in (old, new):
            self.ensure(package, commit)
        ids = self._git("rev-list", new, f"^{old}", "--").decode("ascii").split()
        found = (parse_commit(commit) for commit in self._objects.read_many(ids) if commit is not None)
        return tuple(CommitInfo(c.id, c.message.partition("\n")[0], c.author, c.time) for c in found)

    def known(self, package: RegisteredPackage, commit: str) -> bool:
        """Say whether others can have a commit; what was only adopted here is nowhere else."""
        if self._is_in_repository(package, commit) or self._from_registry(package, commit):
            return True
        self._fetch(package)
        return self._is_in_repository(package, commit)

    def adopt(self, package: RegisteredPackage, checkout: Path, commit: str) -> None:
        """Take a commit from a checkout into the mirror."""
        check_commit(commit)
        self._make()
        with writing(self._repository):
            try:
                self._transporter().fetch(
                    self._repository, str(checkout.absolute()), [f"+{commit}:{_kept(package.name, commit)}"]
                )
            except RemoteRefMissingError as error:
                raise UsageError(
                    Problem("source.unknown-commit", f"{checkout} has no commit {commit}", str(error))
                ) from error

    def keep(self, commits: Mapping[PackageName, str]) -> None:
        """Put the commits where everybody who reads the registry finds them, before a revision names them."""
        wanted = [(package_name(name), check_commit(commit)) for name, commit in sorted(commits.items())]
        if not wanted:
            return
        self._make()
        self._hold(wanted)
        folder = local_path(self._registry)
        if folder is None:
            updates = [RefUpdate(_source(name, commit), commit, "") for name, commit in wanted]
            if not self._transporter().push(self._repository, self._registry, updates, lease=False):
                raise UnavailableError(
                    Problem(
                        "source.keep",
                        f"the sources cannot be kept in {self._registry}",
                        "others write there",
                        "try again",
                    )
                )
            return
        # Done from the registry's side, so that no hook of it runs.
        with writing(folder):
            refspecs = [f"{_kept(name, commit)}:{_source(name, commit)}" for name, commit in wanted]
            self._transporter().fetch(folder, str(self._repository.absolute()), refspecs)

    def _hold(self, wanted: Sequence[tuple[PackageName, str]]) -> None:
        """Give every commit a ref here; the registry may have what this machine has not."""
        for name, commit in wanted:
            if not self._has(commit) and not self._from_registry(RegisteredPackage(name, "/"), commit):
                raise UnavailableError(
                    Problem(
                        "source.unavailable", f"commit {commit} of {name} cannot be kept", "it is not in the mirror"
                    )
                )
        lines = "".join(f"update {_kept(name, commit)}\0{commit}\0\0" for name, commit in wanted)
        with writing(self._repository):
            self._git("update-ref", "--stdin", "-z", data=lines.encode())

    def ensure(self, package: RegisteredPackage, commit: str) -> None:
        """Have a commit in the mirror.

        Raises:
            UnavailableError: neither the package's repository nor the registry has it.
        """
        check_commit(commit)
        if self._has(commit):
            return
        because = f"{package.repository} does not have it"
        try:
            self._fetch(package)
        except UnavailableError as error:
            because = str(error)
        if not self._has(commit) and not self._from_registry(package, commit):
            raise UnavailableError(
                Problem(
                    "source.unavailable",
                    f"commit {commit} of {package.name} cannot be had",
                    f"{because}; neither does the registry {self._registry}",
                )
            )

    def _fetch(self, package: RegisteredPackage) -> None:
        """Follow the package's repository."""
        self._make()
        below = refs_of(package.name)
        refspecs = [f"+refs/heads/*:{below}/heads/*", f"+refs/tags/*:{below}/tags/*"]
        fetch = self._transporter().fetch
        with writing(self._repository):
            try:
                fetch(self._repository, package.repository, [*refspecs, f"+HEAD:{below}/HEAD"], prune=True)
            except RemoteRefMissingError:
                # Its HEAD names a branch that is not there yet.
                self._git("update-ref", "-d", f"{below}/HEAD")
                fetch(self._repository, package.repository, refspecs, prune=True)

    def _from_registry(self, package: RegisteredPackage, commit: str) -> bool:
        self._make()
        refspec = f"+{_source(package.name, commit)}:{_kept(package.name, commit)}"
        with suppress(RemoteRefMissingError, UnavailableError, RewrittenError), writing(self._repository):
            self._transporter().fetch(self._repository, self._registry, [refspec])
            return self._has(commit)
        return False

    def _root(self, package: RegisteredPackage, commit: str) -> str:
        self.ensure(package, commit)
        found = self._objects.read(commit)
        if found is None or found.type != "commit":
            raise UsageError(Problem("git.commit", f"{commit} of {package.name} is not a commit"))
        return parse_commit(found).tree

    def _has(self, commit: str) -> bool:
        if not (self._repository / "HEAD").exists():
            return False
        found = self._objects.read(commit)
        return found is not None and found.type == "commit"

    def _peeled(self, id_: str) -> str | None:
        found = self._objects.read(f"{id_}^{{commit}}")
        return found.id if found is not None else None

    def _refs(self, prefix: str) -> dict[str, str]:
        try:
            return refs_below(self._repository, prefix)
        except GitFailedError as failure:
            raise broken(self._repository, failure) from failure

    def _git(self, *arguments: str, data: bytes = b"") -> bytes:
        try:
            return run(in_repository(self._repository), arguments, data)
        except GitFailedError as failure:
            raise broken(self._repository, failure) from failure

    def _make(self) -> None:
        if not (self._repository / "objects").exists():
            self._transporter().init(self._repository, bare=True)

    def _transporter(self) -> Transport:
        if self._transport is None:
            self._transport = self._make_transport()
        return self._transport


def refs_of(name: PackageName) -> str:
    """Return where the refs of a package's repository are in the mirror."""
    return f"refs/packages/{_component(name)}"


def _kept(name: PackageName, commit: str) -> str:
    return f"refs/kept/{_component(name)}/{commit}"


def _source(name: PackageName, commit: str) -> str:
    return f"refs/sources/{_component(name)}/{commit}"


def _component(name: PackageName) -> str:
    # git refuses a final ".lock" in a ref, and no package's name ends with a dash.
    return f"{name}-" if package_name(name).endswith(".lock") else name


def _unknown(package: RegisteredPackage, ref: str, found: Sequence[str], known: Sequence[str]) -> UsageError:
    if found:
        because = f"it could be {' or '.join(found)}"
        hint = "write 'refs/heads/...', 'refs/tags/...' or more digits"
        return UsageError(Problem("source.ambiguous", f"'{ref}' is ambiguous in {package.name}", because, hint))
    what = f"{package.name} has no branch, tag or commit '{ref}'"
    if ref in known:
        what, hint = f"'{ref}' of {package.name} names no commit", "name a branch, or a tag of a commit"
    elif near := did_you_mean(ref, known):
        hint = near
    elif Path(package.repository, ".git", "shallow").exists() or Path(package.repository, "shallow").exists():
        hint = "it is a shallow clone, of which git hands nothing on: make it whole with 'git fetch --unshallow'"
    elif not known:
        hint = "it has no commit yet: is anything pushed?"
    else:
        hint = "is it pushed?"
    return UsageError(Problem("source.unknown-ref", what, package.repository, hint))
