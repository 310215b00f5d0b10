"""Version sets, revisions and their differences, as text and JSON."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from brazil.model.versionset import PackageRecord, PinChange, Reason, Result, Revision, RevisionInfo
from brazil.operations.version_sets import DeployDiff, DiffReport
from brazil.report.printable import printable
from brazil.report.table import columns, counted

_SHORT = 4  # hex digits of a commit that a person compares; longer where two commits of a report share them
_TARGETS = 5  # that are told one by one
_LAST_SECOND = 253_402_300_800  # the year 10000


def diff_lines(report: DiffReport) -> list[str]:
    """Write a difference the way it is read before a release."""
    diff = report.diff
    count = {
        kind: sum(c.kind == kind for c in diff.changes)
        for kind in ("added", "removed", "changed", "moved back", "rebuilt")
    }
    title = (
        f"{diff.before.set} {diff.before.number} -> {diff.after.number}"
        if diff.before.set == diff.after.set
        else f"{diff.before.set} {diff.before.number} -> {diff.after.set} {diff.after.number}"
    )
    counts = [f"source changed {count['changed']}", f"rebuilt {count['rebuilt']}", f"added {count['added']}"]
    counts += [f"removed {count['removed']}", f"unchanged {diff.unchanged}"]
    if count["moved back"]:
        counts.insert(1, f"moved back {count['moved back']}")
    lines = [f"{title}        {'   '.join(counts)}"]
    lines += columns([_change_row(change, report) for change in diff.changes], indent="  ")
    policy: list[tuple[str, str]] = [("target added", str(target)) for target in diff.targets_added]
    policy += [("target removed", str(target)) for target in diff.targets_removed]
    policy += [("platform added", name) for name in diff.platforms_added]
    policy += [("platform removed", name) for name in diff.platforms_removed]
    lines += columns(policy, indent="  ")
    return [printable(line) for line in [*lines, *_deploy_lines(report.deploy)]]


def _deploy_lines(deploy: Sequence[DeployDiff]) -> list[str]:
    """Say what it means for targets; of many only for the first ones that differ."""
    shown = deploy if len(deploy) <= _TARGETS else [each for each in deploy if each.artifacts_differ][:_TARGETS]
    lines = []
    for target, size, differ in shown:
        members, artifacts = counted(size, "package"), counted(differ, "artifact differs", "artifacts differ")
        lines.append(f"deploy closure of {target}: {members}, {artifacts}")
    if more := len(deploy) - len(shown):
        differ = sum(each.artifacts_differ > 0 for each in deploy) - len(shown)
        artifacts = f"{differ} with artifacts that differ" if differ else "no artifact differs"
        what = counted(more, "more target" if shown else "target")
        lines.append(f"deploy closures of {what}: {artifacts}")
    return lines


def diff_data(report: DiffReport) -> dict[str, Any]:
    """Give a difference its documented JSON shape: applied to the first revision it gives the second."""
    diff = report.diff
    return {
        "before": info_data(diff.before),
        "after": info_data(diff.after),
        "changes": [
            {
                "package": str(change.interface),
                "kind": change.kind,
                "before": record_data(change.before),
                "after": record_data(change.after),
                "because": [str(interface) for interface in change.because],
                "commits": [commit._asdict() for commit in report.commits.get(change.interface, ())],
                "artifact-differs": change.interface in diff.artifacts_differ,
            }
            for change in diff.changes
        ],
        "unchanged": diff.unchanged,
        "targets": {"added": _texts(diff.targets_added), "removed": _texts(diff.targets_removed)},
        "platforms": {"added": list(diff.platforms_added), "removed": list(diff.platforms_removed)},
        "deploy": [
            {"target": str(target), "packages": size, "artifacts-differ": differ}
            for target, size, differ in report.deploy
        ],
    }


def log_lines(infos: Iterable[RevisionInfo]) -> list[str]:
    """Write a history, newest first."""
    return columns(
        (
            str(info.number),
            time_text(info.time),
            printable(info.actor),
            printable(reason_text(info.reason)),
        )
        for info in infos
    )


def revision_lines(revision: Revision) -> list[str]:
    """Write what a revision pins."""
    info = revision.info
    lines = [
        f"{info.set} revision {info.number}  {info.commit[:12]}",
        f"  made      {time_text(info.time)} by {printable(info.actor)}",
        f"  reason    {printable(reason_text(info.reason))}",
        f"  targets   {', '.join(_texts(revision.policy.targets)) or 'none yet'}",
        f"  platforms {', '.join(revision.policy.platforms) or 'none yet'}",
        f"  pins      {len(revision.records)}",
    ]
    rows = []
    for interface, record in revision.records.items():
        artifacts = [per_pin[interface] for per_pin in revision.results.values() if interface in per_pin]
        rows.append((str(record.version), f"commit {record.commit[:12]}", _artifact_text(artifacts)))
    return lines + columns(rows, indent="    ")


def revision_data(revision: Revision) -> dict[str, Any]:
    """Give a revision its documented JSON shape."""
    return {
        **info_data(revision.info),
        "targets": _texts(revision.policy.targets),
        "platforms": list(revision.policy.platforms),
        "owners": list(revision.policy.owners),
        "pins": {str(interface): record_data(record) for interface, record in revision.records.items()},
        "results": {
            platform: {str(interface): result_data(result) for interface, result in per_pin.items()}
            for platform, per_pin in revision.results.items()
        },
    }


def info_data(info: RevisionInfo) -> dict[str, Any]:
    """Give a line of history its documented JSON shape."""
    return {
        "set": info.set,
        "number": info.number,
        "revision": info.commit,
        "parent": info.parent or None,
        "time": info.time,
        "actor": info.actor,
        "reason": {
            "kind": info.reason.kind,
            "packages": {name: commit for name, commit in info.reason.packages},
            "text": info.reason.text,
        },
        "token": info.token or None,
    }


def record_data(record: PackageRecord | None) -> dict[str, Any] | None:
    """Give a package version its documented JSON shape."""
    if record is None:
        return None
    return {
        "version": str(record.version),
        "number": record.version.number,
        "commit": record.commit,
        "source": str(record.source),
        "against": _texts(record.against),
    }


def result_data(result: Result) -> dict[str, Any]:
    """Give a recorded result its documented JSON shape."""
    return {
        "platform": result.platform,
        "build": str(result.build),
        "artifact": str(result.artifact),
        "snapshot": str(result.snapshot),
        "test": str(result.test) if result.test else None,
    }


def reason_text(reason: Reason) -> str:
    """Write a reason on one line."""
    subject = reason.text.splitlines()[0] if reason.text else ""
    packages = ", ".join(name for name, _ in reason.packages)
    return " ".join(filter(None, [reason.kind, packages, f'"{subject}"' if subject else ""]))


def time_text(seconds: int) -> str:
    """Write a time in UTC; one that no calendar has, as git writes seconds."""
    if not 0 <= seconds < _LAST_SECOND:
        return f"@{seconds}"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _change_row(change: PinChange, report: DiffReport) -> tuple[str, ...]:
    before = str(change.before.version.number) if change.before else "-"
    after = str(change.after.version.number) if change.after else "-"
    return (change.kind, str(change.interface), f"{before} -> {after}", _change_note(change, report))


def _change_note(change: PinChange, report: DiffReport) -> str:
    if change.kind == "rebuilt":
        return f"because {', '.join(_texts(change.because))}" if change.because else ""
    commits = report.commits.get(change.interface, ())
    if change.kind == "added" and change.after:
        return f"commit {change.after.commit[:_SHORT]}"
    if not commits:
        return ""
    newest = commits[0]
    more = f" and {len(commits) - 1} more" if len(commits) > 1 else ""
    return f'{counted(len(commits), "commit")}: {newest.id[:_SHORT]} "{newest.subject}"{more}'


def _artifact_text(results: list[Result]) -> str:
    return f"artifact {results[0].artifact.hash[:12]}" if results else "no result"


def _texts(values: Iterable[object]) -> list[str]:
    return [str(value) for value in values]
