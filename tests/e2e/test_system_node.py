"""Build system `node`, in the real sandbox: both module systems, a tool made of packages, what must fail."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import Product, toml
from tests.e2e.systems import Bad, Run, bad_packages, built_elsewhere, need, publish, runs, starter_files, try_all

pytestmark = [pytest.mark.sandbox, need("node", "npm")]


def package(name: str, **fields: Any) -> str:
    return json.dumps({"name": name, "version": "1.0.0", **fields})


# Page -> Rich -> Words, each by package.json too; Site is built by Page as its tool, and sees none of it.
SHOP: Mapping[str, Mapping[str, str]] = {
    "Words": {
        "brazil.toml": toml("Words", "node"),
        "package.json": package("@shop/words", main="lib", files=["lib"]),
        "lib/index.js": 'exports.plural = (word) => word + "s";\n',
        "lib/index.d.ts": "export declare function plural(word: string): string;\n",
        "notes.txt": "not published\n",
        "tests/words.test.cjs": "const { test } = require('node:test');\nconst assert = require('node:assert');\n"
        "test('plural', () => assert.equal(require('..').plural('a'), 'as'));\n"
        "test('later', { skip: true }, () => {});\n",
        "tests/helper.cjs": "throw new Error('this is no test');\n",
    },
    "Rich": {
        "brazil.toml": toml("Rich", "node", dependencies={"Words": "1.0"}) + '[build]\nsource = "java script"\n',
        "java script/package.json": package(
            "rich",
            type="module",
            exports="./dist/rich.js",
            files=["dist"],
            dependencies={"@shop/words": "^9"},
            scripts={"build": "mkdir dist && cp rich.js dist/"},
        ),
        "java script/rich.js": "import words from '@shop/words';\n\n"
        "export const plural = (word) => `<b>${words.plural(word)}</b>`;\n",
        "java script/test/rich.test.js": "import { test } from 'node:test';\nimport assert from 'node:assert';\n"
        "import { plural } from 'rich';\nimport { plural as same } from '../dist/rich.js';\n\n"
        "test('rich', () => assert.equal(plural('a'), '<b>as</b>'));\n"
        "test('same', () => assert.equal(plural, same));\n",
    },
    "Page": {
        "brazil.toml": toml("Page", "node", dependencies={"Rich": "1.0"}),
        "package.json": package("page", bin={"page": "bin/page.mjs"}, dependencies={"rich": "1"}, private=True),
        "bin/page.mjs": "#!/usr/bin/env node\nimport { plural } from 'rich';\nconsole.log(plural(process.argv[2]));\n",
    },
    "Site": {
        "brazil.toml": toml("Site", "node", build_tools={"Page": "1.0"}) + '[build]\nbuild-script = "pages"\n',
        "package.json": package("site", scripts={"pages": "page order > index.html && ! node -e 'require(\"rich\")'"}),
    },
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """All of the shop published; nobody changes it."""
    return publish(tmp_path_factory.mktemp("node") / "shop", SHOP, "Site")


def test_an_artifact_holds_what_npm_would_publish(node: Product) -> None:
    words = {"node_modules/@shop/words/" + name for name in ("package.json", "lib/index.js", "lib/index.d.ts")}
    assert set(runs(node)["build Words-1.0"].files) == words
    assert {"node_modules/rich/package.json", "node_modules/rich/dist/rich.js"} <= set(
        runs(node)["build Rich-1.0"].files
    )


def test_a_tool_finds_what_it_depends_on(node: Product) -> None:
    assert runs(node)["build Site-1.0"].files["node_modules/site/index.html"] == b"<b>orders</b>\n"


def test_a_program_runs_with_a_library_of_its_closure(node: Product, tmp_path: Path) -> None:
    product = publish(tmp_path / "shop", {name: SHOP[name] for name in ("Words", "Rich", "Page")}, "Page")
    assert product.workspace().process("exec", "Page", "--", "page", "order").out == "<b>orders</b>\n"


def test_the_report_tells_of_every_case(node: Product) -> None:
    tested = runs(node)["test Words-1.0"].tested
    assert tested.unreadable == ()
    assert {case.name: case.end for case in tested.cases} == {"plural": CaseEnd.PASSED, "later": CaseEnd.SKIPPED}
    assert runs(node)["test Rich-1.0"].tested.count(CaseEnd.PASSED) == 2


def test_the_same_artifact_elsewhere(node: Product, tmp_path: Path) -> None:
    other = built_elsewhere(tmp_path / "other", SHOP, "Site")
    steps = [f"build {name}-1.0" for name in SHOP]
    assert [other[step].digest for step in steps] == [runs(node)[step].digest for step in steps]


def test_the_starter_builds_and_passes(tmp_path: Path) -> None:
    product = publish(tmp_path / "shop", {"JsonKit": starter_files("node", "JsonKit")}, "JsonKit")
    assert runs(product)["test JsonKit-1.0"].tested.count(CaseEnd.PASSED) == 1
    assert product.workspace().process("exec", "JsonKit", "--", "json_kit", "Ada").out == "Hello, Ada!\n"


def _tests(body: str) -> dict[str, str]:
    begin = "const { test } = require('node:test');\nconst fs = require('fs');\n"
    return {"package.json": package("pay"), "test/pay.test.js": begin + body}


def _script(line: str) -> dict[str, str]:
    return {"package.json": package("pay", scripts={"build": line})}


_FAILS = """\
test('fails', () => { throw new Error('too little'); });
test('connects', () => new Promise((_, no) => require('net').connect(80, '192.0.2.1').on('error', no)));
test('writes', () => fs.writeFileSync('/usr/share/pay', ''));
test('changes', () => fs.writeFileSync('/brazil/pkg/Failing-1.0/node_modules/pay/package.json', ''));
"""
_BAD = {
    "NoProject": Bad({"index.js": ""}, said="node: there is no package.json in .; name its folder with source"),
    "NoSyntax": Bad({"package.json": "{"}, said="JSON"),
    "NoVersion": Bad({"package.json": '{"name": "pay"}'}, said="must have name and version"),
    "NoProgram": Bad({"package.json": package("pay", bin="x.js")}, said="node: program pay: there is no x.js among"),
    "NoStart": Bad(
        {"package.json": package("pay", bin={"p": "x.js"}), "x.js": ""},
        said="x.js does not begin with #!/usr/bin/env node",
    ),
    "NoScript": Bad({"package.json": package("pay")}, 'build-script = "bundle"', said='Missing script: "bundle"'),
    "NoCompiler": Bad(
        {"package.json": package("pay")}, 'typescript = ["."]', exit_code=127, said="there is no program tsc"
    ),
    "Install": Bad(_script("npm install left-pad"), said="ENOTCACHED"),
    "Outside": Bad(_script("echo x > /brazil/node_modules/x"), exit_code=2, said="irectory nonexistent"),
    "NoTests": Bad(
        {"package.json": package("pay"), "test/pay.js": ""}, step="test", said="node: no test was found in test"
    ),
    "Failing": Bad(_tests(_FAILS), step="test", said="too little"),
    "Hanging": Bad(
        _tests("test('hangs', () => new Promise(() => setInterval(() => {}, 1e6)));"), "timeout = 8", "test", 137
    ),
}
_LIES = "test('lies', () => fs.writeFileSync(process.env.BRAZIL_REPORT + '/x.xml', '<a'));"


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    packages = bad_packages("node", _BAD | {"Liar": Bad(_tests(_LIES))})
    return try_all(tmp_path_factory.mktemp("node") / "failing", packages)


@pytest.mark.parametrize("name", _BAD)
def test_what_must_fail_says_why(failed: dict[str, Run], name: str) -> None:
    bad = _BAD[name]
    run = failed[f"{bad.step} {name}-1.0"]
    assert run.exit_code == bad.exit_code, run.log
    assert bad.said in run.log


@pytest.mark.parametrize(
    "expected",
    [
        "ENETUNREACH",
        "EROFS: read-only file system, open '/usr/share/pay'",
        "EROFS: read-only file system, open '/brazil/pkg/",
    ],
)
def test_tests_reach_neither_the_network_nor_anything_outside(failed: dict[str, Run], expected: str) -> None:
    assert expected in failed["test Failing-1.0"].log


def test_failed_tests_are_told_one_by_one(failed: dict[str, Run]) -> None:
    tested = failed["test Failing-1.0"].tested
    assert {case.name for case in tested.cases if case.end is CaseEnd.FAILED} == {
        "fails",
        "connects",
        "writes",
        "changes",
    }


def test_broken_xml_is_told_and_the_rest_is_read(failed: dict[str, Run]) -> None:
    run = failed["test Liar-1.0"]
    assert run.exit_code == 0
    assert [file for file, _ in run.tested.unreadable] == ["x.xml"]
    assert [case.name for case in run.tested.cases] == ["lies"]
