from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.product import Product, commit_all, copy_shop, git, make_repository, toml, write_files

pytestmark = pytest.mark.sandbox

LONG = "x" * 300
ZEROS = "0" * 40


class Case(NamedTuple):
    arguments: str  # words between blanks; {} names places
    code: str
    hint: str = ""  # a part of it
    exit_code: int = 2


@pytest.fixture(scope="module")
def world(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A shop beside which there is a workspace `work` with Rates in use, and `dirty` with a changed checkout."""
    product = copy_shop(template, tmp_path_factory.mktemp("refusals") / "shop")
    product.workspace("Rates")
    dirty = product.workspace("Rates", name="dirty")
    (dirty.src("Rates") / "rate").write_text("precious\n")
    write_files(product.folder, {"occupied/file": "", "work/occupied/file": ""})
    (product.folder / "empty").mkdir()
    make_repository(product.folder / "plain", {"file": ""})
    return product


OUTSIDE = [
    # What is not there, with the nearest that is.
    Case("vs show nope", "registry.unknown-set"),
    Case("vs show shop/dvv", "registry.unknown-set", "did you mean 'shop/dev'?"),
    Case("vs log nope", "registry.unknown-set"),
    Case("vs show shop/dev@9", "registry.unknown-revision"),
    Case("vs diff shop/dev 1 9", "registry.unknown-revision"),
    Case("vs diff shop/dev@0", "set.first-revision"),
    Case("vs show shop/dev@x", "set.bad-revision", "shop/dev@3"),
    Case("vs show shop/dev@99999999999999999999", "set.bad-revision"),
    Case("package show Mony", "package.unknown", "did you mean 'Money'?"),
    Case("package versions Mony", "package.unknown", "did you mean 'Money'?"),
    Case("publish --set shop/dev -p Mony", "package.unknown", "did you mean 'Money'?"),
    Case("ws create new --set shop/dvv", "registry.unknown-set", "did you mean 'shop/dev'?"),
    Case("package show Nope", "package.unknown", "brazil package register Nope"),
    Case("publish --set nope -p Rates", "registry.unknown-set"),
    Case("publish --set shop/dev -p Nope", "package.unknown"),
    Case("publish --set shop/dev -p Rates=mian", "source.unknown-ref", "did you mean 'main'?"),
    Case(f"publish --set shop/dev -p Rates={ZEROS}", "source.unknown-ref"),
    Case("publish --set shop/dev -p Rates=main -p Rates", "publish.two-refs", "name one"),
    Case("ws create new --set nope", "registry.unknown-set"),
    Case("ws create new --set shop/dev --revision 9", "registry.unknown-revision"),
    Case("ws create new --set shop/dev@9", "registry.unknown-revision"),
    Case("ws create new --set shop/dev@x", "set.bad-revision", "shop/dev@3"),
    Case("ws create new --set shop/dev@1 --revision 1", "command.usage", "brazil ws create --help"),
    Case("publish --set shop/dev@1 -p Rates", "name.version-set", "leave out the '@'"),
    # Names that are none, or that another has.
    Case("vs show ../x", "name.version-set"),
    Case("vs show /etc", "name.version-set"),
    Case(f"vs show {LONG}", "name.version-set"),
    Case("vs show -- -x", "name.version-set"),
    Case("vs create a/b/c", "name.version-set"),
    Case("vs create shop/dev", "registry.set-exists", "choose another name"),
    Case("vs create Shop/Dev", "registry.set-exists"),
    Case("vs create x --target Nope", "name.interface", "JsonKit-2.0"),
    Case("vs create x --target Mony-1.0", "package.unknown", "did you mean 'Money'?"),
    Case("vs create x --from shop/dvv --target Shop-1.0", "registry.unknown-set", "did you mean 'shop/dev'?"),
    Case("vs create x --from shop/dev --target Nope-1.0", "set.target-not-pinned"),
    Case("package register .. --repository {repositories}/Rates", "name.package"),
    Case("package register /abs --repository {repositories}/Rates", "name.package"),
    Case("package register --repository {repositories}/Rates -- -x", "name.package"),
    Case(f"package register {LONG} --repository {{repositories}}/Rates", "name.package"),
    Case("package register rates --repository {folder}/plain", "registry.name-taken", "another name"),
    Case("package register rates --repository {repositories}/Rates", "package.other-name", "register Rates"),
    Case("publish --set shop/dev -p ../x", "name.package"),
    # Places that are none, or that would run a program.
    Case("package register New --repository {folder}/missing", "git.unreachable", exit_code=5),
    Case("package register New --repository {folder}/empty", "git.unreachable", exit_code=5),
    Case("package register New --repository ext::{folder}/evil", "git.url"),
    Case("package register New --repository --upload-pack={folder}/evil", "git.unreachable", exit_code=5),
    Case("publish --set shop/dev -p Rates=--upload-pack={folder}/evil", "source.ref"),
    Case("--registry ext::{folder}/evil vs list", "git.url"),
    Case("--registry {folder}/missing.git vs list", "registry.missing", "bare git repository", 5),
    Case("--registry {folder}/empty vs list", "registry.missing", exit_code=5),
    # Places to stand.
    Case("build", "workspace.none", "brazil ws create"),
    Case("test", "workspace.none"),
    Case("publish", "workspace.none"),
    Case("ws show", "workspace.none"),
    Case("ws use Rates", "workspace.none"),
    Case("ws drop Rates", "workspace.none"),
    Case("ws sync", "workspace.none"),
    Case("ws clean", "workspace.none"),
    Case("ws delete nope", "workspace.none", "brazil ws list"),
    Case("exec Rates -- true", "workspace.none"),
    Case("ws create work --set shop/dev", "workspace.exists"),
    Case("ws create work/inner --set shop/dev", "workspace.exists"),
    Case("ws create occupied --set shop/dev", "workspace.occupied"),
    # Command lines.
    Case("biuld", "command.usage", "did you mean 'build'?"),
    Case("vs shw", "command.usage", "did you mean 'show'?"),
    Case("vs list --jsn", "command.usage", "did you mean '--json'?"),
    Case("build --keep", "command.usage", "did you mean '--keep-going'?"),
    Case("build --job 3", "command.usage", "did you mean '--jobs'?"),
    Case("completion", "command.usage", "one of bash, zsh, fish"),
    Case("vs show", "command.usage", "brazil vs show --help"),
    Case("vs diff a b c d", "command.usage"),
    Case("vs log shop/dev -n 0", "command.usage"),
    Case("build -j 0", "command.usage"),
    Case("publish --set shop/dev -p Rates -m \0", "publish.message"),
    Case("publish --set shop/dev -p Rates --token \x1b[2J", "publish.token"),
    Case(f"publish --set shop/dev -p Rates --token {LONG}", "publish.token"),
]
INSIDE = [
    Case("build Rate", "build.unknown-package", "did you mean 'Rates'?"),
    Case("build Rates-2.0", "build.unknown-package", "did you mean 'Rates-1.0'?"),
    Case("build ../Rates", "build.unknown-package"),
    Case("build Xyz", "build.unknown-package", "'brazil vs show shop/dev' lists what is"),
    Case("test -- -x", "build.unknown-package"),
    Case("exec Nope -- true", "build.unknown-package"),
    Case("exec Nope -- true --json", "build.unknown-package"),
    Case("exec Rates", "command.usage"),
    Case("exec Rates --", "command.usage"),
    Case("ws use Rates", "workspace.in-use", "src/Rates"),
    Case("ws use Nope", "package.unknown"),
    Case("ws use Money Mony", "package.unknown", "did you mean 'Money'?"),
    Case("ws use Money Rates", "workspace.in-use", "src/Rates"),
    Case("ws drop Rates Money", "workspace.not-in-use", "in use: Rates"),
    Case("exec Rate -- true", "build.unknown-package", "did you mean 'Rates'?"),
    Case("publish -p Rate", "package.unknown", "did you mean 'Rates'?"),
    Case("publish -p =main", "name.package"),
    Case("ws show extra", "command.usage"),
    Case("ws use ../x", "name.package"),
    Case("ws use Money --commit nope", "source.unknown-ref"),
    Case("ws use Money --commit --upload-pack={folder}/evil", "source.ref"),
    Case("ws use Money --head --commit main", "command.usage"),
    Case("ws drop Money", "workspace.not-in-use", "in use: Rates"),
    Case("ws drop Rate", "workspace.not-in-use", "did you mean 'Rates'?"),
    Case("ws sync --revision 9", "registry.unknown-revision"),
    Case("ws create inner --set shop/dev", "workspace.exists"),
]
DIRTY = [
    Case("ws drop Rates", "workspace.unsaved", "--force"),
    Case("publish", "publish.uncommitted", "commit them"),
    Case("publish -p Rates", "publish.uncommitted"),
]


def _refused(product: Product, case: Case) -> None:
    places = {"repositories": product.repositories, "folder": product.folder}
    words = [word.format(**places) for word in case.arguments.split(" ")]
    evil = product.folder / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {product.folder}/ran\n")
    evil.chmod(0o755)
    before = product.refs(), product.at(product.folder).files(), product.runs()
    answer = product.run(*words)
    assert (answer.code, answer.out) == (case.exit_code, ""), answer.err
    error, *rest = answer.err.splitlines()
    assert error.startswith("error: ")
    assert error.endswith(f" [{case.code}]"), error
    assert not error[7].isupper() or error[7:].startswith(("Rate", "Money")), "messages start in lower case"
    if case.hint:
        assert case.hint in "".join(line for line in rest if line.startswith("  hint: "))
    assert "Traceback" not in answer.err
    assert not [c for c in answer.err if not c.isprintable() and c != "\n"], "nothing that could steer a terminal"
    assert (product.refs(), product.at(product.folder).files(), product.runs()) == before, "nothing changed"


@pytest.mark.parametrize("case", OUTSIDE, ids=lambda case: case.arguments[:60])
def test_refused(world: Product, case: Case) -> None:
    _refused(world, case)


@pytest.mark.parametrize("case", INSIDE, ids=lambda case: case.arguments[:60])
def test_refused_in_a_workspace(world: Product, case: Case) -> None:
    _refused(world.at(world.folder / "work"), case)


@pytest.mark.parametrize("case", DIRTY, ids=lambda case: case.arguments[:60])
def test_refused_with_unsaved_work(world: Product, case: Case) -> None:
    _refused(world.at(world.folder / "dirty"), case)
    assert (world.folder / "dirty" / "src" / "Rates" / "rate").read_text() == "precious\n"


@pytest.mark.parametrize("words", ["vs show nope --json", "vs show --json", "build --json", "vs list --json --x"])
def test_refused_as_a_document(world: Product, words: str) -> None:
    answer = world.run(*words.split())
    error = answer.data["error"]
    assert (error["kind"], error["exit-code"], answer.code) == ("usage", 2, 2)
    for problem in error["problems"]:
        assert problem["code"] and problem["what"]
        assert problem["what"] in answer.err


# Packages that cannot be published.
TRUE = {"build": "true"}
WRONG = '[package]\nname = "New"\ninterface = 1.0\nbuild-sytem = "comand"\n\n[dependencie]\nX = "1.0"\n'
PACKAGES: list[tuple[str, Mapping[str, str], list[tuple[str, int, str]]]] = [
    ("no manifest", {"file": ""}, [("manifest.missing", 0, "")]),
    ("another name", {"brazil.toml": toml("Other", build=TRUE)}, [("manifest.other-package", 0, "package.name")]),
    (
        "every problem at once",
        {"brazil.toml": WRONG},
        [
            ("manifest.missing-key", 1, "package.build-system"),
            ("manifest.wrong-type", 3, "package.interface"),
            ("manifest.unknown-key", 4, "package.build-sytem"),
            ("manifest.unknown-table", 6, "dependencie"),
        ],
    ),
    ("no toml", {"brazil.toml": "[package\n"}, [("manifest.syntax", 1, "")]),
    (
        "a pointer instead of a file",
        {
            "brazil.toml": toml("New", build=TRUE),
            "big.bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n",
        },
        [("source.lfs", 0, "")],
    ),
]


@pytest.mark.parametrize(("files", "problems"), [case[1:] for case in PACKAGES], ids=[case[0] for case in PACKAGES])
def test_package_that_cannot_be_published(
    shop: Product, files: Mapping[str, str], problems: list[tuple[str, int, str]]
) -> None:
    repository = shop.add("New", {"file": ""})  # with the manifest of another package it could not be registered
    write_files(repository, files)
    commit_all(repository, "whole")
    refs = shop.refs()
    answer = shop.run("publish", "--set", "shop/dev", "-p", "New", "--target", "New-1.0", "--json")
    assert answer.code == 2
    found = answer.data["error"]["problems"]
    assert [(p["code"], p.get("line", 0), p.get("key", "")) for p in found] == problems
    assert shop.refs() == refs


def test_submodule_is_refused_by_its_path(shop: Product) -> None:
    repository = shop.add("New", {"brazil.toml": toml("New", build=TRUE)})
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},deps/other")
    git(repository, "commit", "-q", "-m", "submodule")
    refs = shop.refs()
    answer = shop.run("publish", "--set", "shop/dev", "-p", "New", "--target", "New-1.0")
    assert answer.code == 2
    assert "deps/other" in answer.err
    assert "[source.submodule]" in answer.err
    assert shop.refs() == refs


def test_unreached_package_is_refused_with_the_option_that_helps(shop: Product) -> None:
    shop.add("New", {"brazil.toml": toml("New", build=TRUE)})
    answer = shop.run("publish", "--set", "shop/dev", "-p", "New")
    assert answer.code == 2
    assert "no target of shop/dev needs New-1.0 [publish.unreached]" in answer.err
    assert "hint: make it a target: --target New-1.0" in answer.err
    assert shop.ok("publish", "--set", "shop/dev", "-p", "New", "--target", "New-1.0").code == 0


def test_wrong_manifest_in_a_checkout_is_named_by_its_path(shop: Product) -> None:
    work = shop.workspace("Rates", "Stamp")
    for name in ("Rates", "Stamp"):
        (work.src(name) / "brazil.toml").write_text(toml(name, "comand", build=TRUE))
    answer = work.run("build")
    assert answer.code == 2
    for name in ("Rates", "Stamp"):
        assert f"error: {work.src(name)}/brazil.toml:4: package.build-system: " in answer.err, "all of them at once"
    assert "did you mean 'command'?" in answer.err


# Requests that have no solution: exit code 3 and the reasons.


def _conflict(product: Product, *arguments: str) -> str:
    refs = product.refs()
    answer = product.run(*arguments)
    assert answer.code == 3, answer
    assert product.refs() == refs
    as_json = product.run(*arguments, "--json")
    assert as_json.code == 3
    assert as_json.data["conflict"]["title"] in answer.out + answer.err
    return answer.out + answer.err


def test_missing_dependency_is_explained(shop: Product) -> None:
    shop.add("New", {"brazil.toml": toml("New", dependencies={"Rates": "2.0"}, build=TRUE)})
    told = _conflict(shop, "publish", "--set", "shop/dev", "-p", "New", "--target", "New-1.0")
    assert "there is no Rates-2.0" in told
    assert "New-1.0 needs Rates-2.0   (dependencies, line 7)" in told


def test_cycle_is_explained(shop: Product) -> None:
    shop.add("Hen", {"brazil.toml": toml("Hen", dependencies={"Egg": "1.0"}, build=TRUE)})
    shop.add("Egg", {"brazil.toml": toml("Egg", dependencies={"Hen": "1.0"}, build=TRUE)})
    told = _conflict(shop, "publish", "--set", "shop/dev", "-p", "Hen", "-p", "Egg", "--target", "Hen-1.0")
    assert "Hen-1.0" in told and "Egg-1.0" in told and "need each other" in told


def test_two_interfaces_in_a_closure_are_explained(shop: Product) -> None:
    rates = shop.add("Lib", {"brazil.toml": toml("Lib", build=TRUE)})
    shop.ok("publish", "--set", "shop/dev", "-p", "Lib", "--target", "Lib-1.0")
    write_files(rates, {"brazil.toml": toml("Lib", interface="2.0", build=TRUE)})
    commit_all(rates, "a new line")
    shop.add("Middle", {"brazil.toml": toml("Middle", dependencies={"Lib": "1.0"}, build=TRUE)})
    top = {"brazil.toml": toml("Top", dependencies={"Lib": "2.0", "Middle": "1.0"}, build=TRUE)}
    shop.add("Top", top)
    request = ["publish", "--set", "shop/dev", "-p", "Lib", "-p", "Middle", "-p", "Top", "--target", "Top-1.0"]
    told = _conflict(shop, *request)
    assert "conflict: Lib, interfaces 1.0 and 2.0, in the runtime closure of Top-1.0" in told
    for reason in ("Top-1.0 needs Lib-2.0", "Top-1.0 needs Middle-1.0", "Middle-1.0 needs Lib-1.0"):
        assert reason in told
    assert 'resolves-conflict-dependencies Lib = "2.0"' in told


def test_conflict_in_a_workspace_is_explained(shop: Product) -> None:
    work = shop.workspace("Rates")
    text = toml("Rates", dependencies={"Shop": "1.0"}, build=TRUE)
    (work.src("Rates") / "brazil.toml").write_text(text)
    assert "need each other" in _conflict(work, "build")


# Things that went away.


def test_repository_that_is_gone_is_named(shop: Product, tmp_path: Path) -> None:
    repository = shop.add("New", {"brazil.toml": toml("New", build=TRUE)})
    repository.rename(tmp_path / "moved")
    answer = shop.run("publish", "--set", "shop/dev", "-p", "New", "--target", "New-1.0")
    assert answer.code == 5
    assert str(repository) in answer.err


def test_damaged_workspace_file_is_named(shop: Product) -> None:
    work = shop.workspace("Rates")
    (work.cwd / "brazil-workspace.toml").write_text("schema = 1\n[workspace\n")
    for command in ("build", "publish"):
        answer = work.run(command)
        assert answer.code == 2
        assert f"{work.cwd}/brazil-workspace.toml" in answer.err
    assert work.src("Rates").is_dir()


def test_checkout_that_was_deleted_is_named(shop: Product) -> None:
    work = shop.workspace("Rates")
    work.src("Rates").rename(work.cwd / "aside")
    answer = work.run("build")
    assert answer.code == 2
    assert str(work.src("Rates")) in answer.err
    assert work.ok("ws", "show").out
    assert work.ok("ws", "drop", "Rates").out == "dropped Rates\n"
