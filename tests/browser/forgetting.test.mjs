// Forgetting that can be proved, in the page: receipts kept and checked in a fresh tab, the rehearsal, requests one by one, single
// rows. What stays in the browser is looked at in storage.test.mjs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LONG, accessible, choose, file, forget, id, inBrowser, leave, load, page, trained, visit } from "../support/page.mjs";

inBrowser();

/** A file of rows with a person whose name is found again wherever it is stored. */
const PERSON = "someone.to.forget@example";
function table() {
  const rows = ["user_id,item_id"];
  for (let user = 0; user < 60; user += 1) {
    for (let item = 0; item < 30; item += 1) if ((user * 7 + item * 5) % 11 < 4) rows.push(`u${String(user).padStart(2, "0")},i${String(item).padStart(2, "0")}`);
  }
  for (let item = 0; item < 12; item += 1) rows.push(`${PERSON},i${String(item * 2).padStart(2, "0")}`);
  rows.push(`${PERSON},an-item-nobody-else-has`);
  return rows.join("\n");
}

test("a receipt is kept, and checked in a fresh tab with nothing but it and the file", { timeout: 180_000 }, async () => {
  const text = table();
  await visit();
  await load(file(text));
  await choose(PERSON);
  await forget();
  const [download] = await Promise.all([page.waitForEvent("download"), id("save-receipt").click()]);
  assert.equal(download.suggestedFilename(), "ultrare-receipt-1.json");
  const receipt = readFileSync(await download.path(), "utf8");
  assert.ok(!receipt.includes(PERSON), "a receipt holds no id");
  await leave();

  await visit();
  const loaded = await id("dataset").innerText();
  await id("check-open").click();
  const give = (...files) => id("check-files").setInputFiles(files);
  await give(file(receipt, "receipt.json", "application/json"), file(text, "rows.csv"));
  await id("check-go").click();
  await id("check-verdict").waitFor(LONG);
  assert.match(await id("check-verdict").innerText(), /True: all \d+ checks hold/);

  // One digit of one figure, and it is refused before anything is trained.
  await give(file(receipt.replace('"rows_before":', '"rows_before" :').replace(/"epochs": (\d)/, (_, digit) => `"epochs": ${(Number(digit) + 1) % 10}`), "receipt.json", "application/json"));
  await id("receipt-problem").waitFor();
  assert.match(await id("receipt-problem").innerText(), /changed after it was written/);
  assert.ok(await id("check-go").isDisabled());
  // Another row, and it is no longer the receipt of these rows.
  await give(file(receipt, "receipt.json", "application/json"), file(text.replace("u07,", "u08,"), "rows.csv"));
  await id("check-go").click();
  await id("check-problem").waitFor(LONG);
  assert.match(await id("check-problem").innerText(), /not the ones the receipt is about/);
  await page.keyboard.press("Escape");
  assert.equal(await id("dataset").innerText(), loaded, "what was loaded stays");
});

test("rows with odd columns and a threshold are read for a check as they were for the receipt; a refusal says what to try", { timeout: 180_000 }, async () => {
  const [, ...rows] = table().split("\n");
  const odd = file(["thing,stars,person", ...rows.map((row, n) => `${row.split(",")[1]},${1 + ((n * 7) % 5)},${row.split(",")[0]}`)].join("\n"), "odd.csv");
  const read = async () => {
    await id("column-item").selectOption("0");
    await id("column-user").selectOption("2");
    await id("column-rating").selectOption("1");
    await id("filter-positive").fill("2");
    await id("filter-k-core").fill("3");
  };
  await visit();
  await load(odd, read);
  await choose(PERSON);
  await forget();
  const [download] = await Promise.all([page.waitForEvent("download"), id("save-receipt").click()]);
  const receipt = file(readFileSync(await download.path(), "utf8"), "receipt.json", "application/json");

  await visit();
  await id("check-open").click();
  await id("check-files").setInputFiles([receipt, odd]);
  const reading = id("check-reading");
  await reading.locator("> summary").waitFor();
  if (!(await id("preview").isVisible())) await reading.locator("> summary").click();
  await id("column-user").selectOption("0");
  await id("column-item").selectOption("2");
  await id("check-go").click();
  await id("check-problem").waitFor(LONG);
  assert.match(await id("check-problem").innerText(), /What to try:[^]*Other columns[^]*user from “thing”, item from “person”[^]*threshold/);
  await accessible("the dialog");
  await read();
  await id("check-go").click();
  await id("check-verdict").waitFor(LONG);
  assert.match(await id("check-verdict").innerText(), /True: all \d+ checks hold/);
  assert.match(await reading.locator("> summary").innerText(), /ratings of at least 2 and users and items with at least 3 rows/);
  await id("filter-positive").fill("two");
  assert.match(await id("preview").locator('[role="alert"]').innerText(), /“two” is no number/);
  assert.ok(await id("check-go").isDisabled());
});

