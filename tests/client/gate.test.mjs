import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { drive } from "../../web/dist/drive.js";
import { Gate } from "../../web/dist/gate.js";

/** A task of `length` steps that counts them. */
function counting(length) {
  const task = {
    steps: 0,
    step: () => ({ done: ++task.steps === length, progress: task.steps / length, events: [{ kind: "note", pipeline: "", message: `${task.steps}` }] }),
    finish: () => new Uint8Array([task.steps]),
  };
  return task;
}

test("a task runs to its end and every event is reported once, in order", async () => {
  const heard = [];
  const { result, seconds } = await drive(counting(50), new Gate(), (_, events) => heard.push(...events));
  assert.deepEqual([...result], [50]);
  assert.ok(seconds >= 0);
  assert.deepEqual(heard.map((event) => Number(event.message)), Array.from({ length: 50 }, (_, index) => index + 1));
});

test("a paused task stands still, goes on by single steps, and ends after resume", async () => {
  const gate = new Gate();
  const task = counting(10);
  gate.control({ kind: "pause" });
  const done = drive(task, gate, () => {});
  await wait(20);
  assert.equal(task.steps, 0);
  gate.control({ kind: "step" });
  gate.control({ kind: "step" });
  await wait(20);
  assert.equal(task.steps, 2);
  gate.control({ kind: "resume" });
  await done;
  assert.equal(task.steps, 10);
});

test("steps asked for while running are not saved up for the next pause", async () => {
  const gate = new Gate();
  gate.control({ kind: "step" });
  gate.control({ kind: "pause" });
  const task = counting(3);
  const done = drive(task, gate, () => {});
  await wait(20);
  assert.equal(task.steps, 0);
  gate.control({ kind: "cancel" });
  await assert.rejects(done, { code: "cancelled" });
});

test("a cancelled task stops at the next step, even while paused, and the gate serves the next task", async () => {
  const gate = new Gate();
  const task = counting(1_000_000);
  const done = drive(task, gate, () => {});
  await wait(5);
  gate.control({ kind: "cancel" });
  await assert.rejects(done, { name: "UltrareError", code: "cancelled" });
  assert.ok(task.steps > 0 && task.steps < 1_000_000);
  gate.reset();
  await drive(counting(2), gate, () => {});
});

test("slow motion keeps to its speed and reports each step at once", async () => {
  const gate = new Gate();
  gate.control({ kind: "speed", stepsPerSecond: 100 });
  const batches = [];
  const start = performance.now();
  await drive(counting(11), gate, (_, events) => batches.push(events.length));
  const took = performance.now() - start;
  assert.ok(took >= 95, `11 steps at 100 a second took ${took} ms`);
  assert.deepEqual(batches, Array(11).fill(1));
});

test("full speed can be asked for while a slow step is waited for", async () => {
  const gate = new Gate();
  gate.control({ kind: "speed", stepsPerSecond: 0.01 });
  const done = drive(counting(5), gate, () => {});
  await wait(10);
  gate.control({ kind: "speed", stepsPerSecond: null });
  await done;
});

test("what a task throws reaches whoever waits", async () => {
  const task = { step: () => { throw new Error("broken"); }, finish: () => new Uint8Array() };
  await assert.rejects(drive(task, new Gate(), () => {}), /broken/);
});

test("timers have their turn between steps: a task without pause does not starve its thread", async () => {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 5);
  const busy = { step: () => { const end = performance.now() + 0.05; while (performance.now() < end); return { done: performance.now() > until, progress: 0, events: [] }; }, finish: () => new Uint8Array() };
  const until = performance.now() + 300;
  await drive(busy, new Gate(), () => {});
  clearInterval(timer);
  assert.ok(ticks >= 30, `an interval of 5 ms ticked ${ticks} times in 300 ms`);
});
