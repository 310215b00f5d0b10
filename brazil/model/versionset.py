"""Version sets: what a revision pins, what was recorded of it, and how two revisions differ."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from brazil.errors import InternalError, Problem
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName
from brazil.model.package import Manifest

V = TypeVar("V")


class RegisteredPackage(NamedTuple):
    """A package the registry knows: where its repository is."""

    name: PackageName
    repository: str  # a git URL or an absolute path
    owners: tuple[str, ...] = ()  # sorted


class PackageRecord(NamedTuple):
    """One package version as the registry keeps it for ever."""

    version: PackageVersion
    commit: str  # git commit id, 40 or 64 lower-case hex digits
    source: Digest  # root of the source Tree at that commit
    manifest: Manifest
    against: tuple[PackageVersion, ...] = ()  # its build and tool closures when it was built, sorted


class NewVersion(NamedTuple):
    """A package version about to be published; the registry numbers it when the revision is committed."""

    manifest: Manifest
    commit: str
    source: Digest
    against: tuple[Interface, ...] = ()  # its build and tool closures, sorted; pinned in the same revision


class Result(NamedTuple):
    """What is recorded of one pin on one platform: it was built, and its tests passed."""

    platform: str  # digest of the platform, 64 hex digits: never used on another
    build: Digest  # the build Action
    artifact: Digest
    snapshot: Digest
    test: Digest | None = None  # the test Action that passed; None: the package has no tests


class Reason(NamedTuple):
    """Why a revision was made."""

    kind: str  # "create", "publish"
    packages: tuple[tuple[PackageName, str], ...] = ()  # (package, commit) asked for, sorted
    text: str = ""  # what the actor said, may hold several lines


class Policy(NamedTuple):
    """What a version set is for; each revision carries it."""

    targets: tuple[Interface, ...] = ()  # sorted; everything else is there because a target needs it
    platforms: tuple[str, ...] = ()  # sorted names such as "linux-x86_64"
    owners: tuple[str, ...] = ()  # sorted


class RevisionInfo(NamedTuple):
    """One line of a set's history."""

    set: VersionSetName
    number: int  # 0: created and empty; then 1, 2, 3 ...
    commit: str  # the registry commit that is this revision
    parent: str  # the commit of the revision before; empty for the first
    time: int  # seconds since 1970, UTC
    actor: str  # name and address of who made it
    reason: Reason
    token: str = ""  # request token: the same token again gives this revision


class Stamped(Mapping[Interface, V]):
    """Values that are made when they are asked for, and can be told apart before."""

    @property
    @abstractmethod
    def stamps(self) -> Mapping[Interface, str]:
        """For each value a text; the same text is the same value, whoever has it."""


class Revision(NamedTuple):
    """One immutable state of a version set."""

    info: RevisionInfo
    policy: Policy
    records: Mapping[Interface, PackageRecord]  # the pins, sorted by interface
    results: Mapping[str, Mapping[Interface, Result]]  # platform name -> pin -> result
    manifests: Mapping[Interface, Manifest]  # those in `records`: a graph needs them alone, of very many pins


class Draft(NamedTuple):
    """Everything a new revision will hold, before numbers are given."""

    policy: Policy
    pins: Mapping[Interface, PackageRecord | NewVersion]
    results: Mapping[str, Mapping[Interface, Result]]
    reason: Reason
    token: str = ""


def number_pins(
    draft: Draft, highest: Callable[[Sequence[Interface]], Mapping[Interface, int]]
) -> dict[Interface, PackageRecord]:
    """Give every new version of a draft its number; return all pins, sorted by interface.

    A known version keeps its number; a new one gets the number after the highest of its interface; what it was
    built against is what the same draft pins.

    Args:
        draft: what a revision is to hold.
        highest: gives the highest numbers that interfaces have so far; 0 where there is none.

    Raises:
        InternalError: the draft contradicts itself.
    """
    _refuse_contradictions(draft)
    pins = {interface: draft.pins[interface] for interface in sorted(draft.pins)}
    new = {interface: pin for interface, pin in pins.items() if isinstance(pin, NewVersion)}
    before = highest(list(new))
    versions = {interface: PackageVersion(interface, before[interface] + 1) for interface in new}

    def pinned(interface: Interface) -> PackageVersion:
        pin = pins[interface]
        return pin.version if isinstance(pin, PackageRecord) else versions[interface]

    numbered = {
        interface: PackageRecord(
            versions[interface], pin.commit, pin.source, pin.manifest, tuple(sorted(map(pinned, pin.against)))
        )
        for interface, pin in new.items()
    }
    return {
        interface: pin if isinstance(pin, PackageRecord) else numbered[interface] for interface, pin in pins.items()
    }


