// Files of every kind dropped into the page: read without a touch, or with the controls that are there, or refused in words.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import { LONG, accessible, choose, file, fits, id, inBrowser, load, page, trained, visit } from "../support/page.mjs";
import { PARQUET } from "../support/parquet.mjs";
import { zip } from "../support/zip.mjs";

inBrowser();

/** 30 users, 24 items, a rating and a time each. */
const ROWS = Array.from({ length: 30 }, (_, user) => Array.from({ length: 24 }, (_, item) => [101 + user, 201 + item, 1 + ((user * item) % 5), 1_104_537_600 + item]))
  .flatMap((rows, user) => rows.filter((_, item) => (user + item) % 3));
const text = (header, line) => `${header}${header && "\n"}${ROWS.map(line).join("\n")}\n`;
const CSV = text("userId,movieId,rating,timestamp", (row) => row.join(","));
const bytes = (name, buffer) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(buffer) });

const data = () => id("dataset").innerText();

async function opened(given) {
  await page.evaluate(() => document.activeElement.blur()); // a letter typed into a field opens nothing
  await page.keyboard.press("d");
  await id("file").setInputFiles(given);
  // What was given before stands there until this was looked at.
  await id("dialog-data").locator("strong").filter({ hasText: new RegExp([given].flat().map(({ name }) => name).join("|")) }).waitFor();
  await page.locator('[data-testid="found"], [data-testid="data-error"]').first().waitFor();
}

test("one of each kind is read without touching a control", LONG, async () => {
  await visit();
  const prose = "Nothing of the data itself stands here.\n".repeat(3_000);
  const genres = "0|1|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0";
  const items = Array.from({ length: 24 }, (_, n) => `${201 + n}|Film ${n} (1995)|01-Jan-1995||x|${genres}`).join("\n");
  const movielens = zip([["ml/README", prose], ["ml/u.item", items], ["ml/u.data", text("", (row) => row.join("\t"))]]);
  assert.ok(movielens.length > 100_000, "longer than what a preview once looked at");
  const lists = Array.from({ length: 30 }, (_, n) => [101 + n, ...ROWS.filter(([user, item]) => user === 101 + n && item !== 201 + (n % 5)).map(([, item]) => item)].join(" "));
  const kinds = [
    bytes("ml.zip", movielens),
    bytes("rows.csv.gz", gzipSync(CSV)),
    file(text("", ([u, i, r, t]) => JSON.stringify({ user_id: `${u}`, business_id: `${i}`, stars: r, timestamp: t })), "rows.jsonl"),
    file(lists.join("\n"), "train.txt"),
    bytes("unicode.txt", Buffer.from(`\ufeff${text("user\titem\trating", ([u, i, r]) => `Jos\u00e9 ${u}\t${i}\t${r}`)}`, "utf16le")),
    file(text("Benutzer;Artikel;Bewertung", ([u, i, r]) => `${u};${i};${r},5`), "deutsch.csv"),
  ];
  for (const given of kinds) {
    await load(given);
    assert.match(await data(), /30 users · 24 items/, given.name);
  }
  await load(bytes("rows.parquet", PARQUET));
  assert.match(await data(), /10 users · 8 items/);
});

test("train and test have their own layouts; of one archive with both the pair is offered", LONG, async () => {
  await visit({ ready: false });
  const held = ROWS.filter((_, n) => n % 7 === 0);
  const others = ROWS.filter((_, n) => n % 7);
  const train = others.map((row) => row.join(",")).join("\n");
  const test_ = held.map(([u, i, r]) => JSON.stringify({ movieId: i, userId: u, rating: r })).join("\n");
  await load([file(train, "train.csv"), file(test_, "test.json")], async () => {
    assert.equal(await id("test-column-user").locator("option:checked").innerText(), "userId");
    await accessible("two files with a layout each");
  });
  assert.match(await data(), /30 users · 24 items/);
  await opened(bytes("both.zip", zip([["d/train.csv", `user,item\n${others.map(([u, i]) => `${u},${i}`).join("\n")}`], ["d/test.csv", `item,user\n${held.map(([u, i]) => `${i},${u}`).join("\n")}`]])));
  await id("pair").click();
  await id("test-preview").waitFor();
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
  assert.match(await data(), /30 users · 24 items/);
});

test("titles come from a file of their own, given with the rows or after them", LONG, async () => {
  await visit({ ready: false });
  const titles = (header, line) => `${header}${Array.from({ length: 24 }, (_, n) => line(201 + n, `The <b>Tides</b> of ${n}`)).join("\n")}\n`;
  const movies = file(titles("movieId,title,genres\n", (item, name) => `${item},"${name} (1995)",Drama|Sea`), "movies.csv");
  const dat = file(titles("", (item, name) => `${item}::${name} (1995)::Drama`), "movies.dat");
  await opened([movies, file(CSV, "ratings.csv")]);
  assert.match(await id("titles").innerText(), /movies\.csv/);
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
  assert.match(await data(), /30 users · 24 items/);
  await choose("101");
  await page.getByText("The <b>Tides</b> of", { exact: false }).first().waitFor(LONG);
  await opened(file(CSV, "ratings.csv"));
  await id("file").setInputFiles(dat);
  await id("titles").waitFor();
  assert.match(await id("titles").innerText(), /movies\.dat/);
  assert.ok(await id("load").isEnabled(), "the rows are still there");
  await page.keyboard.press("Escape");
});

