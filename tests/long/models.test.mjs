// Every sub-model and every way of dividing, natively and in wasm: the same bytes. The short suite holds the four most used.

import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { before, test } from "node:test";
import { open } from "../../web/dist/node.js";
import { run, synth } from "../support/native.mjs";
import { pipeline } from "../support/pipeline.mjs";

const MODELS = ["bpr", "lightgcn", "gmf", "neumf", "dmf", "mf", "ease", "itemknn"];
const PARTITIONS = ["anchored", "ubp", "ibp", "inbp"];
const COMBINERS = ["logistic"];

let file;
before(() => (file = synth({ users: 200, items: 150, rows: 6000, seed: 11 })));

async function agree(...args) {
  const native = run("--data", file, "--shards", 4, "--seed", 2, ...args, "--forget", "random:3%", "--confirm");
  const session = await open();
  try {
    const source = { data: await openAsBlob(file) };
    const { snapshot } = await pipeline(session, { source, config: native.settings, forget: { how: "random", percent: 3 } });
    assert.ok(snapshot.digests.shards_after.some(Boolean));
    assert.deepEqual(snapshot.digests, native.digests);
  } finally {
    session.close();
  }
}

for (const model of MODELS) test(`model ${model}`, () => agree("--model", model, "--partition", "random", "--combine", "mean"));
for (const partition of PARTITIONS) test(`partition ${partition}`, () => agree("--partition", partition, "--combine", "own"));
for (const combine of COMBINERS) test(`combiner ${combine}`, () => agree("--combine", combine, "--partition", "obc"));
