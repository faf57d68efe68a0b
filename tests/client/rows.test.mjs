// Rows that are no file: lists, iterables, async iterables and streams are what a file of the same rows is.

import assert from "node:assert/strict";
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rowsFile } from "../../web/dist/rows.js";
import { UltrareError, open } from "../../web/dist/node.js";

const own = (code) => (error) => error instanceof UltrareError && error.code === code;
const rows = Array.from({ length: 3000 }, (_, n) => ({ user: `u${n % 50}`, item: `i,"${(n * 7) % 83}`, value: 1 + (n % 5), time: 1_600_000_000 + n }));

/** What came of rows that were loaded: their digest, which knows every id, value and fate. */
async function loaded(session, source, read) {
  const { seconds: _, ...view } = await session.load(source, read);
  return { view, digest: (await session.snapshot()).digests.split };
}

test("a list, an iterable, an async iterable, a stream and a file of the same rows give one digest", async () => {
  const session = await open({ workers: 1 });
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const file = `user,item,rating,timestamp\n${rows.map(({ user, item, value, time }) => [user, quoted(item), value, time].join(",")).join("\n")}\n`;
  const expected = await loaded(session, { data: file });
  assert.ok(expected.view.users === 50 && expected.digest);
  const stream = () => new ReadableStream({ start(to) { rows.forEach((row) => to.enqueue(row)); to.close(); } });
  const sources = {
    list: rows, tuples: rows.map(({ user, item, value, time }) => [user, item, value, time]), set: new Set(rows), dates: rows.map((row) => ({ ...row, time: new Date(row.time * 1000) })),
    generator: (function* () { yield* rows; })(), async: (async function* () { yield* rows; })(), stream: stream(), old: { getReader: () => stream().getReader() },
  };
  for (const [name, given] of Object.entries(sources)) assert.deepEqual(await loaded(session, { rows: given }), expected, name);
  assert.deepEqual(await loaded(session, { data: new Blob([file]).stream() }), expected, "a stream of bytes");
  session.close();
});

test("a file that lies on the disk is read by threads as by none", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ultrare-"));
  const path = join(folder, "rows.csv");
  writeFileSync(path, `user,item\n${rows.map(({ user }, n) => `${user},${n % 83}`).join("\n")}\n`);
  const found = [];
  for (const workers of [0, 1]) {
    const session = await open({ workers });
    const data = await openAsBlob(path);
    assert.equal((await session.preview(data)).columns.length, 2);
    found.push(await loaded(session, { data }));
    found.push(await loaded(session, { train: data, test: await openAsBlob(path) }).catch(({ code }) => code));
    session.close();
  }
  rmSync(folder, { recursive: true });
  assert.deepEqual(found.slice(2), found.slice(0, 2));
});

test("ids may be numbers, and value and time may be left out", async () => {
  const session = await open({ workers: 1 });
  const plain = rows.map((_, n) => ({ user: n % 50, item: BigInt((n * 7) % 83) }));
  const a = await loaded(session, { rows: plain });
  const b = await loaded(session, { data: `user,item\n${plain.map(({ user, item }) => `${user},${item}`).join("\n")}\n` });
  assert.deepEqual(a, b);
  assert.deepEqual(await session.select({ how: "core", percent: 100 }).then((ids) => ids.length), 50);
  session.close();
});

test("a row that is none is refused by its place, and what was there stays", async () => {
  const session = await open({ workers: 1 });
  const before = await loaded(session, { rows });
  const bad = [null, 5, "u,i", {}, { user: "u" }, { item: "i" }, { user: null, item: "i" }, { user: 1.5, item: "i" }, [], ["u"], { user: "u", item: "i", value: "5" }, { user: "u", item: "i", value: NaN }, { user: "u", item: "i", time: "noon" }];
  for (const row of bad) {
    await assert.rejects(session.load({ rows: [...rows, row] }), (error) => own("read.rows")(error) && /^Row 3001 is /.test(error.message), JSON.stringify(row));
  }
  await assert.rejects(session.load({ rows: (async function* () { yield* rows; throw new Error("line cut"); })() }), (error) => own("read.rows")(error) && /broke off after 3000: line cut/.test(error.message));
  await assert.rejects(session.load({ data: new ReadableStream({ start: (to) => to.error(new Error("gone")) }) }), (error) => own("read.file")(error) && /gone/.test(error.message));
  await assert.rejects(session.load({ rows: [] }), (error) => error instanceof UltrareError && error.code.startsWith("read."));
  assert.equal((await session.snapshot()).digests.split, before.digest);
  session.close();
});

test("rows without an end can be given up, and their source is told", async () => {
  let told = false;
  const endless = (async function* () { try { for (let n = 0; ; n++) yield { user: n % 99, item: n % 77 }; } finally { told = true; } })();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(rowsFile(endless, { signal: controller.signal }), own("cancelled"));
  assert.ok(told);
});

test("a hundred thousand rows from a loop leave the thread to others", async () => {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 5);
  const start = performance.now();
  const file = await rowsFile((function* () { for (let n = 0; n < 100_000; n++) yield [n % 999, n % 777]; })());
  const took = performance.now() - start;
  clearInterval(timer);
  assert.ok(file.size > 2_000_000);
  assert.ok(ticks >= took / 100, `an interval of 5 ms ticked ${ticks} times in ${took.toFixed(0)} ms`);
});
