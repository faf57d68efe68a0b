// The eight lessons, each from its link to its end; and what is handed to others.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { LONG, accessible, address, fits, forget, id, inBrowser, page, said, trained, visit } from "../support/page.mjs";

inBrowser();
const ALL = ["remember", "equal", "longer", "ask", "neighbours", "gone", "shards", "adding"];
const SLOW = { timeout: 240_000 };
const step = () => id("lesson").getAttribute("data-step");

/** What each has to show, in the figures of its own run. */
const SEEN = {
  remember: (text) => {
    const [, before, after, twin] = text.match(/AUC of ([\d.]+) before, ([\d.]+) after, and ([\d.]+) by the twin/)?.map(Number) ?? assert.fail(text);
    assert.ok(before > after + 0.1, `forgetting takes the trace away: ${text}`);
    assert.equal(after, twin, "as if never there");
  },
  equal: (text) => {
    const [, people, rows] = text.match(/had ([\d.]+) times .* in rows, ([\d.]+) times/).map(Number);
    assert.ok(people > 2 && rows < 1.2, text);
  },
  longer: (text) => {
    const [, short, long] = text.match(/epochs \.(\d+), .* itself \.(\d+)/).map(Number);
    assert.ok(long > 2 * short, text);
  },
  ask: (text) => {
    const [, own, joint] = text.match(/NDCG@20 \.(\d+)\. All shards: \.(\d+)/).map(Number);
    assert.ok(joint > 1.05 * own, text);
  },
  neighbours: (text) => assert.match(text, /touch 1 shard \(.*random (9|10) shards/),
  gone: (text) => { assert.match(text, /Every stage equals/); assert.doesNotMatch(text, /it was not noticed/); },
  shards: (text) => assert.ok(Number(text.match(/have ([\d.]+)%/)[1]) > 90, text),
  adding: (text) => assert.match(text, /the same ensemble, to the bit/),
};

for (const name of ALL) {
  test(`lesson “${name}”: predict, do, see`, SLOW, async () => {
    await visit({ hash: `#v1&lesson=${name}` });
    await id("lessons-open").click();
    await id(`begin-${name}`).click();
    await page.waitForFunction((name) => document.querySelector('[data-testid="lesson"]')?.dataset.lesson === name, name);
    await trained();
    assert.equal(await step(), "predict");
    if (name === "shards") {
      await id("guess-drawn").fill("60");
      assert.match(await id("guess").locator("svg").getAttribute("aria-label"), /Guessed for 40 shards: 60%/);
    }
    await id("predict-1").click();
    for (let task = 1; (await step()) !== "see"; task++) {
      assert.ok(task < 8, "it ends");
      const now = await step();
      if (now === "do-3" && name === "remember") await page.locator('[data-testid^="tell-"]').first().click();
      else await id("lesson-do").click(LONG);
      await page.waitForFunction((now) => document.querySelector('[data-testid="lesson"]').dataset.step !== now && !document.querySelector('[data-testid="cancel"]'), now, { timeout: 200_000 });
    }
    SEEN[name](await id("lesson-see").innerText());
    if (name === "shards") assert.match(await id("guess").locator("svg").getAttribute("aria-label"), /60% .*Measured: 2 shards \d+%, .* 40 shards \d+%/);
    await accessible(`lesson ${name}`);
    await fits(`lesson ${name}`);
  });
}

test("a lesson's link begins it; what is changed by hand is said, and restored; the next student begins anew", SLOW, async () => {
  await visit({ hash: "#v1&data=sample:small&lesson=ask&combine.method=own&partition.method=hash" });
  await id("predict-0").click();
  await id("knob-partition-shards").fill("4");
  await id("knob-partition-shards").press("Enter");
  await id("strayed").waitFor();
  await id("strayed").locator("button").click();
  await id("strayed").waitFor({ state: "detached", ...LONG });
  await trained();
  assert.equal(await step(), "predict");
  await id("predict-0").click();
  await id("next-student").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="lesson"]').dataset.step === "predict");
  await id("lesson-leave").click();
  assert.doesNotMatch(page.url(), /lesson/);
});

test("a lesson that there is not is named, and the page works", async () => {
  await visit({ hash: "#v1&data=sample:small&lesson=alchemy" });
  assert.match(await id("notice").innerText(), /no lesson “alchemy”/);
  assert.equal(await id("lesson").count(), 0);
});

