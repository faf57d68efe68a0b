// What a receipt binds and what an audit cannot see: signatures, whose receipt it is and where a chain ends, what an audit is worth,
// and stories of requests with their bill.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LONG, accessible, choose, file, forget, id, inBrowser, leave, load, page, visit } from "../support/page.mjs";

inBrowser();

const json = (text, name) => file(text, name, "application/json");
const rows = () => {
  const lines = ["user_id,item_id"];
  for (let user = 0; user < 60; user += 1) for (let item = 0; item < 30; item += 1) if ((user * 7 + item * 5) % 11 < 4) lines.push(`u${String(user).padStart(2, "0")},i${String(item).padStart(2, "0")}`);
  return lines.join("\n");
};
const downloaded = async (click) => {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return readFileSync(await download.path(), "utf8");
};

test("a receipt is signed in the page; the check says whose it is, what is only stated, and where the chain ends", { timeout: 240_000 }, async () => {
  const text = rows();
  await visit();
  await load(file(text));
  await choose("u03");
  await forget();
  await id("signing").locator("> summary").click();
  const files = [];
  page.on("download", (download) => files.push(download));
  await id("sign-make").click();
  await id("sign-public").waitFor();
  const ours = await id("sign-public").innerText();
  assert.match(ours, /^[0-9a-f]{64}$/);
  await page.waitForFunction(() => document.querySelector('[data-testid="sign-go"]') && !document.querySelector('[data-testid="sign-go"]').disabled);
  await accessible("signing");
  const first = await downloaded(() => id("sign-go").click());
  assert.equal(JSON.parse(first).signature.key, ours);
  assert.deepEqual(files.map((one) => one.suggestedFilename()).slice(0, 2), ["ultrare-key.txt", "ultrare-key.pub.txt"]);
  await id("sign-secret").fill("my secret");
  await id("sign-go").click();
  await id("sign-problem").waitFor();
  assert.match(await id("sign-problem").innerText(), /64 hexadecimal digits/);
  await choose("u07");
  await forget();
  const second = await downloaded(() => id("save-receipt").click());
  await leave();

  await visit();
  await id("check-open").click();
  const give = (...given) => id("check-files").setInputFiles(given);
  const verdict = async () => {
    await id("check-go").click();
    await id("check-verdict").waitFor(LONG);
    return id("check-verdict").innerText();
  };
  await give(json(first, "first.json"), file(text, "rows.csv"));
  await id("check-signer").fill(ours);
  const { digest } = JSON.parse(first);
  await id("check-head").fill(digest);
  assert.match(await verdict(), /True: all \d+ checks hold/);
  assert.match(await id("check-signature").innerText(), /Signed by .*, rightly/);
  assert.match(await id("check-end").innerText(), new RegExp(`cut off cannot be seen[^]*${digest}`));
  await id("check-unchecked").locator("> summary").click();
  assert.match(await id("check-unchecked").innerText(), /reading.*seconds.*settings/);
  await accessible("the verdict");

  // Signed by somebody else, or cut off: whose it is and which digest was kept, and that the rows are right nevertheless.
  await id("check-signer").fill("0".repeat(64));
  await id("check-head").fill(JSON.parse(second).digest);
  const said = await verdict();
  assert.match(said, /Refused, though all \d+ checks against the rows hold/);
  assert.match(said, /Receipt 1: signed by somebody else: by [0-9a-f]+.*was asked for/);
  assert.match(said, /cut off the end/);
  await id("check-signer").fill("somebody");
  await id("check-go").click();
  await id("check-problem").waitFor(LONG);
  assert.match(await id("check-problem").innerText(), /64 hexadecimal digits/);
  await id("check-signer").fill("");
  await id("check-head").fill("");

  // Out of its chain: the second alone is of other rows; another version is refused by name.
  await page.locator('[aria-label="Remove first.json"]').click();
  await give(json(second, "second.json"), file(text, "rows.csv"));
  await id("check-go").click();
  await id("check-problem").waitFor(LONG);
  assert.match(await id("check-problem").innerText(), /not the ones the receipt is about: receipt 2[^]*earlier receipts too/);
  await give(json('{"format": "ultrare receipt", "version": 1}', "old.json"));
  await id("receipt-problem").waitFor();
  assert.match(await id("receipt-problem").innerText(), /version 1, which listed shards in the order of ids/);
  await page.locator('[aria-label="Remove old.json"]').click();
  await give(json(second.replace(/"previous": "."/, (found) => found), "second.json"), json(first, "first.json"), file(text, "rows.csv"));
  assert.match(await verdict(), /True: all \d+ checks hold/);
  // Twice the same instead of the next: the place in the chain is named.
  await page.locator('[aria-label="Remove second.json"]').click();
  await give(json(first, "again.json"), file(text, "rows.csv"));
  await id("check-go").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="check-problem"], [data-testid="check-verdict"]') && !document.querySelector('[data-testid="check-progress"]'), null, LONG);
  const twice = await page.locator('[data-testid="check-problem"], [data-testid="check-verdict"]').first().innerText();
  assert.match(twice, /Refused/);
  assert.match(twice, /previous|number|chain|receipt 1/);
});

