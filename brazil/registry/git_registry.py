"""The registry in a git repository: a bare one on this machine, or one behind a URL with a mirror here.

Rules:
1. The set's own ref is the only commit point. What it names is in the catalog before; a crash in between leaves
   unused additions and nothing else.
2. Refs move by compare-and-swap only, locally and at the other side. Losing a race for the catalog starts over
   with new numbers; losing one for the set is the answer `Moved`.
3. Writers on this machine hold one lock; readers hold none, because what they read never changes.
4. A mirror follows its registry only forward: a registry that lost history is refused.
"""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from brazil.errors import BrazilError, IntegrityError, Problem, UnavailableError, UsageError
from brazil.formats.registry_files import Message, SetState, message_text, package_text, record_text
from brazil.gitrepo.locking import is_settled, pending_refs, writing
from brazil.gitrepo.names import check_actor, check_url, local_path
from brazil.gitrepo.process import GitFailedError, broken, in_repository, run
from brazil.gitrepo.remote import RemoteRefMissingError, RewrittenError, Transport, TransportFactory
from brazil.gitrepo.writing import NewCommit, RefMovedError, RefUpdate, move_refs, write_commits
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName, package_name
from brazil.model.versionset import Draft, PackageRecord, RegisteredPackage, Revision, RevisionInfo, number_pins
from brazil.ports import Clock, Moved
from brazil.registry.drafting import changed_pins, changes_of, foreign_pins, new_texts, set_files
from brazil.registry.layout import CATALOG, package_file, record_file, set_ref
from brazil.registry.reading import RegistryReader
from brazil.registry.refusals import (
    lost_commit,
    refuse_taken,
    refuse_twin,
    unknown_revision,
    unknown_set,
    unknown_version,
)

_FETCHED = "brazil.fetched"
_ATTEMPTS = 30
_PACKS = 50  # each writing leaves one pack; more make every look-up slower


