// The page as a person meets it: in a real Chromium, under its own policy, by mouse and by keyboard.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, accessible, compare, file, fits, forget, id, inBrowser, load, page, pause, said, state, trained, twin, visit } from "../support/page.mjs";

inBrowser();

/** Rows with two planted tastes. */
function table(users = 60, items = 40) {
  const rows = ["user_id,item_id,rating"];
  for (let u = 0; u < users; u++) for (let k = 0; k < 12; k++) rows.push(`u${u},i${((u % 2) * 20 + ((u * 7 + k * 3) % 20)) % items},${1 + ((u + k) % 5)}`);
  return rows;
}

test("the sample divides, trains and invites to forget, all by itself, within a second of life", async () => {
  await visit({ ready: false });
  await page.waitForFunction(() => /users/.test(document.querySelector('[data-testid="dataset"]')?.textContent ?? ""), null, { timeout: 5000 });
  await id("speed").fill("4");
  await trained();
  assert.equal(await state("forget"), "ready");
  assert.ok((await page.locator('[data-testid^="shard-"][data-state="trained"]').count()) >= 2);
});

test("three people are forgotten by keyboard: the bill, the touched shards, equal digests elsewhere, the comparison", async () => {
  await visit();
  await page.keyboard.press("m");
  for (let n = 0; n < 3; n++) {
    await page.keyboard.press(n ? "ArrowLeft" : "Home");
    await page.keyboard.press("Enter");
  }
  assert.equal(await id("basket-count").textContent(), "3");
  await id("forget").waitFor();
  const [, touched, of] = /(\d+) of (\d+)/.exec(await id("bill-touched").textContent()).map(Number);
  await id("forget").focus();
  await page.keyboard.press("Enter");
  await id("outcome").waitFor(LONG);
  await twin();
  assert.equal(await page.locator('[data-testid^="shard-"][data-state="retrained"]').count(), touched);
  assert.equal(await page.locator('[data-testid^="shard-"][data-state="unchanged"]').count(), of - touched);
  assert.equal(await id("stamp").count(), of - touched);
  await id("compare").press("Enter");
  await id("headline").waitFor(LONG);
  assert.match(await id("comparison").textContent(), /NDCG.*Recall/s);
  assert.equal(await state("compare"), "done");
  assert.equal(await id("ledger").locator("tbody tr").count(), 3);
});

