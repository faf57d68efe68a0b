import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "../../web/dist/pool.js";

/** A worker in this thread whose behaviour at `run` the test chooses. */
class FakeWorker {
  static made = [];

  constructor(behave) {
    this.behave = behave;
    this.heard = [];
    FakeWorker.made.push(this);
  }

  postMessage(message) {
    this.heard.push(message);
    queueMicrotask(() => {
      if (this.terminated) return;
      if (message.kind === "start") this.behave.start ? this.behave.start(this) : this.say({ kind: "ready" });
      else if (message.kind === "run") this.behave.run(this, message);
      else if (message.kind === "cancel") this.behave.cancel?.(this);
    });
  }

  say(data) {
    if (!this.terminated) this.onmessage?.({ data });
  }

  terminate() {
    this.terminated = true;
  }
}

/** Like a worker whose runner has room for `most` inputs, the newest; it answers with the bytes of those the job names. */
const keeping = (most) => ({
  run(worker, { id, body, inputs, blobs }) {
    if (inputs.length === 0) return echo(worker, { id, body });
    worker.held ??= new Map();
    worker.got = (worker.got ?? []).concat(blobs.map(([digest]) => digest));
    for (const [digest, bytes] of blobs) worker.held.set(digest, bytes);
    while (worker.held.size > most) worker.held.delete(worker.held.keys().next().value);
    const digests = [...new Set(inputs)].filter((digest) => !worker.held.has(digest));
    if (digests.length > 0) return worker.say({ kind: "lacking", id, digests });
    worker.say({ kind: "done", id, result: Uint8Array.from(inputs.flatMap((digest) => [...worker.held.get(digest)])), seconds: 1 });
  },
});
const echo = (worker, { id, body }) => worker.say({ kind: "done", id, result: body, seconds: 1 });
const trap = (worker, { id }) => worker.say({ kind: "failed", id, error: { name: "RuntimeError", code: "trap", message: "unreachable" } });
const job = (id, weight = 1) => ({ id, stage: "train", pipeline: "original", shard: id, weight, body: new Uint8Array([id]), inputs: [] });

function pool(size, behave) {
  FakeWorker.made = [];
  const states = [];
  const failures = [];
  const watcher = {
    progress: () => {},
    worker: (worker, state, of) => states.push(of ? `${worker} ${state} ${of.id}` : `${worker} ${state}`),
    failed: (error) => failures.push(error),
  };
  return { pool: new Pool(size, () => new FakeWorker(behave), {}, watcher), states, failures };
}

test("every job's own result comes back, with any number of workers", async () => {
  for (const size of [1, 3, 8]) {
    const { pool: it } = pool(size, { run: echo });
    const results = await Promise.all([0, 1, 2, 3, 4].map((id) => it.run(job(id))));
    assert.deepEqual(results.map(({ result }) => result[0]), [0, 1, 2, 3, 4]);
    it.close();
  }
});

test("the heaviest job is handed out first", async () => {
  const order = [];
  const { pool: it } = pool(1, { run: (worker, message) => (order.push(message.id), echo(worker, message)) });
  await Promise.all([it.run(job(0, 5)), it.run(job(1, 1)), it.run(job(2, 9))]);
  assert.deepEqual(order, [2, 0, 1]);
});

test("a worker that traps is replaced and its job handed out again, with its bytes", async () => {
  let deaths = 0;
  const behave = { run: (worker, message) => (deaths++ === 0 ? trap(worker, message) : echo(worker, message)) };
  const { pool: it, states } = pool(1, behave);
  const { result } = await it.run(job(7));
  assert.deepEqual([...result], [7]);
  assert.equal(FakeWorker.made.length, 2);
  assert.ok(FakeWorker.made[0].terminated);
  assert.deepEqual(states.slice(0, 5), ["0 idle", "0 busy 7", "0 lost 7", "0 respawned", "0 idle"]);
});

test("a job that kills three workers is refused, and the others go on", async () => {
  const behave = { run: (worker, message) => (message.id === 1 ? trap : echo)(worker, message) };
  const { pool: it, states } = pool(2, behave);
  const results = await Promise.allSettled([it.run(job(0)), it.run(job(1)), it.run(job(2))]);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal(results[1].reason.code, "worker.lost");
  assert.match(results[1].reason.message, /3 workers in a row died over the same job \(train\): unreachable/);
  assert.deepEqual(states.filter((state) => state.includes("lost")).map((state) => state.slice(2)), ["lost 1", "lost 1", "lost 1"], "each loss names its job, the last too");
  assert.deepEqual([...(await it.run(job(5))).result], [5]);
});

