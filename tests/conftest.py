import gc
import os
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent
REQUIRE_ALL = os.environ.get("BRAZIL_REQUIRE_ALL") == "1"

# What a job in the background ignores, or one that outlives its terminal, all that it starts ignores too.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

# How long an example takes to make says how busy the machine is.
_UNHURRIED = (HealthCheck.too_slow,)
settings.register_profile("ci", derandomize=True, deadline=None, database=None, suppress_health_check=_UNHURRIED)
settings.register_profile("local", deadline=None, suppress_health_check=_UNHURRIED)
settings.load_profile("ci" if REQUIRE_ALL else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what came out to the golden files")


# No worker is to begin with one of these when the others are done.
_FIRST = (
    "tests/e2e/test_readme.py",
    "tests/e2e/test_package_commands.py",
    "tests/e2e/test_system",
    "tests/e2e/third_party/",
    "tests/fault/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: all tests of a file run in one worker, which makes their fixtures once."""

    def rank(item: pytest.Item) -> int:
        return next((rank for rank, start in enumerate(_FIRST) if item.nodeid.startswith(start)), len(_FIRST))

    items.sort(key=rank)


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    """Take apart what the commands of a module left: in a program of their own, its end closes what they opened."""
    yield
    gc.collect()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of this name in tests/golden/."""

    def compare(name: str, text: str) -> None:
        file = REPOSITORY / "tests" / "golden" / name
        if request.config.getoption("--update-golden"):
            file.write_text(text)
        assert text == file.read_text(), f"{name} changed; if that is meant: pytest --update-golden"

    return compare


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"BRAZIL_REQUIRE_ALL=1 allows no skipped test: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if REQUIRE_ALL and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"BRAZIL_REQUIRE_ALL=1 allows no skipped module: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, with an identity for git and none of the user's settings."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".gitconfig").write_text("[user]\n\tname = Test\n\temail = test@example.com\n")
    for name in list(os.environ):
        if name.startswith(("BRAZIL_", "GIT_", "XDG_")) and name not in ("BRAZIL_REQUIRE_ALL", "BRAZIL_DATA"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("BRAZIL_HOME", str(folder / "brazil"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of large real data sets: BRAZIL_DATA, else ../shared/data beside the checkout."""
    folder = Path(os.environ.get("BRAZIL_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"the data sets are not at {folder}; set BRAZIL_DATA to the folder that holds them")
    return folder
