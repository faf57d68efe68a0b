// The first minute, as somebody spends it who has never been here: no setting is touched, and it ends in a proof.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, accessible, choose, fits, forget, id, inBrowser, page, trained, twin, visit } from "../support/page.mjs";

inBrowser();

const words = (name) => id(name).innerText();

test("the first minute: somebody is suggested, looked at, billed, forgotten, and nothing is left, bit for bit", async () => {
  await visit({ newcomer: true });
  assert.match(page.url(), /partition\.method=anchored/);
  assert.equal(await words("hero"), "Whom shall it forget?");
  const first = (await words("suggest")).replace("Forget ", "").trim();
  assert.match(first, /^[A-Z]\p{L}+$/u, "a person with a name");
  await id("suggest").click();
  const card = id("person-card");
  await card.filter({ hasText: "because of" }).waitFor(LONG);
  assert.match(await card.innerText(), new RegExp(`${first} `));
  assert.ok((await card.locator("[data-testid=person-list] li").count()) >= 3);
  await id("forget").waitFor(LONG);
  assert.match(await words("bill-touched"), /^1 of 10/);
  assert.equal(await words("hero"), `To forget ${first}, 1 of 10 models learns again.`);
  const rows = Number((await words("bill-rows")).match(/^[\d,]+/)[0].replaceAll(",", ""));
  await id("forget").focus();
  await page.keyboard.press("Enter");
  await id("outcome").waitFor(LONG);
  assert.ok(await page.evaluate(() => !!document.activeElement.closest('[data-testid="evidence-forget"]')), "the keyboard goes on where the button was");
  await twin();
  assert.equal(await words("hero"), `Nothing of ${first} is left, bit for bit.`);
  assert.equal(await page.locator('[data-testid="twin"] li.equal').count(), 5);
  assert.equal(await id("stamp").count(), 9);
  assert.match(await words("asked-again"), /There is no user/i);
  assert.match(await words("torn"), new RegExp(`${first} [^]*\\d+ rows`), "the card of who left, torn");
  assert.match(await words("race"), new RegExp(rows.toLocaleString("en")), "as many rows as the bill said");
  assert.match(await words("race"), /of the rows/);
  await accessible("after the first minute");
  await fits("after the first minute");
});

test("optimal balanced clustering is one click away, and the page shows the trace that it leaves and how to remove it", async () => {
  await visit({ newcomer: true });
  await id("phase-divide").click();
  await id("divide-obc").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="divide-obc"]')?.ariaPressed === "true" || document.querySelector('[data-testid="evidence-forget"]'), null, LONG);
  await trained();
  await id("phase-forget").click();
  await id("suggest").click();
  await id("forget").waitFor(LONG);
  await forget();
  assert.match(await words("hero"), /The division still does/);
  assert.match(await words("remains"), /Dividing again/);
  await id("divide-again").click();
  await page.waitForFunction(() => !document.querySelector('[data-testid="remains"]'), null, LONG);
  await trained();
  assert.doesNotMatch(await words("dataset"), /2,000 users/, "who was forgotten stays forgotten");
});

test("0 bytes sent is counted by the browser, and stays so through a whole story", async () => {
  await visit({ newcomer: true });
  await page.context().setOffline(true);
  await id("suggest").click();
  await id("forget").waitFor(LONG);
  await forget();
  assert.match(await words("sent"), /0 bytes sent/);
  await page.context().setOffline(false);
  await id("sent").click();
  await id("dialog-sent").waitFor();
  assert.match(await words("sent-count"), /has made 0 requests/);
  assert.match(await words("sent-count"), /fetched \d+ files of its own .* nothing from anywhere else/s);
  await accessible("the dialog on what is sent");
});

test("a request is counted as soon as the page makes one", async () => {
  await visit();
  await page.evaluate(() => fetch("./favicon.svg?now"));
  await id("sent").filter({ hasText: "1 request" }).waitFor();
});

test("people are found by name, and the one who is chosen is ringed and called by name on the map", async () => {
  await visit({ newcomer: true });
  const first = (await words("suggest")).replace("Forget ", "").trim();
  await id("search").fill(first);
  assert.ok((await page.locator(".search li").count()) >= 1);
  await page.locator(".search li button").first().click();
  assert.match(await words("basket"), new RegExp(first));
  await id("pointed").waitFor();
  await page.locator(".called", { hasText: first }).waitFor();
  await id("hull").waitFor();
});

test("after a reload the map says no more than is true: who was forgotten has no point, and curves are not kept", async () => {
  await visit();
  await choose("u001");
  await id("forget").waitFor(LONG);
  await forget();
  assert.match(await page.locator("#map-words").innerText(), /1 user forgotten \(crosses\)/);
  await id("kept").filter({ hasText: "is kept" }).waitFor(LONG);
  await page.reload();
  await id("outcome").waitFor(LONG);
  assert.doesNotMatch(await page.locator("#map-words").innerText(), /crosses/);
  assert.match(await page.locator("#map-words").innerText(), /has no point any more/);
  assert.match(await words("board"), /Curves are not kept between visits/);
});