class GitRegistry:
    """Packages, package versions and the revisions of version sets, in git."""

    def __init__(
        self,
        location: str,
        *,
        mirror: Path,
        cache: Path,
        actor: str,
        clock: Clock,
        transport: TransportFactory,
        create: bool = False,
    ) -> None:
        """Name a registry; nothing is read or made before it is used.

        Args:
            location: absolute path of a bare repository, or a URL.
            mirror: where the copy of a registry behind a URL is kept; not used for a path.
            cache: folder for what was parsed; may be deleted at any time.
            actor: "Name <mail>", who makes revisions.
            clock: for the times of revisions.
            transport: called when a repository must be made, fetched or pushed to.
            create: make a local registry that is not there.
        """
        self._location = check_url(location)
        self._actor = check_actor(actor)
        self._clock = clock
        self._make_transport = transport
        self._transport: Transport | None = None
        path = local_path(location)
        self._remote = path is None
        self._repository = path if path is not None else mirror
        self._create = create
        self._reader = RegistryReader(self._repository, cache)
        self._opened = False

    @property
    def location(self) -> str:
        """Path or URL of the registry's repository."""
        return self._location

    def refresh(self) -> None:
        """Look at what others have published since."""
        if self._remote:
            self._make_repository()
            with writing(self._repository):
                self._fetch()
            (self._repository / _FETCHED).touch()
            self._opened = True

    def settle(self) -> None:
        """Clear what interrupted writers on this machine left."""
        self._open()
        if not is_settled(self._repository):
            with self._locked():
                pass

    def packages(self) -> Sequence[RegisteredPackage]:
        """Return every registered package, sorted by name."""
        return self._open().packages()

    def package(self, name: PackageName) -> RegisteredPackage | None:
        """Return one package, or None."""
        return self._open().package(name)

    def register(self, package: RegisteredPackage) -> bool:
        """Add a package, or change its repository or owners; False when it was there just so."""
        package = package._replace(name=package_name(package.name), owners=tuple(sorted(set(package.owners))))
        check_url(package.repository)
        self._open()
        with self._locked():
            for _ in self._attempts():
                if self._reader.package(package.name) == package:
                    return False
                refuse_twin(package.name, (p.name for p in self._reader.packages()))
                old = self._reader.ref(CATALOG)
                files = [(package_file(package.name), package_text(package))]
                made = self._write([self._commit_of(old, f"register {package.name}\n", files)])
                if self._move(CATALOG, made[0][1], old, [made[0][0]]):
                    self._tidy()
                    return True
        raise self._busy("register")

    def versions(self, interface: Interface) -> Sequence[int]:
        """Return the build numbers of an interface, rising."""
        return self._open().versions(interface)

    def interfaces(self, name: PackageName) -> Sequence[Interface]:
        """Return the interfaces of a package that have versions, sorted."""
        return self._open().interfaces(name)

    def record(self, version: PackageVersion) -> PackageRecord:
        """Return one package version."""
        record = self._open().record(version)
        if record is None:
            raise unknown_version(version, self.versions(version.interface), self.interfaces(version.interface.name))
        return record

    def sets(self) -> Sequence[VersionSetName]:
        """Return the names of all version sets, sorted."""
        reader = self._open()
        reader.require_whole_sets()
        return reader.sets()

    def create_set(self, name: VersionSetName, draft: Draft) -> Revision:
        """Begin a set: revision 0 when the draft pins nothing, else revision 1."""
        set_ref(name)
        self._open()
        with self._locked():
            for _ in self._attempts():
                refuse_taken(name, self._reader.sets())
                if made := self._try(name, "", draft):
                    self._tidy()
                    return made
        raise self._busy("create a set")

    def revision(self, name: VersionSetName, number: int | None = None) -> Revision:
        """Return a revision; the newest when no number is given."""
        tip = self._tip(name)
        newest = self._reader.revision(name, tip)
        if number is None or number == newest.info.number:
            return newest
        for info in self._reader.history(name, tip):
            if info.number == number:
                return self._reader.revision(name, info.commit)
        raise unknown_revision(name, number, [info.number for info in self._reader.history(name, tip)])

    def history(self, name: VersionSetName, limit: int | None = None) -> Iterable[RevisionInfo]:
        """Return the revisions of a set, newest first."""
        return list(islice(self._reader.history(name, self._tip(name)), limit))

    def published(self, name: VersionSetName, token: str) -> RevisionInfo | None:
        """Return the revision that a request token made, or None."""
        infos = self._reader.history(name, self._tip(name)) if token else []
        return next((info for info in infos if info.token == token), None)

    def commit(self, name: VersionSetName, parent: str, draft: Draft) -> Revision | Moved:
        """Make the next revision of a set, or nothing."""
        self._tip(name)
        with self._locked():
            for _ in self._attempts():
                head = self._reader.ref(set_ref(name))
                if head != parent:
                    return Moved(self._reader.revision(name, head))
                if made := self._try(name, parent, draft):
                    self._tidy()
                    return made
        raise self._busy("publish")

    def _try(self, name: VersionSetName, parent: str, draft: Draft) -> Revision | None:
        """Make a revision once; None when a ref had moved."""
        before = self._reader.revision(name, parent) if parent else None
        number = before.info.number + 1 if before is not None else int(bool(draft.pins))
        records = number_pins(draft, self._reader.highest)
        changed = changed_pins(records, before)
        known = self._known_blobs(foreign_pins(draft, changed))
        texts = new_texts(draft, changed)
        added = [(record_file(records[interface].version), text) for interface, text in texts.items()]
        changes = changes_of(draft, records, before, {**known, **texts})
        files = list(set_files(SetState(number, draft.token, draft.policy), changes).items())
        message = message_text(Message(number, draft.token, draft.reason))
        catalog = self._reader.ref(CATALOG)
        commits = [self._commit_of(catalog, f"record versions for {name} {number}\n", added)] if added else []
        made = self._write([*commits, self._commit_of(parent, message, files)])
        if added and not self._move(CATALOG, made[0][1], catalog, []):
            return None
        commit = made[-1][1]
        if not self._move(set_ref(name), commit, parent, [private for private, _ in made]):
            return None
        return self._reader.made(name, commit, parent, changes, records, draft.results)

    def _known_blobs(self, records: Sequence[PackageRecord]) -> dict[Interface, str]:
        known: dict[Interface, str] = {}
        problems = []
        blobs = self._reader.record_blobs(record.version for record in records)
        for record, blob in zip(records, blobs, strict=True):
            if blob is None:
                problems.append(Problem("registry.unknown-version", f"there is no package version {record.version}"))
            elif blob[1] != record_text(record) and self._reader.record(record.version) != record:
                problems.append(
                    Problem(
                        "registry.record-differs", f"{record.version} is recorded otherwise", "records never change"
                    )
                )
            else:
                known[record.version.interface] = blob[0]
        if problems:
            raise UsageError(*problems)
        return known

    def _commit_of(self, parent: str, message: str, files: Sequence[tuple[str, bytes | str | None]]) -> NewCommit:
        return NewCommit(parent, self._actor, self._clock.now() // 1_000_000_000, message, files)

    def _write(self, commits: Sequence[NewCommit]) -> list[tuple[str, str]]:
        try:
            return write_commits(self._repository, commits)
        except GitFailedError as failure:
            raise broken(self._repository, failure) from failure

    def _move(self, ref: str, new: str, old: str, drop: Sequence[str]) -> bool:
        """Move a ref, at the other side first; False when it was not at `old`."""
        update = RefUpdate(ref, new, old)
        if self._remote and not self._transporter().push(self._repository, self._location, [update]):
            self._fetch()
            return False
        try:
            move_refs(self._repository, [update], drop)
        except RefMovedError:
            return False
        except GitFailedError as failure:
            raise broken(self._repository, failure) from failure
        return True

    def _tip(self, name: VersionSetName) -> str:
        tip = self._open().ref(set_ref(name))
        if not tip:
            if self._reader.has_ref(set_ref(name)):
                raise lost_commit(set_ref(name))
            raise unknown_set(name, self._reader.sets())
        return tip

    def _open(self) -> RegistryReader:
        if not self._opened:
            # A mirror that was never filled would look like an empty registry.
            if self._remote and not (self._repository / _FETCHED).exists():
                self.refresh()
            self._make_repository()
            self._opened = True
        return self._reader

    def _make_repository(self) -> None:
        if (self._repository / "HEAD").exists() and (self._repository / "objects").exists():
            return
        if not (self._remote or self._create):
            raise UnavailableError(
                Problem(
                    "registry.missing",
                    f"there is no registry at {self._repository}",
                    "it is a folder with something else" if self._repository.exists() else "the folder does not exist",
                    "check the path; a registry is a bare git repository",
                )
            )
        self._transporter().init(self._repository, bare=True)

    def _transporter(self) -> Transport:
        if self._transport is None:
            self._transport = self._make_transport()
        return self._transport

    def _fetch(self) -> None:
        try:
            self._transporter().fetch(
                self._repository,
                self._location,
                [f"{CATALOG}*:{CATALOG}*", "refs/heads/sets/*:refs/heads/sets/*"],
            )
        except RewrittenError as error:
            raise IntegrityError(
                Problem(
                    "registry.rewritten",
                    f"the registry {self._location} lost revisions that were published",
                    str(error),
                    f"ask its keepers; the history as it was is in {self._repository}",
                )
            ) from error
        except RemoteRefMissingError as error:
            raise UnavailableError(
                Problem("registry.missing", f"no registry at {self._location}", str(error))
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with writing(self._repository):
            self._drop_pending()
            try:
                yield
            except BaseException:
                with suppress(BrazilError):  # a git that was ended with us left its locks: the next writer clears
                    self._drop_pending()
                raise
            self._drop_pending()

    def _drop_pending(self) -> None:
        if pending := pending_refs(self._repository):
            try:
                move_refs(self._repository, [], pending)
            except (GitFailedError, RefMovedError) as failure:
                error = (
                    failure if isinstance(failure, GitFailedError) else GitFailedError("update-ref", 1, str(failure))
                )
                raise broken(self._repository, error) from failure

    def _attempts(self) -> Iterator[int]:
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, min(1.0, 0.01 * 2**attempt)))
            yield attempt

    def _busy(self, what: str) -> UnavailableError:
        return UnavailableError(
            Problem("registry.busy", f"cannot {what}", f"others were faster {_ATTEMPTS} times", "try again")
        )

    def _tidy(self) -> None:
        packs = sum(1 for _ in (self._repository / "objects" / "pack").glob("*.pack"))
        if packs > _PACKS:
            try:
                run(in_repository(self._repository), ["repack", "--geometric=2", "-d", "-q"])
            except GitFailedError:
                return  # what was written is safe; the next writer tries again
