"""`brazil package new`, `versions` and `dependencies`."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from brazil.build_systems import SYSTEMS
from brazil.build_systems.starter import detect, word
from brazil.build_systems.taken import free
from brazil.model.names import PackageName
from tests.e2e.product import Product, commit_all, git, options, toml, write_files

MANIFEST = """\
# what we say about it
[package]
name         = "Own"      # its name
interface    = "1.0"
build-system = "command"

[dependencies]
Price = "1.0"   # for the sums
# the end of the table

[build]
build = 'true'
"""


@pytest.fixture
def own(shop: Product) -> Product:
    """The shop, seen from a package of one's own."""
    folder = shop.folder / "Own"
    (folder / "src").mkdir(parents=True)
    (folder / "brazil.toml").write_text(MANIFEST)
    (folder / "brazil.toml").chmod(0o640)
    return shop.at(folder)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("JsonKit", "json_kit"), ("XMLParser", "xml_parser"), ("a-b.c", "a_b_c"), ("Zip2Go", "zip2_go"), ("C++", "c")],
)
def test_names_as_words(name: str, expected: str) -> None:
    assert word(PackageName(name)) == expected


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ((), ()),
        (("README.md",), ()),
        (("Makefile",), ("make",)),
        (("Makefile", "setup.py"), ("python",)),
        (("pyproject.toml", "setup.cfg", "tests"), ("python",)),
    ],
)
def test_detection(top: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert detect(top) == expected


LIBRARIES = ("autotools", "cmake", "make", "meson")  # of these a new package has no program


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "system",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in ("autotools", "go", "maven", "meson")))
        for name in SYSTEMS
    ],
)
def test_a_new_package_builds_passes_its_tests_and_is_published(system: str, tmp_path: Path) -> None:
    missing = [p for p in SYSTEMS[system].programs if not (Path("/usr/bin") / p).exists()]
    if missing:
        pytest.skip(f"this machine has no {', '.join(missing)}")
    product = Product(tmp_path, repositories=tmp_path)
    git(tmp_path, "init", "-q", "--bare", product.registry)
    made = product.ok("package", "new", "FirstKit", "--build-system", system, "--json").data
    assert made["build-system"] == system
    assert git(tmp_path / "FirstKit", "rev-parse", "HEAD") == made["commit"]
    assert git(tmp_path / "FirstKit", "status", "--porcelain") == ""
    assert sorted(git(tmp_path / "FirstKit", "ls-files").splitlines()) == made["files"]
    texts = "".join(file + (tmp_path / "FirstKit" / file).read_text() for file in made["files"])
    assert "@name@" not in texts.lower()
    product.ok("package", "register", "FirstKit", "--repository", "FirstKit")
    product.ok("vs", "create", "a/b", "--target", "FirstKit-1.0")
    done = product.ok("publish", "--set", "a/b", "-p", "FirstKit", "--json").data
    assert [(step["kind"], step["state"]) for step in done["steps"]] == [("build", "succeeded"), ("test", "succeeded")]
    counts = done["steps"][1]["tests"] or {"passed": 0, "failed": 0}
    assert (counts["passed"], counts["failed"]) == (0 if system in ("command", "make") else 1, 0)
    if system not in LIBRARIES:
        said = product.workspace(set_name="a/b").process("exec", "FirstKit", "--", "first_kit", "Ada")
        assert (said.code, "hello" in said.out.lower()) == (0, True), said


class Taken(NamedTuple):
    names: str  # of packages whose word is taken
    words: str  # what it becomes
    slow: bool = False  # to build