test("by mouse: a click chooses, a second takes out, undo brings back, a lasso chooses many", async () => {
  await visit();
  await page.keyboard.press("m");
  await page.keyboard.press("Home");
  const ring = await page.locator(".ring").boundingBox();
  const [x, y] = [ring.x + ring.width / 2, ring.y + ring.height / 2];
  await page.mouse.click(x, y);
  assert.equal(await id("basket-count").textContent(), "1");
  await page.mouse.click(x, y);
  assert.equal(await id("basket-count").textContent(), "empty");
  await id("undo").click();
  assert.equal(await id("basket-count").textContent(), "1");
  const map = await id("map").boundingBox();
  const at = (u, v) => [map.x + u * map.width, map.y + v * map.height];
  await page.mouse.move(...at(0.1, 0.1));
  await page.mouse.down();
  for (const corner of [[0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]) await page.mouse.move(...at(...corner), { steps: 5 });
  await page.mouse.up();
  assert.ok(Number((await id("basket-count").textContent()).replace(/,/g, "")) > 50);
});

test("choosing by rule and by pasted ids; unknown ids are listed and change nothing", async () => {
  await visit();
  await id("phase-forget").click();
  await id("percent").fill("2");
  await id("pick-core").click();
  await id("forget").waitFor();
  const chosen = await page.locator('[data-testid="basket"] li button').first().textContent();
  await id("clear-basket").click();
  await id("paste-toggle").click();
  await id("paste").fill(`${chosen.trim()}\nno-such-person, nor-this-one`);
  await id("paste-take").click();
  assert.match(await id("unknown").first().textContent(), /no-such-person and nor-this-one/);
  assert.equal(await id("basket-count").textContent(), "1");
  await id("percent").fill("120");
  await id("pick-random").click();
  assert.match(await page.locator('[role="alert"]').first().textContent(), /at most 100/);
  assert.equal(await id("basket-count").textContent(), "1");
  await forget();
});

test("with a partition that depends on nobody else, the unlearned model is the twin's at every stage", async () => {
  await visit({ hash: "#v1&partition.method=hash" });
  await page.keyboard.press("f");
  await id("search").waitFor();
  await page.keyboard.type("u00");
  await page.keyboard.press("Enter");
  await forget();
  assert.equal(await page.locator('[data-testid="twin"] li.equal').count(), 5);
  assert.match(await id("twin").textContent(), /nothing of the forgotten is left/i);
});

test("dividing again after a deletion leaves no trace in the partition either", async () => {
  await visit();
  await id("phase-forget").click();
  await id("percent").fill("0.5");
  await id("pick-edge").click();
  await id("refit").check();
  await forget();
  assert.equal(await page.locator('[data-testid="twin"] li.equal').count(), 5);
});

test("a file that arrives during a run waits for it, and a word starts it at once", async () => {
  await visit();
  await id("speed").fill("0");
  await id("reset").click();
  await id("cancel").waitFor();
  await page.keyboard.press("d");
  await id("file").setInputFiles(file(table().join("\n"), "later.csv"));
  await id("load").click();
  assert.match(await id("waiting").textContent(), /A run is going/);
  assert.doesNotMatch(await id("dataset").textContent(), /later/);
  await id("waiting").locator("button").first().click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await id("speed").fill("4");
  await trained();
  assert.match(await id("dataset").textContent(), /later\.csv/);
});

test("a reload loses nothing; clearing everything leaves nothing behind", async () => {
  await visit({ hash: "#v1&partition.shards=5" });
  const digests = await page.locator(".digest").allTextContents();
  await id("kept").filter({ hasText: "is kept in this browser" }).waitFor(LONG);
  await page.reload();
  await trained();
  assert.match(await id("notice").textContent(), /where you left off/);
  assert.deepEqual(await page.locator(".digest").allTextContents(), digests);
  await id("clear-everything").click();
  await accessible("clear everything");
  await id("clear-confirm").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid^="shard-"][data-state="trained"]').length === 10, null, LONG);
  assert.equal(new URL(page.url()).hash.includes("shards=5"), false);
});

test("a run begun from another phase is followed as its stages begin, and the time left is told before a shard is done", async () => {
  await visit({ hash: "#v1&model.name=bpr&partition.shards=3" });
  assert.equal(await id("evidence-forget").count(), 1);
  await id("speed").fill("1");
  await id("reset").click();
  await page.waitForFunction(() => /Training/.test(document.querySelector('[data-testid="progress"]').textContent), null, LONG);
  await id("evidence-train").waitFor({ timeout: 2000 });
  await page.waitForFunction(() => /timing the first shard|at most .* left/.test(document.querySelector('[data-testid="progress"]').textContent), null, { timeout: 3000 });
  await page.waitForFunction(() => /at most .* left/.test(document.querySelector('[data-testid="progress"]').textContent), null, { timeout: 10_000 });
  assert.equal(await page.locator('[data-testid^="shard-"][data-state="trained"]').count(), 0);
  await id("cancel").click();
  await id("cancel").waitFor({ state: "detached", timeout: 10_000 });
});

test("a changed knob marks results stale and wipes nothing; running again uses it; the address holds it", async () => {
  await visit();
  await id("knob-partition-shards").fill("6");
  await id("knob-partition-shards").press("Enter");
  await id("stale-note").waitFor();
  assert.equal(await page.locator('[data-testid^="shard-"][data-state="trained"]').count(), 10);
  assert.match(page.url(), /#v1&.*partition\.shards=6/);
  await id("run-again").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid^="shard-"][data-state="trained"]').length === 6, null, LONG);
  assert.equal(await id("stale-note").count(), 0);
});

