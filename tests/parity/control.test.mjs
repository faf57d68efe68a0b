// Pause, step, slow motion and cancel change when things happen, never what comes out.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { open } from "../../web/dist/node.js";

async function sample(config = {}) {
  const session = await open();
  await session.loadSample("small", 1);
  await session.configure(config);
  return session;
}

test("a build that was paused, stepped and resumed gives the digests of one that was not", async () => {
  const plain = await sample();
  const { digests } = await plain.build();
  const session = await sample();
  let epochs = 0;
  session.on(({ kind }) => (epochs += Number(kind === "epoch" || kind === "embedding" || kind === "cluster")));
  session.pause();
  const built = session.build();
  await wait(30);
  assert.equal(epochs, 0, "paused: nothing advances");
  for (let step = 0; step < 5; step++) {
    session.step();
    await wait(20);
  }
  assert.ok(epochs > 0 && epochs <= 6, `five steps made ${epochs} events`);
  session.resume();
  assert.deepEqual((await built).digests, digests);
  plain.close();
  session.close();
});

test("cancel leaves everything as it was; the next build gives the same digests", async () => {
  const session = await sample();
  // All but how long things took: what was cancelled took its time.
  const state = async () => ({ ...(await session.snapshot()), seconds: null });
  const before = await state();
  session.setSpeed(20);
  const built = assert.rejects(session.build(), { code: "cancelled" });
  await wait(100);
  await session.cancel();
  await built;
  assert.deepEqual(await state(), before);
  session.setSpeed(null);
  const again = await session.build();
  const fresh = await sample();
  assert.deepEqual(again.digests, (await fresh.build()).digests);
  session.close();
  fresh.close();
});

test("a cancelled request leaves the ensemble as it was", async () => {
  const session = await sample();
  const trained = await session.build();
  session.setSpeed(20);
  const forgotten = assert.rejects(session.forget({ users: (await session.users()).ids.slice(0, 3) }), { code: "cancelled" });
  await wait(50);
  await session.cancel();
  await forgotten;
  assert.deepEqual((await session.snapshot()).digests, trained.digests);
  session.close();
});

test("a file dropped while something runs is refused in words, and what runs goes on", async () => {
  const session = await sample();
  const built = session.build();
  await assert.rejects(session.load({ data: new Blob(["user,item\n1,2\n3,4\n1,4\n"]) }), { code: "experiment.busy", message: /build is running/ });
  assert.equal((await built).phase, "trained");
  session.close();
});

test("a file that cannot be used leaves the state before", async () => {
  const session = await sample();
  const { digests } = await session.build();
  for (const text of ["", "\0\0\0\0", "just a sentence", "user,item\n"]) {
    await assert.rejects(session.load({ data: new Blob([text]) }), (error) => /^read\./.test(error.code) && error.message.length > 20, JSON.stringify(text));
  }
  assert.deepEqual((await session.snapshot()).digests, digests);
  session.close();
});

test("what is asked too early or wrongly is refused with a code and a sentence", async () => {
  const session = await open();
  await assert.rejects(session.build(), { code: "experiment.no_data" });
  await session.loadSample("small", 1);
  await assert.rejects(session.forget({ users: ["1"] }), { code: "experiment.too_early" });
  await assert.rejects(session.configure({ partition: { shards: 0 } }), /shards/);
  await assert.rejects(session.configure({ nonsense: 1 }), /nonsense/);
  await assert.rejects(session.person("nobody"), { code: "experiment.unknown_user" });
  session.close();
});

test("two builds without a change in between: the second has nothing to do", async () => {
  const session = await sample();
  const first = await session.build();
  const second = await session.build();
  assert.deepEqual(second.digests, first.digests);
  session.close();
});
