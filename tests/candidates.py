"""Candidates of a workspace where everything was published and some packages are in use, without a registry."""

from collections.abc import Collection, Mapping

from brazil.build.candidate import Candidate, Fresh
from brazil.graph.closure import Closures
from brazil.graph.dependency import DependencyGraph
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageVersion, version_set_name
from brazil.model.package import Manifest
from brazil.model.tree import Directory, FileNode
from brazil.model.versionset import PackageRecord, Policy, Reason, Result, Revision, RevisionInfo
from brazil.store.memory import MemoryStore
from tests.fakes.sandbox import PLATFORM

STORE = MemoryStore()
INFO = RevisionInfo(version_set_name("a/b"), 1, "c" * 40, "", 0, "Ada <ada@example.com>", Reason("publish"))


def tree(text: str) -> Digest:
    return STORE.write_directory(Directory((FileNode("text", STORE.write(text.encode())),)))


def artifact_of(interface: Interface) -> Digest:
    return tree(f"recorded artifact of {interface}")


def candidate_of(
    manifests: Mapping[Interface, Manifest],
    fresh: Collection[Interface],
    edited: Mapping[Interface, Manifest] | None = None,
) -> Candidate:
    """Everything was published; then some packages are in use, with another source and perhaps an edited manifest."""
    plain, changed = _buildable(manifests), _buildable(edited or {})
    records = {
        i: PackageRecord(PackageVersion(i, 1), "c" * 40, tree(f"pinned source of {i}"), m) for i, m in plain.items()
    }
    results = {i: Result(PLATFORM.digest, digest_of(b""), artifact_of(i), digest_of(b"")) for i in plain}
    base = Revision(INFO, Policy(), records, {PLATFORM.name: results}, plain)
    used = {i: Fresh(changed.get(i, plain[i]), tree(f"edited source of {i}"), "") for i in fresh}
    closures = Closures(DependencyGraph({**plain, **{i: package.manifest for i, package in used.items()}}))
    kept = {i: record for i, record in records.items() if i not in used}
    return Candidate(base, used, kept, closures.graph, closures, closures.affected(used))


def _buildable(manifests: Mapping[Interface, Manifest]) -> dict[Interface, Manifest]:
    options = (("build", "true"), ("test", "true"))
    return {i: m._replace(build_system="command", options=options) for i, m in sorted(manifests.items())}
