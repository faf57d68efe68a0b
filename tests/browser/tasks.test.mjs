// Five tasks as somebody new would do them, with nothing but the page: each by as few presses as there are, counted and timed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { LONG, file, id, inBrowser, leave, page, trained, twin, visit } from "../support/page.mjs";
import { zip } from "../support/zip.mjs";

inBrowser();
const SLOW = { timeout: 180_000 };
/** What a person has for each. */
const SECONDS = 120;

const told = [];
after(() => console.log(told.join("\n")));

/** Counts what a hand does; the time is the machine's alone. */
async function task(name, most, work) {
  let presses = 0;
  const start = performance.now();
  const click = async (what) => { presses++; await (typeof what === "string" ? id(what) : what).click(LONG); };
  await work({ click, give: async (where, files) => { presses++; await id(where).setInputFiles(files); }, type: async (where, text) => { presses++; await id(where).fill(text); await id(where).press("Enter"); } });
  const seconds = (performance.now() - start) / 1000;
  told.push(`${name}: ${presses} presses, ${seconds.toFixed(1)} s`);
  assert.ok(presses <= most, `${name}: ${presses} presses, at most ${most}`);
  assert.ok(seconds < SECONDS, `${name}: ${seconds} s`);
}
const inSight = (name) => id(name).evaluate((e) => { const box = e.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight && box.width > 0; });
const save = async (name) => {
  const [download] = await Promise.all([page.waitForEvent("download"), id(name).click()]);
  return readFileSync(await download.path());
};

/** A file of one's own, as MovieLens has them: a name among ids, ratings, times, in a zip with a page of words. */
const ME = "myself@example";
const lines = Array.from({ length: 80 }, (_, user) => Array.from({ length: 40 }, (_, item) => [user, item]).filter(([u, i]) => (u * 7 + i * 5 + (u % 2) * (i % 3)) % 4 === 0))
  .flat().map(([u, i]) => `${u === 33 ? ME : u + 1},${i + 1},${1 + ((u + i) % 5)},${964_980_000 + 60 * u + i}`);
const RATINGS = `userId,movieId,rating,timestamp\n${lines.join("\n")}\n`;
const MOVIES = `movieId,title,genres\n${Array.from({ length: 40 }, (_, i) => `${i + 1},Film ${i + 1} (1994),Drama|Comedy`).join("\n")}\n`;
const OWN = { name: "ml-own.zip", mimeType: "application/zip", buffer: zip([["ml-own/README.txt", "How these rows were made.\n".repeat(40)], ["ml-own/movies.csv", MOVIES], ["ml-own/ratings.csv", RATINGS]]) };
let receipt;

for (const [width, height] of [[390, 844], [1440, 900]]) {
  test(`what this page claims is read without scrolling, at ${width} px`, SLOW, async () => {
    await visit({ newcomer: true, ready: false, viewport: { width, height } });
    await task(`read the claim at ${width} px`, 0, async () => {
      await page.locator("h1").waitFor();
      assert.match(await page.locator("h1").innerText(), /forget a person, and check that it did/);
      await id("suggest").waitFor(LONG);
      assert.ok(await page.locator("h1").evaluate((e) => e.getBoundingClientRect().bottom <= innerHeight));
      assert.ok(await inSight("hero") && await inSight("sent"), "the sentence of the phase, and that nothing is sent");
      assert.ok(await id("map").evaluate((e) => e.getBoundingClientRect().top < innerHeight - 120), "and the map begins");
    });
  });
}

test("forget the suggested person, and see what proves it", SLOW, async () => {
  await visit({ newcomer: true });
  await task("forget the suggested person", 2, async ({ click }) => {
    await click("suggest");
    await click("forget");
    await twin();
    assert.match(await id("hero").innerText(), /^Nothing of \p{L}+ is left, bit for bit\.$/u);
    assert.ok(await inSight("hero"));
    assert.match(await id("twin").innerText(), /Equal at every stage, bit for bit/);
    assert.ok(await page.locator('[data-testid="twin"] .end').evaluate((e) => e.getBoundingClientRect().top < innerHeight), "the proof is in sight");
  });
});

test("forget yourself in a file of your own, and save the receipt", SLOW, async () => {
  await visit({ newcomer: true });
  await task("forget yourself in your own zip", 6, async ({ click, give, type }) => {
    await click("dataset");
    await give("file", OWN);
    await id("preview").waitFor(LONG);
    await click("load");
    await id("dialog-data").waitFor({ state: "detached", ...LONG });
    await trained();
    assert.match(await id("dataset").innerText(), /ml-own\.zip\s+80 users · \d+ items/);
    await type("search", ME);
    await id("forget").waitFor(LONG);
    await click("forget");
    await twin();
    receipt = await save("save-receipt");
    assert.ok(!receipt.includes(ME), "the receipt names nobody");
    assert.ok(JSON.parse(receipt));
  });
});

test("check the receipt in a fresh tab, with nothing but it and the file", SLOW, async () => {
  assert.ok(receipt, "there is one from the task before");
  await visit({ newcomer: true });
  await task("check it in a fresh tab", 3, async ({ click, give }) => {
    await click("check-open");
    await give("check-files", [file(receipt.toString(), "ultrare-receipt-1.json", "application/json"), OWN]);
    await click("check-go");
    await id("check-verdict").waitFor(LONG);
    assert.match(await id("check-verdict").innerText(), /^True: all \d+ checks hold/);
  });
});

test("send a colleague the same figures", SLOW, async () => {
  await visit({ hash: "#v1&data=sample:small&partition.method=hash&partition.shards=4&seed=3" });
  const figures = () => Promise.all([page.locator(".digest").allInnerTexts(), id("ledger").locator("tbody tr").last().locator("td").evaluateAll((cells) => cells.slice(1, 5).concat(cells.slice(7)).map((cell) => cell.innerText))]);
  const mine = await figures();
  let link;
  await task("send a colleague the same figures", 2, async ({ click }) => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await click("share-open");
    await click(id("dialog-share").getByRole("button", { name: "Copy link" }));
    link = await page.evaluate(() => navigator.clipboard.readText());
  });
  await leave(); // another person, another profile
  await visit({ hash: new URL(link).hash, newcomer: true });
  assert.deepEqual(await figures(), mine);
});
