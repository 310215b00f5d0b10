// Turns the lines of a journal into a page.

import { Refused, Settled } from "shop-events";

// Other currencies have two decimals.
const DECIMALS = { BHD: 3, JPY: 0, KWD: 3 };

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escape = (text) => text.replace(/[&<>"']/g, (character) => ESCAPES[character]);

/** Shows minor units (a BigInt) of a currency: "12.50 EUR". */
export const amount = (minor, currency) => {
  const decimals = DECIMALS[currency] ?? 2;
  const digits = String(minor < 0n ? -minor : minor).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const sign = minor < 0n ? "-" : "";
  return `${sign}${whole}${decimals ? "." : ""}${digits.slice(digits.length - decimals)} ${currency}`;
};

/** Sums up a journal: the sales of each seller and currency, sorted, and how many orders were refused. */
export const sales = (lines) => {
  const sums = new Map();
  let refused = 0;
  for (const line of lines) {
    if (Refused.read(line)) refused += 1;
    const order = Settled.read(line);
    if (!order) continue;
    const key = JSON.stringify([order.seller, order.currency]);
    const sum = sums.get(key) ?? { seller: order.seller, currency: order.currency, orders: 0, minor: 0n };
    sums.set(key, { ...sum, orders: sum.orders + 1, minor: sum.minor + order.minor });
  }
  const sellers = [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  return { sellers, refused };
};

const row = ({ seller, currency, orders, minor }) =>
  `      <tr><td>${escape(seller)}</td><td>${orders}</td><td>${escape(amount(minor, currency))}</td></tr>`;

/** The whole page. */
export const page = (lines) => {
  const { sellers, refused } = sales(lines);
  return `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>The shop</title></head>
  <body>
    <h1>What the shop has sold</h1>
    <table>
      <tr><th>seller</th><th>orders</th><th>together</th></tr>
${sellers.map(row).join("\n")}
    </table>
    <p>${refused} refused</p>
  </body>
</html>
`;
};
