// Gives the programs of package.json their places in bin/, and makes the links by which the package finds what it
// depends on wherever it runs: in somebody's build, in a tool's closure, in `brazil exec`.
"use strict";
const fs = require("fs");
const path = require("path");

const out = process.env.BRAZIL_OUT;
const declared = JSON.parse(fs.readFileSync("package.json", "utf8"));
const home = path.join(out, "node_modules", declared.name);

function fail(text) {
  console.error(`node: ${text}`);
  process.exit(1);
}

function addProgram(program, file) {
  const target = path.join(home, file);
  if (!fs.existsSync(target)) {
    fail(`program ${program}: there is no ${file} among the files of the package; see "files" in package.json`);
  }
  if (!fs.readFileSync(target, "latin1").startsWith("#!")) {
    fail(`program ${program}: ${file} does not begin with #!/usr/bin/env node`);
  }
  fs.chmodSync(target, 0o755);
  fs.mkdirSync(path.join(out, "bin"), { recursive: true });
  fs.symlinkSync(path.join("..", path.relative(out, target)), path.join(out, "bin", path.basename(program)));
}

function addLink(module) {
  const link = path.join(home, "node_modules", module);
  const found = path.join("/brazil/node_modules", module);
  if (fs.existsSync(link)) {
    return; // the package brings it along
  }
  if (!fs.existsSync(found)) {
    console.log(`node: package.json names ${module}, and no package under [dependencies] brings it`);
    return;
  }
  fs.mkdirSync(path.dirname(link), { recursive: true });
  fs.symlinkSync(fs.realpathSync(found), link);
}

const bin = declared.bin ?? {};
const programs = typeof bin === "string" ? { [declared.name]: bin } : bin;
for (const program of Object.keys(programs).sort()) {
  addProgram(program, programs[program]);
}
for (const module of Object.keys({ ...declared.peerDependencies, ...declared.dependencies }).sort()) {
  addLink(module);
}
