// The same file, settings and seed give the same bytes natively and in wasm: every digest, and every figure to the last bit.

import assert from "node:assert/strict";
import { openAsBlob, readFileSync } from "node:fs";
import { before, test } from "node:test";
import { open } from "../../web/dist/node.js";
import { run, synth } from "../support/native.mjs";
import { pipeline } from "../support/pipeline.mjs";

let file;
before(() => (file = synth()));

/**
 * What must agree: digests and figures; not times. Nor the sum of squares and the silhouette of a partition that needs no
 * embedding: a session embeds the users for its map and measures them, the command line does neither.
 */
function comparable({ data, partition, results, change, digests }) {
  const { seconds: _, ...division } = partition;
  if (["random", "hash"].includes(partition.method)) {
    delete division.within_ss;
    delete division.silhouette;
  }
  const figures = Object.entries(results).map(([pipeline, { seconds: _, work: __, ...figure }]) => [pipeline, figure]);
  return { data, partition: division, results: Object.fromEntries(figures), change, digests };
}

/** One run natively and one in wasm under the native run's own configuration. */
async function both(args, forget) {
  const [how] = Object.keys(forget);
  const asked = how === "users" ? `users:${forget.users.join(",")}` : `${forget.how}:${forget.percent}%`;
  const native = run("--data", file, ...args, "--forget", asked, "--confirm");
  const session = await open();
  try {
    const wasm = await pipeline(session, { source: { data: await openAsBlob(file) }, config: native.settings, forget });
    return { native, wasm };
  } finally {
    session.close();
  }
}

const users = () => [...new Set(readFileSync(file, "utf8").split("\n").slice(1).filter(Boolean).map((line) => line.split(",")[0]))];
const CASES = [
  { partition: "obc", combine: "joint", shards: 4, forget: () => ({ users: users().slice(3, 6) }) },
  { partition: "random", combine: "mean", shards: 7, forget: () => ({ how: "random", percent: 5 }) },
  { partition: "hash", combine: "own", shards: 5, forget: () => ({ how: "core", percent: 2 }) },
  { partition: "kmeans", combine: "mean", shards: 3, forget: () => ({ how: "edge", percent: 4 }) },
];

for (const { partition, combine, shards, forget } of CASES) {
  test(`${partition}, ${combine}, ${shards} shards: native and wasm agree byte for byte`, async () => {
    const { native, wasm } = await both(["--partition", partition, "--combine", combine, "--shards", shards, "--seed", 3], forget());
    assert.equal(native.digests.shards_after.length, shards);
    assert.ok(native.digests.shards_after.some((digest, shard) => digest !== native.digests.shards_before[shard]));
    assert.deepEqual(comparable(wasm.snapshot), comparable(native));
  });
}

test("threads change nothing", () => {
  const args = ["--data", file, "--partition", "obc", "--shards", 4, "--forget", `users:${users()[0]}`, "--confirm"];
  assert.deepEqual(comparable(run(...args, "--threads", 1)), comparable(run(...args, "--threads", 4)));
});
