// Settings are a choice with its knobs: one that the choice does not have cannot be given, and another choice leaves it behind.

import assert from "node:assert/strict";
import { test } from "node:test";
import { UltrareError, open } from "../../web/dist/node.js";

const refused = (promise, words) => assert.rejects(promise, (error) => error instanceof UltrareError && words.test(error.message));

test("a knob of another model, partition or combiner is refused by name, with those that there are", async () => {
  const session = await open({ workers: 0 });
  const before = (await session.snapshot()).settings;
  await refused(session.configure({ model: { name: "itemknn", factors: 8 } }), /no setting model\.factors: there are model\.name, model\.neighbours\./);
  await refused(session.configure({ model: { rate: 0.1 } }), /no setting model\.rate: there are model\.name, model\.factors,/);
  await refused(session.configure({ partition: { method: "hash", strength: 1 } }), /no setting partition\.strength: there are partition\.method, partition\.shards\./);
  await refused(session.configure({ combine: { method: "mean", epochs: 2 } }), /no setting combine\.epochs: there are combine\.method\./);
  await refused(session.configure({ model: { name: "best" } }), /the model's name cannot be used: .*`best`/);
  await refused(session.configure({ model: { factors: 0.5 } }), /factors must be 1 to 512, not 0\.5/);
  assert.deepEqual((await session.snapshot()).settings, before);
  session.close();
});

test("another choice keeps the knobs that it has too; null is the default", async () => {
  const session = await open({ workers: 0 });
  const settings = async () => (await session.snapshot()).settings;
  await session.configure({ partition: { shards: 7, strength: 0.5 }, model: { factors: 9 } });
  await session.configure({ partition: { method: "hash" }, model: { name: "ease" } });
  assert.deepEqual((await settings()).partition, { method: "hash", shards: 7 });
  assert.deepEqual((await settings()).model, { name: "ease", lambda: null });
  await session.configure({ partition: { shards: null } });
  assert.equal((await settings()).partition.shards, 10);
  session.close();
});

test("the catalogue holds what the settings take: a value at each end of its range, and none beyond", async () => {
  const session = await open({ workers: 0 });
  const { models, partitions, combiners, seed } = await session.catalogue();
  assert.deepEqual([models.length, partitions.length, combiners.length, seed.high], [9, 9, 6, 2 ** 32 - 1]);
  for (const [part, tag, cards] of [["model", "name", models], ["partition", "method", partitions], ["combine", "method", combiners]]) {
    for (const card of cards) {
      for (const knob of card.knobs.filter(({ kind }) => kind === "whole" || kind === "real")) {
        const set = (value) => session.configure({ [part]: { [tag]: card.name, [knob.name]: value } });
        for (const value of [knob.low, knob.high]) await set(value);
        await refused(set(knob.high * 2 + 1), new RegExp(`${knob.name} must be `));
        await set(null);
      }
    }
  }
  const joint = combiners.find(({ name }) => name === "joint");
  assert.ok(joint.models.includes("wmf") && !joint.models.includes("ease"));
  session.close();
});