test("a refusal by the library is the job's failure, not the worker's", async () => {
  const refuse = (worker, { id }) => worker.say({ kind: "failed", id, error: { name: "UltrareError", code: "model.factors", message: "factors" } });
  const { pool: it } = pool(1, { run: refuse });
  await assert.rejects(it.run(job(0)), { code: "model.factors", message: "factors" });
  assert.equal(FakeWorker.made.length, 1);
});

test("workers that never start end in one clear error instead of a loop", async () => {
  const behave = { start: (worker) => worker.onerror?.({ message: "blocked", preventDefault() {} }) };
  const { pool: it, failures } = pool(2, behave);
  await assert.rejects(it.run(job(0)), { code: "worker.start", message: /Workers cannot be started here: blocked/ });
  assert.equal(failures.length, 1);
  assert.ok(FakeWorker.made.length <= 5);
  await assert.rejects(it.run(job(1)), { code: "worker.start" });
});

test("cancel ends jobs at their next step, and by force where a step does not end", async () => {
  const polite = { run: () => {}, cancel: (worker) => worker.say({ kind: "cancelled", id: worker.heard.find((one) => one.kind === "run").id }) };
  const first = pool(1, polite);
  const jobs = [first.pool.run(job(0)), first.pool.run(job(1))];
  const settled = Promise.allSettled(jobs);
  await wait(1);
  await first.pool.cancel();
  assert.deepEqual((await settled).map(({ reason }) => reason.code), ["cancelled", "cancelled"]);
  assert.equal(FakeWorker.made.length, 1);

  const stuck = pool(1, { run: () => {} });
  const hanging = assert.rejects(stuck.pool.run(job(0)), { code: "cancelled" });
  await wait(1);
  await stuck.pool.cancel();
  await hanging;
  assert.equal(FakeWorker.made.length, 2);
  assert.ok(FakeWorker.made[0].terminated);
});

test("some jobs may be cancelled and the others go on", async () => {
  const polite = { run: (worker, message) => (message.id === 1 ? undefined : echo(worker, message)), cancel: (worker) => worker.say({ kind: "cancelled", id: 1 }) };
  const { pool: it } = pool(1, polite);
  const [one, two, three] = [it.run(job(1, 9)), it.run(job(2)), it.run(job(3))];
  const settled = Promise.allSettled([one, two, three]);
  await wait(1);
  await it.cancel(new Set([1, 3]));
  assert.deepEqual((await settled).map(({ reason, value }) => reason?.code ?? value.result[0]), ["cancelled", 2, "cancelled"]);
  assert.equal(FakeWorker.made.length, 1);
});

test("a replaced worker inherits pause and speed", async () => {
  let deaths = 0;
  const behave = { run: (worker, message) => (deaths++ === 0 ? trap(worker, message) : echo(worker, message)) };
  const { pool: it } = pool(1, behave);
  it.control({ kind: "speed", stepsPerSecond: 4 });
  it.control({ kind: "pause" });
  await it.run(job(0));
  const told = FakeWorker.made[1].heard.map(({ kind }) => kind);
  assert.deepEqual(told.filter((kind) => kind === "pause" || kind === "speed"), ["pause", "speed"]);
});

test("what waits when the pool closes is told so", async () => {
  const { pool: it } = pool(1, { run: () => {} });
  const jobs = Promise.allSettled([it.run(job(0)), it.run(job(1))]);
  await wait(1);
  it.close();
  assert.deepEqual((await jobs).map(({ reason }) => reason.code), ["closed", "closed"]);
  await assert.rejects(it.run(job(2)), { code: "closed" });
});

/** A job of the inputs named; each input is two bytes, its own number. */
const of = (id, inputs, weight = 1) => ({ ...job(id, weight), inputs });
function source() {
  const asked = [];
  return { asked, blob: async (digest) => (asked.push(digest), new Uint8Array([Number(digest), Number(digest)])) };
}
const own = (inputs) => inputs.flatMap((digest) => [Number(digest), Number(digest)]);

test("an input goes to a worker once, however many jobs name it, and each job gets its own in its order", async () => {
  const { pool: it } = pool(1, keeping(100));
  const { asked, blob } = source();
  const wanted = [["1", "2"], ["2", "1"], ["2", "3", "2"], ["1"]];
  const results = await Promise.all(wanted.map((inputs, id) => it.run(of(id, inputs), blob)));
  assert.deepEqual(results.map(({ result }) => [...result]), wanted.map(own));
  assert.deepEqual(asked, ["1", "2", "3"]);
  assert.deepEqual(FakeWorker.made[0].got, ["1", "2", "3"]);
});

