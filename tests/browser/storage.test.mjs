// What stays behind in the browser's profile folder, as it lies on the disk: of forgotten people nothing, of anybody nothing
// that could be read, and after "Clear everything" nothing at all.

import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { serve } from "../../web/build/serve.mjs";
import { root } from "../../web/build/setup.mjs";
import { launchWith } from "../support/chromium.mjs";
import { watch } from "../support/harness.mjs";
import { scratch } from "../support/native.mjs";

const LONG = { timeout: 90_000 };
const PERSON = "someone.to.forget@example";
const ITEM = "an-item-nobody-else-has";
const STAYS = "somebody.who.stays@example";
const TYPED = "typed.by.hand@example";

/** A file of rows with one who goes and one who stays. */
function table() {
  const rows = ["user_id,item_id"];
  const item = (n) => `i${String(n).padStart(2, "0")}`;
  for (let user = 0; user < 60; user += 1) for (let n = 0; n < 30; n += 1) if ((user * 7 + n * 5) % 11 < 4) rows.push(`u${String(user).padStart(2, "0")},${item(n)}`);
  for (const person of [PERSON, STAYS]) for (let n = 0; n < 12; n += 1) rows.push(`${person},${item(n * 2)}`);
  rows.push(`${PERSON},${ITEM}`);
  return rows.join("\n");
}

let server, address, profile, context, page;
let said = [];
const id = (name) => page.locator(`[data-testid="${name}"]`);

before(async () => {
  ({ server, address } = await serve(join(root, "www/dist")));
  profile = scratch();
});
afterEach(async () => {
  await context?.close(); // of a test that failed
  context = undefined;
});
after(async () => {
  server.close();
});

async function openBrowser() {
  context = await launchWith(profile, { viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  page = context.pages()[0] ?? (await context.newPage());
  said = watch(page, address);
  await page.goto(address);
}
/** The browser ends as it does when a person closes it, so that everything it wants on the disk is there. */
async function closeBrowser() {
  await context.close();
  context = undefined;
  assert.deepEqual(said, []);
}
const trained = () => page.waitForFunction(
  () => document.querySelector('[data-testid="phase-train"]')?.dataset.state === "done" && !document.querySelector('[data-testid="cancel"]'), null, LONG,
);
const kept = () => id("kept").filter({ hasText: "is kept in this browser" }).waitFor(LONG);

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.isFile()) yield path;
  }
}
/** Where any of these words (or bytes) is found in the profile: as it is, or with two bytes a letter. */
function found(...words) {
  const out = [];
  let searched = 0;
  for (const path of files(profile)) {
    const bytes = readFileSync(path);
    searched += bytes.length;
    for (const word of words) {
      const forms = typeof word === "string" ? [Buffer.from(word), Buffer.from(word, "utf16le")] : [word];
      if (forms.some((form) => bytes.includes(form))) out.push(`${typeof word === "string" ? word : "bytes"} in ${path.slice(profile.length)}`);
    }
  }
  assert.ok(searched > 1e6, "the profile was searched");
  return out;
}

/** The key of the kept run and its file, as whoever takes the disk out finds them. */
function ring() {
  for (const path of files(profile)) {
    const bytes = readFileSync(path);
    const at = bytes.indexOf("page/run/"); // the experiment itself: beside it lie a few words, under “page/run”
    if (at < 45 || bytes.length % 128 !== 0 || bytes.length > 1e5) continue;
    const record = bytes.subarray(Math.floor(at / 128) * 128);
    return { path, length: record.readUInt32BE(8), key: Buffer.from(record.subarray(12, 44)) };
  }
}
async function decrypted({ key, length }) {
  const imported = await webcrypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  for (const path of files(profile)) {
    const bytes = readFileSync(path);
    if (bytes.length !== length + 16) continue;
    return Buffer.from(await webcrypto.subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, imported, bytes)).toString("latin1");
  }
}

