"""What a registry says no to, the same way wherever it is kept. Pure."""

from collections.abc import Iterable, Sequence

from brazil.errors import IntegrityError, Problem, UsageError
from brazil.model.names import Interface, PackageName, PackageVersion, VersionSetName
from brazil.model.nearest import did_you_mean
from brazil.registry.layout import set_ref


def refuse_twin(name: PackageName, known: Iterable[PackageName]) -> None:
    """Refuse a package's name that another has but for case."""
    for other in known:
        if other != name and other.casefold() == name.casefold():
            raise UsageError(
                Problem(
                    "registry.name-taken",
                    f"the package {name} cannot be registered",
                    f"{other} has the same name but for case",
                    "choose another name",
                )
            )


def lost_commit(ref: str) -> IntegrityError:
    """Say that a ref names what is not there."""
    return IntegrityError(
        Problem(
            "registry.damaged",
            f"{ref} is damaged",
            "the commit that it names is missing",
            "it was changed by hand or by another program; restore it from another copy of the registry",
        )
    )


def unknown_set(name: VersionSetName, known: Sequence[VersionSetName]) -> UsageError:
    """Say that there is no such set, and which is near."""
    hint = did_you_mean(name, known) or "'brazil vs list' lists them"
    return UsageError(Problem("registry.unknown-set", f"there is no version set '{name}'", hint=hint))


def unknown_revision(name: VersionSetName, number: int, known: Sequence[int]) -> UsageError:
    """Say that there is no such revision, and which there are."""
    because = f"it has revisions {min(known)} to {max(known)}"
    return UsageError(Problem("registry.unknown-revision", f"'{name}' has no revision {number}", because))


def unknown_version(version: PackageVersion, numbers: Sequence[int], interfaces: Sequence[Interface]) -> UsageError:
    """Say that there is no such package version, and which there are."""
    if numbers:
        because = f"{version.interface} has numbers {min(numbers)} to {max(numbers)}"
    elif interfaces:
        because = f"{version.interface.name} has {', '.join(map(str, interfaces))}"
    else:
        because = f"nothing of {version.interface.name} was published"
    return UsageError(Problem("registry.unknown-version", f"there is no package version {version}", because))


def refuse_taken(name: VersionSetName, known: Sequence[VersionSetName]) -> None:
    """Refuse a set's name that is there, but for case, or that git could not keep beside another."""
    own = set_ref(name).casefold()
    for other in known:
        ref = set_ref(other).casefold()
        if ref == own or ref.startswith(f"{own}/") or own.startswith(f"{ref}/"):
            raise taken(name, other)


def taken(name: VersionSetName, other: VersionSetName) -> UsageError:
    """Say that a set's name is taken."""
    because = "it is there" if name == other else f"its name clashes with '{other}'"
    return UsageError(
        Problem("registry.set-exists", f"the version set '{name}' cannot be created", because, "choose another name")
    )
