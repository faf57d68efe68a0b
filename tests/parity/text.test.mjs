// Forgetting users by request, and deleting their lines from the text file: the same bytes. Adding them again: the same.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { open } from "../../web/dist/node.js";
import { run, scratch, synth } from "../support/native.mjs";
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

test("rows that are added equal rows that were there from the start, as objects and as a file, in wasm and natively", async () => {
  const config = { seed: 5, partition: { method: "hash", shards: 6 } };
  const added = lines.filter((line) => gone.includes(line.split(",")[0]));
  assert.equal(lines[0], "uid,iid,val,time");
  const row = (line) => {
    const [user, item, value, time] = line.split(",");
    return { user, item, value: Number(value), time: Number(time) };
  };
  const session = await open();
  const whole = (await pipeline(session, { source: { data: blob(lines) }, config, compare: false })).snapshot;
  const file = blob([lines[0], ...added]);
  for (const add of [added.map(row), file]) {
    await pipeline(session, { source: { data: blob(remaining()) }, config, compare: false });
    const plan = await session.plan({ add });
    assert.deepEqual([plan.users_new, plan.added, plan.rows], [gone.length, added.length, 0]);
    const { change, digests, results, ...after } = await session.apply({ add });
    assert.deepEqual([change.users_added, change.rows_added, change.rows], [gone.length, added.length, 0]);
    assert.equal(digests.split_after, whole.digests.split);
    assert.equal(digests.partition_after, whole.digests.partition);
    assert.deepEqual(digests.shards_after, whole.digests.shards_before);
    assert.equal(digests.ensemble_after, whole.digests.ensemble_before);
    assert.deepEqual(results.unlearned.metrics, whole.results.original.metrics);
    assert.equal(after.receipts, 1);
  }
  const back = await session.forget({ users: gone });
  const never = (await pipeline(session, { source: { data: blob(remaining()) }, config, compare: false })).snapshot;
  assert.deepEqual(back.digests.shards_after, never.digests.shards_before, "forgotten again, as if they had never come");
  session.close();
  const at = (name, rows) => {
    const path = join(scratch(), name);
    writeFileSync(path, `${rows.join("\n")}\n`);
    return path;
  };
  const native = run("--data", at("rest.csv", remaining()), "--add", at("added.csv", [lines[0], ...added]), "--partition", "hash", "--shards", 6, "--seed", 5);
  assert.deepEqual(native.digests.shards_after, whole.digests.shards_before);
  assert.equal(native.digests.ensemble_after, whole.digests.ensemble_before);
});
