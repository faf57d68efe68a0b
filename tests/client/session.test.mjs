import assert from "node:assert/strict";
import { test } from "node:test";
import { UltrareError } from "../../web/dist/errors.js";
import { RemoteStore } from "../../web/dist/remote.js";
import { SessionFront } from "../../web/dist/session.js";

const job = (id) => ({ id, stage: "train", pipeline: "original", shard: id, weight: 1, body: new Uint8Array([id]), inputs: [] });

/** A store of activities with `width` jobs each; remembers what was called. */
function fakeStore(width, refused = () => false) {
  const calls = [];
  let queue = [];
  let out = new Set();
  let started = false;
  let tickets = 0;
  const turn = (events) => {
    const jobs = queue.length > 0 && !started ? Array.from({ length: width }, (_, id) => job(id)) : [];
    started ||= jobs.length > 0;
    for (const { id } of jobs) out.add(id);
    return { jobs, events, running: queue.length > 0, ticket: queue[0]?.ticket ?? -1 };
  };
  const methods = {
    begin: (activity) => (queue.push({ activity, ticket: tickets }), tickets++),
    jobs: () => turn([]),
    accept: (id) => {
      out.delete(id);
      if (out.size > 0) return turn([]);
      const events = [{ kind: "finished", activity: "build", ticket: queue[0].ticket }];
      [queue, started] = [queue.slice(1), false];
      // One that cannot begin when its turn comes is refused; those behind it are not disturbed.
      while (refused(queue[0]?.activity)) {
        events.push({ kind: "refused", activity: "change", ticket: queue[0].ticket, code: "request.unknown", message: "nobody" });
        queue = queue.slice(1);
      }
      return turn(events);
    },
    cancel: () => void ([queue, out, started] = [[], new Set(), false]),
    drop: (ticket) => {
      if (queue[0]?.ticket === ticket) [out, started] = [new Set(), false];
      queue = queue.filter((asked) => asked.ticket !== ticket);
      return turn([]);
    },
    snapshot: () => ({ phase: "trained" }),
  };
  const call = async (method, ...args) => (calls.push(method), methods[method](...args));
  return { calls, call, close: () => calls.push("close") };
}

function fakeRunner(run = async ({ body }) => ({ result: body, seconds: 1 })) {
  const heard = [];
  return { size: 2, run, heard, control: (message) => heard.push(message.kind), cancel: async () => {}, close: () => heard.push("close") };
}

function session(store, runner) {
  const front = new SessionFront().attach(store, runner);
  const events = [];
  front.on((event) => events.push(event));
  return { front, events };
}

test("an activity runs every job and resolves to the snapshot", async () => {
  const store = fakeStore(5);
  const { front, events } = session(store, fakeRunner());
  const built = front.build();
  await Promise.resolve();
  assert.deepEqual(await built, { phase: "trained" });
  assert.equal(store.calls.filter((call) => call === "accept").length, 5);
  assert.equal(front.running, false);
  assert.deepEqual(events.map(({ kind }) => kind), ["state", "finished", "state"]);
});

test("what is asked while something runs is done after it, and each promise resolves in its turn", async () => {
  const { front } = session(fakeStore(3), fakeRunner());
  const order = [];
  await Promise.all([front.build().then(() => order.push("build")), front.compare().then(() => order.push("compare"))]);
  assert.deepEqual(order, ["build", "compare"]);
});

