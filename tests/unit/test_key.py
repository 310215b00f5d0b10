import random
import typing
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brazil.errors import UsageError
from brazil.formats.reapi import decode_action, decode_command, decode_directory
from brazil.model.action import Platform, StepId, StepKind
from brazil.model.digest import Digest, digest_of
from brazil.model.names import Interface, PackageName
from brazil.plan import key
from brazil.plan.environment import Layout
from brazil.plan.key import KeyedStep, key_step
from brazil.plan.planner import Step
from tests.steps import build_of, iface

PLATFORM = Platform("linux-x86_64", "host", "ab" * 32)
MEMBERS = [iface(name) for name in ("App", "Gcc", "Lib", "Make", "Zlib")]
ARTIFACTS = {member: digest_of(f"artifact of {member}".encode()) for member in MEMBERS}
LAYOUTS = {
    iface("App"): Layout(frozenset({"bin"}), programs=("app",)),
    iface("Gcc"): Layout(frozenset({"bin", "lib"}), programs=("cc", "gcc")),
    iface("Lib"): Layout(frozenset({"include", "lib", "lib/pkgconfig"}), modules=("@scope/lib", "lib")),
    iface("Make"): Layout(frozenset({"bin"}), programs=("make",)),
    iface("Zlib"): Layout(frozenset({"include", "lib"}), jars=("z.jar",)),
}
STEP = Step(
    id=StepId(iface("App"), StepKind.BUILD),
    script="make install",
    environment=(("CFLAGS", "-O2"), ("MODE", "release")),
    timeout=600,
    source=digest_of(b"source"),
    closure=(iface("Lib"), iface("Zlib")),
    tools=((iface("Gcc"), (iface("Gcc"), iface("Zlib"))), (iface("Make"), (iface("Make"),))),
    needs=(build_of("Lib"),),
)


def keyed(
    step: Step = STEP,
    *,
    artifacts: Mapping[Interface, Digest] = ARTIFACTS,
    layouts: Mapping[Interface, Layout] = LAYOUTS,
    platform: Platform = PLATFORM,
) -> KeyedStep:
    return key_step(step, artifacts, layouts, platform)


OTHER_VALUES: Mapping[str, list[Any]] = {
    "id": [
        StepId(iface("App"), StepKind.TEST),
        build_of("Other"),
        StepId(Interface(PackageName("App"), "2.0"), StepKind.BUILD),
    ],
    "script": ["make", "make install "],
    "environment": [(), (("CFLAGS", "-O2"), ("MODE", "debug")), (("CFLAGS", "-O2"), ("MODES", "release"))],
    "timeout": [601],
    "source": [digest_of(b"another source")],
    "closure": [(iface("Lib"),), (), (iface("Lib"), iface("Make"), iface("Zlib"))],
    "tools": [(), STEP.tools[:1], ((iface("Gcc"), (iface("Gcc"),)), STEP.tools[1])],
}


@pytest.mark.parametrize("field", Step._fields)
def test_every_field_is_in_the_key_or_declared_out(field: str) -> None:
    if field in key._NOT_IN_KEY:
        assert field not in key._IN_KEY
        assert keyed(STEP._replace(needs=())).key == keyed().key, "the only one is the order of work"
        assert field == "needs"
        return
    others = [keyed(STEP._replace(**{field: value})).key for value in OTHER_VALUES[field]]
    assert len({keyed().key, *others}) == 1 + len(others)


def test_the_content_of_every_input_is_in_the_key() -> None:
    keys = {keyed(artifacts={**ARTIFACTS, member: digest_of(b"changed")}).key for member in STEP.members}
    assert len(keys | {keyed().key}) == 1 + len(STEP.members)


def test_what_is_no_input_is_not_in_the_key() -> None:
    more = iface("Unrelated")
    assert keyed(artifacts={**ARTIFACTS, more: digest_of(b"x")}, layouts={**LAYOUTS, more: Layout()}).key == keyed().key


@pytest.mark.parametrize(
    ("member", "layout"),
    [
        ("Lib", Layout(frozenset({"lib"}))),
        ("Zlib", Layout(LAYOUTS[iface("Zlib")].folders, jars=("y.jar",))),
        ("Lib", LAYOUTS[iface("Lib")]._replace(modules=("lib",))),
        ("Gcc", LAYOUTS[iface("Gcc")]._replace(programs=("gcc",))),
    ],
)
def test_what_search_paths_lead_to_is_in_the_key(member: str, layout: Layout) -> None:
    assert keyed(layouts={**LAYOUTS, iface(member): layout}).key != keyed().key


