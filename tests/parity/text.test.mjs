// Forgetting users by request, and deleting their lines from the text file: the same bytes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { open } from "../../web/dist/node.js";
import { synth } from "../support/native.mjs";
import { pipeline } from "../support/pipeline.mjs";

let lines;
let gone;
before(() => {
  lines = readFileSync(synth(), "utf8").split("\n").filter(Boolean);
  const users = [...new Set(lines.slice(1).map((line) => line.split(",")[0]))];
  gone = users.filter((_, index) => index % 40 === 7);
});

const blob = (rows) => new Blob([`${rows.join("\n")}\n`]);
const remaining = () => [lines[0], ...lines.slice(1).filter((line) => !gone.includes(line.split(",")[0]))];

/** The request's result on the whole file, and the result on the file without the lines. */
async function twins(config) {
  const session = await open();
  const unlearned = await pipeline(session, { source: { data: blob(lines) }, config, forget: { users: gone }, compare: false });
  const twin = await pipeline(session, { source: { data: blob(remaining()) }, config, compare: false });
  session.close();
  return { unlearned: unlearned.snapshot, twin: twin.snapshot };
}

test("with the hash partition, whose shards depend on nobody else, the twin is equal at every stage", async () => {
  const { unlearned, twin } = await twins({ seed: 5, partition: { method: "hash", shards: 6 }, combine: { method: "joint" } });
  assert.equal(unlearned.digests.split_after, twin.digests.split);
  assert.equal(unlearned.digests.partition_after, twin.digests.partition);
  assert.deepEqual(unlearned.digests.shards_after, twin.digests.shards_before);
  assert.equal(unlearned.digests.ensemble_after, twin.digests.ensemble_before);
  assert.deepEqual(unlearned.results.unlearned.metrics, twin.results.original.metrics);
  assert.notDeepEqual(unlearned.digests.shards_after, unlearned.digests.shards_before);
});

test("only the shards of the forgotten are trained again", async () => {
  const { unlearned } = await twins({ seed: 5, partition: { method: "obc", shards: 12 } });
  const { touched_shards: touched } = unlearned.change;
  assert.ok(touched.length > 0 && touched.length < 12);
  for (const { shard, digest, digest_before, touched: again } of unlearned.shards) {
    assert.equal(again, touched.includes(shard));
    assert.equal(digest === digest_before, !again, `shard ${shard}`);
  }
});

test("the order of the lines does not matter", async () => {
  const session = await open();
  const config = { partition: { method: "obc", shards: 4 } };
  const [header, ...rows] = lines;
  const shuffled = [header, ...rows.map((line, index) => [(index * 7919) % rows.length, line]).sort((a, b) => a[0] - b[0]).map(([, line]) => line)];
  const one = await pipeline(session, { source: { data: blob(lines) }, config, compare: false });
  const other = await pipeline(session, { source: { data: blob(shuffled) }, config, compare: false });
  assert.deepEqual(other.snapshot.digests, one.snapshot.digests);
  session.close();
});