test("a matrix without a header, and a keyed sample of the users, with the controls that are there", LONG, async () => {
  await visit({ ready: false });
  const cell = (user, item) => ROWS.find((row) => row[0] === 101 + user && row[1] === 201 + item)?.[2] ?? "";
  const matrix = Array.from({ length: 30 }, (_, user) => `p${user},${Array.from({ length: 24 }, (_, item) => cell(user, item)).join(",")}`).join("\n");
  await opened(file(matrix, "matrix.csv"));
  assert.match(await id("found").innerText(), /users × items/);
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
  assert.match(await data(), /30 users · 24 items/);
  await opened(file(CSV));
  await id("share").fill("50");
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
  const users = Number(/(\d+) users/.exec(await data())[1]);
  assert.ok(users >= 8 && users <= 22, `${users} of 30 users`);
});

test("what a tab cannot hold is said before it is read, with the share of the users that it can", LONG, async () => {
  await visit({ ready: false });
  await page.keyboard.press("d");
  await id("file").waitFor({ state: "attached" });
  await page.evaluate(() => {
    const part = new Blob([Array.from({ length: 90_000 }, (_, n) => `${n % 5_000},${n % 771},${n % 5}\n`).join("")]);
    const transfer = new DataTransfer();
    // Parts of a file are not copied.
    transfer.items.add(new File(["user,item,rating\n", ...Array(700).fill(part)], "huge.csv"));
    const input = document.querySelector('[data-testid="file"]');
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  const said = await id("large").innerText();
  const [, share] = /Read (\d+)% of the users/.exec(said);
  assert.ok(Number(share) > 30 && Number(share) < 90 && /more than a tab can hold/.test(said), said);
  await id("large").locator("button").click();
  assert.equal(await id("share").inputValue(), share);
  await accessible("a file that is too large");
});

test("what is not sure is asked, with the control that settles it", LONG, async () => {
  await visit({ ready: false });
  await opened(file(text("who,what,much", ([u, i, r]) => `${u},${i},${r}`)));
  assert.ok(await id("load").isEnabled(), "what could be it is proposed");
  await opened(file(text("visitorid,event,itemid", ([u, i, r]) => `${u},${r > 3 ? "buy" : "view"},${i}`), "shop.csv"));
  assert.match(await id("notes").innerText(), /name the words that count/);
  await id("word-buy").check();
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
  await opened(file(`a report\nof two lines\n${CSV}`, "report.csv"));
  await id("layout").locator("summary").click();
  await id("skip").fill("2");
  await id("skip").blur();
  await page.waitForFunction(() => document.querySelector('[data-testid="column-user"]')?.selectedOptions[0]?.text === "userId");
  await fits("the controls of a file");
  await opened(bytes("picture.png", Buffer.from("\x89PNG\r\n\x1a\n\0\0", "latin1")));
  assert.match(await id("data-error").innerText(), /PNG image/);
});

test("ids that look alike are shown before anything is trained, and made one on request", LONG, async () => {
  await visit({ ready: false });
  await opened(file(CSV.replaceAll(/^101,2(0[1-9])/gm, "0101,2$1")));
  await id("load").click();
  await id("deciding").waitFor(LONG);
  assert.match(await id("report-notes").innerText(), /1 groups of users/);
  await id("make-one").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
  assert.match(await data(), /30 users · 24 items/);
});

test("a reading is cancelled within 0.3 s and leaves what was there", LONG, async () => {
  await visit();
  const before = await data();
  await page.keyboard.press("d");
  await id("file").waitFor({ state: "attached" });
  await page.evaluate(() => {
    const line = (n) => `${n % 90_000},${n % 7_919},${n % 5}\n`;
    const parts = ["user,item,rating\n"];
    for (let part = 0; part < 60; part++) parts.push(Array.from({ length: 50_000 }, (_, n) => line(part * 50_000 + n)).join(""));
    const transfer = new DataTransfer();
    transfer.items.add(new File(parts, "large.csv"));
    const input = document.querySelector('[data-testid="file"]');
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await id("found").waitFor();
  await id("load").click();
  const cancel = page.locator('[data-testid="dialog-data"] button', { hasText: "Cancel" });
  await cancel.waitFor();
  await page.waitForTimeout(150);
  const waited = await page.evaluate(async () => {
    const start = performance.now();
    [...document.querySelectorAll('[data-testid="dialog-data"] button')].find((button) => button.innerText === "Cancel").click();
    while (!document.querySelector('[data-testid="load"]')) await new Promise(requestAnimationFrame);
    return performance.now() - start;
  });
  assert.ok(waited < 300, `cancelled after ${waited.toFixed(0)} ms`);
  assert.equal(await data(), before);
});
