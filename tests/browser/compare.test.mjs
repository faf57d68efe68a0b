// Compare, and what stands behind its figures: the tabs, the rivals, the decomposition, the sweep.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, accessible, compare, fits, forget, id, inBrowser, page, trained, visit } from "../support/page.mjs";

// One visit for all: somebody is forgotten, the retrained model stands beside.
inBrowser({
  first: async () => {
    await visit();
    await id("phase-forget").click();
    await id("percent").fill("1");
    await id("pick-random").click();
    await forget();
    await compare();
  },
});

test("the difference is told user by user, with its interval and the shared top", async () => {
  assert.match(await id("paired").textContent(), /differs by [+−]\.\d{3} \(95% between [+−]\.\d{3} and [+−]\.\d{3}.*% of the top 20/s);
  assert.match(await id("others").textContent(), /What it did to the others:\s+in the shards trained again \d+ of \d+ lists changed.*elsewhere \d+ of \d+ lists changed/s);
});

test("the page says where the time went, and nothing is left over", async () => {
  const summary = id("spent").locator("summary");
  await summary.click();
  const rows = await id("spent").locator("tbody tr").allTextContents();
  for (const words of [/^Training, original/, /^Training, unlearned/, /^Training, retrained/, /^Measuring, unlearned/, /^Figures and receipts/, /^Reading and splitting/]) assert.ok(rows.some((row) => words.test(row)), `${words}: ${rows}`);
  const parts = await id("spent").locator("[data-seconds]").evaluateAll((cells) => cells.reduce((sum, cell) => sum + Number(cell.dataset.seconds), 0));
  const whole = (await summary.textContent()).match(/([\d.]+) (ms|s)/);
  assert.ok(Math.abs(parts - Number(whole[1]) / (whole[2] === "ms" ? 1000 : 1)) <= 0.05 * parts + 0.01, `${parts} and ${whole[0]}`);
  await accessible("where the time went");
});

test("the chosen length of the lists can be read while the pointer is on it", async () => {
  const chosen = page.locator('[aria-label="List length"] button[aria-pressed="true"]');
  for (const theme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, theme);
    await chosen.hover();
    await accessible(`lengths, ${theme}`);
  }
});

test("tabs go by keyboard; one person's lists are joined by lines, and every shard is asked", async () => {
  await id("tab-exact").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await id("tab-person").getAttribute("aria-selected"), "true");
  await id("slopes").waitFor();
  assert.equal(await id("slopes").locator("ol").count(), 3);
  assert.equal(await id("slopes").locator("li").count(), 30);
  assert.ok(await id("slopes").locator("line").count() > 10);
  await id("opinions").waitFor();
  assert.equal(await id("opinions").locator("tbody tr").count(), 10);
  assert.equal(await id("opinions").locator("thead th.own").count(), 1);
  await accessible("one person");
  await page.keyboard.press("End");
  assert.equal(await id("tab-cost").getAttribute("aria-selected"), "true");
});

test("groups have bars for every pipeline, a gap and their shards", async () => {
  await id("tab-groups").click();
  const words = await id("groups").locator('svg[role="img"]').first().getAttribute("aria-label");
  assert.match(words, /Most active: original \.\d{3}, unlearned \.\d{3}, retrained \.\d{3}.*Untouched shards/s);
  assert.match(await id("groups").textContent(), /95% from/);
  assert.equal(await id("groups").locator("circle[fill]").count(), 10);
  await accessible("groups");
});

test("rivals are trained on demand, and the errors of all are taken apart", async () => {
  await id("tab-rivals").click();
  await id("measure-rivals").click();
  await id("measure-rivals").waitFor({ state: "detached", ...LONG });
  await trained();
  const words = await id("rivals").locator('svg[role="img"]').getAttribute("aria-label");
  for (const name of ["SISA", "RecEraser", "Popularity", "Chance"]) assert.ok(words.includes(name), name);
  const [popular, chance] = await id("rivals").locator("tbody tr").evaluateAll((rows) => rows.slice(-2).map((row) => [...row.cells].slice(3, 5).map(({ textContent }) => Number(textContent))));
  assert.ok(popular[0] > chance[0] && popular[1] < chance[1], `Gini and novelty: popularity ${popular}, chance ${chance}`);
  await accessible("rivals");
  await id("tab-errors").click();
  await id("measure-errors").click();
  await id("measure-errors").waitFor({ state: "detached", ...LONG });
  await trained();
  assert.equal(await id("errors").locator("li").count(), 4);
  assert.match(await id("errors").textContent(), /Unlearned: its sub-models know .* bits in all, \d+% of that more than once/);
  await accessible("errors");
});

test("a sweep is cancelled, keeps its points and goes on; its curve has the one model's line", async () => {
  await id("tab-cost").click();
  await id("measure-sweep").click();
  await id("cost").locator("circle").first().waitFor(LONG);
  // On a quick machine the sweep may be over before it can be cancelled: then there is nothing to go on with.
  if (await id("cancel").count()) await id("cancel").click().catch(() => {});
  await trained();
  const kept = await id("cost").locator("circle").count();
  assert.ok(kept >= 1);
  if (await id("measure-sweep").count()) {
    await id("measure-sweep").click();
    await id("measure-sweep").waitFor({ state: "detached", ...LONG });
    await trained();
  }
  assert.ok(await id("cost").locator("circle").count() >= Math.max(kept, 6));
  assert.equal(await id("cost").locator("line.one").count(), 1);
  assert.match(await id("cost").locator("figcaption").textContent(), /One model on everything, served .*, reaches \.\d{3}.*rows again\./);
  await accessible("cost");
  for (const tab of ["person", "groups", "rivals", "errors", "cost"]) {
    await id(`tab-${tab}`).click();
    await fits(tab);
  }
});
