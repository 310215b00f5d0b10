"""Build system `cargo`, in the real sandbox: libraries, programs, a workspace, vendored crates, what must fail."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.product import Product, copy_shop, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs, starter_files

pytestmark = [pytest.mark.sandbox, need("cargo", "rustc", "cc")]


def crate(name: str, more: str = "", version: str = "1.2.3") -> str:
    return f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n{more}'


# A registry knows it by this checksum; nothing of the closure does.
_LOCK = """\
version = 3

[[package]]
name = "words"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "0000000000000000000000000000000000000000000000000000000000000000"
"""

_WORDS_TEST = """\
#[test]
fn one() {
    println!("said");
    assert_eq!(checks::word(), words::word());
}

#[test]
#[ignore]
fn other() {}
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    "Money": {
        "brazil.toml": toml(
            "Money",
            build={"build": 'mkdir "$BRAZIL_OUT/lib"\ncc -shared -fPIC -o "$BRAZIL_OUT/lib/libmoney.so" money.c'},
        ),
        "money.c": "int money_add(int a, int b) { return a + b; }\n",
    },
    "Checks": {
        "brazil.toml": toml("Checks", "cargo"),
        "Cargo.toml": crate("checks"),
        "src/lib.rs": 'pub fn word() -> &\'static str { "paid" }\n',
    },
    # A workspace, in a folder, of a library that needs one beside it, for C too, with a program, with what is not here.
    "Words": {
        "brazil.toml": toml("Words", "cargo", test_dependencies={"Checks": "1.0"})
        + '[build]\nsource = "rust code"\ntests = true\narguments = ["--workspace"]\n'
        + 'test-arguments = ["--", "--nocapture"]\n',
        "rust code/Cargo.toml": '[workspace]\nmembers = ["words", "letters"]\n[workspace.package]\nversion = "1.2.3"\n',
        "rust code/words/Cargo.toml": crate("words").replace('version = "1.2.3"', "version.workspace = true")
        + 'default-run = "print-words"\n[lib]\ncrate-type = ["lib", "cdylib", "staticlib"]\n'
        '[[bin]]\nname = "print-words"\npath = "print/main.rs"\n[features]\nfast = ["nowhere"]\n[dependencies]\n'
        'letters = { path = "../letters", version = "1" }\nnowhere = { version = "1", optional = true }\n'
        '[dev-dependencies]\nchecks = "1"\n',
        "rust code/words/src/lib.rs": '#[no_mangle]\npub extern "C" fn words() -> i32 { 1 }\n\n'
        '/// A word.\n///\n/// ```\n/// assert_eq!(words::word(), "paid");\n/// ```\n'
        "pub fn word() -> &'static str { letters::ALL }\n",
        "rust code/words/print/main.rs": 'fn main() { println!("{}", words::word()) }\n',
        "rust code/words/src/bin/more.rs": "fn main() {}\n",
        "rust code/words/tests/words.rs": _WORDS_TEST,
        "rust code/letters/Cargo.toml": crate("letters"),
        "rust code/letters/src/lib.rs": 'pub const ALL: &str = "paid";\n',
    },
    "Till": {
        "brazil.toml": toml("Till", "cargo", dependencies={"Money": "1.0", "Words": "1.0", "JsonKit": "1.0"}),
        "Cargo.toml": crate("till", '[dependencies]\nwords = "1"\njson_kit = "1"\n'),
        "Cargo.lock": _LOCK,
        "src/main.rs": '#[link(name = "money")]\nextern "C" { fn money_add(a: i32, b: i32) -> i32; }\n\n'
        'fn main() {\n    println!("{} {} {}", words::word(), unsafe { money_add(2, 3) }, '
        "json_kit::greeting(file!()));\n"
        '    assert!(std::env::args().count() < 3, "told where");\n}\n',
    },
    "JsonKit": starter_files("cargo", "JsonKit"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of them published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("cargo") / "shop", SHOP, "Till")


def test_a_program_runs_with_the_libraries_it_was_linked_with(shop: Product, tmp_path: Path) -> None:
    work = copy_shop(shop, tmp_path / "shop").workspace()
    for words in (["till"], ["env", "-u", "LD_LIBRARY_PATH", "/brazil/pkg/Till-1.0/bin/till"]):
        assert work.process("exec", "Till", "--", *words).out == "paid 5 hello, src/main.rs\n"
    assert work.process("exec", "JsonKit", "--", "json_kit").out == "hello, JsonKit\n"


def test_a_library_is_its_source_as_cargo_packs_it(shop: Product) -> None:
    files = runs(shop)["build Words-1.0"].files
    assert set(files) == {
        "bin/more",
        "bin/print-words",
        "lib/libwords.a",
        "lib/libwords.so",
        *(f"cargo/letters-1.2.3/{name}" for name in (".cargo-checksum.json", "Cargo.toml", "src/lib.rs")),
        *(f"cargo/words-1.2.3/{name}" for name in (".cargo-checksum.json", "Cargo.toml", "src/lib.rs")),
        "cargo/words-1.2.3/print/main.rs",
        "cargo/words-1.2.3/tests/words.rs",
    }
    manifest = files["cargo/words-1.2.3/Cargo.toml"].decode()
    assert "path" not in manifest.partition("[dependencies")[2]
    assert 'version = "1.2.3"' in manifest
    till = runs(shop)["build Till-1.0"]
    assert set(till.files) == {"bin/till"}
    assert "cargo: Cargo.lock is left aside: the closure says which versions there are" in till.log


