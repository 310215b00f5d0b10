"""Graphs that cannot be, through the command line, with every word of the answer."""

import subprocess
from typing import NamedTuple

import pytest

from tests.e2e.product import Product, commit_all, copy_shop, git, options, toml, write_files

pytestmark = pytest.mark.sandbox

TRUE = {"build": "true"}


class Case(NamedTuple):
    name: str
    top: dict[str, dict[str, str]]  # tables of Top; Mid needs Lib-1.0, Kit needs Mid and Lib-2.0
    told: str


@pytest.fixture(scope="module")
def world(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A shop with two lines of Lib, the first one published."""
    product = copy_shop(template, tmp_path_factory.mktemp("conflicts") / "shop")
    library = product.add("Lib", {"brazil.toml": toml("Lib", build=TRUE)})
    product.ok("publish", "--set", "shop/dev", "-p", "Lib", "--target", "Lib-1.0")
    write_files(library, {"brazil.toml": toml("Lib", interface="2.0", build=TRUE)})
    commit_all(library, "a new line")
    product.add("Mid", {"brazil.toml": toml("Mid", build=TRUE, dependencies={"Lib": "1.0"})})
    product.add("Kit", {"brazil.toml": toml("Kit", build=TRUE, dependencies={"Mid": "1.0", "Lib": "2.0"})})
    return product


def _told(product: Product, *arguments: str) -> str:
    refs = product.refs()
    answer = product.run(*arguments)
    assert (answer.code, answer.out) == (3, ""), answer
    assert product.refs() == refs
    return answer.err


TWO_LINES = [
    Case(
        "compiles with both",
        {"dependencies": {"Mid": "1.0", "Lib": "2.0"}},
        """\
conflict: Lib, interfaces 1.0 and 2.0, in the runtime closure of Top-1.0 [conflict.two-interfaces]
  Top-1.0 needs Lib-2.0   (dependencies, line 11)
  Top-1.0 needs Mid-1.0   (dependencies, line 10)
  Mid-1.0 needs Lib-1.0   (its dependencies, line 10)
  so both lines of Lib meet. This removes the conflict:
    1. set resolves-conflict-dependencies Lib = "2.0" in Top
""",
    ),
    Case(
        "compiles with one, runs with the other",
        {"dependencies": {"Lib": "2.0"}, "runtime_dependencies": {"Mid": "1.0"}},
        """\
conflict: Lib, interfaces 1.0 and 2.0, in the runtime closure of Top-1.0 [conflict.two-interfaces]
  Top-1.0 needs Lib-2.0          (dependencies, line 10)
  Top-1.0 needs Mid-1.0 to run   (runtime-dependencies, line 13)
  Mid-1.0 needs Lib-1.0          (its dependencies, line 10)
  so both lines of Lib meet. This removes the conflict:
    1. set resolves-conflict-dependencies Lib = "2.0" in Top
""",
    ),
    Case(
        "runs with both",
        {"runtime_dependencies": {"Mid": "1.0", "Lib": "2.0"}},
        """\
conflict: Lib, interfaces 1.0 and 2.0, in the runtime closure of Top-1.0 [conflict.two-interfaces]
  Top-1.0 needs Lib-2.0 to run   (runtime-dependencies, line 11)
  Top-1.0 needs Mid-1.0 to run   (runtime-dependencies, line 10)
  Mid-1.0 needs Lib-1.0          (its dependencies, line 10)
  so both lines of Lib meet. This removes the conflict:
    1. set resolves-conflict-dependencies Lib = "2.0" in Top
""",
    ),
    Case(
        "tests with the other",
        {"dependencies": {"Mid": "1.0"}, "test_dependencies": {"Lib": "2.0"}},
        """\
conflict: Lib, interfaces 1.0 and 2.0, in the test closure of Top-1.0 [conflict.two-interfaces]
  Top-1.0 needs Mid-1.0        (dependencies, line 10)
  Mid-1.0 needs Lib-1.0        (its dependencies, line 10)
  Top-1.0 tests need Lib-2.0   (test-dependencies, line 13)
  so both lines of Lib meet. Any one of these removes the conflict:
    1. set resolves-conflict-dependencies Lib = "1.0" in Top
    2. set resolves-conflict-dependencies Lib = "2.0" in Top
""",
    ),
    Case(
        "has a tool with both",
        {"build_tools": {"Kit": "1.0"}},
        """\
conflict: Lib, interfaces 1.0 and 2.0, in the runtime closure of Kit-1.0 [conflict.two-interfaces]
  Kit-1.0 needs Lib-2.0   (dependencies, line 11)
  Kit-1.0 needs Mid-1.0   (dependencies, line 10)
  Mid-1.0 needs Lib-1.0   (its dependencies, line 10)
  so both lines of Lib meet. This removes the conflict:
    1. set resolves-conflict-dependencies Lib = "2.0" in Kit
""",
    ),
]


@pytest.mark.parametrize("case", TWO_LINES, ids=lambda case: case.name)
def test_two_lines_of_a_package_meet(world: Product, case: Case) -> None:
    """In the runtime closure, of which the build closure is made; in the test closure; in that of a tool."""
    place = world.folder / "own" / "Top"
    if not place.exists():
        world.add("Top", {"file": ""})
    write_files(place, {"brazil.toml": toml("Top", build=TRUE, **case.top)})
    commit_all(place, case.name)
    request = ["publish", "--set", "shop/dev", "-p", "Lib", "-p", "Mid", "-p", "Top", "--target", "Top-1.0"]
    request += ["-p", "Kit"] if "build_tools" in case.top else []
    assert _told(world, *request) == case.told


def test_a_tool_and_its_user_may_have_a_line_each(world: Product, tmp_path_factory: pytest.TempPathFactory) -> None:
    shop = copy_shop(world, tmp_path_factory.mktemp("lines") / "shop")
    shop.add("Hammer", {"brazil.toml": toml("Hammer", build=TRUE, dependencies={"Lib": "1.0"})})
    tables = {"dependencies": {"Lib": "2.0"}, "build_tools": {"Hammer": "1.0"}}
    shop.add("House", {"brazil.toml": toml("House", build=TRUE, **tables)})
    request = ["publish", "--set", "shop/dev", *options("-p", ["Lib", "Hammer", "House"]), "--target", "House-1.0"]
    assert shop.ok(*request).code == 0


CIRCLES = [
    ("dependencies", "Egg-1.0 needs Hen-1.0   (dependencies, line 10)", "Hen-1.0 needs Egg-1.0   "),
    (
        "runtime_dependencies",
        "Egg-1.0 needs Hen-1.0 to run   (runtime-dependencies, line 10)",
        "Hen-1.0 needs Egg-1.0          ",
    ),
    ("build_tools", "Egg-1.0 is built with Hen-1.0   (build-tools, line 10)", "Hen-1.0 needs Egg-1.0           "),
]


@pytest.mark.parametrize(("table", "first", "second"), CIRCLES, ids=[case[0] for case in CIRCLES])
def test_two_packages_that_need_each_other(world: Product, table: str, first: str, second: str) -> None:
    place = world.folder / "own"
    if not (place / "Hen").exists():
        world.add("Hen", {"brazil.toml": toml("Hen", build=TRUE, dependencies={"Egg": "1.0"})})
        world.add("Egg", {"file": ""})
    write_files(place / "Egg", {"brazil.toml": toml("Egg", build=TRUE, **{table: {"Hen": "1.0"}})})
    commit_all(place / "Egg", table)
    request = ["publish", "--set", "shop/dev", "-p", "Hen", "-p", "Egg", "--target", "Hen-1.0"]
    assert _told(world, *request) == (
        "conflict: Egg-1.0 -> Hen-1.0 -> Egg-1.0 need each other [conflict.cycle]\n"
        f"  {first}\n  {second}(its dependencies, line 10)\n"
        "  so none of them can be built first\n"
    )


def test_a_package_that_needs_itself(world: Product) -> None:
    repository = world.add("Self", {"brazil.toml": toml("Self", build=TRUE, dependencies={"Self": "1.0"})})
    answer = world.run("publish", "--set", "shop/dev", "-p", "Self", "--target", "Self-1.0")
    assert answer.code == 2
    commit = git(repository, "rev-parse", "HEAD")[:12]
    assert answer.err == (
        f"error: brazil.toml of Self at {commit}:10: dependencies.Self: Self depends on itself [manifest.conflict]\n"
        "  hint: remove the line\n"
    )


def test_a_target_that_nobody_has(world: Product) -> None:
    assert _told(world, "publish", "--set", "shop/dev", "-p", "Rates", "--target", "Nope-1.0") == (
        "conflict: there is no Nope-1.0 [conflict.missing]\n"
        "  so Nope-1.0 would have to be published first, or together with this. This removes the conflict:\n"
        "    1. take Nope along: publish it with -p Nope, or have it in the workspace with ws use Nope\n"
    )


def test_what_was_never_published_is_taken_along_as_the_answer_says(world: Product) -> None:
    world.add("Under", {"brazil.toml": toml("Under", build=TRUE)})
    world.add("Over", {"brazil.toml": toml("Over", build=TRUE, dependencies={"Under": "1.0"})})
    request = ["publish", "--set", "shop/dev", "-p", "Over", "--target", "Over-1.0", "--dry-run"]
    assert "take Under along: publish it with -p Under, or" in _told(world, *request)
    assert world.ok(*request, "-p", "Under", "--json").data["outcome"] == "dry-run"


def test_two_hundred_packages_that_need_each_other(shop: Product) -> None:
    work = shop.workspace("Rates")
    names = [f"C{n:03}" for n in range(200)]
    for name, needed in zip(names, [*names[1:], names[0]], strict=True):
        subprocess.run(["cp", "-a", "--", str(work.src("Rates")), str(work.src(name))], check=True)
        (work.src(name) / "brazil.toml").write_text(toml(name, build=TRUE, dependencies={needed: "1.0"}))
    file = work.cwd / "brazil-workspace.toml"
    file.write_text(file.read_text().replace('"Rates"', ", ".join(f'"{name}"' for name in ["Rates", *names])))
    rates = work.src("Rates") / "brazil.toml"
    rates.write_text(toml("Rates", build=TRUE, dependencies={"C000": "1.0"}))
    title, *needs, conclusion = _told(work, "build", "C000").splitlines()
    cycle = "C000-1.0 -> C001-1.0 -> 197 more -> C199-1.0 -> C000-1.0"
    assert title == f"conflict: {cycle} need each other [conflict.cycle]"
    assert needs[0] == "  C000-1.0 needs C001-1.0   (dependencies, line 10)"
    assert needs[1:] == [
        f"  {name}-1.0 needs {needed}-1.0   (its dependencies, line 10)"
        for name, needed in zip(names[1:], [*names[2:], names[0]], strict=True)
    ]
    assert conclusion == "  so none of them can be built first"
