"""Build system `cmake`, in the real sandbox: a shared library, a program that uses it, and what must fail."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.product import Product, copy_shop, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs, starter_files

pytestmark = [pytest.mark.sandbox, need("cmake", "ctest", "cc", "c++")]

HOSTILE = "a; $(touch x) \"b\" 'c' `d` $HOME"

_MONEY = """\
cmake_minimum_required(VERSION 3.16)
project(Money VERSION 1.2.3 LANGUAGES CXX)
include(CTest)

add_library(money SHARED src/money.cpp)
set_target_properties(money PROPERTIES VERSION 1.2.3 SOVERSION 1)
target_include_directories(money PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
install(TARGETS money EXPORT money)
install(DIRECTORY include/ DESTINATION include)
install(EXPORT money FILE MoneyConfig.cmake NAMESPACE Money:: DESTINATION lib/cmake/Money)
file(WRITE ${PROJECT_BINARY_DIR}/note "${NOTE}\\n")
foreach(name note Note)
    install(FILES ${PROJECT_BINARY_DIR}/note DESTINATION share RENAME ${name})
endforeach()

if(BUILD_TESTING)
    add_executable(check check.cpp)
    target_link_libraries(check money)
    foreach(name sums tells broken)
        add_test(NAME ${name} COMMAND check ${name})
    endforeach()
    set_tests_properties(broken PROPERTIES LABELS network)
endif()
"""

# What a test prints may be anything: ]]>, an element, control characters, no UTF-8.
_CHECK = r"""
#include <cassert>
#include <cstdio>
#include <cstring>
#include <money.hpp>

int main(int, char **names)
{
    assert(money::add(2, 3) == 5);
    if (!std::strcmp(names[1], "tells"))
        std::puts("]]></system-out></testcase><testcase \x01\x1b[2J \xff");
    return !std::strcmp(names[1], "broken");
}
"""

_TILL = """\
cmake_minimum_required(VERSION 3.16)
project(Till LANGUAGES CXX)
include(FetchContent)

FetchContent_Declare(Money URL https://money.example/money.tar.gz)
FetchContent_MakeAvailable(Money)
add_executable(till till.cpp)
find_package(JsonKit REQUIRED)
target_link_libraries(till Money::money JsonKit::json_kit)
install(TARGETS till)
"""

SHOP: Mapping[str, Mapping[str, str]] = {
    "Money": {
        "brazil.toml": toml("Money", "cmake")
        + '[build]\nsource = "project files"\ntests = true\ntest-arguments = ["--label-exclude", "net work|network"]\n'
        + f"variables = {{ NOTE = '''{HOSTILE}''' }}\n",
        "project files/CMakeLists.txt": _MONEY,
        "project files/check.cpp": _CHECK,
        "project files/include/money.hpp": "namespace money { int add(int a, int b); const char *file(); }\n",
        "project files/src/money.cpp": "#include <money.hpp>\nint money::add(int a, int b) { return a + b; }\n"
        "const char *money::file() { return __FILE__; }\n",
    },
    "Till": {
        "brazil.toml": toml("Till", "cmake", dependencies={"JsonKit": "1.0", "Money": "1.0"})
        + "[build]\ntests = false\n",
        "CMakeLists.txt": _TILL,
        "till.cpp": "#include <cstdio>\n#include <json_kit.hpp>\n#include <money.hpp>\n"
        'int main() { std::printf("%d %s\\n", money::add(2, json_kit::add(1, 2)), money::file()); }\n',
        "tests/none": "",
    },
    "JsonKit": starter_files("cmake", "JsonKit"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of them published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("cmake") / "shop", SHOP, "Till")


def test_a_program_runs_with_the_library_it_was_linked_with(shop: Product, tmp_path: Path) -> None:
    work = copy_shop(shop, tmp_path / "shop").workspace("Till")
    for words in (["till"], ["env", "-u", "LD_LIBRARY_PATH", "/brazil/pkg/Till-1.0/bin/till"]):
        assert work.process("exec", "Till", "--", *words).out == "5 ./project files/src/money.cpp\n"


def test_tests_are_cases(shop: Product) -> None:
    found = runs(shop)
    assert "test Till-1.0" not in found
    tested = found["test Money-1.0"].tested
    assert [(case.name, case.end) for case in tested.cases] == [("sums", CaseEnd.PASSED), ("tells", CaseEnd.PASSED)]
    assert not tested.unreadable
    assert found["test JsonKit-1.0"].tested.count(CaseEnd.PASSED) == 1


def test_the_artifact_has_the_layout_that_others_look_in(shop: Product) -> None:
    found = runs(shop)["build Money-1.0"].files
    assert set(found) == {
        "include/money.hpp",
        "lib/cmake/Money/MoneyConfig.cmake",
        "lib/cmake/Money/MoneyConfig-none.cmake",
        "lib/libmoney.so",
        "lib/libmoney.so.1",
        "lib/libmoney.so.1.2.3",
        "share/Note",
        "share/note",
    }
    assert found["share/note"].decode() == f"{HOSTILE}\n"
    assert all(b"/brazil/src" not in data for data in found.values())


def test_the_same_artifacts_come_from_another_place_with_another_number_of_jobs(shop: Product, tmp_path: Path) -> None:
    first, second = runs(shop), built_elsewhere(tmp_path / "another place", SHOP, "Till")
    for name in SHOP:
        assert second[f"build {name}-1.0"].files == first[f"build {name}-1.0"].files
        assert second[f"build {name}-1.0"].digest == first[f"build {name}-1.0"].digest


def lists(text: str, *, version: str = "3.16") -> dict[str, str]:
    return {"CMakeLists.txt": f"cmake_minimum_required(VERSION {version})\nproject(Bad NONE)\ninclude(CTest)\n{text}\n"}


GOOD = "install(FILES CMakeLists.txt DESTINATION share)\n"

NATIVE = Native(
    "cmake",
    lists(
        "set(IN_SOURCE WORKING_DIRECTORY /brazil/src)\n"
        'install(CODE "execute_process(COMMAND sh build.sh ${IN_SOURCE} COMMAND_ERROR_IS_FATAL ANY)")\n'
        "add_test(NAME runs COMMAND sh test.sh ${IN_SOURCE})"
    ),
    "tests = true\n",
    test_fails=8,
)
BAD: Mapping[str, Bad] = {
    "NoSource": Bad({"cmakelists.txt": ""}, said="cmake: there is no CMakeLists.txt in the source"),
    "NoFolder": Bad(lists(""), build='source = "no where"', said="cmake: there is no CMakeLists.txt in no where"),
    "Broken": Bad(lists("install("), said="Parse error"),
    "OldTool": Bad(lists("", version="99.0"), said="CMake 99.0 or higher is required"),
    "NoCompiler": Bad(lists("enable_language(Swift)"), said="No CMAKE_Swift_COMPILER could be found"),
    "NotThere": Bad(
        lists("find_package(Nowhere REQUIRED)"),
        said='Could not find a package configuration file provided by "Nowhere"',
    ),
    "Fetches": Bad(
        lists(
            "enable_language(C)\ninclude(FetchContent)\n"
            "FetchContent_Declare(json URL https://json.example/json.tar.gz)\nFetchContent_MakeAvailable(json)\n"
            "file(WRITE pay.c)\nadd_executable(pay pay.c)\ntarget_link_libraries(pay json::json)\n"
        ),
        said="but the target was not found",
    ),
    "Downloads": Bad(
        lists(
            "file(DOWNLOAD https://json.example/json.tar.gz x STATUS status)\n"
            'if(status)\nmessage(FATAL_ERROR "no: ${status}")\nendif()'
        ),
        said="Couldn't resolve host name",
    ),
    "Nothing": Bad(lists(""), said="cmake: nothing was installed"),
    "NoTests": Bad(lists(GOOD), "tests = true", "test", 8, "No tests were found"),
}


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
