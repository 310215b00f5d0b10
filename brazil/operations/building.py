"""Build and test in a workspace."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brazil.build.candidate import Builder, Candidate, Fresh, make_candidate, tell_unused
from brazil.build.executor import Execution, Machine, Outcome
from brazil.build.history import history
from brazil.build.remembered import remember
from brazil.build.sources import fresh_package
from brazil.build.stale import CatchUp, catch_up, stale_packages, steps_to_catch_up
from brazil.errors import IntegrityError, Problem, UsageError
from brazil.events import Emit
from brazil.graph.closure import ClosureKind, Closures
from brazil.model.action import Snapshot, StepId, StepKind
from brazil.model.conflict import Conflict
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName
from brazil.model.nearest import did_you_mean
from brazil.model.package import MANIFEST
from brazil.model.versionset import Revision
from brazil.model.workspace import Captured, WorkspaceFile
from brazil.operations.in_use import (
    built,
    captured,
    kept_failures,
    leave_trace,
    link_artifacts,
    plan_path,
    rows_of,
    unchanged,
)
from brazil.plan.planner import Plan
from brazil.plan.state import GOOD_ENDS
from brazil.ports import Checkouts, Registry, SourceProvider
from brazil.workspace.folder import WorkspaceFolder
from brazil.workspace.record_file import NOTHING, write_records
from brazil.workspace.trace import Look, make_room, read_file, trace_key, words_of


class WorkspaceBuild(NamedTuple):
    """What a build in a workspace did."""

    candidate: Candidate
    outcomes: Mapping[StepId, Outcome]
    artifacts: Mapping[Interface, Digest]  # of everything that was asked for and has one
    stale: tuple[Interface, ...]  # pinned consumers of what is in use that were not asked for; none when it failed
    unchanged: tuple[Interface, ...]  # taken as the base has them: asked for, or seen by a Step; sorted
    kept: tuple[StepId, ...] = ()  # failed Steps whose tree was kept
    catch_up: CatchUp | None = None  # what brings the stale ones up to date; None: there are none

    @property
    def succeeded(self) -> bool:
        """Whether every Step did."""
        return all(outcome.state in GOOD_ENDS for outcome in self.outcomes.values())


class BuildRequest(NamedTuple):
    """What to build in a workspace."""

    names: tuple[str, ...]  # packages or interfaces; empty: everything in use
    tests: bool  # run their tests too
    closures: tuple[ClosureKind, ...] = ()  # have all that is in these and in the tools, to be inside; not itself
    keep_going: bool = False
    everything: bool = False  # every package of the set instead of names

    @property
    def kind(self) -> str:
        """The request as a trace names it."""
        return "test" if self.tests else "build"


class BuildPorts(NamedTuple):
    """The ports that a build in a workspace takes."""

    registry: Registry
    sources: SourceProvider
    checkouts: Checkouts
    machine: Machine


def build_workspace(
    workspace: WorkspaceFolder, request: BuildRequest, ports: BuildPorts, emit: Emit, look: Look | None = None
) -> WorkspaceBuild | Conflict:
    """Build what was asked for, from what the checkouts hold now.

    Args:
        workspace: where.
        request: what.
        ports: with what.
        emit: listener.
        look: at the trace of the same build before, so that what has not changed since is not read again.

    Raises:
        UsageError: a name is not in the set, nothing is in use, or a checkout is not what it should be.
    """
    machine = ports.machine
    root = str(workspace.root)
    content, mark = read_file(root), machine.store.mark()
    planned = plan_workspace(workspace, request, ports, emit, look)
    if isinstance(planned, Conflict):
        return planned
    checkouts, candidate, builds, plan = planned
    outcomes = _execute(workspace, candidate, plan, machine, request.keep_going, emit)
    artifacts = {**plan.artifacts, **built(outcomes)}
    link_artifacts(workspace, {i: artifacts[i] for i in candidate.fresh if i in artifacts}, machine)
    asked = {i: artifacts[i] for i in sorted(builds) if i in artifacts}
    build = WorkspaceBuild(
        candidate, outcomes, asked, (), tuple(sorted(plan.artifacts)), kept_failures(workspace, outcomes, machine)
    )
    if build.succeeded and not request.closures:
        # Before that, what a consumer should be built against is not known.
        recorded = candidate.base.results.get(machine.sandbox.platform.name, {})
        if stale := stale_packages(candidate, recorded, artifacts):
            unbuilt = candidate.fresh.keys() - artifacts.keys()
            build = build._replace(stale=stale, catch_up=_catch_up(candidate, stale, unbuilt, machine))
        make_room(root)
        words = words_of(request.names, everything=request.everything)
        platform = machine.sandbox.platform.digest
        key = trace_key(root, content, request.kind, words, platform=platform, store=mark)
        plan_state = NOTHING
        if not candidate.affected.rebuild - {step.interface for step in plan.steps}:
            # Else a change to one source may make more stale than this.
            tops = {i: machine.store.read_directory(package.source) for i, package in candidate.fresh.items()}
            records = remember(plan, outcomes, artifacts, tops)
            plan_state = write_records(plan_path(workspace, key), records)
        stale_told = (tuple(map(str, build.stale)), tuple(build.catch_up or ()))
        leave_trace(workspace, key, rows_of(checkouts), len(outcomes), stale_told, plan_state)
    return build


class Planned(NamedTuple):
    """What a build in a workspace is going to do."""

    checkouts: Mapping[PackageName, Captured]
    candidate: Candidate
    builds: frozenset[Interface]  # what will have an artifact, because it was asked for
    plan: Plan


def plan_workspace(
    workspace: WorkspaceFolder, request: BuildRequest, ports: BuildPorts, emit: Emit, look: Look | None
) -> Planned | Conflict:
    """Capture the checkouts and plan what was asked for; what they hold is put into the store, and nothing is run.

    Raises:
        UsageError: as `build_workspace`.
    """
    file = workspace.read()
    base = base_revision(file, ports.registry)
    checkouts = captured(workspace, file.packages, ports.checkouts, unchanged(look) if look else {})
    fresh = _fresh(workspace, checkouts, ports.machine)
    candidate = make_candidate(base, fresh, (*base.policy.targets, *fresh), ports.registry)
    if isinstance(candidate, Conflict):
        return candidate
    tell_unused(candidate, emit)
    wanted = _wanted(request, candidate)
    builds = _inside(request, wanted, candidate.closures) if request.closures else set(wanted)
    builder = Builder(ports.machine.store, ports.sources, ports.registry, ports.machine.sandbox.platform)
    plan = builder.plan(candidate, builds, wanted if request.tests else ())
    return Planned(checkouts, candidate, frozenset(builds), plan)


def base_revision(file: WorkspaceFile, registry: Registry) -> Revision:
    """Return the revision a workspace stands on.

    Raises:
        IntegrityError: the registry has another revision under its number.
    """
    revision = registry.revision(file.set, file.revision)
    if revision.info.commit != file.revision_commit:
        raise IntegrityError(
            Problem(
                "workspace.other-revision",
                f"revision {file.revision} of {file.set} is not the one this workspace was made from",
                f"it is {revision.info.commit[:12]}, the workspace says {file.revision_commit[:12]}",
                "check which registry is configured; 'brazil ws sync' moves the workspace to what is there now",
            )
        )
    return revision


def _fresh(
    workspace: WorkspaceFolder, checkouts: Mapping[PackageName, Captured], machine: Machine
) -> dict[Interface, Fresh]:
    fresh: dict[Interface, Fresh] = {}
    problems: list[Problem] = []
    for name, checkout in checkouts.items():
        file = workspace.checkout(name) / MANIFEST
        try:
            package = fresh_package(machine.store, name, checkout.root, "", str(file), ignored=file.is_file())
            fresh[package.manifest.interface] = package
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(*problems)
    return fresh


def _wanted(request: BuildRequest, candidate: Candidate) -> tuple[Interface, ...]:
    if request.everything:
        return tuple(candidate.manifests)
    if not request.names:
        if not candidate.fresh:
            raise UsageError(
                Problem(
                    "build.nothing-in-use",
                    "no package is in use in this workspace",
                    hint="name what to build, say --all, or check a package out with 'brazil ws use PACKAGE'",
                )
            )
        return tuple(sorted(candidate.fresh))
    return tuple(sorted({interface for name in request.names for interface in find_interfaces(name, candidate)}))


def find_interfaces(name: str, candidate: Candidate) -> list[Interface]:
    """Find what a user means by a package or an interface: the fresh one if there is one, else every pinned line.

    Raises:
        UsageError: nothing in the set has this name; suggests the nearest.
    """
    members = candidate.manifests.keys()
    found = [i for i in members if str(i) == name] or [i for i in candidate.fresh if i.name == name]
    found = found or [i for i in members if i.name == name]
    if not found:
        names = {PackageName(name) for i in members for name in (i.name, str(i))}
        of = candidate.base.info.set
        hint = did_you_mean(name, names) or f"'brazil vs show {of}' lists what is"
        raise UsageError(Problem("build.unknown-package", f"{name!a} is not in {of}", hint=hint))
    return found


def _inside(request: BuildRequest, wanted: Sequence[Interface], closures: Closures) -> set[Interface]:
    """Return everything that is in the closures that were asked for, and in those of the tools.

    Raises:
        UsageError: one name means several interfaces.
    """
    one_interface(wanted)
    builds = {m for interface in wanted for kind in request.closures for m in closures.of(kind, interface)}
    if request.closures != (ClosureKind.RUNTIME,):  # where no tools are
        builds |= {m for interface in wanted for _, members in closures.tools(interface) for m in members}
    return builds


def one_interface(found: Sequence[Interface]) -> Interface:
    """Return the interface that a name means.

    Raises:
        UsageError: it means several.
    """
    if len(found) > 1:
        raise UsageError(
            Problem(
                "closure.several-interfaces",
                f"{found[0].name} has several interfaces here",
                ", ".join(map(str, found)),
                "name one of them",
            )
        )
    return found[0]


def _catch_up(candidate: Candidate, stale: tuple[Interface, ...], unbuilt: set[Interface], machine: Machine) -> CatchUp:
    """Say what it takes to bring stale packages up to date, from what their recorded results took."""
    recorded = candidate.base.results.get(machine.sandbox.platform.name, {})

    def seconds(step: StepId) -> float | None:
        result = recorded.get(step.interface)
        action = result and (result.build if step.kind is StepKind.BUILD else result.test)
        # Remembered results and not the records of runs, whose reading takes twenty times as long.
        ran = machine.actions.get(action) if action else None
        return (ran.finished - ran.started) / 1e9 if ran else None

    tested = [interface for interface in stale if interface in recorded and recorded[interface].test]
    return catch_up(steps_to_catch_up(stale, unbuilt, tested, candidate.closures), seconds)


def known_steps(
    workspace: WorkspaceFolder, candidate: Candidate, plan: Plan, machine: Machine
) -> tuple[dict[StepId, Snapshot], dict[StepId, Digest]]:
    """Return what each Step read and gave when it last succeeded here, else at the base, as far as that is known."""
    previous, outputs = history(candidate, plan, machine)
    for step, (snapshot, output) in workspace.last_steps().items():
        previous[step], outputs[step] = snapshot, output
    return previous, outputs


def _execute(
    workspace: WorkspaceFolder, candidate: Candidate, plan: Plan, machine: Machine, keep_going: bool, emit: Emit
) -> dict[StepId, Outcome]:
    previous, outputs = known_steps(workspace, candidate, plan, machine)
    execution = Execution(
        plan,
        machine,
        previous=previous,
        earlier_outputs=outputs,
        keep_going=keep_going,
        emit=emit,
        keep_for=str(workspace.root),
    )
    outcomes = execution.run()
    ended = {s: (o.snapshot, o.output) for s, o in outcomes.items() if o.snapshot and o.output}
    if any(previous.get(step) != snapshot for step, (snapshot, _) in ended.items()):
        workspace.remember_steps(ended)
    return outcomes
