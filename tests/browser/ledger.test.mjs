// Two runs of the ledger beside each other: what was set differently, and charts on one scale.

import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, fits, id, inBrowser, page, trained, visit } from "../support/page.mjs";

inBrowser();

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
  const charts = () => id("pinned").locator("svg[role=img]").evaluateAll((all) => all.map((svg) => svg.ariaLabel));
  const [accuracy, balance, work] = await charts();
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
