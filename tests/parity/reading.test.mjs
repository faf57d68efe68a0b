// The corpus of the reader's tests through the client: every file gives the report, or the refusal, that it gives natively.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { openAsBlob, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../../web/build/setup.mjs";
import { open } from "../../web/dist/node.js";
import { scratch } from "../support/native.mjs";
import { PARQUET } from "../support/parquet.mjs";

let folder, files, session;
before(async () => {
  folder = scratch();
  const { status, stderr } = spawnSync("cargo", ["run", "-q", "-p", "ultrare", "--example", "corpus", "--", folder], { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  files = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
  session = await open();
});
after(() => session?.close());

/** Single precision is written with fewer digits in JSON. */
const rounded = (value) => JSON.parse(JSON.stringify(value, (_, part) => (typeof part === "number" ? Math.fround(part) : part)));

test("every file of the corpus is read, or refused, as natively", async () => {
  assert.ok(files.length >= 150, `${files.length} files`);
  let [read, refused] = [0, 0];
  for (const { name, file, config, report, code, message } of files) {
    const blob = await openAsBlob(join(folder, file));
    const error = await session.load({ data: blob }, config).then(() => null, (error) => error);
    if (code) {
      // A Parquet file without its end is told by the library that reads them.
      const expected = name === "Parquet" ? ["read.parquet", undefined] : [code, message];
      assert.equal(error?.code, expected[0], name);
      if (expected[1]) assert.equal(error.message, expected[1], name);
      refused += 1;
    } else if (error) {
      // Some are too small to be divided into rows to train on and rows to measure on; reading them was no trouble.
      assert.ok(!error.code.startsWith("read.") && report.summary.rows < 20, `${name}: ${error.message}`);
    } else {
      assert.deepEqual(rounded(await session.report())[0], rounded(report), name);
      read += 1;
    }
  }
  assert.ok(read > 120 && refused > 40, `${read} read, ${refused} refused`);
});

test("what is previewed is what is read, and a file of two has its own columns", async () => {
  for (const { name, file, config, report } of files.filter(({ report }) => report)) {
    const preview = await session.preview(await openAsBlob(join(folder, file)), config);
    assert.deepEqual(preview.columns, report.columns, name);
  }
  const { file } = files.find(({ name }) => name === "item first");
  const lines = Array.from({ length: 12 }, (_, n) => JSON.stringify({ stars: 4, business_id: `new ${n}`, user_id: 11 + n }));
  await session.load({ train: await openAsBlob(join(folder, file)), test: new Blob([lines.join("\n")]) });
  const reports = await session.report();
  assert.deepEqual(reports.map(({ shape, summary }) => [shape, summary.users]), [["table", 12], ["json", 12]]);
  const { users, test_rows } = (await session.snapshot()).data;
  assert.deepEqual([users, test_rows], [12, 12], "the same people in both");
});

test("a Parquet file is read as the rows it holds", async () => {
  const data = new Blob([PARQUET]);
  const preview = await session.preview(data);
  assert.deepEqual(preview.columns.map(({ name, role }) => [name, role]).sort(), [["item_id", "item"], ["time", "time"], ["user_id", "user"]]);
  await session.load({ data });
  const [{ rows_read, summary, columns, notes }] = await session.report();
  assert.deepEqual([rows_read, summary.users, summary.items, summary.rows, notes], [80, 10, 8, 80, []]);
  assert.ok(columns.every(({ role }) => role) && summary.has_times);
  assert.ok((await session.person("Jos\u00e9 3")).rows.length > 0);
  const cut = session.load({ data: data.slice(0, 700) });
  await assert.rejects(cut, { code: "read.parquet", message: /export it as CSV/ });
});

test("a reading that is cancelled leaves what was there", async () => {
  await session.loadSample("small", 1);
  const before = await session.snapshot();
  const lines = Array.from({ length: 400_000 }, (_, n) => `${n % 5_000},${n % 997},${n % 5}\n`);
  const data = new Blob(["user,item,rating\n", ...lines]);
  const reading = session.load({ data }, {}, { onProgress: ({ done }) => { if (done > 1e6) void session.cancel(); } });
  await assert.rejects(reading, { code: "cancelled" });
  assert.deepEqual((await session.snapshot()).data, before.data);
});
