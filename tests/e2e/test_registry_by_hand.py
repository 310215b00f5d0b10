"""A registry that somebody edited by hand, or that another program wrote, through the command line."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.product import Product, copy_shop, git

pytestmark = pytest.mark.sandbox

SET, CATALOG = "refs/heads/sets/shop/dev.set", "refs/heads/catalog"
RESTORE = "  hint: it was changed by hand or by another program; restore it from another copy of the registry\n"
UPDATE = "  hint: use a brazil that knows schema 9\n"
NEWER = "cannot be read: it has schema 9, this brazil knows schemas up to 1 [registry.newer]"


@pytest.fixture(scope="module")
def world(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    return copy_shop(template, tmp_path_factory.mktemp("by-hand") / "shop")


@pytest.fixture(autouse=True)
def restored(world: Product) -> Iterator[None]:
    """Put the branches back to where they were."""
    registry = Path(world.registry)
    before = {ref: git(registry, "rev-parse", ref) for ref in (SET, CATALOG)}
    yield
    for ref, commit in before.items():
        (registry / ref).write_text(f"{commit}\n")


def newer(data: bytes) -> bytes:
    return data.replace(b"schema = 1", b"schema = 9")


def torn(data: bytes) -> bytes:
    return data[: data.rindex(b'"')]


def empty(_: bytes) -> bytes:
    return b""


def linked(_: bytes) -> bytes:
    return b"/etc/passwd"


def binary(_: bytes) -> bytes:
    return b"\xff\xfe\0"


def renumbered(data: bytes) -> bytes:
    return data.replace(b"number = 1", b"number = 7")


def gone(_: bytes) -> None:
    return None


def of_another(data: bytes) -> bytes:
    return data.replace(b"Stamp", b"Stump")


class Case(NamedTuple):
    ref: str
    file: str
    edit: Callable[[bytes], bytes | None]
    answer: str  # {place}: where the file is
    exit_code: int = 4


STATE, PIN, RESULT = "versionset.toml", "pins/29/Stamp-1.0.toml", "results/linux-x86_64/29/Stamp-1.0.toml"
PACKAGE, RECORD = "packages/29/Stamp/package.toml", "packages/29/Stamp/1.0/0/1.toml"
FILES = [*((SET, file) for file in (STATE, PIN, RESULT)), *((CATALOG, file) for file in (PACKAGE, RECORD))]
CASES = [
    *(Case(ref, file, newer, f"error: {{place}} {NEWER}\n{UPDATE}", 2) for ref, file in FILES),
    *(
        Case(ref, file, edit, f"error: {{place}} is damaged: {because} [registry.damaged]\n{RESTORE}")
        for ref, file in FILES
        for edit, because in (
            (torn, "Unterminated string (at end of document)"),
            (empty, "it has no valid 'schema'"),
            (linked, "Invalid statement (at line 1, column 1)"),
            (binary, "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        )
    ),
    Case(SET, STATE, gone, f"error: {{place}} is damaged: it is not there [registry.damaged]\n{RESTORE}"),
    Case(
        SET,
        STATE,
        renumbered,
        f"error: {{place}} is damaged: the commit message says otherwise [registry.damaged]\n{RESTORE}",
    ),
    Case(CATALOG, PACKAGE, of_another, f"error: {{place}} is damaged: it is about Stump [registry.damaged]\n{RESTORE}"),
    Case(
        SET,
        PIN,
        gone,
        f"error: {SET}:results/linux-x86_64 is damaged: "
        f"it has a result of Stamp-1.0, which is not pinned [registry.damaged]\n{RESTORE}",
    ),
    Case(SET, PIN, of_another, f"error: {{place}} is damaged: it is about Stump-1.0 [registry.damaged]\n{RESTORE}"),
]


def edited(product: Product, case: Case) -> str:
    """Change a file as somebody would who has cloned the registry; return the commit."""
    registry = Path(product.registry)
    file = registry.parent / "file"
    index = [f"--git-dir={registry}", f"--work-tree={registry.parent}"]
    data = case.edit((git(registry, "show", f"{case.ref}:{case.file}") + "\n").encode())
    git(registry.parent, *index, "read-tree", case.ref)
    if data is None:
        git(registry.parent, *index, "rm", "-q", "--cached", "--", case.file)
    else:
        file.write_bytes(data)
        mode = "120000" if case.edit is linked else "100644"
        blob = git(registry, "hash-object", "-w", str(file))
        git(registry.parent, *index, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{case.file}")
    message = git(registry, "log", "-1", "--format=%B", case.ref)
    tree = git(registry.parent, *index, "write-tree")
    commit = git(registry, "commit-tree", tree, "-p", case.ref, "-m", message)
    git(registry, "update-ref", case.ref, commit)
    return commit


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.edit.__name__} {case.file}")
def test_a_file_that_was_edited_by_hand(world: Product, case: Case) -> None:
    commit = edited(world, case)
    refs = world.refs()
    place = f"{case.ref}:{case.file}" + (f" ({commit})" if case.file == STATE else "")
    for words in (
        ("vs show shop/dev", "publish --set shop/dev -p Rates") if case.ref == SET else ("package show Stamp",)
    ):
        answer = world.run(*words.split())
        assert (answer.code, answer.out) == (case.exit_code, "")
        assert answer.err == case.answer.format(place=place)
    assert world.refs() == refs


def test_a_catalog_of_another_type(world: Product) -> None:
    registry = Path(world.registry)
    blob = git(registry, "rev-parse", f"{CATALOG}:{PACKAGE}")
    for names, because in (
        (blob, "it is a blob"),
        ("1" * 40, "the commit that it names is missing"),
        ("torn", "the commit that it names is missing"),
    ):
        (registry / CATALOG).write_text(f"{names}\n")
        for words in ("package list", "package show Rates", "publish --set shop/dev -p Rates"):
            answer = world.run(*words.split())
            assert (answer.code, answer.out) == (4, "")
            assert answer.err == f"error: {CATALOG} is damaged: {because} [registry.damaged]\n{RESTORE}"
        assert world.run("vs", "show", "shop/dev").code == 0, "a revision holds all that it needs"


def test_a_catalog_that_was_deleted_is_told_from_an_empty_one(world: Product) -> None:
    (Path(world.registry) / CATALOG).unlink()
    for words in ("package list", "package show Rates", "publish --set shop/dev -p Rates"):
        answer = world.run(*words.split())
        assert (answer.code, answer.out) == (4, "")
        because = "it is not there, and sets pin what it has to hold"
        assert answer.err == f"error: {CATALOG} is damaged: {because} [registry.damaged]\n{RESTORE}"
    git(world.folder, "init", "-q", "--bare", "new.git")
    assert world.ok("--registry", str(world.folder / "new.git"), "package", "list").code == 0


def test_a_catalog_whose_branch_is_a_tag(world: Product) -> None:
    registry = Path(world.registry)
    git(registry, "tag", "-f", "-a", "-m", "by hand", "by-hand", CATALOG)
    (registry / CATALOG).write_text(git(registry, "rev-parse", "by-hand") + "\n")
    assert len(world.ok("package", "list").out.splitlines()) == 5


def test_a_set_whose_ref_was_torn(world: Product) -> None:
    (Path(world.registry) / SET).write_text("0123456789")
    for words in (
        "vs list",
        "vs show shop/dev",
        "vs log shop/dev",
        "publish --set shop/dev -p Rates",
        "ws create x --set shop/dev",
    ):
        answer = world.run(*words.split())
        assert (answer.code, answer.out) == (4, "")
        assert (
            answer.err == f"error: {SET} is damaged: the commit that it names is missing [registry.damaged]\n{RESTORE}"
        )


def test_a_result_that_was_removed_is_made_again(world: Product) -> None:
    edited(world, Case(SET, RESULT, gone, ""))
    work = world.workspace("Rates")
    (work.src("Rates") / "rate").write_text("19\n\n")
    work.commit("Rates")
    assert world.ok("vs", "show", "shop/dev").out.splitlines()[-1].endswith("no result")
    work.ok("publish")
    assert "no result" not in world.ok("vs", "show", "shop/dev").out
