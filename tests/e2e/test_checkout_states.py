"""What each command does with a checkout in the middle of something, and that nobody's work is lost or taken back."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.product import Product, commit_all, copy_shop, git

pytestmark = pytest.mark.sandbox

USES = ("build", "test", "exec Shop -- shop 1")  # what takes the working tree as it is


@pytest.fixture(scope="module")
def world(template: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A shop with a workspace `work` in which Rates is in use."""
    product = copy_shop(template, tmp_path_factory.mktemp("states") / "shop")
    product.workspace("Rates")
    return product


@pytest.fixture
def work(world: Product, tmp_path: Path) -> Product:
    """A copy of the workspace, elsewhere."""
    subprocess.run(["cp", "-a", "--", str(world.folder / "work"), str(tmp_path / "copy")], check=True)
    return world.at(tmp_path / "copy")


def _begin(checkout: Path, *words: str) -> None:
    """Begin something that ends in conflicts."""
    done = subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, text=True, check=False)
    assert done.returncode, done


def _diverge(checkout: Path) -> None:
    """Make branches `mine`, which is checked out, and `other`, which cannot be merged."""
    for branch, rate in (("other", "20\n"), ("mine", "21\n")):
        git(checkout, "checkout", "-q", "-B", branch, "refs/brazil/base")
        (checkout / "rate").write_text(rate)
        commit_all(checkout, f"{branch} rate")


def _merge(checkout: Path) -> None:
    _diverge(checkout)
    _begin(checkout, "merge", "other")


def _resolved(checkout: Path) -> None:
    _merge(checkout)
    (checkout / "rate").write_text("22\n")
    git(checkout, "add", "rate")


def _rebase(checkout: Path) -> None:
    _diverge(checkout)
    _begin(checkout, "rebase", "other")


def _cherry_pick(checkout: Path) -> None:
    _diverge(checkout)
    _begin(checkout, "cherry-pick", "other")


def _revert(checkout: Path) -> None:
    _diverge(checkout)
    (checkout / "rate").write_text("23\n")
    commit_all(checkout, "again")
    _begin(checkout, "revert", "--no-edit", "HEAD~1")


def _bisect(checkout: Path) -> None:
    git(checkout, "bisect", "start")


def _stash_pop(checkout: Path) -> None:
    (checkout / "rate").write_text("20\n")
    git(checkout, "stash")
    (checkout / "rate").write_text("21\n")
    commit_all(checkout, "in the way")
    _begin(checkout, "stash", "pop")


def _stash(checkout: Path) -> None:
    (checkout / "rate").write_text("20\n")
    git(checkout, "stash")


def _other_branch(checkout: Path) -> None:
    _diverge(checkout)
    git(checkout, "checkout", "-q", "--detach", "refs/brazil/base")


def _unborn(checkout: Path) -> None:
    git(checkout, "checkout", "-q", "--orphan", "new")


def _nothing(checkout: Path) -> None:
    _unborn(checkout)
    git(checkout, "rm", "-rfq", ".")


def _odd_names(checkout: Path) -> None:
    for number in range(6):
        (checkout / f"a\n{number}").write_text("")


class State(NamedTuple):
    name: str
    prepare: Callable[[Path], None]
    shown: str  # by `ws show`, at the end of the line of Rates
    drop: str  # why `ws drop` and `ws delete` do not; empty: there is nothing to lose
    publish: str  # what `publish` says; empty: it publishes or has nothing to
    build: str = ""  # what everything that builds says; empty: it builds


_CONFLICTS = (
    "rate cannot be part of the source in {checkout}: it has conflicts of a merge, a rebase or the like"
    " [source.unmerged]\n  hint: resolve them, then tell git with 'git add'"
)
_BUSY = (
    "a {0} is in progress in Rates [publish.busy-checkout]\n  hint: finish it, or give it up: git -C src/Rates {0} {1}"
)


def _busy(word: str, end: str = "--abort") -> tuple[str, str]:
    return f"a {word} is in progress", _BUSY.format(word, end)


