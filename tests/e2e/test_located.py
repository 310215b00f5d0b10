"""`brazil path`, and what real editors and their tools make of it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.product import Product, copy_shop, toml

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def work(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A workspace in which Rates brings modules of Python and JavaScript, and a file that Shop brings as well."""
    inside = copy_shop(template, tmp_path_factory.mktemp("located") / "shop").workspace("Rates", "Shop", "Price")
    build = """
        mkdir -p "$BRAZIL_OUT/python" "$BRAZIL_OUT/share" "$BRAZIL_OUT/node_modules/rates" "$BRAZIL_OUT/java"
        cp rates.py "$BRAZIL_OUT/python/"; cp rate "$BRAZIL_OUT/share/"; touch "$BRAZIL_OUT/java/rates.jar"
        echo other >"$BRAZIL_OUT/share/stamp"; cp rate "$BRAZIL_OUT/node_modules/rates/"
    """
    (inside.src("Rates") / "brazil.toml").write_text(toml("Rates", build={"build": build}))
    (inside.src("Rates") / "rates.py").write_text("def rate(country: str) -> int:\n    return 19\n")
    return inside


def one(work: Product, *arguments: str) -> str:
    """The one line that a script would read."""
    done = work.run("path", *arguments)
    assert done.code == 0, done.err
    assert done.out.count("\n") == 1
    return done.out.rstrip("\n")


CONTENT = {
    ("include", "Shop"): "money.h",
    ("library", "Shop"): "libmoney.so",
    ("pkg-config", "Shop"): "money.pc",
    ("python", "Shop"): "rates.py",
    ("node", "Shop"): "rates",
    ("class", "Shop"): "",
    ("root", "Shop"): "bin",
}


@pytest.mark.parametrize(("recipe", "package"), CONTENT)
def test_a_recipe_gives_one_real_path(work: Product, recipe: str, package: str) -> None:
    place = Path(one(work, recipe, package))
    assert place.is_relative_to(work.home / "cache")
    assert (place / CONTENT[recipe, package]).exists()


def test_a_search_path_lists_the_members_of_its_closure_in_order(work: Product) -> None:
    built, run = (one(work, "bin", "--closure", closure, "Shop").split(":") for closure in ("build", "runtime"))
    assert [sorted(path.name for path in Path(p).iterdir()) for p in run] == [["money-config"], ["price"], ["shop"]]
    assert run[:2] == built
    assert one(work, "bin", "Money") == ""
    cmake = one(work, "cmake", "Price").split(":")
    assert [(Path(p) / "lib").is_dir() for p in cmake] == [True]


def test_what_is_there_cannot_be_changed_by_an_ordinary_user(work: Product) -> None:
    header = Path(one(work, "include", "Shop")) / "money.h"
    assert header.stat().st_mode & 0o222 == 0


def test_the_same_content_has_the_same_path_also_after_the_cache_was_deleted(work: Product) -> None:
    before = one(work, "include", "Shop")
    shutil.rmtree(work.home / "cache")
    assert one(work, "include", "Shop") == before
    assert (Path(before) / "money.h").exists()


def test_a_farm_has_all_in_one_place_stays_there_and_follows(work: Product) -> None:
    done = work.run("path", "farm", "--closure", "runtime", "Shop")
    farm = Path(done.out.rstrip("\n"))
    assert farm == work.cwd / ".brazil" / "farms" / "runtime-Shop-1.0"
    assert sorted(path.name for path in (farm / "bin").iterdir()) == ["money-config", "price", "shop"]
    assert (farm / "include" / "money.h").is_file()
    assert done.err.splitlines()[-1] == (
        "clash: share/stamp is in Rates-1.0, Shop-1.0: that of Rates-1.0 is linked"
    )  # fmt: skip
    assert (farm / "share" / "stamp").read_text() == "other\n"
    clashes = work.run("path", "farm", "--closure", "runtime", "Shop", "--json").data["clashes"]
    assert clashes == [{"path": "share/stamp", "linked": "Rates-1.0", "hidden": ["Shop-1.0"]}]
    (work.src("Rates") / "rate").write_text("7\n")
    assert one(work, "farm", "--closure", "runtime", "Shop") == str(farm)
    assert (farm / "share" / "rate").read_text() == "7\n"
    assert len([path for path in farm.parent.iterdir() if "runtime" in path.name]) == 2
    shutil.rmtree(work.home / "cache")
    assert one(work, "farm", "--closure", "runtime", "Shop") == str(farm)
    assert (farm / "bin" / "shop").is_file()


