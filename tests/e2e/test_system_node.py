"""Build system `node`, in the real sandbox: both module systems, a tool made of packages, what must fail."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.bad_sources import Bad, Native, fail_as_said
from tests.e2e.product import Product, toml
from tests.e2e.systems import built_elsewhere, need, publish, runs

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


@pytest.mark.slow
def test_the_same_artifact_elsewhere(node: Product, tmp_path: Path) -> None:
    other = built_elsewhere(tmp_path / "other", SHOP, "Site")
    steps = [f"build {name}-1.0" for name in SHOP]
    assert [other[step].digest for step in steps] == [runs(node)[step].digest for step in steps]


def _tests(body: str) -> dict[str, str]:
    begin = "const { test } = require('node:test');\nconst { spawnSync } = require('child_process');\n"
    return {"package.json": package("pay", scripts={"build": "sh build.sh"}), "test/pay.test.js": begin + body}


def _script(line: str) -> dict[str, str]:
    return {"package.json": package("pay", scripts={"build": line})}


NATIVE = Native(
    "node",
    _tests(
        "test('runs', () => {\n"
        "  const { status, stdout, stderr } = spawnSync('sh', ['test.sh'], { encoding: 'utf8' });\n"
        "  if (status !== 0) throw new Error(stdout + stderr);\n});\n"
    ),
    without={"Nothing": "a package has at least its package.json"},
)
BAD = {
    "NoSource": Bad({"index.js": ""}, said="node: there is no package.json in .; name its folder with source"),
    "Broken": Bad({"package.json": "{"}, said="JSON"),
    "NoVersion": Bad({"package.json": '{"name": "pay"}'}, said="must have name and version"),
    "OldTool": Bad(
        {"package.json": package("pay", engines={"node": ">=99"})}, said="node: package.json asks for node >=99, and "
    ),
    "OldNpm": Bad(
        {"package.json": package("pay", engines={"node": ">=1", "npm": "99.x"})}, said="asks for npm 99.x, and "
    ),
    "NoProgram": Bad({"package.json": package("pay", bin="x.js")}, said="node: program pay: there is no x.js among"),
    "NoStart": Bad(
        {"package.json": package("pay", bin={"p": "x.js"}), "x.js": ""},
        said="x.js does not begin with #!/usr/bin/env node",
    ),
    "NoScript": Bad({"package.json": package("pay")}, 'build-script = "bundle"', said='Missing script: "bundle"'),
    "NoCompiler": Bad(
        {"package.json": package("pay")}, 'typescript = ["."]', exit_code=127, said="there is no program tsc"
    ),
    "Fetches": Bad(_script("npm install left-pad"), said="ENOTCACHED"),
    "Writes": Bad(_script("echo x > /brazil/node_modules/x"), exit_code=2, said="irectory nonexistent"),
    "NoTests": Bad(
        {"package.json": package("pay"), "test/pay.js": ""}, step="test", said="node: no test was found in test"
    ),
}


@pytest.mark.slow
def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    fail_as_said(tmp_path / "shop", NATIVE, BAD)