test("a link brings its settings, and a knob out of range says so where it is", async () => {
  await visit({ hash: "#v1&partition.shards=4&seed=9" });
  assert.equal(await page.locator('[data-testid^="shard-"][data-state="trained"]').count(), 4);
  await id("knob-partition-shards").fill("0");
  await id("knob-partition-shards").press("Enter");
  assert.match(await id("knobs").locator('[role="alert"]').textContent(), /Shards must be from 1 to 1024, not 0/);
});

test("a file is previewed, remapped, read and run; refused lines are listed", async () => {
  await visit();
  const rows = table();
  rows.splice(5, 0, "u1,i1,excellent");
  await load(file(rows.join("\n")), async () => {
    assert.equal(await id("column-user").inputValue(), "0");
    await id("column-rating").selectOption("2");
  });
  assert.match(await id("dataset").textContent(), /rows\.csv/);
  await id("phase-data").click();
  assert.match(await id("rejected").textContent(), /line 6/);
});

test("files that cannot be used are refused in words, and what was there stays", async () => {
  await visit();
  const before = await id("dataset").textContent();
  const cases = { empty: "", words: "just one word", alone: "user_id,item_id\nu1,i1\nu1,i2" };
  await page.keyboard.press("d");
  for (const [name, text] of Object.entries(cases)) {
    await id("file").setInputFiles(file(text, `${name}.csv`));
    // What was given before stands there until this was looked at.
    await id("dialog-data").locator("strong").filter({ hasText: `${name}.csv` }).waitFor();
    await page.waitForFunction(() => document.querySelector('[data-testid="data-error"], [data-testid="preview"]'));
    if (await id("load").count()) if (await id("load").isEnabled()) await id("load").click();
    const error = page.locator('[data-testid="data-error"], [data-testid="preview"] [role="alert"]').first();
    await error.waitFor(LONG);
    assert.ok((await error.textContent()).trim().length > 20, name);
  }
  await page.keyboard.press("Escape");
  assert.equal(await id("dataset").textContent(), before);
  assert.equal(await state("train"), "done");
});

test("pause, single step and cancel; a cancelled run leaves what was there", async () => {
  await visit();
  const digests = await page.locator(".digest").allTextContents();
  await id("speed").fill("0");
  await id("reset").click();
  await id("cancel").waitFor();
  await pause();
  await id("step").click();
  await id("cancel").click();
  await id("cancel").waitFor({ state: "detached", timeout: 10_000 });
  assert.deepEqual(await page.locator(".digest").allTextContents(), digests);
});

test("whoever is pointed at shows the way to all centres: lines, distances and a sentence; of the forgotten nothing", async () => {
  await visit();
  await id("phase-divide").click();
  await page.keyboard.press("m");
  await page.keyboard.press("Home");
  await id("way").waitFor();
  assert.match(await id("way").textContent(), /^[^:]+: all of this user goes to shard \d+/);
  assert.equal(await id("ways").locator("line").count(), 10);
  assert.equal(await id("ways").locator("line.share").count(), 1);
  assert.ok((await id("tip").locator("tbody tr").count()) >= 5);
  const sentences = new Set();
  for (let n = 0; n < 40; n++) {
    await page.keyboard.press(["ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp"][Math.floor(n / 10)]);
    sentences.add((await id("way").textContent()).replace(/.*: /, ""));
    const nearer = await id("ways").locator("line.nearer").count();
    assert.equal(nearer > 0, /nearer but full/.test(await id("way").textContent()));
  }
  assert.ok([...sentences].some((words) => /nearer but full/.test(words)) && [...sentences].some((words) => /as far/.test(words)));
  const ring = await page.locator(".ring").boundingBox();
  await page.mouse.move(5, 5);
  await page.mouse.move(ring.x + ring.width / 2, ring.y + ring.height / 2);
  assert.match(await id("way").textContent(), /goes to shard/);
  await page.keyboard.press("Enter");
  await forget();
  await id("phase-divide").click();
  await page.mouse.move(ring.x + ring.width / 2 + 1, ring.y + ring.height / 2);
  assert.match(await id("tip").textContent(), /forgotten/);
  assert.equal(await id("ways").count() + (await id("way").count()), 0);
});

