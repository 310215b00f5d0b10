#!/usr/bin/env node
import { readFileSync } from "node:fs";

import { page } from "./page.js";

const [journal, ...rest] = process.argv.slice(2);
if (journal === undefined || rest.length > 0) {
  console.error("usage: storefront JOURNAL");
  process.exit(2);
}
try {
  process.stdout.write(page(readFileSync(journal, "utf8").split("\n")));
} catch (error) {
  console.error(`storefront: ${error.message}`);
  process.exitCode = 1;
}
