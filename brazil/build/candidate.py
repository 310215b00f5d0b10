"""A Candidate: the pins a version set would have, with some packages fresh from source.

A workspace build and a publication differ only in where the fresh sources come from and in what happens after;
both make a Candidate and plan from it. A fresh package shadows its pin. What a change affects is never taken from
recorded results as it is: it gets a Step, whose Key then says whether anything has to run, so stale and new are
never mixed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from brazil.build.recipes import make_recipes
from brazil.errors import IntegrityError, Problem
from brazil.events import Emit, Note
from brazil.graph.closure import Affected, Closures
from brazil.graph.dependency import DependencyGraph
from brazil.graph.invariants import unused_overrides
from brazil.model.action import Platform, StepId, StepKind
from brazil.model.conflict import Conflict
from brazil.model.digest import Digest
from brazil.model.names import Interface, PackageName, PackageVersion
from brazil.model.package import MANIFEST, Manifest
from brazil.model.versionset import PackageRecord, RegisteredPackage, Result, Revision
from brazil.plan.planner import Plan, Step, make_plan, required_builds
from brazil.ports import ContentStore, Registry, SourceProvider
from brazil.resolve.solver import Request, resolve


class Fresh(NamedTuple):
    """A package built from a source that is not its pin's."""

    manifest: Manifest
    source: Digest
    commit: str  # empty: uncommitted content of a checkout
    file: str = MANIFEST  # the manifest as the user knows it, for messages


class Candidate(NamedTuple):
    """Pins that keep the invariants, and what is known of them."""

    base: Revision
    fresh: Mapping[Interface, Fresh]
    records: Mapping[Interface, PackageRecord]  # every pin that is not fresh, sorted
    graph: DependencyGraph
    closures: Closures
    affected: Affected  # by the fresh packages and by pins that moved

    @property
    def manifests(self) -> Mapping[Interface, Manifest]:
        """The manifest of every member."""
        return self.graph.manifests

    def manifest_file(self, interface: Interface) -> str:
        """Name the manifest of a member as a user knows it."""
        if interface in self.fresh:
            return self.fresh[interface].file
        return f"{MANIFEST} of {self.records[interface].version}"

    def recorded(self, platform: Platform) -> dict[Interface, Result]:
        """The base's results that belong to these very pins and to this platform."""
        return {
            interface: result
            for interface, result in self.base.results.get(platform.name, {}).items()
            if result.platform == platform.digest
            and interface in self.records
            and self.records[interface].version == self.base.records[interface].version
        }


class RegistryCatalog:
    """What the registry offers, as the resolver asks for it; each version is read once."""

    def __init__(self, registry: Registry, known: Mapping[Interface, PackageRecord]) -> None:
        self._registry = registry
        self._records = {record.version: record for record in known.values()}

    def versions(self, interface: Interface) -> Sequence[int]:
        """Build numbers of an interface, rising."""
        return self._registry.versions(interface)

    def interfaces(self, name: PackageName) -> Sequence[Interface]:
        """Interfaces of a package, sorted."""
        return self._registry.interfaces(name)

    def manifest(self, interface: Interface, number: int) -> Manifest:
        """The manifest of one version."""
        return self.record(PackageVersion(interface, number)).manifest

    def record(self, version: PackageVersion) -> PackageRecord:
        """The record of one version."""
        record = self._records.get(version)
        if record is None:
            record = self._records[version] = self._registry.record(version)
        return record


def make_candidate(
    base: Revision, fresh: Mapping[Interface, Fresh], targets: Iterable[Interface], registry: Registry
) -> Candidate | Conflict:
    """Resolve a base with some packages fresh.

    Args:
        base: the revision to start from; its pins stay where nothing demands otherwise.
        fresh: what shadows or joins them.
        targets: what the pins are for; what no target reaches is left out.
        registry: where further packages may come from.
    """
    catalog = RegistryCatalog(registry, base.records)
    request = Request(tuple(sorted(set(targets))), {interface: f.manifest for interface, f in sorted(fresh.items())})
    pinned = {interface: record.version for interface, record in base.records.items()}
    resolution = resolve(request, pinned, catalog)
    if isinstance(resolution, Conflict):
        return resolution
    records = {interface: catalog.record(version) for interface, version in resolution.pins.items() if version}
    used = {interface: fresh[interface] for interface, version in resolution.pins.items() if version is None}
    manifests = {i: used[i].manifest if i in used else records[i].manifest for i in resolution.pins}
    graph = DependencyGraph(manifests)
    closures = Closures(graph)
    moved = {i for i, record in records.items() if pinned.get(i) != record.version}
    return Candidate(base, used, records, graph, closures, closures.affected(moved | used.keys()))


