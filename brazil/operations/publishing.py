"""Publish: build named commits and everything they affect into a version set; one new revision, or none.

Order of effects: results are kept as they come; then the sources are put where readers of the registry find them;
then the registry adds the records and, last, moves the set's ref. Whatever stops the work before that leaves the
set as it was. When the set has moved meanwhile, the check is done again on the new base; only a real overlap is
refused.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brazil.build.candidate import Builder, Candidate, Fresh, make_candidate, registered, tell_unused
from brazil.build.executor import Execution, Outcome
from brazil.build.history import history
from brazil.build.sources import fresh_package
from brazil.errors import IntegrityError, InternalError, Problem, UnavailableError, UsageError
from brazil.events import Emit, Note
from brazil.formats.snapshot import encode_snapshot
from brazil.graph.invariants import check
from brazil.model.action import Platform, StepId, StepKind
from brazil.model.conflict import Conflict
from brazil.model.digest import digest_of
from brazil.model.names import Interface, PackageName, VersionSetName
from brazil.model.package import MANIFEST
from brazil.model.versionset import (
    Draft,
    NewVersion,
    PackageRecord,
    Policy,
    Reason,
    Result,
    Revision,
    RevisionDiff,
    RevisionInfo,
    diff_revisions,
    number_pins,
)
from brazil.operations.building import BuildPorts
from brazil.plan.state import GOOD_ENDS, State
from brazil.ports import CommitInfo, Moved, Registry

_ATTEMPTS = 10  # new bases that one publication follows before it gives up
_LONGEST_TOKEN = 200  # characters


class PublishRequest(NamedTuple):
    """What to publish."""

    set: VersionSetName
    commits: Mapping[PackageName, str]  # package -> full commit id
    targets: tuple[Interface, ...] = ()  # added to those of the set
    message: str = ""
    token: str = ""
    dry_run: bool = False
    keep_going: bool = False
    since: int | None = None  # the revision that the workspace stands on which the commits are from
    deliberate: frozenset[PackageName] = frozenset()  # those named by a ref: they may take back what others did


class Published(NamedTuple):
    """There is a new revision; or, after a dry run, there would be."""

    before: RevisionInfo
    after: Revision | None  # None: dry run
    diff: RevisionDiff | None
    outcomes: Mapping[StepId, Outcome]


class AlreadyPublished(NamedTuple):
    """Nothing was done: the token was used before, or every commit is pinned already."""

    revision: RevisionInfo
    by_token: bool


class BuildsFailed(NamedTuple):
    """No revision: something failed."""

    base: RevisionInfo
    outcomes: Mapping[StepId, Outcome]
    base_is_broken: bool  # what failed has nothing of this change in it


class Overlap(NamedTuple):
    """No revision: somebody else moved the same packages meanwhile."""

    head: RevisionInfo
    packages: tuple[tuple[Interface, str, str], ...]  # (interface, our commit, theirs), sorted


PublishOutcome = Published | AlreadyPublished | BuildsFailed | Overlap | Conflict


def publish(request: PublishRequest, ports: BuildPorts, emit: Emit) -> PublishOutcome:
    """Publish commits of packages into a version set.

    Raises:
        UsageError: a package has no valid manifest at its commit, no target reaches it, or a text cannot be recorded.
        UnavailableError: the set has a platform that this machine is not, or moves too fast.
    """
    _refuse_texts(request)
    ports.registry.refresh()
    if request.token and (earlier := ports.registry.published(request.set, request.token)):
        return _already(earlier, ports, by_token=True)
    first_base = base = ports.registry.revision(request.set)
    named = _named(request, ports)
    for _ in range(_ATTEMPTS):
        outcome = _attempt(request, named, base, ports, emit)
        if not isinstance(outcome, Moved):
            return outcome
        base = outcome.head
        emit(Note("publish", f"{request.set} is at revision {base.info.number} now: checking again on top of it"))
        if overlap := _overlap(named, first_base, base):
            return Overlap(base.info, overlap)
    raise UnavailableError(
        Problem("publish.busy", f"{request.set} moved {_ATTEMPTS} times while this was published", hint="try again")
    )


def _attempt(
    request: PublishRequest, named: Mapping[Interface, Fresh], base: Revision, ports: BuildPorts, emit: Emit
) -> PublishOutcome | Moved:
    platform = ports.machine.sandbox.platform
    policy = _policy(request, base, platform)
    # What is pinned at just that commit is left out.
    fresh = {i: f for i, f in named.items() if i not in base.records or base.records[i].commit != f.commit}
    if not fresh and policy == base.policy:
        return _already(base.info, ports, by_token=False)
    if lost := _taken_back(request, fresh, base, ports):
        return Overlap(base.info, lost)
    candidate = make_candidate(base, fresh, policy.targets, ports.registry)
    if isinstance(candidate, Conflict):
        return candidate
    _refuse_unreached(fresh, candidate)
    tell_unused(candidate, emit)
    _refuse_too_low(candidate, ports.registry)
    outcomes = _run(request, candidate, ports, emit)
    if not all(outcome.state in GOOD_ENDS for outcome in outcomes.values()):
        return BuildsFailed(base.info, outcomes, _base_is_broken(candidate, outcomes))
    _refuse_irreproducible(candidate, outcomes, platform)
    if request.dry_run:
        return Published(base.info, None, None, outcomes)
    draft = _draft(request, policy, candidate, outcomes, platform)
    _refuse_broken(draft, base, ports.registry)
    ports.sources.keep({f.manifest.name: f.commit for f in fresh.values()})
    committed = ports.registry.commit(request.set, base.info.commit, draft)
    if isinstance(committed, Moved):
        return committed
    return Published(base.info, committed, diff_revisions(base, committed), outcomes)


def _already(revision: RevisionInfo, ports: BuildPorts, *, by_token: bool) -> AlreadyPublished:
    # Whoever published it may have been killed before it had tidied up.
    ports.registry.settle()
    return AlreadyPublished(revision, by_token)


def _refuse_texts(request: PublishRequest) -> None:
    """Refuse what a registry could not record, before anything is built for it."""
    problems = []
    if len(request.token) > _LONGEST_TOKEN:
        because = f"it has {len(request.token)} characters, at most {_LONGEST_TOKEN} are allowed"
        problems.append(Problem("publish.token", "the request token cannot be used", because))
    elif not request.token.isprintable():
        because = f"{request.token!a} holds a character that cannot be printed"
        problems.append(Problem("publish.token", "the request token cannot be used", because))
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in request.message):
        because = "it holds a null character or is not valid Unicode"
        problems.append(Problem("publish.message", "the message cannot be recorded", because))
    if problems:
        raise UsageError(*problems)


def _policy(request: PublishRequest, base: Revision, platform: Platform) -> Policy:
    others = [name for name in base.policy.platforms if name != platform.name]
    if others:
        raise UnavailableError(
            Problem(
                "publish.platform",
                f"{request.set} is for {', '.join(base.policy.platforms)}, this machine is {platform.name}",
                "a revision needs results for every platform of its set",
            )
        )
    return base.policy._replace(
        targets=tuple(sorted({*base.policy.targets, *request.targets})), platforms=(platform.name,)
    )


def _named(request: PublishRequest, ports: BuildPorts) -> dict[Interface, Fresh]:
    """Read the manifests of the named commits."""
    named: dict[Interface, Fresh] = {}
    problems: list[Problem] = []
    store = ports.machine.store
    for name, commit in sorted(request.commits.items()):
        package = registered(ports.registry, name)
        try:
            source = ports.sources.tree(package, commit)
            found = fresh_package(store, name, source, commit, f"{MANIFEST} of {name} at {commit[:12]}")
        except UsageError as error:
            problems += error.problems
            continue
        named[found.manifest.interface] = found
    if problems:
        raise UsageError(*problems)
    return named


def _taken_back(
    request: PublishRequest, fresh: Mapping[Interface, Fresh], base: Revision, ports: BuildPorts
) -> tuple[tuple[Interface, str, str], ...]:
    """Find commits of a workspace that lack what others have published since its base.

    Raises:
        UsageError: one lacks what the workspace's own base pins.
    """
    if request.since is None:
        return ()
    stood_on = ports.registry.revision(request.set, request.since).records
    problems, moved = [], []
    for interface, ours in fresh.items():
        theirs = base.records.get(interface)
        if theirs is None or interface.name in request.deliberate:
            continue
        lacks = ports.sources.commits(registered(ports.registry, interface.name), ours.commit, theirs.commit)
        if not lacks:
            continue
        if interface in stood_on and stood_on[interface].commit == theirs.commit:
            problems.append(_behind(interface, ours.commit, lacks, ports.registry))
        else:
            moved.append((interface, ours.commit, theirs.commit))
    if problems:
        raise UsageError(*problems)
    return tuple(sorted(moved))


def _behind(interface: Interface, ours: str, lacks: Sequence[CommitInfo], registry: Registry) -> Problem:
    newest = lacks[0]
    more = f" and {len(lacks) - 1} more" if len(lacks) > 1 else ""
    place = f"{shlex.quote(registry.location)} refs/sources/{interface.name}/{newest.id}"
    return Problem(
        "publish.behind",
        f"the checkout of {interface.name} lacks what is pinned",
        f"{ours[:12]} is without {newest.id[:12]} {newest.subject[:60]!r}{more}",
        f"git -C src/{interface.name} pull --rebase {place}; to go back on purpose: -p {interface.name}=REF",
    )


def _refuse_unreached(fresh: Mapping[Interface, Fresh], candidate: Candidate) -> None:
    problems = [
        Problem(
            "publish.unreached",
            f"no target of {candidate.base.info.set} needs {interface}",
            hint=f"make it a target: --target {interface}",
        )
        for interface in sorted(fresh)
        if interface not in candidate.fresh
    ]
    if problems:
        raise UsageError(*problems)


def _refuse_too_low(candidate: Candidate, registry: Registry) -> None:
    """Refuse when somebody needs a higher build number than a fresh package is going to get."""
    numbers = {interface: _highest(interface, registry) + 1 for interface in candidate.fresh}
    problems = [
        Problem(
            "publish.at-least",
            f"{interface} needs {dependency.interface}.{dependency.at_least} or newer",
            f"what is published now would be {dependency.interface}.{numbers[dependency.interface]}",
            "lower 'at-least' in its manifest",
        )
        for interface, manifest in candidate.manifests.items()
        for dependency in manifest.dependencies
        if dependency.at_least > numbers.get(dependency.interface, dependency.at_least)
    ]
    if problems:
        raise UsageError(*problems)


def _highest(interface: Interface, registry: Registry) -> int:
    return max(registry.versions(interface), default=0)


def _run(request: PublishRequest, candidate: Candidate, ports: BuildPorts, emit: Emit) -> dict[StepId, Outcome]:
    machine = ports.machine
    platform = machine.sandbox.platform
    recorded = candidate.recorded(platform)
    # A pin without a result for this very platform is built again: results of two platforms are never mixed.
    unknown = candidate.manifests.keys() - recorded.keys()
    rebuild = candidate.affected.rebuild | unknown
    builder = Builder(machine.store, ports.sources, ports.registry, platform)
    plan = builder.plan(candidate, rebuild, rebuild | candidate.affected.retest)
    previous, outputs = history(candidate, plan, machine)
    return Execution(
        plan, machine, previous=previous, earlier_outputs=outputs, keep_going=request.keep_going, emit=emit
    ).run()


def _base_is_broken(candidate: Candidate, outcomes: Mapping[StepId, Outcome]) -> bool:
    touched = candidate.affected.rebuild | candidate.affected.retest
    return not any(o.state is State.FAILED and step.interface in touched for step, o in outcomes.items())


def _refuse_irreproducible(candidate: Candidate, outcomes: Mapping[StepId, Outcome], platform: Platform) -> None:
    """Refuse when a pin that nothing touched came out different: its recorded consumers were built against another."""
    problems = []
    for interface, result in candidate.recorded(platform).items():
        outcome = outcomes.get(StepId(interface, StepKind.BUILD))
        if (
            outcome
            and outcome.snapshot
            and outcome.snapshot.action == result.build
            and outcome.output != result.artifact
        ):
            problems.append(
                Problem(
                    "publish.irreproducible",
                    f"{candidate.records[interface].version} came out different from what is recorded",
                    f"the same inputs gave {outcome.output} now and {result.artifact} before",
                    "make its build deterministic, then publish it",
                )
            )
    if problems:
        raise IntegrityError(*problems)


def _draft(
    request: PublishRequest,
    policy: Policy,
    candidate: Candidate,
    outcomes: Mapping[StepId, Outcome],
    platform: Platform,
) -> Draft:
    recorded = candidate.recorded(platform)
    results = {i: _result(i, recorded.get(i), outcomes, platform) for i in candidate.manifests}
    pins: dict[Interface, PackageRecord | NewVersion] = {}
    for interface in candidate.manifests:
        fresh = candidate.fresh.get(interface)
        against = candidate.closures.inputs(interface)
        if fresh:
            pins[interface] = NewVersion(fresh.manifest, fresh.commit, fresh.source, against)
            continue
        record = candidate.records[interface]
        # Built again: its inputs are not the recorded ones. One whose inputs came out equal keeps its number.
        same = interface in recorded and recorded[interface].build == results[interface].build
        same = same or (interface not in candidate.base.records and _built_as_recorded(record, candidate))
        pins[interface] = record if same else NewVersion(record.manifest, record.commit, record.source, against)
    reason = Reason("publish", tuple(sorted(request.commits.items())), request.message)
    return Draft(policy, pins, {platform.name: results}, reason, request.token)


def _built_as_recorded(record: PackageRecord, candidate: Candidate) -> bool:
    """Say whether a version from the catalog was built against exactly the versions that are pinned now."""
    return all(
        version.interface in candidate.records and candidate.records[version.interface].version == version
        for version in record.against
    )


def _result(
    interface: Interface, recorded: Result | None, outcomes: Mapping[StepId, Outcome], platform: Platform
) -> Result:
    build = outcomes.get(StepId(interface, StepKind.BUILD))
    test = outcomes.get(StepId(interface, StepKind.TEST))
    result = recorded
    if build and build.snapshot and build.output:
        snapshot = digest_of(encode_snapshot(build.snapshot))
        result = Result(
            platform.digest, build.snapshot.action, build.output, snapshot, recorded.test if recorded else None
        )
    if result is None:
        raise AssertionError(f"{interface} has neither a recorded result nor a build Step")
    if test and test.snapshot:
        result = result._replace(test=test.snapshot.action)
    return result


def _refuse_broken(draft: Draft, base: Revision, registry: Registry) -> None:
    """Look once more, with other code than what made the draft: a revision that breaks an invariant is never written.

    The numbers are provisional; the registry gives them when it commits.
    """
    records = number_pins(draft, lambda new: {interface: _highest(interface, registry) for interface in new})
    problems: list[Problem] = []
    for platform, results in sorted(draft.results.items()):
        earlier = base.results.get(platform, {})
        artifacts = {base.records[i].version: result.artifact for i, result in earlier.items() if i in base.records}
        problems += check(records, results, artifacts, base.records)
    if problems:
        raise InternalError(*problems)


def _overlap(
    named: Mapping[Interface, Fresh], base: Revision, head: Revision
) -> tuple[tuple[Interface, str, str], ...]:
    """Find what is named and somebody else moved to another commit since; another line of a package is no matter."""
    found = []
    for interface, ours in named.items():
        theirs, before = head.records.get(interface), base.records.get(interface)
        if theirs and theirs.commit != ours.commit and (before is None or before.commit != theirs.commit):
            found.append((interface, ours.commit, theirs.commit))
    return tuple(sorted(found))
