// The tab is reloaded in the middle of a training: what was trained is there, what was not goes on, and nothing can be told from
// a run that was left alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, id, inBrowser, page, trained, visit } from "../support/page.mjs";

inBrowser();
const hash = "#v1&data=sample:small&partition.method=hash";
const digests = () => page.locator(".digest").allInnerTexts();

test("shards that were trained before the reload are not trained again, and the digests are those of an undisturbed run", { timeout: 180_000 }, async () => {
  await visit({ hash });
  const undisturbed = await digests();
  assert.equal(undisturbed.length, 10);

  await visit({ hash, ready: false, speed: "1", before: (page) => page.addInitScript(() => {
    // Every shard that was seen in training since the page was opened.
    window.begun = new Set();
    setInterval(() => document.querySelectorAll('[data-state="training"]').forEach((card) => window.begun.add(card.dataset.testid)), 5);
  }) });
  await page.waitForFunction(() => document.querySelectorAll('[data-testid^="shard-"][data-state="trained"]').length >= 3, null, LONG);
  const before = await page.locator('[data-testid^="shard-"][data-state="trained"]').evaluateAll((all) => all.map((card) => card.dataset.testid));
  assert.ok(before.length < 10, "it is in the middle");
  await page.waitForTimeout(300); // the newest is being written
  await page.reload();
  await id("speed").fill("1");
  await trained();
  const again = await page.evaluate(() => [...window.begun]);
  assert.ok(again.length > 0, "what was missing was trained");
  assert.deepEqual(before.filter((shard) => again.includes(shard)), []);
  assert.deepEqual(await digests(), undisturbed);
});
