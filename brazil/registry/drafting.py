"""From a draft and its numbered pins to the files that change. Pure."""

from collections.abc import Mapping

from brazil.formats.registry_files import SetState, record_text, result_text, set_text
from brazil.model.names import Interface
from brazil.model.versionset import Draft, NewVersion, PackageRecord, Revision
from brazil.registry.layout import SET_FILE, pin_file, result_file

Files = dict[str, bytes | str | None]  # path -> content, id of a known blob, or None to remove


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
