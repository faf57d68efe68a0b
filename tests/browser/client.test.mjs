// The client's workers in a real Chromium.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { open } from "../../web/dist/node.js";
import { harness } from "../support/harness.mjs";
import { pipeline } from "../support/pipeline.mjs";

const JOB = { source: { sample: "small", seed: 1 }, config: { partition: { shards: 6 } }, forget: { how: "random", percent: 2 } };
let page;
let said;
let close;

before(async () => ({ page, said, close } = await harness()));
after(() => close());
beforeEach(() => said.splice(0));

/** Runs the whole job with so many workers; `crashes` of them are killed on the way. */
function job(workers, crashes = 0) {
  return page.evaluate(async ([workers, crashes, job]) => {
    const [{ open }, { pipeline }] = await Promise.all([import("/index.js"), import("/pipeline.js")]);
    const session = await open({ workers });
    const states = {};
    let left = crashes;
    session.on((event) => {
      if (event.kind === "worker" && event.state === "lost" && event.job) states.jobs = (states.jobs ?? 0) + 1;
      if (event.kind === "worker") states[event.state] = (states[event.state] ?? 0) + 1;
      // One after the other: the second strikes when the first has been replaced.
      if (event.kind === "epoch" && left > 0 && (states.respawned ?? 0) === crashes - left) {
        left -= 1;
        session.crashWorker();
      }
    });
    const { snapshot, kinds } = await pipeline(session, job);
    session.close();
    return { digests: snapshot.digests, results: snapshot.results, kinds, states };
  }, [workers, crashes, JOB]);
}

const figures = (results) => Object.fromEntries(Object.entries(results).map(([pipeline, { metrics }]) => [pipeline, metrics]));
let expected;

test("the browser gives the digests and figures of Node", async () => {
  const session = await open();
  expected = (await pipeline(session, JOB)).snapshot;
  session.close();
  const { digests, results, kinds } = await job(2);
  assert.deepEqual(digests, expected.digests);
  assert.deepEqual(figures(results), figures(expected.results));
  for (const kind of ["positions", "embedding", "cluster", "divided", "epoch", "trained", "evaluated", "stage", "finished", "worker", "state"]) {
    assert.ok(kinds[kind] > 0, `no ${kind} event`);
  }
  assert.deepEqual(said, []);
});

for (const workers of [1, 3, 8]) {
  test(`${workers} worker${workers > 1 ? "s" : ""}: the same digests`, async () => {
    assert.deepEqual((await job(workers)).digests, expected.digests);
    assert.deepEqual(said, []);
  });
}

test("a worker that dies in the middle of a job is replaced, the job runs again, and the digests are the same", async () => {
  const { digests, states } = await job(2, 2);
  assert.equal(states.lost, 2);
  assert.equal(states.respawned, 2);
  assert.ok(states.jobs >= 1, "no job was lost: the test would show nothing");
  assert.deepEqual(digests, expected.digests);
});

test("pause, step, cancel: the same as in Node, with workers", async () => {
  const heard = await page.evaluate(async () => {
    const { open } = await import("/index.js");
    const session = await open({ workers: 2 });
    await session.loadSample("small", 1);
    let advanced = 0;
    session.on(({ kind }) => (advanced += Number(["embedding", "cluster", "epoch"].includes(kind))));
    const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    session.pause();
    const built = session.build().catch(({ code }) => code);
    await pause(150);
    const standing = advanced;
    session.step();
    session.step();
    await pause(150);
    const stepped = advanced;
    await session.cancel();
    const code = await built;
    const { phase } = await session.snapshot();
    session.resume();
    const { phase: after } = await session.build();
    session.close();
    return { standing, stepped, code, phase, after };
  });
  assert.deepEqual(heard, { standing: 0, stepped: 2, code: "cancelled", phase: "data", after: "trained" });
  assert.deepEqual(said, []);
});

test("the main thread stays free: no task over 50 ms while a job runs", async () => {
  const longest = await page.evaluate(async (job) => {
    const [{ open }, { pipeline }] = await Promise.all([import("/index.js"), import("/pipeline.js")]);
    const session = await open({ workers: 1 });
    let longest = 0;
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (longest = Math.max(longest, duration))));
    observer.observe({ type: "longtask" });
    await pipeline(session, job);
    observer.disconnect();
    session.close();
    return longest;
  }, JOB);
  assert.ok(longest <= 50, `a task took ${longest} ms`);
});

test("errors come over from both kinds of workers as UltrareError with a code", async () => {
  const errors = await page.evaluate(async () => {
    const { open, UltrareError } = await import("/index.js");
    const session = await open({ workers: 1 });
    const codes = [];
    const keep = (error) => codes.push([error instanceof UltrareError, error.code]);
    await session.build().catch(keep);
    await session.load({ data: new Blob(["\0\0"]) }).catch(keep);
    session.close();
    await session.snapshot().catch(keep);
    return codes;
  });
  assert.deepEqual(errors.map(([own]) => own), [true, true, true]);
  assert.equal(errors[0][1], "experiment.no_data");
  assert.match(errors[1][1], /^read\./);
  assert.equal(errors[2][1], "closed");
});