test("a smoothed plan divides people between shards, and its film pauses and steps through the epsilons", async () => {
  await visit({ hash: "#v1&partition.epsilon=0.1&partition.solver=entropic" });
  await id("phase-divide").click();
  await page.keyboard.press("m");
  await page.keyboard.press("Home");
  let most = 0;
  for (let n = 0; n < 40; n++) {
    most = Math.max(most, await id("ways").locator("line.share").count());
    if (most > 1) break;
    await page.keyboard.press(["ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp"][Math.floor(n / 10)]);
  }
  assert.ok(most > 1);
  assert.match(await id("way").textContent(), /the plan carries \d+% to shard/);
  await id("speed").fill("1");
  await id("reset").click();
  await id("phase-divide").click();
  const figure = page.locator("figcaption", { hasText: "Mean squared distance" });
  await figure.waitFor(LONG);
  await pause();
  const before = await figure.textContent();
  for (let n = 0; n < 12 && (await figure.textContent()) === before; n++) {
    await id("step").click();
    await page.waitForTimeout(150);
  }
  assert.notEqual(await figure.textContent(), before);
  await id("cancel").click();
  await id("cancel").waitFor({ state: "detached", timeout: 10_000 });
});

test("all ways to divide the loaded rows are compared at one press, and what serves stays", async () => {
  await visit();
  const digests = await page.locator(".digest").allTextContents();
  await id("phase-divide").click();
  await id("divide-beside").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="methods"] tbody tr').length === 8 && !document.querySelector('[data-testid="cancel"]'), null, LONG);
  const rows = await id("methods").locator("tbody tr").evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent.trim())));
  const of = (method) => rows.find(([name]) => name.startsWith(`${method},`));
  for (const row of rows) assert.ok(Number(row[1]) > 0, row.join(" | "));
  assert.ok(Number(of("obc")[1]) < Number(of("random")[1]));
  assert.ok(Number(of("obc")[5]) > Number(of("random")[5]));
  assert.equal(of("ibp")[4], "–");
  assert.deepEqual(await page.locator(".digest").allTextContents(), digests);
});

for (const model of ["ease", "itemknn"]) {
  test(`a sub-model without item vectors is combined in a way that it can be (${model})`, async () => {
    await visit({ hash: `#v1&model.name=${model}` });
    assert.equal(await id("knob-combine-method").inputValue(), "mean");
    assert.match(await id("knobs").textContent(), /in place of the one asked for/);
    assert.equal(await state("forget"), "ready");
    await id("knob-model-name").selectOption("wmf");
    assert.equal(await id("knob-combine-method").inputValue(), "joint");
  });
}

for (const combiner of ["consensus", "attention"]) {
  test(`${combiner} serves`, async () => {
    await visit({ hash: `#v1&combine.method=${combiner}` });
    assert.equal(await state("forget"), "ready");
  });
}

for (const theme of ["light", "dark"]) {
  test(`nothing for an accessibility checker to find, and nothing wider than the window (${theme})`, async () => {
    await visit({ colorScheme: theme });
    for (const phase of ["data", "divide", "train", "forget"]) {
      await id(`phase-${phase}`).click();
      await accessible(phase);
    }
    await fits();
  });
}

test("ids and titles are text, never markup", async () => {
  await visit();
  const rows = table().map((row) => row.replace(/^u1,/, "<img src=x onerror=alert(1)>,"));
  await load(file(rows.join("\n")));
  await id("phase-forget").click();
  await id("search").fill("<img");
  await page.locator(".search li button").first().click();
  assert.equal(await page.locator("img").count(), 0);
  assert.match(await id("basket").textContent(), /<img src=x/);
});

test("after one visit the page works with the network off", async () => {
  await visit();
  await page.waitForFunction(() => navigator.serviceWorker.controller ?? navigator.serviceWorker.ready.then(() => true), null, LONG);
  await page.waitForFunction(async () => (await caches.keys()).length > 0 && (await (await caches.open((await caches.keys())[0])).keys()).length > 3);
  await page.context().setOffline(true);
  await page.reload();
  await id("speed").fill("4");
  await trained();
  assert.equal(await state("forget"), "ready");
  said.length = 0; // what could not be fetched is as it should be
});
