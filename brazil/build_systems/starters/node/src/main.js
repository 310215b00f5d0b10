#!/usr/bin/env node
import { greet } from "./index.js";

for (const name of process.argv.slice(2)) {
  console.log(greet(name));
}