STATES = [
    State("merge", _merge, "merge in progress, 1 path changed", *_busy("merge"), _CONFLICTS),
    State("merge that is resolved", _resolved, "merge in progress, 1 path changed", *_busy("merge")),
    State("rebase", _rebase, "rebase in progress, 1 path changed", *_busy("rebase"), _CONFLICTS),
    State("cherry-pick", _cherry_pick, "cherry-pick in progress, 1 path changed", *_busy("cherry-pick"), _CONFLICTS),
    State("revert", _revert, "revert in progress, 1 path changed", *_busy("revert"), _CONFLICTS),
    State("bisection", _bisect, "bisect in progress", *_busy("bisect", "reset")),
    State(
        "stash that does not fit",
        _stash_pop,
        "1 path changed",
        "not committed: rate",
        "Rates has changes that are not committed: rate [publish.uncommitted]\n  hint: commit them, or set them aside",
        _CONFLICTS,
    ),
    State(
        "names that break a line",
        _odd_names,
        "6 paths changed",
        "not committed: 'a\\n0', 'a\\n1', 'a\\n2', 'a\\n3', 'a\\n4' ...",
        "Rates has changes that are not committed: 'a\\n0', 'a\\n1', 'a\\n2', 'a\\n3', 'a\\n4' ..."
        " [publish.uncommitted]\n  hint: commit them, or set them aside",
    ),
    State("stash", _stash, "clean", "something is stashed", ""),
    State("branch beside", _other_branch, "clean", "its branch mine is only there", ""),
    State(
        "branch without a commit",
        _unborn,
        "new at no commit yet  2 paths changed",
        "not committed: brazil.toml, rate",
        "nothing is committed in Rates yet [publish.no-commit]\n"
        "  hint: commit what is to be published: git -C src/Rates commit",
    ),
    State(
        "nothing at all",
        _nothing,
        "new at no commit yet  clean",
        "",
        "nothing is committed in Rates yet [publish.no-commit]\n"
        "  hint: commit what is to be published: git -C src/Rates commit",
        "{checkout}/brazil.toml: Rates has no brazil.toml at the top of its repository [manifest.missing]\n"
        "  hint: write one: see docs/manifest.md",
    ),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_checkout_in_the_middle_of_something(work: Product, state: State) -> None:
    checkout = work.src("Rates")
    state.prepare(checkout)
    before, refs = work.files(), git(checkout, "for-each-ref")
    shown = next(line for line in work.ok("ws", "show").out.splitlines() if line.strip().startswith("Rates"))
    assert shown.endswith(f"  {state.shown}"), shown
    for words in USES:
        answer = work.run(*words.split()) if not words.startswith("exec") else work.process(*words.split())
        if state.build:
            told = f"error: {state.build.format(checkout=checkout)}\n"
            assert (answer.code, answer.out, answer.err) == (2, "", told), words
        else:
            assert answer.code == 0, answer.err
    if state.publish:
        answer = work.run("publish")
        assert (answer.code, answer.out, answer.err) == (2, "", f"error: {state.publish}\n")
    else:
        assert work.ok("publish").out.startswith("nothing to publish")
    assert work.ok("ws", "sync").out
    assert {k: v for k, v in work.files().items() if not k.startswith("build/")} == {
        k: v for k, v in before.items() if not k.startswith("build/")
    }
    assert git(checkout, "for-each-ref") == refs
    if not state.drop:
        work.ok("ws", "drop", "Rates")
        return
    unsaved = f"error: the checkout of Rates holds work that is nowhere else: {state.drop} [workspace.unsaved]\n"
    for words in (("ws", "drop", "Rates"), ("ws", "delete", str(work.cwd))):
        answer = work.run(*words)
        assert (answer.code, answer.out) == (2, ""), words
        assert answer.err == f"{unsaved}  hint: push or publish it, or add --force\n"
    assert git(checkout, "for-each-ref") == refs


def _change(work: Product, name: str, file: str, text: str) -> str:
    (work.src(name) / file).write_text(text)
    return work.commit(name)


def test_publishing_takes_back_nothing_that_others_have_published(shop: Product) -> None:
    ours, theirs = (shop.workspace("Rates", "Stamp", name=name) for name in ("ours", "theirs"))
    other = _change(theirs, "Rates", "rate", "19 \n")
    theirs.ok("publish")

    # A package that is in use and was not changed is no part of what is published.
    _change(ours, "Stamp", "stamp.sh", "#!/bin/sh\necho anew\n")
    published = ours.ok("publish", "--json").data
    assert published["revision"]["number"] == 3
    assert [change["package"] for change in published["diff"]["changes"] if change["kind"] == "changed"] == [
        "Stamp-1.0"
    ]

    # One that was changed on top of what is not the newest would take theirs back.
    own = _change(ours, "Rates", "rate", "19\n\n")
    for _ in range(2):
        answer = ours.run("publish")
        assert answer.code == 7
        assert answer.err.splitlines()[0] == "not published: revision 3 of shop/dev moved the same packages"
        assert answer.err.splitlines()[1] == f"  Rates-1.0: yours {own[:12]}, theirs {other[:12]}"
    ours.ok("ws", "sync")
    answer = ours.run("publish")
    place = f"{shop.registry} refs/sources/Rates/{other}"
    assert (answer.code, answer.out, answer.err) == (
        2,
        "",
        f"error: the checkout of Rates lacks what is pinned: {own[:12]} is without {other[:12]} 'change'"
        " [publish.behind]\n"
        f"  hint: git -C src/Rates pull --rebase {place}; to go back on purpose: -p Rates=REF\n",
    )
    assert shop.revision() == 3

    # What the hint says brings both together; what it says last goes back.
    _begin(ours.src("Rates"), "pull", "-q", "--rebase", *place.split())
    (ours.src("Rates") / "rate").write_text("19 \n\n")
    git(ours.src("Rates"), "add", "rate")
    git(ours.src("Rates"), "-c", "core.editor=true", "rebase", "--continue")
    ours.ok("publish")
    ours.ok("ws", "sync")
    git(ours.src("Rates"), "checkout", "-q", other)
    assert ours.run("publish", "-p", "Rates").code == 2
    ours.ok("publish", "-p", "Rates=main")
    assert shop.revision() == 5
