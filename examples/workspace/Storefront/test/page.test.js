import assert from "node:assert/strict";
import { test } from "node:test";

import { Posted, Refused, Settled } from "shop-events";

import { amount, page, sales } from "../src/page.js";

const settled = (seller, currency, minor, reference) =>
  new Settled({ order: `order-1/${seller}`, seller, currency, minor, reference }).write();

test("the sales of a seller are summed up by currency", () => {
  const lines = [
    settled("cem", "EUR", 3333n, "card-1"),
    settled("bob", "EUR", 6667n, "card-2"),
    settled("bob", "JPY", 70n, "card-3"),
    settled("bob", "EUR", 1n, "card-4"),
    new Refused({ order: "order-2/dan", seller: "dan", reason: "no" }).write(),
    "Posted\tread\tby\tothers\t1",
  ];
  assert.deepEqual(sales(lines), {
    sellers: [
      { seller: "bob", currency: "EUR", orders: 2, minor: 6668n },
      { seller: "bob", currency: "JPY", orders: 1, minor: 70n },
      { seller: "cem", currency: "EUR", orders: 1, minor: 3333n },
    ],
    refused: 1,
  });
});

test("an amount is exact, with the decimals of its currency", () => {
  assert.equal(amount(5n, "EUR"), "0.05 EUR");
  assert.equal(amount(-12345n, "EUR"), "-123.45 EUR");
  assert.equal(amount(70n, "JPY"), "70 JPY");
  assert.equal(amount(1234n, "KWD"), "1.234 KWD");
  assert.equal(amount(9223372036854775807n, "EUR"), "92233720368547758.07 EUR");
});

test("what comes from outside is escaped", () => {
  const text = page([settled('<b>"bob"&co</b>', "EUR", 5n, "card-1")]);
  assert.ok(text.includes("<td>&lt;b&gt;&quot;bob&quot;&amp;co&lt;/b&gt;</td><td>1</td><td>0.05 EUR</td>"));
});

test("a wrong line is refused", () => {
  assert.throws(() => page(["Settled\torder\tbob\tEUR\t1"]), SyntaxError);
  assert.throws(() => page(["Settled\torder\tbob\tEUR\t1.5\tcard-1"]), SyntaxError);
});

test("records come back", () => {
  const posted = new Posted({ entry: "a\tb", account: "c\\d\ne", currency: "EUR", minor: -(2n ** 63n) });
  assert.deepEqual(Posted.read(posted.write()), posted);
  assert.equal(Settled.read(posted.write()), null);
});