def _refuse_contradictions(draft: Draft) -> None:
    found: list[tuple[Interface, str]] = []
    for interface, pin in draft.pins.items():
        own = pin.manifest.interface
        if own != interface or (isinstance(pin, PackageRecord) and pin.version.interface != interface):
            found.append((interface, f"the draft pins {own} as {interface}"))
        if isinstance(pin, NewVersion):
            strays = (other for other in sorted(pin.against) if other not in draft.pins)
            found += [
                (interface, f"the draft has {interface} built against {o}, which it does not pin") for o in strays
            ]
    for platform, results in sorted(draft.results.items()):
        if not results.keys() <= draft.pins.keys():
            found += [
                (interface, f"the draft has a result of {interface} on {platform}, which it does not pin")
                for interface in sorted(results.keys() - draft.pins.keys())
            ]
    if found:
        raise InternalError(*(Problem("registry.draft", text) for _, text in sorted(found)))


class PinChange(NamedTuple):
    """How one pin differs between two revisions."""

    interface: Interface
    kind: str  # "added", "removed", "changed", "moved back", "rebuilt"
    before: PackageRecord | None
    after: PackageRecord | None
    because: tuple[Interface, ...] = ()  # for "rebuilt": the dependencies whose versions differ


class RevisionDiff(NamedTuple):
    """What one revision changed against another."""

    before: RevisionInfo
    after: RevisionInfo
    changes: tuple[PinChange, ...]  # sorted by (kind in the order above, interface)
    unchanged: int
    targets_added: tuple[Interface, ...]
    targets_removed: tuple[Interface, ...]
    platforms_added: tuple[str, ...]
    platforms_removed: tuple[str, ...]
    artifacts_differ: frozenset[Interface]  # pins in both whose artifact differs on some platform


_KINDS = ("added", "removed", "changed", "moved back", "rebuilt")


def diff_revisions(before: Revision, after: Revision) -> RevisionDiff:
    """Compare two revisions, of one set or of two."""
    changes = [
        change
        for interface in _differing(before.records, after.records)
        if (change := _pin_change(interface, before.records.get(interface), after.records.get(interface)))
    ]
    changes.sort(key=lambda c: (_KINDS.index(c.kind), c.interface))
    old, new = before.policy, after.policy
    return RevisionDiff(
        before=before.info,
        after=after.info,
        changes=tuple(changes),
        unchanged=len(after.records) - sum(c.after is not None for c in changes),
        targets_added=tuple(sorted(set(new.targets) - set(old.targets))),
        targets_removed=tuple(sorted(set(old.targets) - set(new.targets))),
        platforms_added=tuple(sorted(set(new.platforms) - set(old.platforms))),
        platforms_removed=tuple(sorted(set(old.platforms) - set(new.platforms))),
        artifacts_differ=frozenset(_artifacts_differ(before, after)),
    )


def _differing(before: Mapping[Interface, V], after: Mapping[Interface, V]) -> set[Interface]:
    """Return what only one of them has, and what they have different values of."""
    if isinstance(before, Stamped) and isinstance(after, Stamped):
        return _differing(before.stamps, after.stamps)
    changed = {interface for interface, value in after.items() if before.get(interface) != value}
    return changed.union(interface for interface in before if interface not in after)


def _pin_change(interface: Interface, old: PackageRecord | None, new: PackageRecord | None) -> PinChange | None:
    if old is None:
        return PinChange(interface, "added", None, new)
    if new is None:
        return PinChange(interface, "removed", old, None)
    if old.version == new.version:
        return None
    if new.version.number < old.version.number:
        return PinChange(interface, "moved back", old, new)
    if old.source != new.source or old.commit != new.commit:
        return PinChange(interface, "changed", old, new)
    moved = {v.interface for v in set(old.against) ^ set(new.against)}
    direct = moved & {d.interface for d in new.manifest.dependencies}
    return PinChange(interface, "rebuilt", old, new, tuple(sorted(direct or moved)))


def _artifacts_differ(before: Revision, after: Revision) -> Iterator[Interface]:
    for platform in before.results.keys() & after.results.keys():
        old, new = before.results[platform], after.results[platform]
        for interface in _differing(old, new):
            if interface in old and interface in new and old[interface].artifact != new[interface].artifact:
                yield interface
