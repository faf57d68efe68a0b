// Everything that can be saved or copied, opened and looked into.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LONG, compare, forget, id, inBrowser, page, visit } from "../support/page.mjs";

inBrowser({
  first: async () => {
    await visit();
    await id("suggest").click();
    await id("forget").waitFor(LONG);
    await forget();
    await compare();
  },
});

async function saved(locator) {
  const [download] = await Promise.all([page.waitForEvent("download"), (typeof locator === "string" ? id(locator) : locator).click()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}
/** A table as a spreadsheet reads it. */
const table = (text) => text.trim().split("\n").map((line) => line.split(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/).map((cell) => cell.replace(/^"|"$/g, "").replaceAll('""', '"')));
/** How wide and high a picture is, and whether any of its points lets the ground through. */
const picture = (bytes) => page.evaluate(async (bytes) => {
  const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
  const pen = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height }).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  const colours = new Set();
  let clear = 0;
  for (let i = 0; i < data.length; i += 4) { if (data[i + 3] < 255) clear++; colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]); }
  return { width: bitmap.width, height: bitmap.height, clear, colours: colours.size };
}, [...bytes]);

test("the ledger as CSV and as JSON holds the lines that are shown", async () => {
  const { name, bytes } = await saved("export-csv");
  assert.equal(name, "ultrare-ledger.csv");
  const [head, ...rows] = table(bytes.toString());
  assert.equal(rows.length, await id("ledger").locator("tbody tr").count());
  assert.deepEqual(head.slice(0, 4), ["run", "what", "data", "partition"]);
  for (const row of rows) assert.equal(row.length, head.length, row.join("|"));
  const last = Object.fromEntries(rows.at(-1).map((cell, i) => [head[i], cell]));
  assert.equal(last.what, "compared");
  for (const pipeline of ["original", "unlearned", "retrained"]) assert.ok(Number(last[`ndcg@20 ${pipeline}`]) > 0.05, pipeline);
  const json = await saved(id("ledger").getByRole("button", { name: "JSON" }));
  assert.equal(json.name, "ultrare-ledger.json");
  const entries = JSON.parse(json.bytes);
  assert.equal(entries.length, rows.length);
  assert.equal(String(entries[0].ndcg.unlearned), last["ndcg@20 unlearned"]);
});

test("the run as JSON has every figure and digest, and names nobody who was forgotten", async () => {
  const { name, bytes } = await saved("export-json");
  assert.equal(name, "ultrare-run.json");
  const run = JSON.parse(bytes);
  assert.ok(run.results.retrained.metrics["ndcg@20"].mean > 0);
  assert.equal(run.shards.length, 10);
  for (const shard of run.shards) assert.match(shard.digest, /^[0-9a-f]{64}$/);
  assert.equal(run.change.users, 1);
  assert.equal(run.audit ?? null, null);
});

test("pictures have a ground everywhere: the map, the curves, the card with the result", async () => {
  const map = await saved(page.locator('[aria-label="Save the map as PNG"]'));
  assert.equal(map.name, "ultrare-map.png");
  const drawn = await picture(map.bytes);
  assert.ok(drawn.clear === 0 && drawn.width > 400 && drawn.colours > 20, JSON.stringify(drawn));
  await id("phase-train").click();
  const figure = page.locator("figure", { hasText: "Loss over all sub-models" });
  await figure.hover();
  const curve = await saved(figure.getByRole("button", { name: /Save/ }));
  assert.match(curve.name, /^ultrare-\w+\.png$/);
  const lines = await picture(curve.bytes);
  assert.ok(lines.clear === 0 && lines.colours > 5, JSON.stringify(lines));
  await id("share-open").click();
  const card = await saved("result-card");
  const shown = await picture(card.bytes);
  assert.deepEqual([shown.width, shown.height, shown.clear], [1200, 630, 0]);
  await page.keyboard.press("Escape");
});

test("charts as SVG stand alone: no style of the page is missing in them", async () => {
  await id("phase-compare").click();
  const figure = page.locator("figure", { hasText: "Difference in accuracy" }).first();
  await figure.hover();
  const { name, bytes } = await saved(figure.getByRole("button", { name: /as SVG/ }));
  assert.equal(name, "ultrare-difference.svg");
  const found = await page.evaluate((text) => {
    const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    return { name: svg.tagName, broken: svg.querySelectorAll("parsererror").length, texts: [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getAttribute("fill"), t.getAttribute("font-size")]), script: svg.querySelectorAll("script, foreignObject").length };
  }, bytes.toString());
  assert.deepEqual([found.name, found.broken, found.script], ["svg", 0, 0]);
  assert.ok(found.texts.some(([words]) => /the twin/.test(words)) && found.texts.every(([, fill, size]) => /rgb/.test(fill) && /px/.test(size)), JSON.stringify(found.texts));
});

test("the receipt holds digests and hashes and no id", async () => {
  await id("phase-forget").click();
  const { name, bytes } = await saved("save-receipt");
  assert.equal(name, "ultrare-receipt-1.json");
  const text = bytes.toString();
  assert.ok(JSON.parse(text) && (text.match(/[0-9a-f]{64}/g) ?? []).length > 20);
  assert.doesNotMatch(text, /"u\d{3}"/);
});

test("the link names the settings and the data, and no row", async () => {
  await id("share-open").click();
  const link = new URL(await id("share-link").inputValue());
  assert.match(link.hash, /^#v1&data=sample:small$/);
  assert.equal(link.search, "");
  for (const snippet of ["command", "typescript", "python", "rust"]) assert.ok((await id(`snippet-${snippet}`).inputValue()).length > 40, snippet);
  await page.keyboard.press("Escape");
});
