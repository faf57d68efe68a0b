// Compare, and what stands behind its figures: the tabs, the rivals, the decomposition, the sweep.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serve } from "../../web/build/serve.mjs";
import { root } from "../../web/build/setup.mjs";
import { launch } from "../support/chromium.mjs";
import { watch } from "../support/harness.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const LONG = { timeout: 90_000 };
let server;
let address;
let browser;
let page;
let said;

// One visit for all: somebody is forgotten, the retrained model stands beside.
before(async () => {
  ({ server, address } = await serve(join(root, "www/dist")));
  browser = await launch();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  page = await context.newPage();
  said = watch(page, address);
  await page.goto(address);
  await id("speed").fill("4");
  await quiet();
  await id("phase-forget").click();
  await id("percent").fill("1");
  await id("pick-random").click();
  await id("forget").click();
  await id("outcome").waitFor(LONG);
  await id("compare").click();
  await id("headline").waitFor(LONG);
});
after(async () => {
  await browser.close();
  server.close();
});

const id = (name) => page.locator(`[data-testid="${name}"]`);
const quiet = () => page.waitForFunction(
  () => document.querySelector('[data-testid="phase-train"]')?.dataset.state === "done" && !document.querySelector('[data-testid="cancel"]'),
  null, LONG,
);
async function clean(what) {
  const found = await page.evaluate(`${AXE}; axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))`);
  assert.deepEqual(found, [], what);
  assert.deepEqual(said, [], what);
}

test("the difference is told user by user, with its interval and the shared top", async () => {
  assert.match(await id("paired").textContent(), /differs by [+−]\.\d{3} \(95% between [+−]\.\d{3} and [+−]\.\d{3}.*% of the top 20/s);
});

test("tabs go by keyboard; one person's lists are joined by lines, and every shard is asked", async () => {
  await id("tab-exact").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await id("tab-person").getAttribute("aria-selected"), "true");
  await id("slopes").waitFor();
  assert.equal(await id("slopes").locator("ol").count(), 3);
  assert.equal(await id("slopes").locator("li").count(), 30);
  assert.ok(await id("slopes").locator("line").count() > 10);
  await id("voices").waitFor();
  assert.equal(await id("voices").locator("tbody tr").count(), 10);
  assert.equal(await id("voices").locator("thead th.own").count(), 1);
  await clean("one person");
  await page.keyboard.press("End");
  assert.equal(await id("tab-cost").getAttribute("aria-selected"), "true");
});

test("groups have bars for every arm, a gap and their shards", async () => {
  await id("tab-groups").click();
  const words = await id("groups").locator('svg[role="img"]').first().getAttribute("aria-label");
  assert.match(words, /Most active: original \.\d{3}, unlearned \.\d{3}, retrained \.\d{3}.*Untouched shards/s);
  assert.match(await id("groups").textContent(), /95% from/);
  assert.equal(await id("groups").locator("circle[fill]").count(), 10);
  await clean("groups");
});

test("rivals are trained on demand, and the errors of all are taken apart", async () => {
  await id("tab-rivals").click();
  await id("measure-rivals").click();
  await id("measure-rivals").waitFor({ state: "detached", ...LONG });
  await quiet();
  const words = await id("rivals").locator('svg[role="img"]').getAttribute("aria-label");
  for (const name of ["SISA", "RecEraser", "Popularity", "Chance"]) assert.ok(words.includes(name), name);
  await clean("rivals");
  await id("tab-errors").click();
  await id("measure-errors").click();
  await id("measure-errors").waitFor({ state: "detached", ...LONG });
  await quiet();
  assert.equal(await id("errors").locator("li").count(), 4);
  assert.match(await id("errors").textContent(), /Unlearned: its sub-models know .* bits in all, \d+% of that more than once/);
  await clean("errors");
});

test("a sweep is cancelled, keeps its points and goes on; its curve has the one model's line", async () => {
  await id("tab-cost").click();
  await id("measure-sweep").click();
  await id("cost").locator("circle").first().waitFor(LONG);
  // On a quick machine the sweep may be over before it can be cancelled: then there is nothing to go on with.
  if (await id("cancel").count()) await id("cancel").click().catch(() => {});
  await quiet();
  const kept = await id("cost").locator("circle").count();
  assert.ok(kept >= 1);
  if (await id("measure-sweep").count()) {
    await id("measure-sweep").click();
    await id("measure-sweep").waitFor({ state: "detached", ...LONG });
    await quiet();
  }
  assert.ok(await id("cost").locator("circle").count() >= Math.max(kept, 6));
  assert.equal(await id("cost").locator("line.one").count(), 1);
  assert.match(await id("cost").locator("figcaption").textContent(), /One model on everything, served .*, reaches \.\d{3}.*rows again\./);
  await clean("cost");
  for (const width of [1440, 1024, 390]) {
    await page.setViewportSize({ width, height: 844 });
    for (const tab of ["person", "groups", "rivals", "errors", "cost"]) {
      await id(`tab-${tab}`).click();
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${tab} at ${width} px`);
    }
  }
});