def test_tests_are_cases(shop: Product) -> None:
    run = runs(shop)["test Words-1.0"]
    assert not run.tested.unreadable
    assert {(case.suite, case.name.removeprefix("words/")): case.end for case in run.tested.cases} == {
        ("tests/words.rs", "one"): CaseEnd.PASSED,
        ("tests/words.rs", "other"): CaseEnd.SKIPPED,
        ("doc-tests words", "src/lib.rs - word (line 6)"): CaseEnd.PASSED,
    }
    assert runs(shop)["test JsonKit-1.0"].tested.count(CaseEnd.PASSED) == 1


def test_the_same_artifact_comes_from_another_place_with_one_processor(shop: Product, tmp_path: Path) -> None:
    other = built_elsewhere(tmp_path / "another place", SHOP, "Till")["build Till-1.0"]
    assert other.files == runs(shop)["build Till-1.0"].files
    assert other.digest == runs(shop)["build Till-1.0"].digest


def lib(text: str = "pub fn pay() {}\n", more: str = "", **files: str) -> dict[str, str]:
    return {"Cargo.toml": crate("pay", more), "src/lib.rs": text, **files}


def check(text: str) -> dict[str, str]:
    return lib(f"#[test]\nfn pays() {{ {text} }}\n")


def shell(script: str) -> str:
    return f'std::process::Command::new("sh").arg("{script}").status().unwrap().success()'


NATIVE = Native(
    "cargo",
    # The tests are built without --release, and the artifact is finished then.
    check(f"assert!({shell('test.sh')})")
    | {"build.rs": f'fn main() {{ assert!(std::env::var("PROFILE").unwrap() != "release" || {shell("build.sh")}) }}\n'},
    build_fails=101,
    test_fails=101,
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({"src/lib.rs": ""}, said="cargo: there is no Cargo.toml in .\n"),
    "NoFolder": Bad(lib(), 'source = "no where"', said="cargo: there is no folder no where"),
    "Broken": Bad(lib("pub fn ("), exit_code=101, said="error: expected identifier, found `(`"),
    "NoToml": Bad({"Cargo.toml": "[package", "src/lib.rs": ""}, exit_code=101, said="could not parse"),
    "NoEdition": Bad(
        {"Cargo.toml": crate("pay").replace("2021", "2999"), "src/lib.rs": ""}, exit_code=101, said="2999"
    ),
    "OldTool": Bad(lib(more='rust-version = "1.999"\n'), exit_code=101, said="it requires rustc 1.999 or newer"),
    "Fetches": Bad(
        lib(more='[dependencies]\nnowhere = "1"\n'), exit_code=101, said="no matching package named `nowhere` found"
    ),
    "Clones": Bad(
        lib(more='[dependencies]\nnowhere = { git = "https://json.example/nowhere" }\n'), exit_code=101, said="offline"
    ),
    "Unstable": Bad(lib("#![feature(never_type)]\n"), exit_code=101, said="may not be used on the stable release"),
    "Probes": Bad(
        lib(**{"build.rs": 'fn main() { panic!("{:?}", std::env::var("RUSTC_BOOTSTRAP")) }\n'}),
        exit_code=101,
        said='Ok("0")',
    ),
    "Nothing": Bad(
        {"Cargo.toml": crate("pay"), "tests/pay.rs": ""}, said="cargo: there is neither a program nor a library in ."
    ),
    "NewLock": Bad(lib(**{"Cargo.lock": "version = 99\n", "vendor/none": ""}), exit_code=101, said="lock file version"),
    "Panics": Bad(check('panic!("no")'), step="test", exit_code=101, said="panicked at 'no', src/lib.rs:2:13"),
    "NoTests": Bad(lib(), "tests = true", "test", said="cargo: no test was found in ."),
}


@pytest.mark.slow
def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)


def test_vendored_crates_come_with_a_lock_that_holds(tmp_path: Path) -> None:
    near = {"Cargo.toml": crate("near"), "src/lib.rs": "pub const HERE: i32 = 1;\n"}
    checksum = "ab" * 32
    files = {
        "brazil.toml": toml("Pay", "cargo"),
        **lib("pub use near::HERE;\n", '[dependencies]\nnear = "1"\n'),
        "Cargo.lock": _LOCK.replace("words", "near").replace("1.0.0", "1.2.3").replace("00" * 32, checksum)
        + '\n[[package]]\nname = "pay"\nversion = "1.2.3"\ndependencies = [\n "near",\n]\n',
        **{f"vendor/near/{name}": text for name, text in near.items()},
        "vendor/near/.cargo-checksum.json": f'{{"files":{{}},"package":"{checksum}"}}\n',
    }
    run = runs(publish(tmp_path / "shop", {"Pay": files}, "Pay"))["build Pay-1.0"]
    assert "left aside" not in run.log
    assert "cargo/pay-1.2.3/src/lib.rs" in run.files
