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

for (const workers of [0, 2]) {
  test(`every second of a whole job has a name, with ${workers} workers`, async () => {
    const session = await open({ workers });
    await session.configure({ partition: { shards: 4 }, model: { factors: 16 } });
    const start = performance.now();
    await session.loadSample("medium", 1);
    await session.build();
    await session.forget({ users: await session.select({ how: "random", percent: 5 }), confirmed: true });
    await session.compare();
    const wall = (performance.now() - start) / 1000;
    const { spent } = (await session.snapshot()).seconds;
    session.close();
    const sum = (of) => spent.reduce((sum, one) => sum + one[of], 0);
    const told = `${sum("seconds").toFixed(3)} of ${wall.toFixed(3)} s: ${JSON.stringify(spent)}`;
    // A twentieth, and what it takes to start the workers.
    assert.ok(wall - sum("seconds") <= 0.05 * wall + 0.15, told);
    // Those that answer afterwards are named as well.
    assert.ok(sum("seconds") <= wall * 1.02 + 0.05, told);
    assert.ok(sum("work") > 0.3 * wall && sum("work") <= Math.max(1, workers + 1) * wall, told);
    for (const what of ["read", "partition", "train", "combine", "evaluate", "figures"]) assert.ok(spent.some((one) => one.what === what && one.seconds > 0), `${what}: ${told}`);
  });
}
