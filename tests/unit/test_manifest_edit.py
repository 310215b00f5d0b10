"""Edits of a manifest against the reader of manifests."""

from hypothesis import given
from hypothesis import strategies as st

from brazil.build_systems import option_specs
from brazil.formats.manifest import parse_manifest
from brazil.formats.manifest_edit import with_dependency, without_dependency
from brazil.model.names import Interface, PackageName
from brazil.model.package import Dependency, Kind, Manifest

HEAD = '[package]  # us\nname = "Own"\ninterface = "1.0"\nbuild-system = "make"\n'
LAYOUTS = [
    "",
    "[dependencies]\n",
    '[dependencies]\nLib = "1.0" # why\n\n# about Kit\n"Kit" = { interface = "2.0", at-least = 3 }\n',
    'dependencies.Lib = "1.0"\n',
    '[dependencies.Lib]\ninterface = "1.0"\n',
    '[build]\ntargets = [\n  "all", # of it\n]\n[test-dependencies]\nKit = "2.0"\n',
    '[test-dependencies]\r\nKit = "2.0"\r\n',
]
TEXTS = st.sampled_from([layout + HEAD if layout.startswith("dependencies") else HEAD + layout for layout in LAYOUTS])
INTERFACES = st.builds(
    Interface, st.sampled_from([PackageName(n) for n in ("Lib", "Kit", "New", "a.b")]), st.just("7.0")
)
KINDS = st.sampled_from(list(Kind))


def read(text: str) -> Manifest:
    return parse_manifest(text.encode(), file="brazil.toml", systems=option_specs())


def plain(manifest: Manifest) -> set[Dependency]:
    return {dependency._replace(line=0) for dependency in manifest.dependencies}


@given(TEXTS, INTERFACES, KINDS, st.sampled_from([0, 4]))
def test_what_is_added_is_there_and_the_rest_stays(text: str, wanted: Interface, kind: Kind, at_least: int) -> None:
    before = read(text)
    edited = with_dependency(text, wanted, kind, at_least)
    others = {d for d in plain(before) if (d.kind, d.interface.name) != (kind, wanted.name)}
    assert plain(read(edited)) == {*others, Dependency(wanted, kind, at_least)}
    assert read(edited)._replace(dependencies=()) == before._replace(dependencies=())
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert [comment for comment in comments if comment not in edited] == []
    assert with_dependency(edited, wanted, kind, at_least) == edited


@given(TEXTS, INTERFACES, KINDS)
def test_what_is_removed_is_gone_and_the_rest_stays(text: str, wanted: Interface, kind: Kind) -> None:
    edited = without_dependency(text, wanted.name, [kind])
    assert plain(read(edited)) == {d for d in plain(read(text)) if (d.kind, d.interface.name) != (kind, wanted.name)}
    added = with_dependency(text, Interface(PackageName("Other"), "1.0"), kind)
    assert plain(read(without_dependency(added, PackageName("Other"), [kind]))) == plain(read(text))