test("the lessons on paper hold every question and every answer, and plans for 60 and 90 minutes", async () => {
  await visit();
  await page.goto(`${address}lessons.html`);
  const text = await page.locator("main").innerText();
  assert.equal(await page.locator("section.lesson").count(), 8);
  for (const word of ["Questions", "Objectives", "Key points", "Predict", "Answers", "60 minutes", "90 minutes"]) assert.match(text, new RegExp(word, "i"));
  for (const minutes of [60, 90]) {
    const parts = await page.locator(".plan", { hasText: `${minutes} minutes` }).locator("th").allInnerTexts();
    assert.equal(parts.reduce((sum, part) => sum + Number.parseInt(part, 10), 0), minutes);
  }
  await page.locator('a[href*="lesson=gone"]').click();
  await id("lesson").waitFor(LONG);
});

test("a shared link gives the same digests to somebody who was never here; a teacher's link leaves parts out", async () => {
  await visit({ hash: "#v1&data=sample:small&partition.shards=5&partition.method=hash" });
  const digests = await page.locator(".digest").allInnerTexts();
  await id("share-open").click();
  await id("dialog-share").waitFor();
  await accessible("the dialog for sharing");
  const link = await id("share-link").inputValue();
  await id("hide-knobs").check();
  await id("hide-article").check();
  const teacher = await id("share-link").inputValue();
  assert.ok((await id("qr").locator("path").getAttribute("d")).length > 500);
  assert.match(await id("snippet-command").inputValue(), /ultrare run --sample small .*--partition hash \\\n {2}--shards 5/s);
  const [card] = await Promise.all([page.waitForEvent("download"), id("result-card").click()]);
  const png = readFileSync(await card.path());
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1200, 630]);
  await visit({ hash: new URL(link).hash });
  assert.deepEqual(await page.locator(".digest").allInnerTexts(), digests);
  await visit({ hash: new URL(teacher).hash });
  assert.equal(await id("knobs").count(), 0);
  assert.equal(await page.locator("#article").count(), 0);
  assert.deepEqual(await page.locator(".digest").allInnerTexts(), digests);
});

test("another page shows one phase of this one, learns its height, and nobody else may frame it", SLOW, async () => {
  await visit({ hash: "#v1&data=sample:small&partition.method=hash" });
  await id("share-open").click();
  const code = await id("embed-code").inputValue();
  assert.match(code, /^<iframe src="[^"]*\?embed=forget#v1&amp;[^"]*"/);
  const host = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><title>slides</title><link rel="icon" href="data:,"><script>addEventListener("message", (e) => (window.told = e.data))</script>${code}<iframe id="whole" src="${address}"></iframe>`));
  await new Promise((ready) => host.listen(0, "127.0.0.1", ready));
  try {
    said.length = 0;
    await page.goto(`http://127.0.0.1:${host.address().port}/`);
    const frame = page.frameLocator("iframe").first();
    await frame.locator('[data-testid="suggest"]').waitFor(LONG);
    assert.equal(await frame.locator("header, [data-testid=ledger], #article, [data-testid=knobs]").count(), 0);
    await page.waitForFunction(() => window.told?.ultrare === "height" && window.told.height > 300);
    await frame.locator('[data-testid="suggest"]').click();
    await frame.locator('[data-testid="forget"]').click(LONG);
    await frame.locator('[data-testid="twin"] li').first().waitFor(LONG);
    assert.equal(await page.frame({ url: address })?.locator("h1").count() ?? 0, 0, "the whole page is not shown in a frame");
  } finally {
    host.close();
    said.length = 0; // the host is another address, and the whole page was refused, as it should be
  }
});

test("a run repeats on the page what the forgetting left: the ids of the request stand in the code, nobody's rows do", async () => {
  await visit({ hash: "#v1&data=sample:small&partition.method=hash" });
  await id("suggest").click();
  await id("forget").waitFor(LONG);
  await forget();
  await id("share-open").click();
  assert.match(await id("snippet-command").inputValue(), /--forget users:u\d+/);
  assert.match(await id("snippet-typescript").inputValue(), /session\.forget\(\{ users: \["u\d+"\] \}\)/);
});