test("one that cannot begin when its turn comes rejects its own promise, and no other", async () => {
  const { front, events } = session(fakeStore(2, (activity) => activity === "twin"), fakeRunner());
  const ends = await Promise.allSettled([front.build(), front.twin(), front.compare()]);
  assert.deepEqual(ends.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual([ends[1].reason.name, ends[1].reason.code, ends[1].reason.message], ["UltrareError", "request.unknown", "nobody"]);
  assert.ok(!events.some(({ kind }) => kind === "error"), "whoever waits is told, nobody else");
  assert.equal(front.running, false);
});

test("an end that is told before its ticket is still heard", async () => {
  const store = fakeStore(1);
  let tell;
  const { front } = session({ ...store, call: async (method) => {
    if (method === "begin") return new Promise((resolve) => (tell = resolve));
    if (method === "snapshot") return { phase: "trained" };
    return { jobs: [], events: [{ kind: "finished", activity: "build", ticket: 7 }], running: false, ticket: -1 };
  } }, fakeRunner());
  const built = front.build();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await front.activities.pump(0);
  tell(7);
  assert.deepEqual(await built, { phase: "trained" });
});

test("an activity with nothing to do resolves at once", async () => {
  const store = fakeStore(0);
  const events = [{ kind: "finished", activity: "build", ticket: 0 }];
  store.call = async (method) => ({ snapshot: { phase: "trained" }, begin: 0 })[method] ?? { jobs: [], events, running: false, ticket: -1 };
  const { front } = session(store, fakeRunner());
  assert.deepEqual(await front.build(), { phase: "trained" });
});

test("cancel rejects what runs and what waits; the next activity is not disturbed by late results", async () => {
  const late = [];
  const store = fakeStore(2);
  const runner = fakeRunner((one) => new Promise((resolve) => late.push(() => resolve({ result: one.body, seconds: 1 }))));
  const { front, events } = session(store, runner);
  const settled = Promise.allSettled([front.build(), front.compare()]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await front.cancel();
  assert.deepEqual((await settled).map(({ reason }) => reason.code), ["cancelled", "cancelled"]);
  const accepted = () => store.calls.filter((call) => call === "accept").length;
  late.forEach((finish) => finish());
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(accepted(), 0);
  assert.ok(!events.some(({ kind }) => kind === "error"), "a cancellation is no error");
  runner.run = async ({ body }) => ({ result: body, seconds: 1 });
  await front.build();
  assert.equal(accepted(), 2);
});

test("a job that fails ends the activity with its error, once", async () => {
  const refuse = async () => { throw Object.assign(new Error("too few users"), { name: "UltrareError", code: "partition.users" }); };
  const { front, events } = session(fakeStore(4), fakeRunner(refuse));
  await assert.rejects(front.build(), { name: "UltrareError", code: "partition.users", message: "too few users" });
  assert.equal(events.filter(({ kind }) => kind === "error").length, 1);
  assert.equal(front.running, false);
});

test("pause, resume and speed reach the runner and are told; a speed that is none is refused", () => {
  const runner = fakeRunner();
  const { front, events } = session(fakeStore(1), runner);
  front.pause();
  front.step();
  assert.equal(front.paused, true);
  front.resume();
  front.setSpeed(5);
  assert.deepEqual(runner.heard, ["pause", "step", "resume", "speed"]);
  assert.deepEqual(events.map(({ paused }) => paused), [true, true, false, false]);
  for (const speed of [0, -1, NaN]) assert.throws(() => front.setSpeed(speed), { code: "argument", message: /steps per second above 0/ });
});

test("a change may leave parts out", async () => {
  const asked = [];
  const store = { call: async (method, ...args) => asked.push([method, ...args]), close() {} };
  await session(store, fakeRunner()).front.plan({ forget: { users: ["7"] }, add: [{ user: "8", item: "9" }] });
  const forget = { users: ["7"], items: [], interactions: [], confirmed: false };
  assert.deepEqual(asked, [["plan", { forget, add: [{ user: "8", item: "9", value: 1, time: 0 }] }, "frozen"]]);
});

test("dropping one activity cancels its jobs alone, and what waits behind it runs", async () => {
  const store = fakeStore(2);
  const runner = fakeRunner((one) => (held ? new Promise(() => {}) : Promise.resolve({ result: one.body, seconds: 1 })));
  const stopped = [];
  runner.cancel = async (ids) => void stopped.push(ids && [...ids].sort());
  let held = true;
  const { front, events } = session(store, runner);
  const controller = new AbortController();
  const first = assert.rejects(front.build("evaluate", { signal: controller.signal }), { name: "UltrareError", code: "cancelled" });
  const second = front.compare();
  await new Promise((resolve) => setTimeout(resolve, 5));
  held = false;
  controller.abort();
  await first;
  assert.deepEqual(await second, { phase: "trained" });
  assert.deepEqual(stopped, [[0, 1]]);
  assert.ok(!events.some(({ kind }) => kind === "error"));
  assert.equal(store.calls.filter((call) => call === "accept").length, 2);
});

test("what is asked while everything is being cancelled comes after it", async () => {
  const store = fakeStore(2);
  const slow = fakeRunner();
  slow.cancel = () => new Promise((resolve) => setTimeout(resolve, 20));
  const { front } = session(store, slow);
  void front.cancel();
  assert.deepEqual(await front.build(), { phase: "trained" });
  assert.ok(store.calls.indexOf("cancel") < store.calls.indexOf("begin"));
});

test("closing rejects what waits", async () => {
  const { front } = session(fakeStore(1), fakeRunner(() => new Promise(() => {})));
  const waiting = assert.rejects(front.build(), { code: "cancelled" });
  await new Promise((resolve) => setTimeout(resolve, 5));
  front.close();
  await waiting;
});

test("a session worker that traps is replaced, and who waits is told what was lost", async () => {
  const made = [];
  const spawn = () => {
    const worker = {
      postMessage(message) {
        const fatal = { name: "RuntimeError", code: "trap", message: "unreachable" };
        const answers = { snapshot: { kind: "answer", value: "fine" }, save: { kind: "refusal", error: fatal } };
        const reply = message.kind === "start" ? { kind: "ready" } : { ...answers[message.method], id: message.id };
        queueMicrotask(() => this.onmessage?.({ data: reply }));
      },
      terminate() { this.ended = true; },
    };
    made.push(worker);
    return worker;
  };
  const store = new RemoteStore(spawn, {}, () => {});
  assert.equal(await store.call("snapshot"), "fine");
  await assert.rejects(store.call("save"), { code: "session.lost", message: /starts empty again/ });
  assert.equal(await store.call("snapshot"), "fine");
  assert.equal(made.length, 2);
  assert.ok(made[0].ended);
  store.close();
  await assert.rejects(store.call("snapshot"), { code: "closed" });
});

test("a session worker that ends without a word, or never answers, is replaced; its successor takes over what was kept", async (t) => {
  const made = [];
  const lost = [];
  let silent = false;
  const spawn = () => {
    const worker = {
      heard: [],
      postMessage(message) {
        this.heard.push(message);
        if (message.kind === "start" && !silent) {
          this.onmessage({ data: { kind: "tab", tab: message.keep.tab ?? "3" } });
          this.onmessage({ data: { kind: "ready" } });
        }
      },
      terminate() { this.ended = true; },
    };
    made.push(worker);
    return worker;
  };
  const took = [];
  const keeping = { base: "b", took: (tab) => took.push(tab) };
  const store = new RemoteStore(spawn, {}, () => {}, (error) => lost.push(error.code), keeping);
  await store.started();
  const waiting = assert.rejects(store.kept("put", "k", new Uint8Array(1)), { code: "session.lost" });
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(made[0].heard.map(({ kind, keep }) => keep ?? kind), [{ base: "b" }, "kept"]);
  made[0].onend();
  await waiting;
  assert.deepEqual(lost, ["session.lost"]);
  assert.deepEqual(made[1].heard[0].keep, { base: "b", tab: "3" });
  assert.deepEqual(took, ["3", "3"]);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  silent = true;
  made[1].onend();
  for (let n = 0; n < 3; n++) t.mock.timers.tick(60_000);
  await assert.rejects(store.call("snapshot"), { code: "worker.start", message: /did not answer/ });
  assert.equal(made.length, 4);
  store.close();
});

test("the death of the session's worker ends what runs, once, with its own error", async () => {
  const { front, events } = session(fakeStore(2), fakeRunner(() => new Promise(() => {})));
  const built = assert.rejects(front.build(), { code: "session.lost" });
  await new Promise((resolve) => setTimeout(resolve, 5));
  front.lost(new UltrareError({ code: "session.lost", message: "lost" }));
  await built;
  assert.deepEqual(events.filter(({ kind }) => kind === "error").map(({ error }) => error.code), ["session.lost"]);
});
