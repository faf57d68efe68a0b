// A hundred thousand rows through the whole pipeline in a browser: digests as natively, and a page that stays usable.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { harness } from "../support/harness.mjs";
import { run, synth } from "../support/native.mjs";

let browser;
before(async () => (browser = await harness()));
after(() => browser.close());

test("100,000 rows: the browser gives the command line's digests", { timeout: 600_000 }, async () => {
  const file = synth({ users: 1000, items: 1500, rows: 100_000, seed: 3 });
  const native = run("--data", file, "--partition", "obc", "--shards", 10, "--combine", "joint", "--forget", "random:1%", "--confirm");
  const { page, said } = browser;
  const { length } = readFileSync(file);
  await page.setInputFiles("input", [file]);
  const wasm = await page.evaluate(async (config) => {
    const [{ open }, { pipeline }] = await Promise.all([import("/index.js"), import("/pipeline.js")]);
    const session = await open();
    let read = 0;
    const data = document.querySelector("input").files[0];
    await session.load({ data }, {}, { onProgress: ({ done }) => (read = done) });
    const { snapshot, wall } = await pipeline(session, { source: { data }, config, forget: { how: "random", percent: 1 } });
    session.close();
    return { digests: snapshot.digests, read, wall };
  }, native.settings);
  assert.equal(wasm.read, length);
  assert.deepEqual(wasm.digests, native.digests);
  assert.deepEqual(said, []);
});
