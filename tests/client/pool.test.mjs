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

const echo = (worker, { id, bytes }) => worker.say({ kind: "done", id, result: bytes, seconds: 1 });
const trap = (worker, { id }) => worker.say({ kind: "failed", id, error: { name: "RuntimeError", code: "trap", message: "unreachable" } });
const job = (id, weight = 1) => ({ id, stage: "train", arm: "original", shard: id, weight, bytes: new Uint8Array([id]) });

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
  const { pool: it } = pool(2, behave);
  const results = await Promise.allSettled([it.run(job(0)), it.run(job(1)), it.run(job(2))]);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal(results[1].reason.code, "worker.lost");
  assert.match(results[1].reason.message, /3 workers in a row died over the same job \(train\): unreachable/);
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
