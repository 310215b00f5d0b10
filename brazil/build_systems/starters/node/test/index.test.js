import assert from "node:assert/strict";
import { test } from "node:test";

import { greet } from "@name@";

test("greets by name", () => {
  assert.equal(greet("Ada"), "Hello, Ada!");
});