test("what is kept is encrypted on the disk; a forgotten person's bytes are nowhere, nor the key they could be read with", { timeout: 300_000 }, async () => {
  await openBrowser();
  await id("speed").fill("4");
  await trained();
  await page.keyboard.press("d");
  await id("file").setInputFiles({ name: "rows.csv", mimeType: "text/csv", buffer: Buffer.from(table()) });
  await id("preview").waitFor();
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
  await kept();
  await closeBrowser();
  const before = ring();
  const plain = await decrypted(before);
  for (const word of [PERSON, STAYS, ITEM]) assert.ok(plain.includes(word), "it is kept, or this test sees nothing");
  assert.deepEqual(found(PERSON, STAYS, ITEM), [], "readable before the request");

  await openBrowser();
  await trained();
  assert.match(await id("notice").textContent(), /where you left off/);
  await id("phase-forget").click();
  await id("search").pressSequentially(PERSON);
  await id("search").press("Enter");
  await id("rehearse").click();
  await page.locator('[data-testid="rehearsal"] figure').first().waitFor(LONG);
  await id("forget").click();
  await id("outcome").waitFor(LONG);
  // The key is gone before the page says that the request was carried out, not only when the next run is kept.
  assert.ok(!readFileSync(before.path).includes(before.key));
  await kept();
  await id("compare").click();
  await id("headline").waitFor(LONG);
  await page.waitForTimeout(1500); // the autosave of that
  await kept();
  // Nor is there a way back in the basket.
  await id("phase-forget").click();
  assert.equal(await id("undo").count(), 0);
  await closeBrowser();
  assert.deepEqual(found(PERSON, ITEM, STAYS, before.key), []);
  const now = ring();
  assert.equal(now.path, before.path, "the keys are overwritten where they lie");
  const left = await decrypted(now);
  assert.ok(left.includes(STAYS) && !left.includes(PERSON) && !left.includes(ITEM));
});

test("what is typed into the page stays in the page", { timeout: 120_000 }, async () => {
  await openBrowser();
  await trained();
  await id("phase-forget").click();
  await id("paste-toggle").click();
  await id("script-toggle").click();
  for (const name of ["script", "paste", "search"]) {
    await id(name).pressSequentially(TYPED);
    // Browsers save what stands in a field with the tab, some of them encrypted, so that the bytes alone would not tell.
    assert.equal(await id(name).getAttribute("autocomplete"), "off", name);
  }
  await page.waitForTimeout(3000);
  await page.reload();
  await trained();
  await closeBrowser();
  assert.deepEqual(found(TYPED), []);
});

test("clearing everything asks first, leaves nothing, touches nobody else's, and the page still works with the network off", { timeout: 180_000 }, async () => {
  await openBrowser();
  await trained();
  const before = ring();
  assert.ok(before);
  await page.evaluate(async () => {
    localStorage.setItem("another.page", "1");
    localStorage.setItem("ultrare.theme", "dark");
    await new Promise((done) => { const request = indexedDB.open("ultrare"); request.onsuccess = () => { request.result.close(); done(); }; });
    await (await caches.open("another page")).put("/another", new Response("1"));
  });
  await id("clear-everything").click();
  await id("clear-not").click();
  await kept();
  await id("clear-everything").click();
  await id("clear-confirm").click();
  await id("notice").filter({ hasText: "Cleared: runs" }).waitFor(LONG);
  await trained();
  const others = await page.evaluate(async () => [localStorage.getItem("another.page"), localStorage.getItem("ultrare.theme"), await caches.has("another page")]);
  assert.deepEqual(others, ["1", null, true]);
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="ledger"] tbody tr').length === 1, null, LONG);
  await kept();
  assert.match(await id("dataset").textContent(), /medium sample/, "as on a first visit");
  await page.evaluate(() => navigator.serviceWorker.ready);
  await context.setOffline(true);
  await page.reload();
  await trained();
  assert.match(await id("notice").textContent(), /where you left off/);
  assert.deepEqual(await page.evaluate(() => indexedDB.databases()), [], "what was kept before it was encrypted");
  said.length = 0; // what could not be fetched is as it should be
  await closeBrowser();
  assert.deepEqual(found(PERSON, ITEM, STAYS, before.key), []);
});

