// Rows that come, in the page: a second file beside the one that is there, and a person made up by hand.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, accessible, choose, file, fits, forget, id, inBrowser, load, page, trained, visit } from "../support/page.mjs";

inBrowser();

const PERSON = "somebody.who.comes@example";
const ITEM = "an-item-nobody-else-has";
const row = (user, item) => `${user},i${String(item).padStart(2, "0")}`;
function table() {
  const rows = ["user_id,item_id"];
  for (let user = 0; user < 60; user += 1) {
    for (let item = 0; item < 30; item += 1) if ((user * 7 + item * 5) % 11 < 4) rows.push(row(`u${String(user).padStart(2, "0")}`, item));
  }
  return rows.join("\n");
}
const more = ["user_id,item_id", ...[1, 4, 8, 12, 20].map((item) => row(PERSON, item)), `${PERSON},${ITEM}`].join("\n");

/** Gives the page another file, as far as the question what is to become of it. */
async function second(text) {
  await page.keyboard.press("d");
  await id("file").setInputFiles(file(text, "more.csv"));
  await id("preview").waitFor();
}

test("a second file on a trained run is asked about: its rows are added, and can be forgotten again", { timeout: 180_000 }, async () => {
  await visit();
  await load(file(table()));
  assert.match(await id("dataset").innerText(), /rows\.csv\s+60 users · 30 items · 654 rows/);
  await second(more);
  assert.equal(await id("load").innerText(), "Start over");
  assert.equal(await id("add-rows").innerText(), "Add these rows");
  await accessible("the question");
  await id("add-rows").click();
  await id("dialog-data").waitFor({ state: "detached" });
  assert.match(await id("basket").innerText(), /\+ more\.csv, 6 rows/);
  await id("bill-added").waitFor();
  assert.equal(await id("bill-added").innerText(), "1 new user, 6 rows");
  assert.equal(await id("bill-touched").innerText(), "1 of 10");
  assert.equal(await id("forget").innerText(), "Add 6 rows");
  await fits("the bill of rows that come");
  await page.setViewportSize({ width: 1440, height: 900 });
  await forget();
  assert.match(await id("outcome").innerText(), /^Added\s+1 user and 6 rows added in /);
  assert.match(await id("dataset").innerText(), /rows\.csv\s+61 users · 31 items · 660 rows/);

  await choose(PERSON);
  await id("bill").waitFor();
  await forget();
  await id("outcome").filter({ hasText: "1 user and 6 rows forgotten" }).waitFor(LONG);
  await choose(PERSON);
  await id("search").locator("..").filter({ hasText: "Nobody's" }).waitFor();
  assert.equal(await id("basket").count(), 0, "nobody is called that any more");
});

test("a file that starts over does, and one that cannot be used is refused where it was given", { timeout: 180_000 }, async () => {
  await visit();
  await second("user_id,item_id\nu1,\nu2,\n");
  await id("add-rows").click();
  await id("data-error").waitFor();
  assert.match(await id("data-error").innerText(), /^more\.csv: /);
  await page.keyboard.press("Escape");
  await load(file(table()));
  assert.match(await id("dataset").innerText(), /rows\.csv/);
  assert.equal(await id("basket").count(), 0, "what was chosen among the former rows is gone");
});

test("a person is put together by titles or drawn, and comes with others who go", { timeout: 180_000 }, async () => {
  await visit();
  await id("phase-forget").click();
  await id("newcomer").locator("summary").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="newcomer-name"]').value === "newcomer 1", null, LONG);
  assert.ok(await id("newcomer-add").isDisabled());
  await id("newcomer-search").fill("the");
  await id("newcomer").locator(".hits button").first().click();
  assert.equal(await id("newcomer-add").innerText(), "Add 1 row to the basket");
  await id("newcomer-draw").click();
  await id("newcomer-add").filter({ hasText: /Add ([2-9]|1[0-2]) rows/ }).waitFor();
  await accessible("the form");
  await id("newcomer-add").click();
  assert.equal(await id("newcomer-name").inputValue(), "newcomer 2");
  await id("bill-added").filter({ hasText: "1 new user" }).waitFor();
  await choose("u001");
  await id("forget").filter({ hasText: "Carry it out" }).waitFor();
  await forget();
  assert.match(await id("outcome").innerText(), /^Changed\s+1 user and \d+ rows forgotten and 1 user and \d+ rows added in /);
  assert.equal(await id("undo").count(), 0, "what was carried out is not undone by a click");
  await choose("newcomer 1");
  assert.equal(await id("basket-count").innerText(), "1");
  await trained();
});
