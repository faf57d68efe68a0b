// Two runs of the ledger beside each other: what was set differently, and charts on one scale.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, accessible, fits, id, inBrowser, page, trained, visit } from "../support/page.mjs";

inBrowser();

/** What the charts of a block say in words. */
const chartsOf = (block) => id(block).locator("svg[role=img]").evaluateAll((all) => all.map((svg) => svg.ariaLabel));

test("two runs are pinned, what differs is named, charts follow; one let go takes them away", async () => {
  await visit({ hash: "#v1&data=sample:small&partition.method=hash" });
  await id("knob-partition-shards").fill("5");
  await id("knob-partition-shards").press("Enter");
  await id("run-again").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid^="shard-"][data-state="trained"]').length === 5);
  await trained();
  assert.equal(await id("pinned").count(), 0);
  await id("pin-A-1").click();
  await id("pin-B-2").click();
  await id("pinned").waitFor();
  assert.match(await id("pinned-different").innerText(), /partition\.shards 10 against 5/);
  assert.match(await id("pinned-same").innerText(), /0 sub-models of 10 in A are also in B.*not the same/);
  const charts = await chartsOf("pinned");
  const [accuracy, balance, work] = ["Accuracy", "Rows of each shard", "Work"].map((title) => charts.find((label) => label.startsWith(title)));
  assert.match(accuracy, /NDCG@20: A \.\d+, between \.\d+ and \.\d+; B \.\d+/);
  assert.match(balance, /A: largest to smallest [\d.]+ to 1\. B:/);
  assert.match(work, /A: [\d,]+ rows; B: [\d,]+ rows/);
  await accessible("two runs beside each other");
  await fits("two runs beside each other");
  // The same run on the other side: letters change places, and so do the charts.
  await id("pin-A-2").click();
  assert.equal(await id("pinned").count(), 0);
  await id("pin-B-1").click();
  await id("pinned").waitFor();
  assert.match(await id("pinned-different").innerText(), /partition\.shards 5 against 10/);
});

test("while two runs are pinned every phase begins with its own charts of both", async () => {
  await visit({ hash: "#v1&data=sample:small&partition.shards=4" });
  await id("knob-partition-shards").fill("6");
  await id("knob-partition-shards").press("Enter");
  await id("run-again").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid^="shard-"][data-state="trained"]').length === 6);
  await trained();
  assert.equal(await id("beside").count(), 0);
  await id("pin-A-1").click();
  await id("pin-B-2").click();
  const expected = {
    data: [/^What was read\. Users: A 600, B 600/], train: [/^Loss over all sub-models\. A: [\d.]+ after \d+ epochs\. B: /, /^Epochs of each sub-model\. A: \d+ to \d+ epochs/],
    divide: [/^Rows of each shard\. A: largest/, /^Clustering\. A: [\d.]+ after \d+ iterations?\. B: /],
    forget: [/^Work\. A: [\d,]+ rows; B/], compare: [/^Accuracy\. NDCG@20: A/, /^Work\./],
  };
  for (const [phase, charts] of Object.entries(expected)) {
    await id(`phase-${phase}`).click();
    await id("beside").waitFor();
    await page.waitForFunction((n) => document.querySelectorAll('[data-testid="beside"] svg[role=img]').length === n, charts.length);
    (await chartsOf("beside")).forEach((label, i) => assert.match(label, charts[i], phase));
    await accessible(`${phase} with two runs pinned`);
    await fits(`${phase} with two runs pinned`);
  }
  await id("unpin").click();
  assert.deepEqual([await id("beside").count(), await id("pinned").count()], [0, 0]);
});

test("what is measured of two runs after they ended is beside each other too", async () => {
  await visit({ hash: "#v1&data=sample:small&partition.method=hash&partition.shards=4" });
  const rehearse = async () => {
    await id("phase-forget").click();
    await id("pick-random").click();
    await id("rehearse").click();
    await id("audit-verdict").waitFor(LONG);
  };
  await rehearse();
  await id("clear-basket").click();
  await id("knob-partition-shards").fill("5");
  await id("knob-partition-shards").press("Enter");
  await id("run-again").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid^="shard-"][data-state="trained"]').length === 5);
  await trained();
  await rehearse();
  await id("pin-A-1").click();
  await id("pin-B-2").click();
  await id("beside").waitFor();
  assert.match((await chartsOf("beside"))[1], /^Could an attacker tell\?\. original: A \.\d+; B \.\d+\. unlearned: A .*twin: A/);
});

test("a run beside the same run: nothing differs, bit for bit", async () => {
  await visit({ hash: "#v1&data=sample:small&partition.method=hash" });
  await id("reset").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="ledger"] tbody tr').length === 2);
  await trained();
  await id("pin-A-1").click();
  await id("pin-B-2").click();
  assert.match(await id("pinned-different").innerText(), /Nothing was set differently/);
  assert.match(await id("pinned-same").innerText(), /10 sub-models of 10 in A are also in B, bit for bit; the ensembles are the same/);
});
