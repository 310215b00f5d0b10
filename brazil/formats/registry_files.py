"""The files of a registry: text <-> model.

Decides what each file holds and what makes one damaged. Every file carries `schema = 1`; unknown keys of
this schema are passed over, a newer schema is refused by name. Texts are exact: the same value gives the
same bytes, because a pin and its catalog record must be one blob. Free text never stands in these files; the
reason of a revision is in its commit message. No paths, no git.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brazil.errors import BrazilError, IntegrityError, Problem, UsageError
from brazil.formats.manifest_data import manifest_from_data, manifest_to_data
from brazil.formats.toml_reader import long_key_line
from brazil.formats.toml_writer import dump
from brazil.model.digest import Digest, parse_digest
from brazil.model.names import (
    Interface,
    PackageName,
    PackageVersion,
    package_name,
    parse_interface,
    parse_package_version,
)
from brazil.model.versionset import PackageRecord, Policy, Reason, RegisteredPackage, Result

SCHEMA = 1
_TRAILER = "Brazil-Revision: "
_SUBJECT_NAMES = 5  # packages named in a commit's subject; the rest are counted


class SetState(NamedTuple):
    """What `versionset.toml` holds."""

    number: int  # 0: created and empty
    token: str  # request token; empty: none
    policy: Policy


class Message(NamedTuple):
    """What the commit message of a revision holds."""

    number: int
    token: str
    reason: Reason


def package_text(package: RegisteredPackage) -> bytes:
    """Write `package.toml`."""
    return _text({"name": package.name, "repository": package.repository, "owners": list(package.owners)})


def read_package(data: bytes, place: str) -> RegisteredPackage:
    """Read `package.toml`.

    Args:
        data: the file.
        place: where it is, for errors, such as "refs/heads/catalog:packages/1f/JsonKit/package.toml".

    Raises:
        IntegrityError: it is damaged.
        UsageError: it was written by a newer brazil.
    """
    file = _File(data, place)
    with file:
        name = package_name(file.string("name"))
        return RegisteredPackage(name, file.string("repository"), tuple(sorted(file.strings("owners"))))


def record_text(record: PackageRecord) -> bytes:
    """Write one package version."""
    return _text(
        {
            "interface": str(record.version.interface),
            "number": record.version.number,
            "commit": record.commit,
            "source": str(record.source),
            "against": [str(v) for v in sorted(record.against)],
            "manifest": manifest_to_data(record.manifest),
        }
    )


def read_record(data: bytes, place: str) -> PackageRecord:
    """Read one package version; see `read_package`."""
    file = _File(data, place)
    with file:
        interface = parse_interface(file.string("interface"))
        manifest = manifest_from_data(file.table("manifest"), place)
        if manifest.interface != interface:
            raise ValueError(f"it is about {interface}, its manifest about {manifest.interface}")
        return PackageRecord(
            PackageVersion(interface, file.natural("number", 1)),
            file.commit("commit"),
            file.digest("source"),
            manifest,
            tuple(sorted(parse_package_version(text) for text in file.strings("against"))),
        )


def set_text(state: SetState) -> bytes:
    """Write `versionset.toml`."""
    return _text(
        {
            "number": state.number,
            "token": state.token,
            "targets": [str(i) for i in sorted(state.policy.targets)],
            "platforms": sorted(state.policy.platforms),
            "owners": sorted(state.policy.owners),
        }
    )


def read_set(data: bytes, place: str) -> SetState:
    """Read `versionset.toml`; see `read_package`."""
    file = _File(data, place)
    with file:
        policy = Policy(
            tuple(sorted(parse_interface(text) for text in file.strings("targets"))),
            tuple(sorted(file.strings("platforms"))),
            tuple(sorted(file.strings("owners"))),
        )
        return SetState(file.natural("number", 0), file.string("token"), policy)


def result_text(interface: Interface, result: Result) -> bytes:
    """Write what is recorded of one pin on one platform."""
    data: dict[str, object] = {
        "interface": str(interface),
        "platform": result.platform,
        "build": str(result.build),
        "artifact": str(result.artifact),
        "snapshot": str(result.snapshot),
    }
    if result.test is not None:
        data["test"] = str(result.test)
    return _text(data)


def read_result(data: bytes, place: str) -> tuple[Interface, Result]:
    """Read what is recorded of one pin on one platform; see `read_package`."""
    file = _File(data, place)
    with file:
        return parse_interface(file.string("interface")), Result(
            file.hex("platform"),
            file.digest("build"),
            file.digest("artifact"),
            file.digest("snapshot"),
            file.digest("test") if file.has("test") else None,
        )


def message_text(message: Message) -> str:
    """Write the commit message of a revision: a subject, what the actor said, one line of JSON for readers.

    Raises:
        UsageError: the actor's text cannot stand in a commit message.
    """
    reason = message.reason
    if "\0" in reason.text or any("\ud800" <= c <= "\udfff" for c in reason.text):
        raise UsageError(Problem("registry.reason", "the reason cannot be recorded", "it holds a null character"))
    facts = {
        "kind": reason.kind,
        "number": message.number,
        "packages": [[name, commit] for name, commit in sorted(reason.packages)],
        "schema": SCHEMA,
        "token": message.token,
    }
    trailer = _TRAILER + json.dumps(facts, sort_keys=True, separators=(",", ":"))
    parts = [_subject(reason), reason.text, trailer] if reason.text else [_subject(reason), trailer]
    return "\n\n".join(parts) + "\n"


def read_message(text: str, place: str) -> Message:
    """Read the commit message of a revision; see `read_package`."""
    head, found, line = text.rpartition("\n\n" + _TRAILER)
    try:
        if not found:
            raise ValueError("it has no line 'Brazil-Revision'")
        facts = json.loads(line)
        if not isinstance(facts, dict):
            raise ValueError("its line 'Brazil-Revision' is no object")
        _check_schema(facts, place)
        file = _Facts(facts)
        reason = Reason(file.string("kind"), _named_commits(facts["packages"]), head.partition("\n\n")[2])
        return Message(file.natural("number", 0), file.string("token"), reason)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(place, error) from error


def _named_commits(packages: object) -> tuple[tuple[PackageName, str], ...]:
    if not isinstance(packages, list):
        raise ValueError("its 'packages' is no list")
    for pair in packages:
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            raise ValueError("its 'packages' is no list of names and commits")
    return tuple(sorted((PackageName(name), commit) for name, commit in packages))


def _subject(reason: Reason) -> str:
    names = [name for name, _ in sorted(reason.packages)]
    shown = ", ".join(names[:_SUBJECT_NAMES])
    more = f" and {len(names) - _SUBJECT_NAMES} more" if len(names) > _SUBJECT_NAMES else ""
    return f"{reason.kind} {shown}{more}".strip() or "revision"


def _text(data: Mapping[str, object]) -> bytes:
    return dump({"schema": SCHEMA, **data})


def _check_schema(data: Mapping[str, object], place: str) -> None:
    schema = data.get("schema")
    if type(schema) is not int or schema < 1:
        raise ValueError("it has no valid 'schema'")
    if schema > SCHEMA:
        raise UsageError(
            Problem(
                "registry.newer",
                f"{place} cannot be read",
                f"it has schema {schema}, this brazil knows schemas up to {SCHEMA}",
                f"use a brazil that knows schema {schema}",
            )
        )


def _damaged(place: str, error: Exception) -> IntegrityError:
    missing = f"it has no '{error.args[0]}'" if isinstance(error, KeyError) and error.args else ""
    return IntegrityError(
        Problem(
            "registry.damaged",
            f"{place} is damaged",
            missing or " ".join(str(error).split())[:300],
            "it was changed by hand or by another program; restore it from another copy of the registry",
        )
    )


class _Facts:
    """Keys and values of which each must be of its kind; what is not raises ValueError or KeyError."""

    def __init__(self, data: Mapping[str, object]) -> None:
        self._data = data

    def has(self, key: str) -> bool:
        return key in self._data

    def string(self, key: str) -> str:
        value = self._data[key]
        if not isinstance(value, str):
            raise ValueError(f"its '{key}' is no string")
        return value

    def strings(self, key: str) -> Sequence[str]:
        value = self._data[key]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"its '{key}' is no list of strings")
        return value

    def natural(self, key: str, least: int) -> int:
        value = self._data[key]
        if type(value) is not int or value < least:
            raise ValueError(f"its '{key}' is no number from {least} on")
        return value

    def table(self, key: str) -> Mapping[str, object]:
        value = self._data[key]
        if not isinstance(value, dict):
            raise ValueError(f"its '{key}' is no table")
        return value

    def hex(self, key: str) -> str:
        return self._hex(key, (64,))

    def commit(self, key: str) -> str:
        return self._hex(key, (40, 64))

    def digest(self, key: str) -> Digest:
        digest = parse_digest(self.string(key))
        if digest is None:
            raise ValueError(f"its '{key}' is no digest")
        return digest

    def _hex(self, key: str, lengths: tuple[int, ...]) -> str:
        text = self.string(key)
        if len(text) not in lengths or not set(text) <= set("0123456789abcdef"):
            raise ValueError(f"its '{key}' is no hexadecimal id")
        return text


class _File(_Facts):
    """One parsed file; inside `with`, whatever is wrong becomes an IntegrityError that names its place."""

    def __init__(self, data: bytes, place: str) -> None:
        self._place = place
        try:
            text = data.decode("utf-8")
            if long_key_line(text):
                raise ValueError("a key has too many parts")
            super().__init__(tomllib.loads(text))
            _check_schema(self._data, place)
        except (ValueError, RecursionError) as error:
            raise _damaged(place, error) from error

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ValueError | KeyError | TypeError | BrazilError):
            raise _damaged(self._place, error) from error
