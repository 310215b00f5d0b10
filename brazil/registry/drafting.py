"""From a draft to numbered records and to the files that change. Pure.

Invariants: a known version keeps its number; a new one gets the number after the highest of its interface; what
a record was built against is what the same revision pins.
"""

from collections.abc import Callable, Mapping

from brazil.errors import InternalError, Problem
from brazil.formats.registry_files import SetState, record_text, result_text, set_text
from brazil.model.names import Interface, PackageVersion
from brazil.model.versionset import Draft, NewVersion, PackageRecord, Revision
from brazil.registry.layout import SET_FILE, pin_file, result_file

Files = dict[str, bytes | str | None]  # path -> content, id of a known blob, or None to remove


def numbered(draft: Draft, highest: Callable[[Interface], int]) -> dict[Interface, PackageRecord]:
    """Give every new version its number; return all pins, sorted by interface.

    Args:
        draft: what a revision is to hold.
        highest: highest number that an interface has in the catalog; 0 when it has none.

    Raises:
        InternalError: the draft contradicts itself.
    """
    _check(draft)
    versions = {
        interface: pin.version if isinstance(pin, PackageRecord) else PackageVersion(interface, highest(interface) + 1)
        for interface, pin in draft.pins.items()
    }
    return {
        interface: _record(pin, versions) if isinstance(pin, NewVersion) else pin
        for interface, pin in sorted(draft.pins.items(), key=lambda item: item[0])
    }


def _record(pin: NewVersion, versions: Mapping[Interface, PackageVersion]) -> PackageRecord:
    against = tuple(sorted(versions[interface] for interface in pin.against))
    return PackageRecord(versions[pin.manifest.interface], pin.commit, pin.source, pin.manifest, against)


def _check(draft: Draft) -> None:
    problems = []
    for interface, pin in sorted(draft.pins.items(), key=lambda item: item[0]):
        own = pin.manifest.interface
        if own != interface or (isinstance(pin, PackageRecord) and pin.version.interface != interface):
            problems.append(Problem("registry.draft", f"the draft pins {own} as {interface}"))
        if isinstance(pin, NewVersion):
            problems += [
                Problem("registry.draft", f"the draft has {interface} built against {other}, which it does not pin")
                for other in sorted(pin.against)
                if other not in draft.pins
            ]
    for platform, results in sorted(draft.results.items()):
        problems += [
            Problem("registry.draft", f"the draft has a result of {interface} on {platform}, which it does not pin")
            for interface in sorted(results)
            if interface not in draft.pins
        ]
    if problems:
        raise InternalError(*problems)


def new_texts(draft: Draft, records: Mapping[Interface, PackageRecord]) -> dict[Interface, bytes]:
    """Return the files of the records that the catalog does not have yet, sorted by interface."""
    return {i: record_text(record) for i, record in records.items() if isinstance(draft.pins[i], NewVersion)}


def foreign_pins(
    draft: Draft, records: Mapping[Interface, PackageRecord], parent: Revision | None
) -> list[PackageRecord]:
    """Return the known versions that the parent does not pin; their blobs come from the catalog."""
    before = parent.records if parent is not None else {}
    return [
        record
        for interface, record in records.items()
        if not isinstance(draft.pins[interface], NewVersion) and before.get(interface) != record
    ]


def set_files(
    draft: Draft,
    number: int,
    records: Mapping[Interface, PackageRecord],
    parent: Revision | None,
    changed: Mapping[Interface, bytes | str],
) -> Files:
    """Return what a revision changes in its set's branch.

    Args:
        draft: what the revision holds.
        number: of the revision.
        records: the numbered pins.
        parent: the revision before; None for the first.
        changed: the `new_texts`, and blob ids of the `foreign_pins`.
    """
    files: Files = {SET_FILE: set_text(SetState(number, draft.token, draft.policy))}
    before = parent.records if parent is not None else {}
    files.update({pin_file(interface): content for interface, content in changed.items()})
    files.update({pin_file(interface): None for interface in before if interface not in records})
    old_results = parent.results if parent is not None else {}
    for platform in sorted(draft.results.keys() | old_results.keys()):
        old, new = old_results.get(platform, {}), draft.results.get(platform, {})
        files.update({result_file(platform, i): None for i in sorted(old) if i not in new})
        files.update({result_file(platform, i): result_text(i, new[i]) for i in sorted(new) if old.get(i) != new[i]})
    return files