TAKEN = {
    "autotools": Taken("C M4Kit Dnl Math", "c_ m4kit dnl_ math_", slow=True),
    "cargo": Taken(
        "Core Std Test Type Build Self Box ProcMacro", "core_ std_ test_ type_ build_ self_ box_ proc_macro_", slow=True
    ),
    "cmake": Taken(
        "Int C Std Test All Linux Class Main C++", "int_ c_ std_ test_ all_ linux_ class_ main_ c_", slow=True
    ),
    "command": Taken("Test If Echo Env Cp", "test if echo env cp"),
    "go": Taken(
        "Main Import HttpTest Fmt Init Internal Testdata Vendor",
        "main_ import_ http_test_ fmt_ init_ internal_ testdata_ vendor_",
        slow=True,
    ),
    "java": Taken("Int Class Java Null Test", "int_ class_ java_ null_ test", slow=True),
    "make": Taken("C M Math Pthread Int", "c_ m_ math_ pthread_ int"),
    "maven": Taken("Int Java Test", "int_ java_ test", slow=True),
    "meson": Taken("Test All M Stdio Install Int", "test_ all_ m_ stdio_ install_ int", slow=True),
    "node": Taken("Fs Test", "fs_ test"),
    "python": Taken("Import Class Test Unittest Sys None Pytest", "import_ class_ test_ unittest_ sys_ none pytest_"),
}


def test_no_build_system_is_left_out_of_the_names_that_are_taken() -> None:
    assert TAKEN.keys() == SYSTEMS.keys()


@pytest.mark.parametrize("system", TAKEN)
def test_a_name_that_is_a_word_of_the_language_gets_another(system: str) -> None:
    names, words, _ = TAKEN[system]
    assert [free(system, word(PackageName(name))) for name in names.split()] == words.split()
    assert free(system, "json_kit") == "json_kit"


def test_every_module_of_node_is_taken() -> None:
    if not shutil.which("node"):
        pytest.skip("this machine has no node")
    script = 'console.log(require("module").builtinModules.join(" "))'
    told = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout
    plain = {name for name in told.split() if re.fullmatch("[a-z][a-z0-9_]*", name)}
    assert {name for name in plain if free("node", name) == name} == set()


@pytest.mark.sandbox
@pytest.mark.parametrize("system", [pytest.param(s, marks=[pytest.mark.slow] * TAKEN[s].slow) for s in TAKEN])
def test_a_new_package_whose_name_is_a_word_of_the_language_builds(system: str, tmp_path: Path) -> None:
    missing = [p for p in SYSTEMS[system].programs if not (Path("/usr/bin") / p).exists()]
    if missing:
        pytest.skip(f"this machine has no {', '.join(missing)}")
    product = Product(tmp_path, repositories=tmp_path)
    git(tmp_path, "init", "-q", "--bare", product.registry)
    names = TAKEN[system].names.split()
    for name in names:
        product.ok("package", "new", name, "--build-system", system)
        product.ok("package", "register", name, "--repository", name)
    product.ok("vs", "create", "a/b", *options("--target", [f"{name}-1.0" for name in names]))
    done = product.run("publish", "--set", "a/b", *options("-p", names), "--keep-going", "--json")
    assert set(done.states.values()) == {"succeeded"}, done
    assert len(done.states) == 2 * len(names)


def test_a_source_that_is_there_gets_a_manifest_only(shop: Product) -> None:
    folder = shop.cwd / "old"
    folder.mkdir()
    (folder / "Makefile").write_text("install:\n")
    made = shop.ok("package", "new", "Old", "old", "--json").data
    assert (made["build-system"], made["files"], made["commit"]) == ("make", ["brazil.toml"], None)
    assert sorted(path.name for path in folder.iterdir()) == ["Makefile", "brazil.toml"]


def test_an_empty_folder_gets_a_whole_package_where_it_is(shop: Product) -> None:
    folder = shop.cwd / "Empty"
    folder.mkdir()
    inode = folder.stat().st_ino
    made = shop.at(folder).ok("package", "new", "Empty", ".", "--build-system", "make", "--json").data
    assert folder.stat().st_ino == inode, "whoever stands in it still does"
    assert git(folder, "rev-parse", "HEAD") == made["commit"]
    assert sorted(git(folder, "ls-files").splitlines()) == made["files"]
    assert not list(folder.parent.glob(".*.partial"))


def test_a_repository_that_is_empty_gets_the_files_and_no_commit(shop: Product) -> None:
    folder = shop.cwd / "Cloned"
    git(shop.cwd, "init", "-q", str(folder))
    made = shop.ok("package", "new", "Cloned", "--build-system", "make", "--json").data
    assert made["commit"] is None
    assert (
        sorted(
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts
        )
        == made["files"]
    )
    assert "brazil.toml" in made["files"]