def test_the_platform_is_in_the_key_by_content() -> None:
    assert keyed(platform=PLATFORM._replace(digest="cd" * 32)).key != keyed().key
    assert keyed(platform=PLATFORM._replace(kind="debian")).key != keyed().key
    assert keyed(platform=PLATFORM._replace(name="another name for it")).key == keyed().key


def test_the_generation_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keyed().key
    monkeypatch.setattr(key, "GENERATION", key.GENERATION + 1)
    assert keyed().key != before


@given(st.randoms(use_true_random=False))
def test_the_order_of_mappings_does_not_matter(order: random.Random) -> None:
    def shuffled(mapping: dict[Any, Any]) -> dict[Any, Any]:
        items = list(mapping.items())
        order.shuffle(items)
        return dict(items)

    assert keyed(artifacts=shuffled(ARTIFACTS), layouts=shuffled(LAYOUTS)) == keyed()


def test_no_number_commit_or_place_can_reach_the_key() -> None:
    # All that goes in: interfaces, digests, what the package says, what its artifacts hold, what the platform is.
    hints = typing.get_type_hints(key_step)
    assert set(hints) == {"step", "artifacts", "layouts", "platform", "return"}
    assert hints["artifacts"] == Mapping[Interface, Digest]
    assert hints["layouts"] == Mapping[Interface, Layout]
    fields = {name: str(hint) for name, hint in typing.get_type_hints(Step).items()}
    assert not [name for name, hint in fields.items() if "PackageVersion" in hint or "Path" in hint]
    numbers = [name for name, hint in fields.items() if "int" in hint.replace("Interface", "")]
    assert numbers == ["timeout"]


def test_everything_the_action_names_is_handed_out() -> None:
    found = keyed()
    blobs = {digest_of(blob): blob for blob in (*found.blobs, *found.above)}
    action = decode_action(blobs[found.key])
    assert digest_of(found.blobs[-1]) == found.key
    assert decode_command(blobs[action.command]) == found.command
    below = {node.name: node.digest for node in decode_directory(blobs[action.input_root]).directories}
    assert list(below) == ["brazil"]
    top = {node.name: node.digest for node in decode_directory(blobs[below["brazil"]]).directories}
    assert list(top) == ["node_modules", "pkg", "src", "tools"]
    members = {node.name: node.digest for node in decode_directory(blobs[top["pkg"]]).directories}
    assert members == {str(member): ARTIFACTS[member] for member in STEP.members}
    assert dict(found.inputs) == {
        **{f"pkg/{name}": digest for name, digest in members.items()},
        **{name: top[name] for name in ("node_modules", "src", "tools")},
    }
    bin_ = decode_directory(blobs[top["tools"]]).directories[0].digest
    launchers = {node.name: node for node in decode_directory(blobs[bin_]).files}
    assert list(launchers) == ["cc", "gcc", "make"]
    assert all(node.executable and node.digest in blobs for node in launchers.values())


def test_a_step_alone_sees_its_source_alone() -> None:
    found = keyed(STEP._replace(closure=(), tools=(), needs=()))
    assert found.inputs == (("src", STEP.source),)
    assert dict(found.command.environment)["PATH"] == "/usr/bin:/bin"


def test_a_test_run_knows_where_its_report_goes() -> None:
    build, test = keyed(), keyed(STEP._replace(id=StepId(iface("App"), StepKind.TEST)))
    assert build.command.output_paths == ("pkg/App-1.0",)
    assert test.command.output_paths == ("report",)
    assert dict(test.command.environment)["BRAZIL_REPORT"] == "/brazil/report"
    assert "BRAZIL_REPORT" not in dict(build.command.environment)
    assert dict(build.command.environment)["BRAZIL_OUT"] == "/brazil/pkg/App-1.0"


def test_what_the_build_system_says_yields_to_what_is_promised() -> None:
    environment = (("BRAZIL_OUT", "/etc"), ("HOME", "/mine"))
    found = dict(keyed(STEP._replace(environment=environment)).command.environment)
    assert (found["BRAZIL_OUT"], found["HOME"]) == ("/brazil/pkg/App-1.0", "/mine")


def test_two_tools_with_one_program_are_refused_by_name() -> None:
    layouts = {**LAYOUTS, iface("Make"): Layout(frozenset({"bin"}), programs=("cc", "gcc", "make"))}
    with pytest.raises(UsageError) as caught:
        keyed(layouts=layouts)
    assert [p.code for p in caught.value.problems] == ["tool.clash"] * 2
    assert "'cc'" in caught.value.problems[0].what
    assert caught.value.problems[0].because == "Gcc-1.0 and Make-1.0"


def test_a_field_that_nobody_classified_would_fail_at_import() -> None:
    assert {*key._IN_KEY, *key._NOT_IN_KEY} == set(Step._fields)
    assert not key._IN_KEY & key._NOT_IN_KEY.keys()
