// The client in Node: it leaves its thread room, and everything it refuses is typed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { UltrareError, open } from "../../web/dist/node.js";

const own = (code) => (error) => error instanceof UltrareError && error.code === code;

test("an interval of 5 ms ticks while a build runs in the same thread", async () => {
  const session = await open({ workers: 0 });
  await session.loadSample("small", 1);
  let ticks = 0;
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    ticks += 1;
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  const start = performance.now();
  await session.build();
  const took = performance.now() - start;
  clearInterval(timer);
  session.close();
  // A single step takes some milliseconds of its own; a starved thread ticked not once in a hundred.
  assert.ok(ticks >= took / 40, `${ticks} ticks in ${took.toFixed(0)} ms, the longest wait ${longest.toFixed(0)} ms`);
});

test("opening refuses with an UltrareError", async () => {
  for (const workers of [-1, 1.5, NaN, "2", 5000]) await assert.rejects(open({ workers }), own("open.workers"));
  await assert.rejects(open(null), own("open.options"));
});

test("a file may be text or bytes; what is none is refused in words", async () => {
  const session = await open();
  const text = "user,item\n" + Array.from({ length: 400 }, (_, n) => `u${n % 20},i${(n * 7) % 31}\n`).join("");
  const bytes = new TextEncoder().encode(text);
  const views = [];
  for (const data of [new Blob([text]), text, bytes, bytes.buffer]) {
    const { seconds: _, ...view } = await session.load({ data });
    views.push(view);
  }
  for (const view of views) assert.deepEqual(view, views[0]);
  assert.equal((await session.preview(text)).columns.length, 2);
  for (const source of [null, 7, {}, { train: text }, "user,item", { data: 7 }, { data: null }, { rows: null }, { rows: 7 }, { rows: {} }]) await assert.rejects(session.load(source), own("read.source"));
  await assert.rejects(session.preview(undefined), own("read.source"));
  await assert.rejects(session.readAssignmentFile({}), own("read.source"));
  await assert.rejects(session.verify([], null), own("read.source"));
  session.close();
});

test("nothing is kept in Node, and it says so", async () => {
  const session = await open({ keep: "x" });
  await assert.rejects(session.kept.put("k", new Uint8Array(1)), own("kept.unavailable"));
  session.close();
});