test("a rehearsal says what an attacker could tell, and carries nothing out", { timeout: 120_000 }, async () => {
  await visit();
  await id("percent").fill("6");
  await id("pick-random").click();
  await id("bill").waitFor();
  await id("rehearse").click();
  await page.locator('[data-testid="rehearsal"] figure').first().waitFor(LONG);
  const label = await page.locator('[data-testid="rehearsal"] svg').first().getAttribute("aria-label");
  assert.match(label, /Original \.\d+, between .*; Unlearned \.\d+.*; Twin \.\d+/);
  // Everybody is in a bar: one panel per ensemble, on the same bins.
  for (const pipeline of ["original", "unlearned", "twin"]) {
    const panel = id(`membership-${pipeline}`);
    assert.ok((await panel.locator("rect.forgotten").count()) > 1, pipeline);
    assert.ok((await panel.locator("rect.never").count()) > 1, pipeline);
    const tall = await panel.locator("rect.forgotten").evaluateAll((all) => all.map((rect) => rect.height.baseVal.value));
    assert.ok(Math.max(...tall) > 5, pipeline);
  }
  const bars = await id("rehearsal").locator('svg[aria-label^="How people score"]').getAttribute("aria-label");
  assert.match(bars, /Original: the middle forgotten person at about .+; Unlearned: .+; Twin: .+/);
  assert.equal(await id("save-receipt").count(), 0, "nothing was carried out");
  assert.ok(await id("forget").isEnabled());
});

test("requests one by one are booked; a script that is none says where", { timeout: 120_000 }, async () => {
  await visit();
  for (const user of ["u003", "u020", "u041"]) await choose(user);
  await id("one-by-one").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="series"] circle').length === 3, null, LONG);
  await page.waitForFunction(() => !document.querySelector('[data-testid="cancel"]'), null, LONG);
  assert.match(await id("series").innerText(), /3 requests, .* of the rows forgotten/);
  assert.match(await id("save-receipts").innerText(), /All 3/);
  await id("script-toggle").click();
  await id("script").fill("user,u005\nperson,u006");
  await id("script-go").click();
  await page.locator('[data-testid="series"] [role=alert]').waitFor();
  assert.match(await id("series").innerText(), /Line 2: expected “user”/);
});

test("single rows and items are forgotten as well, and undo takes them back", { timeout: 120_000 }, async () => {
  await visit();
  await choose("u003");
  await id("clear-basket").click();
  await id("own-rows").locator("summary").click();
  await id("own-row").first().click();
  await id("own-item").nth(1).click();
  assert.equal(await id("basket-count").innerText(), "2");
  await id("undo").click();
  assert.equal(await id("basket-count").innerText(), "1");
  await id("bill").waitFor();
  await forget();
  assert.match(await id("outcome").innerText(), /0 users and 1 row/);
});

test("checkpoints make a request cheaper and the bill says by how much", { timeout: 120_000 }, async () => {
  await visit();
  await page.getByLabel("Checkpoints", { exact: false }).first().fill("6");
  await page.keyboard.press("Enter");
  await id("play").click();
  await trained();
  await choose("u003");
  await id("bill-share").waitFor(LONG);
  assert.match(await id("bill-share").innerText(), /\d+%\s+\d+% on average/);
  await forget();
  assert.match(await id("outcome").innerText(), /by checkpoints, of the training \d+% was done again/);
});

test("a request that empties several shards is billed, names each, and waits for a yes", { timeout: 120_000 }, async () => {
  await visit({ hash: "#v1&data=sample:small&partition.method=hash" });
  await id("phase-forget").click();
  await id("percent").fill("99.5");
  await id("pick-random").click();
  await id("agree").waitFor(LONG);
  assert.ok((await id("bill").locator("p", { hasText: "would be left without a row" }).count()) > 1);
  assert.ok(await id("forget").isDisabled());
  await id("agree").check();
  assert.ok(await id("forget").isEnabled());
  // So many are points of their own size, and the words say what is dim.
  assert.match(await page.locator("#map-words").innerText(), /597 users chosen to be forgotten; the others are dim/);
});