def test_json_has_the_paths_one_by_one(work: Product) -> None:
    data = work.run("path", "bin", "Shop", "--json").data
    assert data["recipe"], data["closure"] == ("bin", "build")
    assert ":".join(data["paths"]) == one(work, "bin", "Shop")


class TestEditor:
    def test_one_document_has_all(self, work: Product) -> None:
        data = work.run("path", "editor", "Shop").data
        assert (data["package"], data["set"], data["revision"]) == ("Shop-1.0", "shop/dev", 1)
        assert data["checkout"] == str(work.src("Shop"))
        assert Path(data["manifest"]).is_file()
        assert data["root"] == one(work, "root", "Shop")
        build = data["closures"]["build"]
        assert [member["package"] for member in build["members"]] == ["Money-1.0", "Price-1.0", "Rates-1.0"]
        assert build["tools"] == ["Stamp-1.0"]
        assert build["search-paths"]["CPATH"] == [one(work, "include", "Shop")]
        assert build["search-paths"]["PYTHONPATH"] == [one(work, "python", "Shop")]
        assert data["environment"]["CPATH"] == "/brazil/pkg/Money-1.0/include"
        assert work.run("path", "editor", "Money").data["checkout"] is None

    def test_it_is_of_use_while_the_package_does_not_build(self, work: Product) -> None:
        manifest = work.src("Shop") / "brazil.toml"
        text = manifest.read_text()
        manifest.write_text(text.replace("stamp >", "false; stamp >"))
        try:
            done = work.run("path", "editor", "Shop")
            assert done.code == 0
            assert "1 failed" in done.err
            assert done.data["root"] is None
            assert done.data["closures"]["runtime"] is None
            assert done.data["closures"]["build"]["search-paths"]["CPATH"]
            refused = work.run("path", "root", "Shop")
            assert (refused.code, refused.out) == (1, "")
            assert "brazil shell --failed Shop-1.0" in refused.err
            assert work.run("path", "root", "Shop", "--json").data["succeeded"] is False
        finally:
            manifest.write_text(text)

    def test_without_its_build_closure_it_is_of_none(self, work: Product) -> None:
        manifest = work.src("Rates") / "brazil.toml"
        text = manifest.read_text()
        manifest.write_text(text.replace("mkdir", "false; mkdir"))
        try:
            done = work.run("path", "editor", "Shop")
            assert done.code == 1
            assert done.data["closures"] == {"runtime": None, "build": None, "test": None}
            assert done.data["environment"] is None
        finally:
            manifest.write_text(text)


