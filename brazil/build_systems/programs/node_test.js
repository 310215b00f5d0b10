// Runs the tests of a folder by node's own test runner, which also writes the report; that none is found is a failure.
"use strict";
const fs = require("fs");
const path = require("path");
const { spawnSync } = require("child_process");

// As node itself knows a test by its name.
const isTest = /^(test|test-.+|.+[.\-_]test)\.[cm]?js$/;

function* find(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules") {
      yield* find(file);
    } else if (entry.isFile() && isTest.test(entry.name)) {
      yield file;
    }
  }
}

const [tests] = process.argv.slice(2);
const report = path.join(process.env.BRAZIL_REPORT, "node.xml");
const files = fs.existsSync(tests) ? [...find(tests)].sort() : [];
if (!files.length) {
  console.error(`node: no test was found in ${tests}; the name of a file of tests ends with .test.js, .test.mjs or .test.cjs`);
  process.exit(1);
}
const reporters = ["spec", "stdout", "junit", report].map(
  (value, index) => `--test-reporter${index % 2 ? "-destination" : ""}=${value}`,
);
const { status } = spawnSync(process.execPath, ["--test", ...reporters, ...files], { stdio: "inherit" });
process.exit(status ?? 1);
