// A page that answers while it trains: with 20,000 people nothing keeps the main thread for longer than 50 ms.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, id, inBrowser, page, visit } from "../support/page.mjs";
import { readFileSync } from "node:fs";
import { synth } from "../support/native.mjs";

inBrowser();
const MOST = 50;

test("20,000 people are read, divided and trained without a task of more than 50 ms on the main thread", { timeout: 900_000 }, async () => {
  const path = synth({ users: 20_000, items: 3_000, rows: 400_000, seed: 5 });
  await visit({ reducedMotion: "no-preference", before: (page) => page.addInitScript(() => {
    window.long = [];
    new PerformanceObserver((list) => list.getEntries().forEach((e) => window.long.push({ at: e.startTime, took: e.duration, phase: document.querySelector('[data-testid="progress"] .what')?.textContent ?? "idle" }))).observe({ type: "longtask", buffered: true });
  }) });
  await page.keyboard.press("d");
  await id("file").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: readFileSync(path) });
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