class TestRealTools:
    def test_clang_finds_the_header_of_a_dependency_through_a_compile_database(self, work: Product) -> None:
        """The database is what an editor's clangd reads."""
        tidy = Path(sys.executable).with_name("clang-tidy")
        if not tidy.exists():
            pytest.skip(f"{tidy} is not there: scripts/bootstrap tests")
        checkout = work.src("Price")
        flags = [f"-I{path}" for path in one(work, "include", "Price").split(":")]
        command = {"directory": str(checkout), "file": "price.c", "arguments": ["cc", *flags, "-c", "price.c"]}
        (checkout / "compile_commands.json").write_text(json.dumps([command]))

        def check() -> "subprocess.CompletedProcess[str]":
            words = [str(tidy), "-p", ".", "--checks=-*,misc-redundant-expression", "price.c"]
            return subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False)

        text = (checkout / "price.c").read_text()
        try:
            sound = check()
            assert sound.returncode == 0, sound.stdout + sound.stderr
            work.edit("Price", "price.c", "money_add(atoi(v[1])", "money_add(v[1]")
            wrong = check()
            assert "passing 'char *' to parameter of type 'int'" in wrong.stdout, wrong.stdout + wrong.stderr
            assert f"{flags[0][2:]}/money.h:1:" in wrong.stdout
        finally:
            (checkout / "price.c").write_text(text)
            (checkout / "compile_commands.json").unlink()

    def test_mypy_knows_the_types_of_a_dependency(self, work: Product, tmp_path: Path) -> None:
        program = work.src("Shop") / "till.py"

        def check(text: str) -> tuple[int, str]:
            program.write_text(text)
            words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "till.py"]
            environment = {**work.environment, "MYPYPATH": one(work, "python", "Shop")}
            done = subprocess.run(
                words, cwd=program.parent, env=environment, capture_output=True, text=True, check=False
            )
            return done.returncode, done.stdout

        try:
            assert check("from rates import rate\n\nprint(rate('DE') + 1)\n")[0] == 0
            code, said = check("from rates import rate\n\nprint(rate(7))\n")
            assert (code, 'incompatible type "int"; expected "str"' in said) == (1, True), said
            missing = check("from raets import rate\n")
            assert "import-not-found" in missing[1]
        finally:
            program.unlink()


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("arguments", "code", "hint"),
        [
            ("path inclde Shop", "path.unknown-recipe", "did you mean 'include'?"),
            ("path xyz Shop", "path.unknown-recipe", "there are root, include"),
            ("path include Shp", "build.unknown-package", "did you mean 'Shop'?"),
            ("path include Shop-9.0", "build.unknown-package", "did you mean 'Shop-1.0'?"),
            ("path include", "command.usage", "brazil path --help"),
            ("path root Shop --closure build", "command.usage", "brazil path --help"),
            ("path editor Shop --closure build", "command.usage", "brazil path --help"),
            ("path include Shop --closure bild", "command.usage", "brazil path --help"),
        ],
    )
    def test_with_what_helps(self, work: Product, arguments: str, code: str, hint: str) -> None:
        refused = work.run(*arguments.split())
        assert (refused.code, refused.out) == (2, "")
        assert f"[{code}]" in refused.err
        assert hint in refused.err
        as_json = work.run(*arguments.split(), "--json")
        assert as_json.data["error"]["problems"][0]["code"] == code

    def test_a_place_that_is_no_workspace(self, work: Product) -> None:
        assert "[workspace.none]" in work.at(work.folder).run("path", "include", "Shop").err

    def test_a_name_that_means_several_interfaces(self, shop: Product) -> None:
        work = shop.workspace("Rates")
        work.edit("Rates", "brazil.toml", 'interface = "1.0"', 'interface = "2.0"')
        work.commit("Rates")
        work.ok("publish", "-p", "Rates", "--target", "Rates-2.0")
        plain = shop.workspace(name="plain")
        for words in (["path", "include"], ["path", "root"], ["path", "editor"], ["shell"], ["shell", "--sandbox"]):
            refused = plain.run(*words, "Rates")
            assert (refused.code, refused.out) == (2, ""), words
            assert "[closure.several-interfaces]" in refused.err
            assert "Rates-1.0, Rates-2.0" in refused.err
        assert plain.run("path", "root", "Rates-2.0").code == 0

    def test_a_conflict_is_explained(self, shop: Product) -> None:
        work = shop.workspace("Rates")
        work.edit("Rates", "brazil.toml", "[build]", '[dependencies]\nPrice = "7.0"\n\n[build]')
        for words in (["path", "include"], ["path", "editor"], ["shell"], ["shell", "--sandbox"]):
            refused = work.run(*words, "Rates")
            assert (refused.code, refused.out) == (3, ""), words
            assert "Price-7.0" in refused.err
        assert work.run("path", "include", "Rates", "--json").data["conflict"]["kind"]

    def test_a_colon_in_a_folder_cannot_be_in_a_search_path(self, template: Product, tmp_path: Path) -> None:
        work = copy_shop(template, tmp_path / "a:b").workspace()
        refused = work.run("path", "bin", "Shop")
        assert (refused.code, refused.out) == (2, "")
        assert "[path.colon]" in refused.err
        assert len(work.run("path", "bin", "Shop", "--json").data["paths"]) == 2
