// A page that is closed in mid-run does nothing twice when it is opened again; and of what was forgotten it finds nothing.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open } from "../../web/dist/node.js";
import { harness } from "../support/harness.mjs";

const SHARDS = 8;
const SETTINGS = { partition: { method: "random", shards: SHARDS } };
let page, said, close;
before(async () => ({ page, said, close } = await harness()));
after(() => close());

/**
 * Loads the sample and builds, counting trainings that begin and end. Resolves to them and the snapshot; with `until` as soon as
 * so many have ended, and the run goes on. With `users` these are forgotten after it.
 */
function visit({ until, users, seed = 1 } = {}) {
  return page.evaluate(async ({ until, users, seed, settings }) => {
    const { open } = await import("/index.js");
    const session = await open({ workers: 2, keep: "outcomes" });
    const counts = { begun: 0, ended: 0 };
    const enough = new Promise((resolve) => session.on((event) => {
      if (event.kind === "worker" && event.state === "busy" && event.job.stage === "train") counts.begun += 1;
      if (event.kind === "trained") counts.ended += 1;
      if (event.kind === "trained" && counts.ended === until) resolve();
    }));
    await session.configure(settings);
    await session.loadSample("small", seed);
    const built = session.build();
    if (until) {
      await enough;
      return counts;
    }
    let snapshot = await built;
    const first = { ...counts };
    if (users) snapshot = await session.forget({ users });
    session.close();
    return { ...first, snapshot };
  }, { until, users, seed, settings: SETTINGS });
}

async function undisturbed(users) {
  const session = await open();
  await session.configure(SETTINGS);
  await session.loadSample("small", 1);
  let snapshot = await session.build();
  if (users) snapshot = await session.forget({ users });
  session.close();
  return snapshot;
}

test("what was trained before the page was closed is not trained again, and the digests are the same", { timeout: 120_000 }, async () => {
  const cut = await visit({ until: 3 });
  await page.reload();
  const { begun, ended, snapshot } = await visit();
  assert.ok(cut.ended >= 3 && begun <= SHARDS - 3, `${cut.ended} were trained before, ${begun} were begun after`);
  assert.equal(ended, SHARDS, "whoever watches is told of every shard");
  assert.deepEqual(snapshot.digests, (await undisturbed()).digests);
  assert.deepEqual(said, []);
});

test("a whole run is there after a reload; other rows find nothing, and what they replace is purged", { timeout: 120_000 }, async () => {
  await page.reload();
  assert.equal((await visit()).begun, 0);
  await page.reload();
  assert.equal((await visit({ seed: 2 })).begun, SHARDS);
  await page.reload();
  assert.equal((await visit()).begun, SHARDS);
});

test("what was trained with somebody who was forgotten is gone: it has to be trained again", { timeout: 120_000 }, async () => {
  const session = await open();
  await session.loadSample("small", 1);
  const users = (await session.users()).ids.slice(5, 7);
  session.close();
  await page.reload();
  const { snapshot } = await visit({ users });
  const touched = snapshot.change.touched_shards;
  assert.ok(touched.length > 0 && touched.length < SHARDS);
  assert.deepEqual(snapshot.digests, (await undisturbed(users)).digests);
  await page.reload();
  assert.equal((await visit()).begun, touched.length, "the others never saw the forgotten, and are kept");
});
