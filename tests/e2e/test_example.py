"""The shop of examples/workspace, from a clean clone: built, tested, run and published, once for all facts."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.other_user import OtherUser
from tests.e2e.product import REPOSITORY, Product, git, open_shop, options
from tests.e2e.systems import runs

pytestmark = pytest.mark.sandbox

ALL = [
    *("Audit", "CardProvider", "EventForge", "JournalKit", "LedgerKit", "LedgerReport", "MoneyKit", "PaymentService"),
    *("ProviderApi", "ProviderTestKit", "PyMoney", "Reconciler", "ShopEvents", "Storefront", "WalletKit"),
]
FIRST = ["EventForge", "JournalKit", "MoneyKit", "PyMoney"]  # with ShopEvents 1.0


class Example(NamedTuple):
    """The example, cloned and published, and a workspace on it."""

    sources: Path
    packages: list[str]  # those that this machine has the programs for
    left_out: Mapping[str, str]  # target -> what it needs
    work: Product

    def exec(self, package: str, *words: str | Path, code: int = 0) -> str:
        """Run a program of a package in a process of its own and return what it prints."""
        answer = self.work.process("exec", package, "--", *map(str, words))
        assert answer.code == code, f"{words}: {answer.code}\n{answer.out}\n{answer.err}"
        return answer.out

    def event(self, number: int) -> Path:
        return self.sources / "events" / f"order-{number}.json"


def clone(folder: Path) -> Path:
    """Copy what a clean clone of this project would have of the example."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "examples/workspace"]
    done = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("this is no clone: git does not know which files belong to it")
    for name in filter(None, done.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    return folder / "examples" / "workspace"


def can_be_built(sources: Path) -> tuple[list[str], dict[str, str]]:
    said = subprocess.run([sources / "can-be-built"], capture_output=True, text=True, check=True).stdout
    lines = [line.partition(" ") for line in said.splitlines()]
    return [target for target, _, needs in lines if not needs], {t: needs for t, _, needs in lines if needs}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    folder = tmp_path_factory.mktemp("example")
    sources = clone(folder / "clone")
    targets, left_out = can_be_built(sources)
    repositories = folder / "repositories"
    subprocess.run([sources / "make-repositories", repositories], stdout=subprocess.DEVNULL, check=True)
    packages = [name for name in ALL if f"{name}-1.0" not in left_out]
    product = open_shop(folder / "shop", {}, [])
    for name in packages:
        product.ok("package", "register", name, "--repository", str(repositories / f"{name}.git"))
    rest = [name for name in packages if name not in FIRST]
    # As README.md of the example says: a publication names one commit of a package.
    for named, wanted in (([*FIRST, "ShopEvents=1.0"], ["JournalKit-1.0"]), (rest, targets)):
        product.ok("publish", "--set", "shop/dev", *options("-p", named), *options("--target", wanted))
    return Example(sources, packages, left_out, product.workspace())


def need(example: Example, target: str) -> None:
    if target in example.left_out:
        pytest.skip(f"{target} {example.left_out[target]} in /usr")


@pytest.fixture(scope="module")
def taken(example: Example) -> Path:
    """A shop that took two payments, each twice."""
    folder = example.work.folder / "data"
    charged = example.exec("PaymentService", "pay", "charge", "--shop", folder, example.event(1001))
    assert charged == (
        "order-1001: 100.00 EUR from ada\n  66.67 EUR to bob, card-0001\n  33.33 EUR to cem, card-0002\n"
    )
    again = example.exec("PaymentService", "pay", "charge", "--shop", folder, example.event(1001))
    assert again == "order-1001 was already charged: nothing to do\n"
    (folder / "outage").write_text("2\n")
    refused = example.exec("PaymentService", "pay", "charge", "--shop", folder, example.event(1003), code=1)
    assert refused.splitlines()[1:] == [
        "  300.00 EUR to bob, card-0003",
        "  1200.00 EUR to dan, refused: over the limit of the card",
    ]
    return folder


@pytest.fixture(scope="module")
def journal(example: Example, taken: Path) -> Path:
    path = taken / "journal"
    path.write_text(example.exec("PaymentService", "pay", "journal", "--shop", taken))
    return path


def test_every_package_has_tests_and_both_interfaces_of_one_are_pinned(example: Example) -> None:
    pins = [*(f"{name}-1.0" for name in example.packages), "ShopEvents-2.0"]
    shown = example.work.ok("vs", "show", "shop/dev", "--json").data
    assert sorted(shown["pins"]) == sorted(pins)
    ran = runs(example.work)
    assert sorted(ran) == sorted(f"{kind} {pin}" for kind in ("build", "test") for pin in pins)
    assert [step for step, run in ran.items() if run.exit_code] == []
    untold = [step for step, run in ran.items() if step.startswith("test") and not run.tested.cases]
    assert untold == ["test MoneyKit-1.0"], "the tests of all others are told case by case"


@pytest.mark.parametrize(
    ("package", "members"),
    [
        ("Audit", "Audit-1.0 JournalKit-1.0 ShopEvents-2.0"),
        ("CardProvider", "CardProvider-1.0 ProviderApi-1.0"),
        ("JournalKit", "JournalKit-1.0 MoneyKit-1.0 PyMoney-1.0 ShopEvents-1.0"),
        ("PaymentService", "CardProvider-1.0 LedgerKit-1.0 MoneyKit-1.0 PaymentService-1.0 ProviderApi-1.0 PyMoney-1.0 "
         "ShopEvents-2.0 WalletKit-1.0"),
    ],
)  # fmt: skip
def test_what_runs_is_what_the_readme_says(example: Example, package: str, members: str) -> None:
    assert example.exec(package, "ls", "/brazil/pkg").split() == members.split()


def test_payments_are_made_once_and_the_books_agree(example: Example, taken: Path) -> None:
    assert example.exec("PaymentService", "pay", "balance", "--shop", taken).splitlines() == [
        "buyer:ada   -100.00 EUR",
        "buyer:eve   -300.00 EUR",
        "seller:bob   366.67 EUR",
        "seller:cem    33.33 EUR",
        "together       0.00 EUR",
        "wallet:bob   366.67 EUR",
        "wallet:cem    33.33 EUR",
    ]
    statement = example.exec("CardProvider", "card-statement", taken)
    assert statement == "card-0001\tEUR\t6667\ncard-0002\tEUR\t3333\ncard-0003\tEUR\t30000\n"


def test_an_audit_finds_what_was_changed_by_hand(example: Example, journal: Path) -> None:
    assert example.exec("Audit", "audit", journal) == "6 postings, 4 orders: all in order\n"
    wrong = journal.with_name("wrong")
    wrong.write_text(journal.read_text().replace("\t6667\n", "\t6668\n", 1))
    assert "off balance by 1 minor EUR" in example.exec("Audit", "audit", wrong, code=1)


def test_the_statement_agrees_by_cpp(example: Example, taken: Path, journal: Path) -> None:
    need(example, "Reconciler-1.0")
    statement = taken / "statement"
    statement.write_text(example.exec("CardProvider", "card-statement", taken))
    said = example.exec("Reconciler", "reconcile", journal, statement)
    assert said == "EUR  400.00 in 3 payments\nall 3 payments agree\n"


def test_the_accounts_are_reported_by_java(example: Example, journal: Path) -> None:
    need(example, "LedgerReport-1.0")
    said = example.exec("LedgerReport", "ledger-report", journal).splitlines()
    assert said[0] == "buyer:ada   -100.00 EUR"
    assert said[-1] == "4 accounts, 6 postings, and together 0.00 EUR"


def test_the_page_is_written_by_javascript(example: Example, journal: Path) -> None:
    need(example, "Storefront-1.0")
    page = example.exec("Storefront", "storefront", journal)
    assert "<tr><td>bob</td><td>2</td><td>366.67 EUR</td></tr>" in page
    assert "<p>1 refused</p>" in page


def test_without_its_choice_audit_is_refused_and_told_what_would_help(example: Example) -> None:
    work = example.work
    work.ok("ws", "use", "Audit")
    git(work.src("Audit"), "apply", str(example.sources / "changes" / "4-undecided.patch"))
    answer = work.run("build", "Audit")
    git(work.src("Audit"), "checkout", "-q", ".")
    assert answer.code == 3
    assert "[conflict.two-interfaces]" in answer.err
    assert 'set resolves-conflict-dependencies ShopEvents = "2.0" in Audit' in answer.err


def test_the_artifacts_are_the_same_in_another_folder_and_for_another_user(
    example: Example, other_user: OtherUser
) -> None:
    folder = other_user.folder / "the whole example"
    folder.mkdir()
    shutil.copytree(example.work.registry, folder / "registry.git")  # which holds the sources of all pins too
    other_user.own(folder)
    theirs = Product(folder, repositories=folder)
    environment = {k: v for k, v in theirs.environment.items() if k.startswith(("GIT_", "BRAZIL_"))}
    brazil = [other_user.python, "-m", "brazil"]
    for place, words in (
        (folder, ["ws", "create", "work", "--set", "shop/dev"]),
        (folder / "work", ["build", "--all"]),
    ):
        done = other_user.run([*brazil, *words, "--json"], place, {**environment, "HOME": str(folder)})
        assert done.returncode == 0, done.stderr
    (results,) = example.work.ok("vs", "show", "shop/dev", "--json").data["results"].values()
    assert json.loads(done.stdout)["artifacts"] == {pin: result["artifact"] for pin, result in results.items()}


def hide(programs: Sequence[str]) -> list[str]:
    """Return the start of a command that runs the rest where programs of /usr are not there."""
    hidden = [f"/usr/bin/{program}" for program in programs if Path("/usr/bin", program).exists()]
    script = "".join(f"mount --bind /dev/null {path} && " for path in hidden) + 'exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


@pytest.mark.slow
def test_the_demo_builds_what_can_be_built_and_says_what_it_left_out(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can hide programs of /usr")
    root = tmp_path / "checkout"
    (root / "scripts").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(REPOSITORY / "scripts" / "demo", root / "scripts")
    (root / "examples").symlink_to(REPOSITORY / "examples")
    product = Product(tmp_path, repositories=tmp_path)
    modules = product.environment["PYTHONPATH"]
    brazil = f'#!/bin/sh\nPYTHONPATH="{modules}" exec "{sys.executable}" -m brazil "$@"\n'
    for path, text in (
        (root / "scripts" / "bootstrap", "#!/bin/sh\n"),  # there is an environment already
        (root / ".venv" / "bin" / "brazil", brazil),
    ):
        path.write_text(text)
        path.chmod(0o755)
    command = [*hide(["cmake", "c++", "javac", "node"]), str(root / "scripts" / "demo"), str(tmp_path / "demo")]
    done = subprocess.run(command, env=product.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = (done.stdout + done.stderr).splitlines()
    for target, program in (("Reconciler", "cmake"), ("LedgerReport", "javac"), ("Storefront", "node")):
        told = f"  left out: {target}-1.0 needs "
        assert [line for line in said if line.startswith(told) and program in line], target
    for line in (
        "order-1001 was already charged: nothing to do",
        "  9.98 CHF to bob, card-0004",
        "published shop/dev revision 3",
        "10 postings, 6 orders: all in order",
        "not published: shop/dev stays at revision 3",
        '    1. set resolves-conflict-dependencies ShopEvents = "2.0" in Audit',
    ):
        assert line in said
