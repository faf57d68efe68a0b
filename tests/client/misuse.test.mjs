// What a session is asked in any order, with anything, from two places, or too late: it answers in its own type, and never hangs.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { UltrareError, open } from "../../web/dist/node.js";

const own = (code) => (error) => error instanceof UltrareError && (code === undefined || error.code === code);
const WAYS = [{ workers: 0 }, { workers: 2 }];
const LONG = { timeout: 120_000 };

/** Every method of a session that gives a promise, with arguments of the right kind. */
const CALLS = {
  preview: ["user,item\n1,2"], listsTitles: ["user,item\n1,2"], load: [{ data: "user,item\n1,2" }], loadSample: ["small"], configure: [{}], catalogue: [], readAssignmentFile: ["1,0"], restart: [], build: [], select: [{ how: "random", percent: 1 }],
  plan: [{ forget: { users: ["1"] } }], apply: [{ forget: { users: ["1"] } }], forget: [{ users: ["1"] }], addedRows: ["user,item\n1,2"], sequence: [{ steps: [] }], parseSequence: ["user,1"], scenarios: [], scenario: ["spam"], bill: [{ changes: [] }],
  receipts: [], readReceipt: ["{}"], verify: [[], { sample: "small" }], compare: [], twin: [], baselines: [], decompose: [], sweep: [{ shards: [2] }], run: ["compare"], snapshot: [], users: [], person: ["1"],
  recommend: ["1"], recommendFor: [["1"]], similar: ["1"], explain: ["1", "2"], opinions: ["1"], assignment: [], vectors: [0], report: [], save: [], restore: [new Uint8Array(3)], cancel: [],
};

const told = (method, args) => `${method}(${args.map((arg) => inspect(arg, { depth: 1 })).join(", ")})`;

/** A method either gives something or rejects in its own type, and soon. */
async function settles(session, method, args) {
  const late = wait(60_000, "late", { ref: false });
  try {
    const promise = session[method](...args);
    assert.ok(promise instanceof Promise, method);
    assert.notEqual(await Promise.race([promise, late]), "late", `${method} hangs`);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof UltrareError, `${told(method, args)}: ${error?.stack}`);
    assert.ok(!["defect", "trap", "panic", "binding.decode"].includes(error.code), `${told(method, args)}: ${error.code} ${error.message}`);
    assert.ok(error.message.length > 10, `${method}: ${error.message}`);
    return error.code;
  }
}

test("the list above is whole", async () => {
  const session = await open({ workers: 0 });
  const inner = new Set(["attach", "reading", "progress", "worker", "failed", "lost", "emit", "control", "state", "read", "complete", "on", "pause", "resume", "step", "setSpeed", "crashWorker", "close", "constructor"]);
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(session)).filter((name) => !inner.has(name) && typeof Object.getOwnPropertyDescriptor(Object.getPrototypeOf(session), name).value === "function");
  assert.deepEqual(methods.sort(), Object.keys(CALLS).sort());
  session.close();
});