test("after requests one by one the page says how many there were, and no curve of another request stands under a stamp", async () => {
  await visit();
  for (const user of ["u001", "u004", "u009"]) await choose(user);
  await id("one-by-one").click();
  await page.waitForFunction(() => /3 requests were carried out/.test(document.querySelector('[data-testid="outcome"]')?.textContent ?? "") && !document.querySelector('[data-testid="cancel"]'), null, LONG);
  const red = await page.locator('[data-testid^="shard-"][data-state="unchanged"] path.after').count();
  assert.equal(red, 0);
});

test("what is selected can be read while the pointer is on it, in both themes", async () => {
  await visit();
  for (const theme of ["light", "dark"]) {
    if ((await page.evaluate(() => document.documentElement.dataset.theme)) !== theme) await page.keyboard.press("t");
    const button = id("projector");
    if ((await button.getAttribute("aria-pressed")) !== "true") await button.click();
    await button.hover();
    const [ink, ground] = await button.evaluate((b) => [getComputedStyle(b).color, getComputedStyle(b).backgroundColor]);
    assert.notEqual(ink, ground);
    await accessible(`projector, ${theme}`);
  }
});

test("the map is reached by few stops of the keyboard, and the settings come after it", async () => {
  await visit();
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  let stops = 0;
  while ((await page.evaluate(() => document.activeElement.dataset.testid)) !== "map") {
    await page.keyboard.press("Tab");
    assert.ok(++stops < 25, "the map comes soon");
    assert.ok(!(await page.evaluate(() => !!document.activeElement.closest('[data-testid="knobs"]'))), "no setting before the map");
  }
});

test("saved pictures have a ground, and the map's has its shards and its sentence", async () => {
  await visit();
  const [save] = await Promise.all([page.waitForEvent("download"), page.locator('[aria-label="Save the map as PNG"]').click()]);
  const bytes = [...(await import("node:fs")).readFileSync(await save.path())];
  const seen = await page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
    const pen = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height }).getContext("2d", { willReadFrequently: true });
    pen.drawImage(bitmap, 0, 0);
    const alpha = (x, y) => pen.getImageData(x, y, 1, 1).data[3];
    const map = document.querySelector('[data-testid="map"] canvas');
    return { corners: [alpha(0, 0), alpha(bitmap.width - 1, bitmap.height - 1)], taller: bitmap.height > map.height + 40 };
  }, bytes);
  assert.deepEqual(seen, { corners: [255, 255], taller: true });
});

test("on a phone the evidence comes before the cards, the page says tap, and what can be pressed is 40 px high", async () => {
  await visit({ newcomer: true, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const top = (name) => id(name).evaluate((e) => e.getBoundingClientRect().top);
  assert.ok((await top("map-figure")) < (await top("evidence-forget")) && (await top("evidence-forget")) < (await top("board")));
  assert.match(await page.locator("#map-words").innerText(), /Tap someone/);
  const small = await page.evaluate(() => [...document.querySelectorAll("main button, main input, main select, main summary, header button, nav button")]
    .filter((e) => e.checkVisibility() && e.type !== "checkbox" && e.type !== "radio" && !e.classList.contains("term") && !e.closest(".sr-only") && e.getBoundingClientRect().height > 1 && e.getBoundingClientRect().height < 40)
    .map((e) => `${e.dataset.testid ?? e.textContent.trim()} ${Math.round(e.getBoundingClientRect().height)}`));
  assert.deepEqual(small, []);
  assert.match(await words("evidence-forget"), /or tap anybody on the map/);
  assert.doesNotMatch(await page.locator("main").innerText(), /\bclick\b/i);
  await id("suggest").tap();
  await id("forget").waitFor(LONG);
  await id("forget").tap();
  await id("outcome").waitFor(LONG);
  await twin();
  assert.match(await words("hero"), /^Nothing of \p{L}+ is left, bit for bit\.$/u);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

test("magnified four times there is room for the page, and nothing is wider than the window", async () => {
  await visit({ newcomer: true, viewport: { width: 360, height: 225 } });
  assert.equal(await page.locator("nav.rail").evaluate((e) => getComputedStyle(e).position), "static");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

test("with forced colours bars keep their colour, buttons an edge, and nothing is to be found by a checker", async () => {
  await visit({ forcedColors: "active" });
  await choose("u001");
  await id("forget").waitFor(LONG);
  assert.notEqual(await id("forget").evaluate((b) => getComputedStyle(b).borderTopWidth), "0px");
  const load = await page.locator('[data-testid="shard-0"] .load').evaluate((e) => getComputedStyle(e).backgroundColor);
  assert.doesNotMatch(load, /rgba\(0, 0, 0, 0\)|rgb\(255, 255, 255\)/);
  await accessible("forced colours");
});

test("hiding a part leaves no hole", async () => {
  await visit({ hash: "#v1&data=sample:small&hide=evidence,knobs" });
  const [stage, window] = await page.evaluate(() => [document.querySelector(".stage").getBoundingClientRect().width, innerWidth]);
  assert.ok(stage > 0.9 * window - 80, `${stage} of ${window}`);
});

test("each word of the glossary explains itself under the keyboard", async () => {
  await visit({ newcomer: true });
  await id("phase-divide").click();
  const term = page.locator("button.term", { hasText: "shards" }).first();
  await term.focus();
  assert.match(await page.locator('[role="tooltip"]').innerText(), /rows that one sub-model may see/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator('[role="tooltip"]').count(), 0);
});
