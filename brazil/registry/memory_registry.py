"""The registry in memory: what the git registry promises, with nothing kept. For tests and for trying things."""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

from brazil.errors import Problem, UsageError
from brazil.gitrepo.names import check_actor, check_url
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName, package_name
from brazil.model.versionset import (
    Draft,
    NewVersion,
    PackageRecord,
    RegisteredPackage,
    Revision,
    RevisionInfo,
    number_pins,
)
from brazil.ports import Clock, Moved
from brazil.registry.layout import set_ref
from brazil.registry.refusals import refuse_taken, refuse_twin, taken, unknown_revision, unknown_set, unknown_version


class MemoryRegistry:
    """Packages, package versions and the revisions of version sets, in dicts."""

    def __init__(self, *, actor: str, clock: Clock) -> None:
        self._actor = check_actor(actor)
        self._clock = clock
        self._packages: dict[PackageName, RegisteredPackage] = {}
        self._records: dict[PackageVersion, PackageRecord] = {}
        self._sets: dict[VersionSetName, list[Revision]] = {}

    @property
    def location(self) -> str:
        """A path that is no repository."""
        return "/nonexistent"

    def refresh(self) -> None:
        """Do nothing: nobody else publishes here."""

    def settle(self) -> None:
        """Do nothing: nobody is interrupted here."""

    def packages(self) -> Sequence[RegisteredPackage]:
        """Return every registered package, sorted by name."""
        return sorted(self._packages.values())

    def package(self, name: PackageName) -> RegisteredPackage | None:
        """Return one package, or None."""
        return self._packages.get(name)

    def register(self, package: RegisteredPackage) -> bool:
        """Add a package, or change its repository or owners; False when it was there just so."""
        package = package._replace(name=package_name(package.name), owners=tuple(sorted(set(package.owners))))
        check_url(package.repository)
        if self._packages.get(package.name) == package:
            return False
        refuse_twin(package.name, self._packages)
        self._packages[package.name] = package
        return True

    def versions(self, interface: Interface) -> Sequence[int]:
        """Return the build numbers of an interface, rising."""
        return sorted(version.number for version in self._records if version.interface == interface)

    def interfaces(self, name: PackageName) -> Sequence[Interface]:
        """Return the interfaces of a package that have versions, sorted."""
        return sorted({version.interface for version in self._records if version.interface.name == name})

    def record(self, version: PackageVersion) -> PackageRecord:
        """Return one package version."""
        if version not in self._records:
            raise unknown_version(version, self.versions(version.interface), self.interfaces(version.interface.name))
        return self._records[version]

    def sets(self) -> Sequence[VersionSetName]:
        """Return the names of all version sets, sorted."""
        return sorted(self._sets)

    def create_set(self, name: VersionSetName, draft: Draft) -> Revision:
        """Begin a set: revision 0 when the draft pins nothing, else revision 1."""
        set_ref(name)
        refuse_taken(name, self.sets())
        made = self._advance(name, "", draft)
        if isinstance(made, Moved):
            raise taken(name, name)
        return made

    def revision(self, name: VersionSetName, number: int | None = None) -> Revision:
        """Return a revision; the newest when no number is given."""
        revisions = self._revisions(name)
        for revision in reversed(revisions):
            if number is None or revision.info.number == number:
                return revision
        raise unknown_revision(name, number or 0, [revision.info.number for revision in revisions])

    def history(self, name: VersionSetName, limit: int | None = None) -> Iterable[RevisionInfo]:
        """Return the revisions of a set, newest first."""
        return [revision.info for revision in islice(reversed(self._revisions(name)), limit)]

    def published(self, name: VersionSetName, token: str) -> RevisionInfo | None:
        """Return the revision that a request token made, or None."""
        return next((info for info in self.history(name) if token and info.token == token), None)

    def commit(self, name: VersionSetName, parent: str, draft: Draft) -> Revision | Moved:
        """Make the next revision of a set, or nothing."""
        self._revisions(name)
        return self._advance(name, parent, draft)

    def _revisions(self, name: VersionSetName) -> list[Revision]:
        if name not in self._sets:
            raise unknown_set(name, self.sets())
        return self._sets[name]

    def _advance(self, name: VersionSetName, parent: str, draft: Draft) -> Revision | Moved:
        before = self._sets.get(name, [])[-1:]
        if before and before[0].info.commit != parent:
            return Moved(before[0])
        records = number_pins(draft, lambda new: {i: max(self.versions(i), default=0) for i in new})
        self._refuse_unknown(draft)
        number = before[0].info.number + 1 if before else int(bool(draft.pins))
        commit = hashlib.sha1(f"{name} {number} {parent}".encode(), usedforsecurity=False).hexdigest()
        seconds = self._clock.now() // 1_000_000_000
        info = RevisionInfo(name, number, commit, parent, seconds, self._actor, draft.reason, draft.token)
        results = {p: dict(sorted(r.items())) for p, r in sorted(draft.results.items()) if r}
        manifests = {interface: record.manifest for interface, record in records.items()}
        revision = Revision(info, draft.policy, records, results, manifests)
        self._records.update({record.version: record for record in records.values()})
        self._sets.setdefault(name, []).append(revision)
        return revision

    def _refuse_unknown(self, draft: Draft) -> None:
        problems = []
        for _, pin in sorted(draft.pins.items(), key=lambda item: item[0]):
            if isinstance(pin, NewVersion):
                continue
            known = self._records.get(pin.version)
            if known is None:
                problems.append(Problem("registry.unknown-version", f"there is no package version {pin.version}"))
            elif known != pin:
                problems.append(
                    Problem("registry.record-differs", f"{pin.version} has another record", "records never change")
                )
        if problems:
            raise UsageError(*problems)