for (const way of WAYS) {
  const named = `(workers: ${way.workers})`;

  test(`before anything is loaded every method answers ${named}`, LONG, async () => {
    for (const [method, args] of Object.entries(CALLS)) {
      const session = await open(way);
      await settles(session, method, args);
      session.close();
    }
  });

  test(`arguments of any wrong kind are refused in words ${named}`, LONG, async () => {
    const session = await open(way);
    await session.loadSample("small", 1);
    const wrong = [undefined, null, 5, -1.5, NaN, "nonsense", true, [], [5], [null], {}, { a: 1 }, { forget: 5 }, { add: 5 }, { add: [5] }, { how: "best" }, { build: {} }, () => 1, Symbol("s"), new Uint8Array(2), new Map([[1, 2]]), 10n];
    for (const method of Object.keys(CALLS)) {
      if (["build", "compare", "twin", "baselines", "decompose", "cancel", "restart", "sweep"].includes(method)) continue; // what may be left out; below
      for (const first of wrong) await settles(session, method, [first]);
      for (const second of wrong.slice(2)) await settles(session, method, [CALLS[method][0], second]);
    }
    for (const method of ["build", "compare", "twin", "baselines", "decompose", "sweep", "run"]) {
      for (const last of wrong.slice(1)) assert.ok(await settles(session, method, method === "build" ? ["partition", last] : method === "sweep" || method === "run" ? [CALLS[method][0], last] : [last]) || typeof last === "object", `${method} took ${String(last)}`);
    }
    assert.equal((await session.snapshot()).data.users, 600, "it still works");
    session.close();
  });

  test(`what is wrong is named, with what was expected ${named}`, async () => {
    const session = await open(way);
    const refused = (promise, code, message) => assert.rejects(promise, (error) => (assert.match(error.message, message), own(code)(error)));
    await refused(session.loadSample("huge"), "argument", /the size.*`huge`.*`small`, `medium`, `large`/);
    await refused(session.build("nonsense"), "argument", /the activity.*`nonsense`.*`partition`/);
    await refused(session.forget({ users: ["1"] }, "quick"), "argument", /mode is one of frozen, refit, not "quick"/);
    await refused(session.plan({ forgets: {} }), "argument", /has no forgets: it has forget, add, mode/);
    await refused(session.forget({ user: ["1"] }), "argument", /forget has no user: it has users, items/);
    await refused(session.person({}), "argument", /user is an id/);
    await refused(session.loadSample("small", -1), "argument", /seed is a whole number from 0/);
    await refused(session.build("evaluate", { sginal: 5 }), "argument", /has no sginal: it has signal, onProgress/);
    await refused(session.build("evaluate", { signal: 5 }), "argument", /signal is an AbortSignal, not 5/);
    await refused(session.load({ rows: 5 }), "read.source", /iterable/);
    await refused(session.load({ rows: [{ user: "1", item: "2" }, { user: "1" }] }), "read.rows", /Row 2 is without an item/);
    assert.throws(() => session.setSpeed(-1), own("argument"));
    assert.throws(() => session.on(5), own("argument"));
    session.close();
  });

  test(`a closed session says so, whatever it is asked, also in the middle of a call ${named}`, async () => {
    const session = await open(way);
    await session.loadSample("small", 1);
    const file = new Blob(["user,item\n" + "u1,i1\n".repeat(200_000)]);
    const loading = assert.rejects(session.load({ data: file }), own("closed"));
    const built = assert.rejects(session.build(), own());
    const waiting = assert.rejects(session.compare(), own());
    session.close();
    await Promise.all([loading, built, waiting]);
    for (const [method, args] of Object.entries(CALLS)) assert.equal(await settles(session, method, args), "closed", method);
    await assert.rejects(session.kept.get("k"), own("closed"));
    for (const method of ["pause", "resume", "step", "crashWorker", "close", "close"]) session[method]();
    session.setSpeed(3);
    assert.equal(session.running, false);
  });

  test(`a session is closed at the end of its block ${named}`, async () => {
    const session = await open(way);
    await session[Symbol.asyncDispose]();
    await assert.rejects(session.snapshot(), own("closed"));
  });

  test(`a signal ends its own activity, whether it runs or waits, and leaves the others ${named}`, LONG, async () => {
    const session = await open(way);
    await session.configure({ partition: { shards: 4 } });
    await session.loadSample("small", 1);
    const gone = AbortSignal.abort();
    for (const call of [session.build("evaluate", { signal: gone }), session.load({ data: "a,b" }, {}, { signal: gone }), session.verify([], { sample: "small" }, {}, { signal: gone })]) {
      await assert.rejects(call, own("cancelled"));
    }
    assert.equal(session.running, false);
    // One that runs.
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
    const seen = [];
    const running = assert.rejects(session.build("evaluate", { signal: first.signal, onProgress: ({ stage }) => { if (stage === "train") first.abort(); } }), own("cancelled"));
    const waits = session.build("evaluate", { signal: second.signal, onProgress: ({ stage, fraction, done, total }) => seen.push([stage, fraction, done, total]) });
    const drops = assert.rejects(session.compare({ signal: third.signal }), own("cancelled"));
    third.abort();
    await Promise.all([running, drops]);
    const { digests } = await waits;
    second.abort(); // too late: nothing happens
    assert.ok(seen.some(([stage]) => stage === "train") && seen.some(([stage]) => stage === "evaluate"));
    assert.ok(seen.every(([, fraction, done, total]) => fraction >= 0 && fraction <= 1 && done <= total));
    assert.ok(seen.some(([, fraction]) => fraction === 1));
    // A change that is given up leaves everything as it was; the next is carried out.
    const users = (await session.select({ how: "random", percent: 2 })).slice(0, 4);
    const change = new AbortController();
    const given = assert.rejects(session.forget({ users: [users[0]] }, "frozen", { signal: change.signal, onProgress: () => change.abort() }), own("cancelled"));
    const kept = session.forget({ users: [users[1]] });
    await given;
    const after = await kept;
    assert.equal(after.digests.ensemble_before, digests.ensemble_before);
    assert.equal((await session.users()).ids.includes(users[0]), true);
    assert.equal((await session.users()).ids.includes(users[1]), false);
    assert.equal(session.running, false);
    session.close();
  });

  test(`a signal ends a reading, and what was there stays ${named}`, LONG, async () => {
    const session = await open(way);
    await session.loadSample("small", 1);
    const data = new Blob(["user,item\n" + Array.from({ length: 400_000 }, (_, n) => `u${n % 999},i${n % 777}\n`).join("")]);
    const controller = new AbortController();
    let bytes = 0;
    const given = assert.rejects(session.load({ data }, {}, { signal: controller.signal, onProgress: ({ stage, done, total, fraction }) => {
      assert.deepEqual([stage, total, fraction], ["read", data.size, done / data.size]);
      bytes = done;
      controller.abort();
    } }), own("cancelled"));
    const other = session.addedRows(data);
    await given;
    assert.ok(bytes > 0 && bytes <= data.size);
    assert.ok((await other).length > 0, "another reading goes on");
    assert.equal((await session.snapshot()).data.users, 600);
    session.close();
  });

  test(`from two places at once: everybody gets an answer, and what is left fits together ${named}`, LONG, async () => {
    const session = await open(way);
    await session.configure({ partition: { shards: 3 } });
    await session.loadSample("small", 1);
    const place = async (shift) => {
      const codes = [];
      const names = Object.keys(CALLS).filter((name) => !["cancel", "baselines", "twin", "decompose", "sweep", "verify", "restore"].includes(name));
      await Promise.all(names.map(async (_, at) => {
        const name = names[(at * 7 + shift) % names.length];
        codes.push(await settles(session, name, CALLS[name]));
      }));
      return codes;
    };
    await Promise.all([place(0), place(5)]);
    await Promise.all([session.cancel(), session.cancel(), settles(session, "build", [])]);
    await session.loadSample("small", 1);
    const [one, two] = await Promise.all([session.build(), session.build()]);
    assert.deepEqual(one.digests, two.digests);
    session.close();
  });

  test(`a listener that throws disturbs nobody, and its error is not swallowed ${named}`, LONG, () => {
    const program = `
      import { open } from ${JSON.stringify(new URL("../../web/dist/node.js", import.meta.url).href)};
      const thrown = new Set();
      process.on("uncaughtException", (error) => thrown.add(error.message));
      const session = await open(${JSON.stringify(way)});
      await session.loadSample("small", 1);
      session.on(() => { throw new Error("mine"); });
      const { phase } = await session.build("partition", { onProgress: () => { throw new Error("my own"); } });
      session.close();
      console.log(phase, [...thrown].sort().join(", "));
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    assert.equal(stdout.trim(), "divided mine, my own", stderr);
  });
}
