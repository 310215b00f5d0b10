"""Version sets: create, look at, compare."""

from collections.abc import Mapping
from typing import NamedTuple

from brazil.build.candidate import registered
from brazil.errors import Problem, UsageError
from brazil.graph.closure import Closures
from brazil.graph.dependency import DependencyGraph
from brazil.model.names import Interface, VersionSetName
from brazil.model.versionset import (
    Draft,
    PackageRecord,
    Policy,
    Reason,
    Revision,
    RevisionDiff,
    RevisionInfo,
    diff_revisions,
)
from brazil.operations.packages import known_package
from brazil.ports import CommitInfo, Registry, SourceProvider


class DeployDiff(NamedTuple):
    """What a difference means for one target that is in both revisions."""

    target: Interface
    size: int  # packages in its runtime closure now
    artifacts_differ: int  # of them, those whose artifact differs or that were not there before


class DiffReport(NamedTuple):
    """A difference with what a reader wants to know beside the pins."""

    diff: RevisionDiff
    commits: Mapping[Interface, tuple[CommitInfo, ...]]  # for "changed" and "moved back", newest first
    deploy: tuple[DeployDiff, ...]  # sorted by target


def create_set(name: VersionSetName, policy: Policy, registry: Registry, *, origin: Revision | None = None) -> Revision:
    """Begin a set, empty or with another revision's content.

    Raises:
        UsageError: the name is taken, or a target is of no package, or not among the pins it begins with.
    """
    if origin is None:
        unknown: list[Problem] = []
        for target in policy.targets:
            try:
                known_package(target.name, registry)
            except UsageError as error:
                unknown += error.problems
        if unknown:
            raise UsageError(*unknown)
        return registry.create_set(name, Draft(policy, {}, {}, Reason("create")))
    targets = policy.targets or origin.policy.targets
    problems = [
        Problem("set.target-not-pinned", f"the target {target} is not in {origin.info.set} {origin.info.number}")
        for target in targets
        if target not in origin.records
    ]
    if problems:
        raise UsageError(*problems)
    reached = Closures(DependencyGraph(origin.manifests)).reachable(targets)
    pins = {interface: record for interface, record in origin.records.items() if interface in reached}
    results = {
        platform: {interface: result for interface, result in per_pin.items() if interface in reached}
        for platform, per_pin in origin.results.items()
    }
    reason = Reason("create", text=f"from {origin.info.set} {origin.info.number}")
    return registry.create_set(name, Draft(policy._replace(targets=targets), pins, results, reason))


def set_log(name: VersionSetName, registry: Registry, limit: int | None) -> tuple[RevisionInfo, ...]:
    """Return the newest revisions of a set, newest first."""
    registry.refresh()
    registry.revision(name)  # names what there is when there is no such set
    return tuple(registry.history(name, limit))


def revision_before(revision: Revision, registry: Registry) -> Revision:
    """Return the revision of the same set that a revision was made from.

    Raises:
        UsageError: it is the first one.
    """
    name, number = revision.info.set, revision.info.number
    if revision.info.parent:
        return registry.revision(name, number - 1)
    origin = revision.info.reason.text
    raise UsageError(
        Problem(
            "set.first-revision",
            f"{name} has no revision before {number}",
            f"the set was begun with it{f', {origin}' if origin else ''}",
            f"name what to compare it with: brazil vs diff SET@N {name}@{number}",
        )
    )


def diff_sets(before: Revision, after: Revision, registry: Registry, sources: SourceProvider) -> DiffReport:
    """Compare two revisions and look up the commits in between."""
    diff = diff_revisions(before, after)
    commits = {
        change.interface: _commits(change.before, change.after, registry, sources)
        for change in diff.changes
        if change.kind in ("changed", "moved back") and change.before and change.after
    }
    return DiffReport(diff, commits, _deploy(before, after, diff))


def _commits(
    before: PackageRecord, after: PackageRecord, registry: Registry, sources: SourceProvider
) -> tuple[CommitInfo, ...]:
    package = registered(registry, after.version.interface.name)
    if after.version.number < before.version.number:
        before, after = after, before
    return sources.commits(package, before.commit, after.commit)


def _deploy(before: Revision, after: Revision, diff: RevisionDiff) -> tuple[DeployDiff, ...]:
    closures = Closures(DependencyGraph(after.manifests))
    found = []
    for target in sorted(set(before.policy.targets) & set(after.policy.targets) & after.records.keys()):
        members = closures.runtime(target)
        differ = sum(member in diff.artifacts_differ or member not in before.records for member in members)
        found.append(DeployDiff(target, len(members), differ))
    return tuple(found)