test("two workers each get what they need, and a job goes where its inputs are", async () => {
  const { pool: it, states } = pool(2, keeping(100));
  const { asked, blob } = source();
  await Promise.all([it.run(of(0, ["1"], 9), blob), it.run(of(1, ["2"], 8), blob)]);
  await it.run(of(2, ["2"]), blob);
  await it.run(of(3, ["1"]), blob);
  assert.deepEqual(asked, ["1", "2"]);
  assert.deepEqual(states.filter((state) => /busy/.test(state)), ["0 busy 0", "1 busy 1", "1 busy 2", "0 busy 3"]);
  await Promise.all([it.run(of(4, ["1", "2"]), blob), it.run(of(5, ["1", "2"]), blob)]);
  assert.deepEqual(asked.slice(2).sort(), ["1", "2"]);
});

test("an input that the worker let go of is sent again, and the job with it", async () => {
  const { pool: it } = pool(1, keeping(2));
  const { asked, blob } = source();
  for (const [id, inputs] of [["1"], ["2"], ["3"], ["1", "3"], ["2"]].entries()) {
    assert.deepEqual([...(await it.run(of(id, inputs), blob)).result], own(inputs));
  }
  assert.deepEqual(asked, ["1", "2", "3", "1", "2"]);
  assert.equal(FakeWorker.made.length, 1);
});

test("a worker that says again and again that it lacks an input is not asked forever", async () => {
  const { pool: it } = pool(1, { run: (worker, { id, inputs }) => worker.say({ kind: "lacking", id, digests: inputs }) });
  const { asked, blob } = source();
  await assert.rejects(it.run(of(0, ["1"]), blob), { code: "worker.memory" });
  assert.ok(asked.length <= 4);
});

test("a killed worker's successor is sent the inputs anew, with the job", async () => {
  let deaths = 0;
  const { run } = keeping(100);
  const { pool: it } = pool(1, { run: (worker, message) => (deaths++ === 1 ? trap(worker, message) : run(worker, message)) });
  const { asked, blob } = source();
  await it.run(of(0, ["1"]), blob);
  assert.deepEqual([...(await it.run(of(1, ["1", "2"]), blob)).result], own(["1", "2"]));
  assert.deepEqual(asked, ["1", "2", "1", "2"]);
  assert.deepEqual(FakeWorker.made[1].got, ["1", "2"]);
});

test("an input that cannot be had is its job's failure alone; one that is not asked for any more disturbs nothing", async () => {
  const { pool: it } = pool(1, keeping(100));
  await assert.rejects(it.run(of(0, ["1"])), { name: "UltrareError", code: "job.inputs" });
  await assert.rejects(it.run(of(1, ["1"]), async () => { throw new Error("gone"); }), { name: "UltrareError", message: "gone" });
  let give;
  const late = assert.rejects(it.run(of(2, ["1"]), () => new Promise((resolve) => (give = resolve))), { code: "cancelled" });
  await wait(1);
  await it.cancel();
  await late;
  const { blob } = source();
  const next = it.run(of(3, ["2"]), blob);
  give(new Uint8Array([9]));
  assert.deepEqual([...(await next).result], [2, 2]);
  assert.equal(FakeWorker.made.length, 1, "nothing had been posted: no worker had to be ended");
});

test("inputs change nothing about the order of jobs: the heaviest first", async () => {
  const order = [];
  const { run } = keeping(100);
  const { pool: it } = pool(1, { run: (worker, message) => (order.push(message.id), run(worker, message)) });
  const { blob } = source();
  await Promise.all([it.run(of(0, ["1"], 5), blob), it.run(of(1, ["1"], 1), blob), it.run(of(2, ["3"], 9), blob), it.run(job(3, 7))]);
  assert.deepEqual(order, [2, 3, 0, 1]);
});

test("a worker that ends without a word is replaced, and its job runs again", async () => {
  let ends = 0;
  const { pool: it, states } = pool(1, { run: (worker, message) => (ends++ === 0 ? worker.onend() : echo(worker, message)) });
  assert.deepEqual([...(await it.run(job(7))).result], [7]);
  assert.deepEqual(states.slice(0, 5), ["0 idle", "0 busy 7", "0 lost 7", "0 respawned", "0 idle"]);
  FakeWorker.made[1].onend(); // between two jobs
  assert.deepEqual([...(await it.run(job(8))).result], [8]);
  assert.equal(FakeWorker.made.length, 3);
});

test("a worker that never answers is replaced after a minute; three of them end it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let silent = 1;
  const start = (worker) => { if (silent-- <= 0) worker.say({ kind: "ready" }); };
  const { pool: it } = pool(1, { start, run: echo });
  const done = it.run(job(1));
  await Promise.resolve();
  t.mock.timers.tick(60_000);
  assert.deepEqual([...(await done).result], [1]);
  it.close();
  silent = 9;
  const { pool: none, failures } = pool(1, { start });
  const refused = assert.rejects(none.run(job(1)), { code: "worker.start", message: /did not answer/ });
  for (let n = 0; n < 3; n++) t.mock.timers.tick(60_000);
  await refused;
  assert.equal(failures.length, 1);
});
