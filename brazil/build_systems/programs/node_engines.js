// Ends a build whose package.json asks for another node or npm than there is. npm itself only warns, and only where it
// installs; what a range means is asked of the semver that npm brings along.
"use strict";
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");

function ofNpm(name) {
  const npm = process.env.PATH.split(":").map((folder) => path.join(folder, "npm")).find(fs.existsSync);
  return createRequire(fs.realpathSync(npm))(name);
}

const { engines } = JSON.parse(fs.readFileSync("package.json", "utf8"));
const here = { node: () => process.versions.node, npm: () => ofNpm("../package.json").version };
for (const engine of Object.keys(here).filter((name) => typeof engines?.[name] === "string")) {
  try {
    if (ofNpm("semver").satisfies(here[engine](), engines[engine], { includePrerelease: true })) continue;
  } catch {
    console.log(`node: cannot tell whether this ${engine} is ${engines[engine]}, which package.json asks for`);
    continue;
  }
  console.error(`node: package.json asks for ${engine} ${engines[engine]}, and ${here[engine]()} is here`);
  process.exit(1);
}