BAD = [
    (
        ("new", "Own"),
        "error: how is Own to be built?: there is no source yet [package.build-system]\n  hint: choose one with",
    ),
    (
        ("new", "Own", "--build-system", "mak"),
        "error: there is no build system 'mak' [package.build-system]\n  hint: did you mean 'make'?",
    ),
    (("new", "-x", "--build-system", "make"), "error: no such option '-x'"),
    (("new", "../Own", "--build-system", "make"), "error: '../Own' is not a package name: it must start with a letter"),
    (("new", "Own", "full"), "error: how is {cwd}/full to be built?: no file of it says so [package.build-system]"),
    (("new", "Own", "file"), "error: {cwd}/file cannot be made a package: Not a directory [package.folder]"),
    (("new", "Own", "package"), "error: {cwd}/package is a package already: it has a brazil.toml [package.exists]"),
    (
        ("versions", "Mony"),
        "error: the registry knows no package Mony [package.unknown]\n  hint: did you mean 'Money'?",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(row[0]) for row in BAD])
def test_what_cannot_be_begun(shop: Product, arguments: tuple[str, ...], message: str) -> None:
    for name in ("full", "package"):
        (shop.cwd / name).mkdir()
    (shop.cwd / "full" / "text").write_text("")
    (shop.cwd / "package" / "brazil.toml").write_text("")
    (shop.cwd / "file").write_text("")
    before = shop.files()
    answer = shop.run("package", *arguments)
    assert (answer.code, answer.err.startswith(message.format(cwd=shop.cwd))) == (
        5 if "file" in arguments else 2,
        True,
    ), answer
    assert shop.files() == before


def test_a_package_moves_to_another_repository_and_says_so(shop: Product) -> None:
    old, new = shop.repositories / "Rates", shop.folder / "again"
    git(shop.folder, "clone", "-q", str(old), str(new))
    request = ("package", "register", "Rates", "--repository", str(new))
    assert shop.ok(*request).out == f"Rates moved from {old} to {new}\n"
    assert shop.ok(*request).out == "Rates was registered so before\n"
    assert shop.ok(*request, "--owner", "Ada").out == f"registered Rates at {new}\n"
    back = shop.ok("package", "register", "Rates", "--repository", str(old), "--json").data
    assert (back["repository"], back["changed"], back["moved-from"]) == (str(old), True, str(new))


def test_the_repository_of_another_package_is_not_registered(shop: Product) -> None:
    rates = shop.repositories / "Rates"
    refs = shop.refs()
    for name in ("Money", "New"):
        answer = shop.run("package", "register", name, "--repository", str(rates))
        commit = git(rates, "rev-parse", "HEAD")[:12]
        assert (answer.code, answer.err) == (
            2,
            f"error: brazil.toml of {rates} at {commit}: package.name: {name} cannot be registered at {rates}: "
            "it holds the package Rates [package.other-name]\n"
            f"  hint: take its own name: brazil package register Rates --repository {rates}; "
            f"or the repository of {name}\n",
        )
        assert shop.refs() == refs


def test_what_was_renamed_after_it_was_registered_keeps_its_entry(shop: Product) -> None:
    repository = shop.add("New", {"brazil.toml": toml("New")})
    write_files(repository, {"brazil.toml": toml("Newer")})
    commit_all(repository, "another name")
    assert shop.ok("package", "register", "New", "--repository", str(repository), "--owner", "Ada")


def test_versions_of_a_package(shop: Product) -> None:
    folder = shop.folder / "again"
    git(shop.folder, "clone", "-q", str(shop.repositories / "Rates"), str(folder))
    (folder / "rate").write_text("19\n\n")
    git(folder, "commit", "-qam", "more")
    shop.ok("package", "register", "Rates", "--repository", str(folder))
    shop.ok("publish", "--set", "shop/dev", "-p", "Rates")
    versions = shop.ok("package", "versions", "Rates", "--json").data["versions"]
    assert [version["version"] for version in versions] == ["Rates-1.0.2", "Rates-1.0.1"]
    assert shop.ok("package", "versions", "Rates", "-n", "1").out.startswith("Rates-1.0.2  commit ")
    assert len(shop.ok("package", "versions", "Rates", "-n", "1").out.splitlines()) == 1


