// Node's threads: the same results as in this thread, whatever becomes of a thread.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { UltrareError, open } from "../../web/dist/node.js";

const script = new URL("../../web/dist/thread.worker.js", import.meta.url);
const own = (code) => (error) => error instanceof UltrareError && error.code === code;

/** Builds the sample in eight shards, forgets three people, and gives every digest. */
async function digests(session) {
  await session.configure({ seed: 3, partition: { shards: 8 } });
  await session.loadSample("small", 1);
  await session.build();
  const { digests } = await session.forget({ users: (await session.select({ how: "random", percent: 1 })).slice(0, 3), confirmed: true });
  return digests;
}

/** What it comes to without threads. */
const expected = (async () => {
  const session = await open({ workers: 0 });
  try {
    assert.equal(session.workers, 1);
    return await digests(session);
  } finally {
    session.close();
  }
})();

test("any number of threads gives the digests of none", async () => {
  for (const workers of [1, 3]) {
    const session = await open({ workers });
    assert.equal(session.workers, workers);
    assert.deepEqual(await digests(session), await expected);
    session.close();
  }
});

test("an interval of 5 ms ticks at its pace while threads build", async () => {
  const session = await open({ workers: 2 });
  await session.loadSample("small", 1);
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 5);
  const start = performance.now();
  await session.build();
  const took = performance.now() - start;
  clearInterval(timer);
  session.close();
  assert.ok(ticks >= took / 25, `${ticks} ticks in ${took.toFixed(0)} ms`);
});

test("20 threads that end without a word, each over another job, change no digest", async () => {
  const threads = []; // by their places in the pool
  let place = 0;
  const session = await open({ workers: 2, taskWorker: () => (threads[place++] = new Worker(script, { execArgv: [] })) });
  let killed = 0;
  const lost = [];
  const hit = new Set();
  const off = session.on((event) => {
    if (event.kind !== "worker") return;
    const job = event.job && `${event.job.pipeline} ${event.job.stage} ${event.job.shard}`;
    if (event.state === "lost") {
      lost.push(job);
      place = event.worker; // the next is made in its place
    }
    // Each job once: after three times in a row it would be refused.
    if (event.state === "busy" && killed < 20 && !hit.has(job)) {
      hit.add(job);
      killed += 1;
      void threads[event.worker].terminate();
    }
  });
  let found = await digests(session);
  for (let round = 0; killed < 20 && round < 5; round++) {
    hit.clear();
    await session.loadSample("small", 1);
    found = await digests(session);
  }
  off();
  session.close();
  assert.equal(killed, 20);
  assert.equal(lost.filter((job) => job !== undefined).length, 20, "each is told, with its job");
  assert.deepEqual(found, await expected);
});

test("the same job killed again and again is refused by name, and the session goes on", async () => {
  const alive = [];
  let kill = true;
  const session = await open({ workers: 1, taskWorker: () => {
    const worker = new Worker(script, { execArgv: [] });
    alive.push(worker);
    return worker;
  } });
  let deaths = 0;
  session.on((event) => {
    if (kill && event.kind === "worker" && event.state === "busy") {
      deaths += 1;
      void alive.at(-1).terminate();
    }
  });
  await session.loadSample("small", 1);
  for (let round = 0; round < 7; round++) {
    await assert.rejects(session.build(), (error) => own("worker.lost")(error) && /3 workers in a row died over the same job/.test(error.message));
  }
  assert.ok(deaths >= 20, `${deaths} deaths`);
  kill = false;
  assert.deepEqual(await digests(session), await expected);
  session.close();
});

test("a worker that panics 20 times is replaced each time", async () => {
  const session = await open({ workers: 2 });
  await session.configure({ seed: 3, partition: { shards: 8 } });
  await session.loadSample("small", 1);
  let crashes = 0;
  const crashed = new Set();
  session.on((event) => {
    const job = event.kind === "worker" && event.state === "busy" && `${event.job.stage} ${event.job.shard}`;
    if (job && crashes < 20 && !crashed.has(job)) {
      crashed.add(job);
      crashes += 1;
      session.crashWorker();
    }
  });
  await session.build();
  for (let round = 0; crashes < 20 && round < 10; round++) {
    crashed.clear();
    await session.restart();
    await session.build();
  }
  assert.equal(crashes, 20);
  assert.deepEqual(await digests(session), await expected);
  session.close();
});

test("the thread that holds the experiment may die too: who waits is told, and the session starts empty", async () => {
  const held = [];
  const session = await open({ workers: 1, sessionWorker: () => {
    const worker = new Worker(script, { execArgv: [] });
    held.push(worker);
    return worker;
  } });
  await session.loadSample("small", 1);
  const building = assert.rejects(session.build(), own("session.lost"));
  await wait(50);
  await held[0].terminate();
  await building;
  assert.deepEqual(await digests(session), await expected);
  assert.equal(held.length, 2);
  session.close();
});

test("what cannot be opened says why at once, in its own type", async () => {
  await assert.rejects(open({ wasm: "/nowhere/module.wasm" }), (error) => own("open.wasm")(error) && /nowhere/.test(error.message));
  await assert.rejects(open({ wasm: new Uint8Array([1, 2, 3]) }), own("open.wasm"));
  await assert.rejects(open({ wasm: 5 }), own("open.wasm"));
  // A module, but another one: seen when the workers start, and told by the first of them.
  const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
  const start = performance.now();
  await assert.rejects(open({ wasm: empty, workers: 1 }), own("worker.start"));
  await assert.rejects(open({ sessionWorker: "/nowhere/worker.js" }), own("worker.start"));
  assert.ok(performance.now() - start < 20_000);
  for (const options of [null, 5, "x"]) await assert.rejects(open(options), own("open.options"), String(options));
  for (const keep of ["", 5, {}]) await assert.rejects(open({ keep }), own("open.keep"));
});
