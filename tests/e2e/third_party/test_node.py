"""A library in TypeScript, with the compiler as its tool and a library of its own, and a typed program that uses it.

The archives hold what was compiled as well: that is thrown away first, so all that is used was built here.
"""

import json
import shutil
from pathlib import Path

import pytest

from brazil.model.tested import CaseEnd
from tests.e2e.product import open_shop, toml
from tests.e2e.systems import need, runs
from tests.e2e.third_party.fetch import from_npm, make_package

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, need("node", "npm")]

_RXJS = """\
[package]
name         = "RxJs"
interface    = "7"
build-system = "node"
[dependencies]
TsLib = "2"
[build-tools]
TypeScript = "5"
[build]
typescript = ["src/tsconfig.cjs.json", "src/tsconfig.types.json"]
build-script = ""
"""
_USE = """\
import { from, map, toArray } from "rxjs";

export function doubled(numbers: number[]): Promise<number[]> {
  return new Promise((done) => from(numbers).pipe(map((n) => 2 * n), toArray()).subscribe(done));
}
"""
_TEST = """\
const { test } = require("node:test");
const assert = require("node:assert");
const { doubled } = require("../dist/use.js");

test("doubled", async () => assert.deepEqual(await doubled([1, 2]), [2, 4]));
"""


def test_a_library_in_typescript(tmp_path: Path) -> None:
    (tmp_path / "fetched").mkdir()
    typescript, tslib, rxjs = from_npm(tmp_path / "fetched", "typescript@5.4.5", "tslib@2.6.2", "rxjs@7.8.1")
    shutil.rmtree(rxjs / "dist")
    manifest = toml("Use", "node", dependencies={"RxJs": "7"}, build_tools={"TypeScript": "5"})
    options = {"strict": True, "outDir": "dist", "declaration": True, "lib": ["es2020", "dom"], "types": []}
    use = {
        "brazil.toml": manifest + '[build]\ntypescript = ["."]\n',
        "package.json": json.dumps(
            {"name": "use", "version": "1.0.0", "files": ["dist"], "dependencies": {"rxjs": "7"}}
        ),
        "tsconfig.json": json.dumps({"compilerOptions": options, "files": ["use.ts"]}),
        "use.ts": _USE,
        "test/use.test.js": _TEST,
    }
    wrong = {**use, "brazil.toml": use["brazil.toml"].replace("Use", "Wrong"), "use.ts": _USE.replace("2 * n", '"2"')}
    shop = open_shop(tmp_path / "shop", {"Use": use, "Wrong": wrong}, ["Use-1.0"])
    prebuilt = '[build]\nbuild-script = ""\ntests = ""\n'
    make_package(shop, typescript, "TypeScript", toml("TypeScript", "node", interface="5") + prebuilt)
    make_package(shop, tslib, "TsLib", toml("TsLib", "node", interface="2") + prebuilt)
    make_package(shop, rxjs, "RxJs", _RXJS)
    packages = ("-p", "Use", "-p", "TypeScript", "-p", "TsLib", "-p", "RxJs")
    shop.ok("publish", "--set", "shop/dev", *packages)
    assert "node_modules/rxjs/dist/cjs/index.js" in runs(shop)["build RxJs-7"].files
    assert runs(shop)["test Use-1.0"].tested.count(CaseEnd.PASSED) == 1
    assert shop.run("publish", "--set", "shop/dev", "-p", "Wrong", "--target", "Wrong-1.0").code == 1
    assert "use.ts(4,89): error TS2769" in runs(shop)["build Wrong-1.0"].log
