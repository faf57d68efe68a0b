// One update with the numbers of its formula: paused and stepped, they change from epoch to epoch.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serve } from "../../web/build/serve.mjs";
import { root } from "../../web/build/setup.mjs";
import { launch } from "../support/chromium.mjs";
import { watch } from "../support/harness.mjs";

const LONG = { timeout: 60_000 };
let server, address, browser;

before(async () => {
  ({ server, address } = await serve(join(root, "www/dist")));
  browser = await launch();
});
after(async () => {
  await browser.close();
  server.close();
});

for (const [model, formula] of [["wmf", /Σ\(1 − w·v\)²/], ["bpr", /σ\(−\(w·v − w·n\)\)/]]) {
  test(`${model}: stepped, one update is shown and changes`, { timeout: 120_000 }, async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
    const page = await context.newPage();
    const said = watch(page, address);
    const id = (name) => page.locator(`[data-testid="${name}"]`);
    await page.goto(`${address}#v1&partition.shards=3&partition.method=hash&model.name=${model}`);
    await id("speed").fill("1");
    await page.waitForFunction(() => /epoch|train/i.test(document.querySelector('[data-testid="progress"]')?.textContent ?? ""), null, LONG);
    await id("phase-train").click();
    await id("one-update").waitFor(LONG);
    await id("play").click();
    await page.waitForFunction(() => document.querySelector('[data-testid="play"]').ariaLabel === "Continue", null, LONG);
    const seen = new Set();
    for (let n = 0; n < 40 && seen.size < 3; n++) {
      await id("step").click();
      await page.waitForTimeout(120);
      if (await id("one-update").locator("tbody").count()) seen.add(await id("one-update").locator("tbody").textContent());
    }
    assert.ok(seen.size >= 3, `${seen.size} updates were shown`);
    assert.match(await id("one-update").locator(".formula").textContent(), formula);
    assert.match(await id("one-update").getAttribute("aria-label"), /^One update, slowly\. .+ to .+\.$|^One update, slowly\. .+ there is\.$/);
    if (process.env.SHOTS) {
      await id("one-update").scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${process.env.SHOTS}/${model}-1440.png` });
      await page.setViewportSize({ width: 390, height: 844 });
      await id("one-update").scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${process.env.SHOTS}/${model}-390.png` });
    }
    assert.deepEqual(said, []);
    await context.close();
  });
}