class Builder(NamedTuple):
    """Everything that turns a Candidate into a Plan."""

    store: ContentStore
    sources: SourceProvider
    registry: Registry
    platform: Platform

    def plan(self, candidate: Candidate, builds: Iterable[Interface], tests: Iterable[Interface]) -> Plan:
        """Plan so that all of `builds` have an artifact and those of `tests` that have tests pass them.

        Raises:
            UsageError: a source holds something unsupported, or a manifest does not fit the build system that a
                tool brings.
            IntegrityError: a source is not what its record says.
        """
        closures = candidate.closures
        wanted, testing = set(builds), set(tests)
        for interface in testing:
            wanted |= {*closures.test(interface), *(m for _, tool in closures.tools(interface) for m in tool)}
        recorded = candidate.recorded(self.platform)
        usable: dict[Interface, bool] = {}

        def available(interface: Interface) -> bool:
            if interface not in usable:
                usable[interface] = (
                    interface in recorded
                    and interface not in candidate.affected.rebuild
                    and self.store.has_tree(recorded[interface].artifact)
                )
            return usable[interface]

        building = required_builds(wanted, closures.inputs, available)
        stepping = building | testing
        sources = {interface: self._source_tree(candidate, interface) for interface in sorted(stepping)}
        return make_plan(
            building,
            testing,
            manifests=candidate.manifests,
            closures=closures,
            sources=sources,
            recipes=make_recipes(sources, candidate.manifests, self.store, candidate.manifest_file),
            artifacts={i: recorded[i].artifact for i, usable_ in usable.items() if usable_},
            order=candidate.graph.build_order(),
        )

    def step(self, candidate: Candidate, step: StepId) -> Step | None:
        """Make one Step, whether it has to run or not; None: the package has no tests.

        Raises:
            UsageError: as `plan`.
            IntegrityError: as `plan`.
        """
        chosen = (step.interface,)
        sources = {step.interface: self._source_tree(candidate, step.interface)}
        plan = make_plan(
            chosen if step.kind is StepKind.BUILD else (),
            chosen if step.kind is StepKind.TEST else (),
            manifests=candidate.manifests,
            closures=candidate.closures,
            sources=sources,
            recipes=make_recipes(sources, candidate.manifests, self.store, candidate.manifest_file),
            artifacts={},
            order=chosen,
        )
        return plan.steps.get(step)

    def _source_tree(self, candidate: Candidate, interface: Interface) -> Digest:
        if interface in candidate.fresh:
            return candidate.fresh[interface].source
        record = candidate.records[interface]
        if self.store.has_tree(record.source):
            return record.source
        source = self.sources.tree(registered(self.registry, interface.name), record.commit)
        if source != record.source:
            raise IntegrityError(
                Problem(
                    "source.differs",
                    f"the source of {record.version} is not what was recorded",
                    f"commit {record.commit} gives {source}, the record says {record.source}",
                )
            )
        return source


def registered(registry: Registry, name: PackageName) -> RegisteredPackage:
    """Return a package that a pin names, which must therefore be registered."""
    package = registry.package(name)
    if package is None:
        raise IntegrityError(Problem("registry.package-missing", f"the registry pins {name} but does not know it"))
    return package


def tell_unused(candidate: Candidate, emit: Emit) -> None:
    """Report what a fresh package says about closures that has no effect there."""
    for problem in unused_overrides(candidate.manifests, candidate.fresh):
        emit(Note("unused", f"{problem.what}: {problem.because}"))