test("several tabs keep each its own; a new one takes over what a closed one left", { timeout: 180_000 }, async () => {
  await openBrowser();
  await trained();
  await kept();
  const first = page;
  page = await context.newPage();
  await page.goto(`${address}#v1&partition.shards=5`);
  await trained();
  await kept();
  const second = page;
  const shards = () => page.locator('[data-testid^="shard-"][data-state="trained"]').count();
  for (const [tab, wanted] of [[first, 10], [second, 5], [first, 10]]) {
    page = tab;
    await page.reload();
    await trained();
    assert.match(await id("notice").textContent(), /where you left off/);
    assert.equal(await shards(), wanted);
  }
  await id("clear-everything").click();
  await id("clear-confirm").click();
  await id("notice").filter({ hasText: "1 other tab of this page keeps what is theirs" }).waitFor(LONG);
  await trained();
  await kept();
  await first.close();
  page = second;
  await page.reload();
  await trained();
  assert.equal(await shards(), 5);
  await second.close();
  // Both are gone: a new tab goes on with the one that was written last, and clearing clears the other's too.
  page = await context.newPage();
  await page.goto(address);
  await trained();
  assert.match(await id("notice").textContent(), /where you left off/);
  await id("clear-everything").click();
  await id("clear-confirm").click();
  await id("notice").filter({ hasText: "Cleared: runs" }).waitFor(LONG);
  assert.doesNotMatch(await id("notice").textContent(), /other tab/);
  const places = await page.evaluate(async () => {
    const names = [];
    for await (const name of (await (await navigator.storage.getDirectory()).getDirectoryHandle("ultrare")).keys()) names.push(name);
    return names;
  });
  assert.equal(places.length, 1);
  await closeBrowser();
});

test("what tabs left that will not come back is purged: all but the newest, and those nobody wrote to for long", { timeout: 120_000 }, async () => {
  await openBrowser();
  await trained();
  await kept();
  const places = () => page.evaluate(async () => {
    const names = [];
    for await (const name of (await (await navigator.storage.getDirectory()).getDirectoryHandle("ultrare")).keys()) names.push(name);
    return names.sort();
  });
  const [own] = await places();
  await page.evaluate(async () => {
    const home = await (await navigator.storage.getDirectory()).getDirectoryHandle("ultrare");
    for (const name of ["20", "21", "22", "23", "24", "25"]) {
      const folder = await home.getDirectoryHandle(name, { create: true });
      const file = await (await folder.getFileHandle("keys", { create: true })).createWritable();
      await file.write(new Uint8Array(256).fill(7));
      await file.close();
      await new Promise((wake) => setTimeout(wake, 30));
    }
  });
  await page.reload();
  await trained();
  assert.match(await id("notice").textContent(), /where you left off/);
  await page.waitForFunction(async () => {
    let count = 0;
    for await (const _ of (await (await navigator.storage.getDirectory()).getDirectoryHandle("ultrare")).keys()) count += 1;
    return count <= 4;
  }, null, LONG);
  assert.deepEqual(await places(), ["23", "24", "25", own].sort());
  await closeBrowser();
});

test("a run that cannot be kept is said not to be", { timeout: 120_000 }, async () => {
  await openBrowser();
  await trained();
  // The private file system fills up: what cannot be written is refused by the browser itself.
  const cdp = await context.newCDPSession(page);
  await cdp.send("Storage.overrideQuotaForOrigin", { origin: new URL(address).origin, quotaSize: 20_000 });
  await id("reset").click();
  await trained();
  await id("kept").filter({ hasText: "is not kept in this browser" }).waitFor(LONG);
  assert.match(await id("kept").textContent(), /no room|could not be kept/);
  await closeBrowser();
});