test("a later receipt is checked by itself: the rows on this page are preselected, also after a reload", { timeout: 240_000 }, async () => {
  await visit();
  await load(file(rows()));
  for (const user of ["u03", "u07"]) { await choose(user); await forget(); }
  const files = [];
  page.on("download", async (download) => files.push({ name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") }));
  await id("save-receipts").click();
  await page.waitForTimeout(500);
  const [first, second] = files.sort((a, b) => a.name.localeCompare(b.name)).map(({ text }) => text);
  const before = await page.locator('[data-testid^="shard-"]').evaluateAll((cards) => cards.map((card) => card.innerText));
  const check = async () => {
    await id("check-receipt").first().click();
    assert.equal(await id("check-sample").inputValue(), "loaded");
    assert.match(await id("check-sample").locator("option:checked").innerText(), /the rows on this page, as they are now \([\d,]+\)/);
    await id("check-files").setInputFiles([json(second, "second.json")]);
    await id("check-go").click();
    await id("check-verdict").waitFor(LONG);
    assert.match(await id("check-verdict").innerText(), /True: all \d+ checks hold/);
  };
  await check();
  // The earlier one is of rows that are no longer here: it says what to do, and both together hold again.
  await page.locator('[aria-label="Remove second.json"]').click();
  await id("check-files").setInputFiles([json(first, "first.json")]);
  await id("check-go").click();
  await id("check-problem").waitFor(LONG);
  assert.match(await id("check-problem").innerText(), /not the ones the receipt is about[^]*give later receipts too/);
  await id("check-files").setInputFiles([json(second, "second.json")]);
  await id("check-go").click();
  await id("check-verdict").waitFor(LONG);
  assert.match(await id("check-verdict").innerText(), /True: all \d+ checks hold/);
  await accessible("a receipt against the rows on this page");
  // What is on the page is as it was, and after a reload the rows are still there to check against.
  await page.keyboard.press("Escape");
  assert.deepEqual(await page.locator('[data-testid^="shard-"]').evaluateAll((cards) => cards.map((card) => card.innerText)), before);
  await id("kept").filter({ hasText: "is kept in this browser" }).waitFor(LONG);
  await page.reload();
  await id("save-receipt").waitFor(LONG);
  await check();
});

test("without Ed25519 the page says so in a sentence, and goes on", { timeout: 120_000 }, async () => {
  const before = (page) => page.addInitScript(() => {
    const { importKey } = SubtleCrypto.prototype;
    SubtleCrypto.prototype.importKey = function (format, bytes, algorithm, ...rest) {
      const named = typeof algorithm === "string" ? algorithm : algorithm.name;
      return named === "Ed25519" ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError")) : importKey.call(this, format, bytes, algorithm, ...rest);
    };
  });
  await visit({ before });
  await choose("u003");
  await forget();
  await id("signing").locator("> summary").click();
  assert.match(await id("sign-unable").innerText(), /This browser cannot sign: it has no Ed25519/);
});

test("an audit says what it can and cannot see, with measured rates", { timeout: 120_000 }, async () => {
  await visit();
  await id("percent").fill("6");
  await id("pick-random").click();
  await id("bill").waitFor();
  assert.match(await id("audit-limits").innerText(), /carries out the honest pipeline, so it cannot see somebody who does something else: only receipts and verify bind what was done/);
  await id("audit-rates").locator("> summary").click();
  await id("audit-rates").locator("tbody tr").first().waitFor();
  const told = JSON.parse(readFileSync(new URL("../../crate/docs/fakes.json", import.meta.url), "utf8"));
  const shown = await id("audit-rates").locator("tbody tr").allInnerTexts();
  assert.equal(shown.length, told.lines.length);
  told.lines.forEach((line, at) => {
    const text = shown[at].replace(/\s+/g, " ");
    assert.ok(text.includes(line.name) && text.includes(`${line.audit.seen} of ${line.audit.of}`) && text.endsWith(`${line.verify.seen} of ${line.verify.of}`), text);
  });
  await id("rehearse").click();
  await id("audit-verdict").waitFor(LONG);
  assert.match(await id("rehearsal").innerText(), /On the way from the twin \(0\) to the original \(1\) it is at .*Unlearned minus twin over the same people/s);
  await accessible("the audit", '[data-testid="rehearsal"]');
});

test("a story is billed first and then carried out as billed", { timeout: 180_000 }, async () => {
  await visit();
  await choose("u003");
  await id("story").selectOption("month");
  await id("story-bill").waitFor(LONG);
  const lines = await id("story-bill").locator("tbody tr").allInnerTexts();
  assert.equal(lines.length, 10);
  assert.ok(lines.every((line) => line.includes("partition")), "under obc each may leave the partition");
  await accessible("the bill of a story", '[data-testid="series"]');
  await id("story").selectOption("spam");
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="story-bill"] tbody tr').length === 1, null, LONG);
  await id("story-go").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="series"] circle').length === 1, null, LONG);
  await page.waitForFunction(() => !document.querySelector('[data-testid="cancel"]'), null, LONG);
  assert.match(await id("series").innerText(), /1 request, .* of the rows forgotten[^]*Each may leave: partition/);
});
