// A page that answers while it trains: with 20,000 people nothing keeps the main thread for longer than 50 ms.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, file, id, inBrowser, page, visit } from "../support/page.mjs";

inBrowser();
const [USERS, ITEMS, EACH, TASTES] = [20_000, 3_000, 20, 12];
const MOST = 50;

/** Everybody likes mostly what their group likes. */
function people() {
  let state = 7;
  const draw = (below) => { state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; return Math.floor((state / 2 ** 32) * below); };
  const lines = ["user_id,item_id"];
  for (let user = 0; user < USERS; user++) {
    const own = new Set();
    while (own.size < EACH) own.add(draw(5) ? (user % TASTES) * (ITEMS / TASTES) + draw(ITEMS / TASTES) : draw(ITEMS));
    for (const item of own) lines.push(`u${user},i${item}`);
  }
  return lines.join("\n");
}

test("20,000 people are read, divided and trained without a task of more than 50 ms on the main thread", { timeout: 900_000 }, async () => {
  await visit({ reducedMotion: "no-preference", before: (page) => page.addInitScript(() => {
    window.long = [];
    new PerformanceObserver((list) => list.getEntries().forEach((e) => window.long.push({ at: e.startTime, took: e.duration, phase: document.querySelector('[data-testid="progress"] .what')?.textContent ?? "idle" }))).observe({ type: "longtask", buffered: true });
  }) });
  await page.keyboard.press("d");
  await id("file").setInputFiles(file(people(), "people.csv"));
  await id("preview").waitFor(LONG);
  await page.evaluate(() => (window.long = []));
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", timeout: 300_000 });
  await page.waitForFunction(() => document.querySelector('[data-testid="phase-train"]').dataset.state === "done" && !document.querySelector('[data-testid="cancel"]'), null, { timeout: 600_000 });
  const long = await page.evaluate(() => window.long);
  const worst = Math.max(0, ...long.map((task) => task.took));
  const training = long.filter((task) => /Training/.test(task.phase));
  console.log(`${long.length} tasks over 50 ms, the longest ${worst.toFixed(0)} ms; in training ${training.length}, ${JSON.stringify(long.map((t) => [t.phase, Math.round(t.took)]))}`);
  assert.deepEqual(training.filter((task) => task.took > MOST), []);
});
