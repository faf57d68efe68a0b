// One update with the numbers of its formula: paused and stepped, they change from epoch to epoch.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, id, inBrowser, page, pause, visit } from "../support/page.mjs";

inBrowser();

for (const [model, formula] of [["wmf", /Σ\(1 − w·v\)²/], ["bpr", /σ\(−\(w·v − w·n\)\)/], ["gmf", /usual size/]]) {
  test(`${model}: stepped, one update is shown and changes`, { timeout: 120_000 }, async () => {
    await visit({ hash: `#v1&partition.shards=3&partition.method=hash&model.name=${model}`, ready: false, speed: "1" });
    await page.waitForFunction(() => /epoch|train/i.test(document.querySelector('[data-testid="progress"]')?.textContent ?? ""), null, LONG);
    await id("phase-train").click();
    await id("one-update").waitFor(LONG);
    await pause();
    const seen = new Set();
    for (let n = 0; n < 40 && seen.size < 3; n++) {
      await id("step").click();
      await page.waitForTimeout(120);
      if (await id("one-update").locator("tbody").count()) seen.add(await id("one-update").locator("tbody").textContent());
    }
    assert.ok(seen.size >= 3, `${seen.size} updates were shown`);
    assert.match(await id("one-update").locator(".formula").textContent(), formula);
    assert.match(await id("one-update").getAttribute("aria-label"), /^One update, slowly\. .+ to .+\.$|^One update, slowly\. .+ there is\.$/);
  });
}
