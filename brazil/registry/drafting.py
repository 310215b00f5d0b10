"""From a draft and its numbered pins to the files that change. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from brazil.formats.registry_files import SetState, record_text, result_text, set_text
from brazil.model.names import Interface
from brazil.model.versionset import Draft, NewVersion, PackageRecord, Result, Revision
from brazil.registry.layout import SET_FILE, pin_file, result_file

Files = dict[str, bytes | str | None]  # path -> content, id of a known blob, or None to remove


def changed_pins(records: Mapping[Interface, PackageRecord], parent: Revision | None) -> dict[Interface, PackageRecord]:
    """Return the pins that the revision before, if there is one, does not have just so, sorted by interface."""
    if parent is None:
        return dict(records)
    before = parent.records
    return {
        interface: record
        for interface, record in records.items()
        if interface not in before or (before[interface] is not record and before[interface] != record)
    }


def new_texts(draft: Draft, changed: Mapping[Interface, PackageRecord]) -> dict[Interface, bytes]:
    """Return the files of those changed pins that the catalog does not have yet, sorted by interface."""
    return {i: record_text(record) for i, record in changed.items() if isinstance(draft.pins[i], NewVersion)}


def foreign_pins(draft: Draft, changed: Mapping[Interface, PackageRecord]) -> list[PackageRecord]:
    """Return those changed pins that the catalog has; their blobs come from there."""
    return [record for i, record in changed.items() if not isinstance(draft.pins[i], NewVersion)]


class Changes(NamedTuple):
    """What a revision changes against the one before."""

    pins: Mapping[Interface, bytes | str | None]  # content, id of a known blob, or None: pinned no more
    results: Mapping[str, Mapping[Interface, bytes | None]]  # platform name -> pin -> content or None: recorded no more


def changes_of(
    draft: Draft,
    records: Mapping[Interface, PackageRecord],
    parent: Revision | None,
    contents: Mapping[Interface, bytes | str],
) -> Changes:
    """Compare a draft with the revision before.

    Args:
        draft: what the revision holds.
        records: the numbered pins.
        parent: the revision before; None for the first.
        contents: the `new_texts`, and blob ids of the `foreign_pins`.
    """
    before = parent.records if parent is not None else {}
    pins = {**contents, **dict.fromkeys(interface for interface in before if interface not in records)}
    old_results = parent.results if parent is not None else {}
    return Changes(
        pins,
        {
            platform: _results_changed(old_results.get(platform, {}), draft.results.get(platform, {}))
            for platform in sorted(draft.results.keys() | old_results.keys())
        },
    )


def _results_changed(old: Mapping[Interface, Result], new: Mapping[Interface, Result]) -> dict[Interface, bytes | None]:
    changed: dict[Interface, bytes | None] = {interface: None for interface in old if interface not in new}
    for interface in sorted(new):
        result, before = new[interface], old.get(interface)
        if result is not before and result != before:
            changed[interface] = result_text(interface, result)
    return changed


def set_files(state: SetState, changes: Changes) -> Files:
    """Return the files that a revision changes in its set's branch."""
    files: Files = {SET_FILE: set_text(state)}
    files.update({pin_file(interface): content for interface, content in changes.pins.items()})
    for platform, results in changes.results.items():
        files.update({result_file(platform, interface): content for interface, content in results.items()})
    return files
