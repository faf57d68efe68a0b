// 100 times open, build, change, close: memory is flat after the third, in Node and in a tab.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { harness } from "../support/harness.mjs";

const CYCLES = 100;
/** One life of a session. Runs in Node and in the page. */
const cycle = `async (open, workers) => {
  const session = await open({ workers });
  await session.configure({ partition: { shards: 4 } });
  await session.loadSample("small", 1);
  await session.build();
  const [user] = await session.select({ how: "random", percent: 1 });
  await session.apply({ add: [{ user: "newcomer", item: "1" }], forget: { users: [user] } });
  session.close();
}`;

/** Flat: the last ten are not above those after the third by more than this many MB. */
function flat(megabytes, allowed, what) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [early, late] = [mean(megabytes.slice(3, 13)), mean(megabytes.slice(-10))];
  console.log(`${what}: ${early.toFixed(1)} MB after the third, ${late.toFixed(1)} MB at the end`);
  assert.equal(megabytes.length, CYCLES);
  assert.ok(late - early < allowed, `${what}: ${megabytes.map((value) => value.toFixed(0)).join(" ")}`);
}

for (const workers of [0, 2]) {
  test(`Node, workers: ${workers}`, { timeout: 900_000 }, () => {
    const program = `
      import { open } from ${JSON.stringify(new URL("../../web/dist/node.js", import.meta.url).href)};
      const cycle = ${cycle};
      const used = [];
      for (let n = 0; n < ${CYCLES}; n++) {
        await cycle(open, ${workers});
        // What JavaScript holds, and what wasm's memories and buffers hold beside it.
        await new Promise((then) => setTimeout(then, 20));
        gc(); gc();
        const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
        used.push([(heapUsed + external + arrayBuffers) / 1e6, rss / 1e6]);
      }
      console.log(JSON.stringify(used));
    `;
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", program], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    const used = JSON.parse(stdout);
    flat(used.map(([held]) => held), 8, `Node, workers: ${workers}, held`);
    flat(used.map(([, rss]) => rss), 60, `Node, workers: ${workers}, resident`);
  });
}

test("a tab", { timeout: 900_000 }, async () => {
  const { page, said, close } = await harness();
  try {
    const client = await page.context().newCDPSession(page);
    const used = [];
    for (let n = 0; n < CYCLES; n++) {
      await page.evaluate(`(async () => (${cycle})((await import("/index.js")).open, 2))()`);
      await client.send("HeapProfiler.collectGarbage");
      const { usedSize, backingStorageSize = 0, embedderHeapUsedSize = 0 } = await client.send("Runtime.getHeapUsage");
      used.push((usedSize + backingStorageSize + embedderHeapUsedSize) / 1e6);
    }
    flat(used, 8, "a tab");
    assert.equal((await page.context().serviceWorkers()).length, 0);
    assert.equal(page.workers().length, 0, "no worker is left");
    assert.deepEqual(said, []);
  } finally {
    await close();
  }
});
