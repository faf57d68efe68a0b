// The whole story by Tab, Enter and arrow keys alone: nothing is pointed at, no letter is a shortcut, and the focus is never lost.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LONG, id, inBrowser, page, twin, visit } from "../support/page.mjs";

inBrowser();

const here = () => page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.tagName);
const beside = () => page.evaluate(() => !!document.activeElement.closest('aside[aria-label="Evidence"]'));

/** Goes on by Tab until something has the focus; in at most so many steps. */
async function to(name, most) {
  let steps = 0;
  while ((await here()) !== name) {
    await page.keyboard.press("Tab");
    assert.ok(++steps <= most, `${name} is not reached in ${most} steps`);
    const ring = await page.evaluate(() => { const e = document.activeElement; const s = getComputedStyle(e); return e === document.body || s.outlineStyle !== "none" || s.boxShadow !== "none"; });
    assert.ok(ring, `it can be seen where the focus is: ${await here()}`);
  }
  return steps;
}
const press = async (name, most) => {
  const steps = await to(name, most);
  await page.keyboard.press("Enter");
  return steps;
};

test("from the address to the proof, the comparison, the receipt and back, by keyboard alone", { timeout: 180_000 }, async () => {
  await visit({ newcomer: true });
  await page.evaluate(() => { scrollTo(0, 0); document.querySelector(".skip").focus(); });
  const first = await press("suggest", 25);
  await id("person-card").waitFor();
  assert.notEqual(await here(), "BODY", "the button that was pressed is gone, the focus is not");
  assert.ok(await beside());
  await id("forget").waitFor(LONG);
  const second = await press("forget", 12);
  await id("outcome").waitFor(LONG);
  assert.ok(await beside(), `after forgetting the focus is at ${await here()}`);
  await twin();
  assert.match(await id("hero").innerText(), /is left, bit for bit/);
  const third = await press("compare", 8);
  await id("headline").waitFor(LONG);
  await page.waitForFunction(() => !document.querySelector('[data-testid="cancel"]'), null, LONG);
  assert.notEqual(await here(), "BODY");
  await to("tab-exact", 60);
  for (const tab of ["person", "groups", "rivals", "errors", "cost", "exact"]) {
    await page.keyboard.press("ArrowRight");
    assert.equal(await here(), `tab-${tab}`);
  }
  await to("phase-forget", 60);
  await page.keyboard.press("Enter");
  await to("save-receipt", 60);
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.ok(readFileSync(await download.path()).length > 1000);
  console.log(`stops: ${first} to the person, ${second} to the button, ${third} to the comparison`);
});

test("a dialog takes the focus, keeps it, and gives it back where it was", async () => {
  await visit({ newcomer: true });
  for (const name of ["dataset", "sent", "lessons-open", "share-open", "check-open"]) {
    await id(name).focus();
    await page.keyboard.press("Enter");
    await page.locator("dialog[open]").waitFor();
    for (let n = 0; n < 30; n++) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement === document.body || !!document.activeElement.closest("dialog")), `${name}: ${await here()}`);
    }
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    assert.equal(await here(), name);
  }
});