def test_dependencies_are_added_where_the_comments_stay(own: Product) -> None:
    assert own.ok("package", "dependencies", "add", "Money").out == "added Money-1.0 to [dependencies]\n"
    below = own.at(own.cwd / "src")
    below.ok("package", "dependencies", "add", "Rates-1.0", "--kind", "test", "--at-least", "1")
    text = (own.cwd / "brazil.toml").read_text()
    assert text.startswith(MANIFEST.partition("\n[build]")[0] + 'Money = "1.0"\n')
    assert '[test-dependencies]\nRates = {interface = "1.0", at-least = 1}\n' in text
    assert (own.cwd / "brazil.toml").stat().st_mode & 0o777 == 0o640
    assert own.ok("package", "dependencies", "add", "Money").out.startswith("nothing to change in ")
    removed = own.ok("package", "dependencies", "remove", "Money", "Rates", "--json").data
    assert [change["dependency"] for change in removed["changed"]] == ["Money-1.0", "Rates-1.0"]
    assert (own.cwd / "brazil.toml").read_text() == MANIFEST + "\n[test-dependencies]\n"


NO_PRICE = "error: {cwd}/brazil.toml: Own does not depend on {name} [package.no-dependency]\n"
BAD_EDITS = [
    (("add", "Mony"), "error: the registry knows no package Mony [package.unknown]\n  hint: did you mean 'Money'?"),
    (("add", "Money-"), "error: 'Money-' is not an interface: it is empty [name.interface]"),
    (("add", "Money-1.0", "--at-least", "0"), "error: invalid value for '--at-least'"),
    (("add", "New"), "error: no version of New was published yet [package.unpublished]\n  hint: say which interface"),
    (("add", "Price-1.0", "--kind", "Test"), "error: invalid value for '--kind'"),
    (
        ("add", "--kind", "test", "Own-1.0"),
        "error: {cwd}/brazil.toml (as it would be):15: test-dependencies.Own: Own depends on itself",
    ),
    (("remove", "Mony"), NO_PRICE.replace("{name}", "Mony") + "  hint: there are Price"),
    (("remove", "Price", "--kind", "tool"), NO_PRICE.replace("{name}", "Price")),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_EDITS, ids=[" ".join(row[0]) for row in BAD_EDITS])
def test_edits_that_are_refused_change_nothing(own: Product, arguments: tuple[str, ...], message: str) -> None:
    for name in ("New", "Own"):
        own.add(name, {"file": ""}, folder=own.folder / "plain")
    answer = own.run("package", "dependencies", *arguments)
    assert (answer.code, answer.err.startswith(message.format(cwd=own.cwd))) == (2, True), answer
    assert own.files() == {"brazil.toml": MANIFEST.encode(), "src": b""}


def test_a_wrong_manifest_is_told_and_left_alone(own: Product) -> None:
    (own.cwd / "brazil.toml").write_text("[package\n")
    answer = own.run("package", "dependencies", "add", "Money")
    assert (answer.code, f"{own.cwd}/brazil.toml:1" in answer.err) == (2, True)
    assert (own.cwd / "brazil.toml").read_text() == "[package\n"
    elsewhere = own.at(own.folder).run("package", "dependencies", "add", "Money")
    assert (elsewhere.code, "is in no package" in elsewhere.err) == (2, True)


def test_the_starters_are_part_of_what_is_installed(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    kept = {"brazil", "pyproject.toml", "README.md", "LICENSE"}
    source = tmp_path / "source"
    source.mkdir()
    for name in kept:
        subprocess.run(["cp", "-a", "--", str(root / name), str(source)], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    (wheel,) = tmp_path.glob("*.whl")
    found = set(zipfile.ZipFile(wheel).namelist())
    starters = root / "brazil" / "build_systems" / "starters"
    tracked = {str(p.relative_to(root)) for p in starters.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert tracked - found == set()
