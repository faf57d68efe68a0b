// A receipt written natively is verified in wasm, one written in wasm natively; and each refuses the other's if it was tampered with.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { openAsBlob, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { open } from "../../web/dist/node.js";
import { binary, scratch, synth, ultrare } from "../support/native.mjs";

const folder = scratch();
const at = (name) => join(folder, name);
const SETTINGS = ["--partition", "obc", "--shards", 3, "--combine", "joint", "--seed", 3, "--slices", 3];
let file, native, wasm, source;

/** Two changes, in both worlds. */
before(async () => {
  file = synth({ users: 120, items: 60, rows: 2400 });
  const users = [...new Set(readFileSync(file, "utf8").split("\n").slice(1).filter(Boolean).map((line) => line.split(",")[0]))];
  const [first, second] = [[users[3], users[40]], [users[77]]];
  ultrare("run", "--data", file, ...SETTINGS, "--forget", `users:${first}`, "--receipt", at("n1.json"), "--save", at("e.urx"), "--json", at("out.json"));
  ultrare("unlearn", "--experiment", at("e.urx"), "--forget", `users:${second}`, "--receipt", at("n2.json"));
  native = ["n1.json", "n2.json"].map((name) => readFileSync(at(name), "utf8"));
  source = { data: await openAsBlob(file) };
  const session = await open();
  await session.configure(JSON.parse(readFileSync(at("out.json"), "utf8")).settings);
  await session.load(source);
  await session.build();
  await session.forget({ users: first });
  await session.forget({ users: second });
  wasm = await session.receipts();
  session.close();
});

async function inWasm(receipts) {
  const session = await open();
  try {
    return await session.verify(receipts, source);
  } finally {
    session.close();
  }
}

function natively(receipts) {
  const paths = receipts.map((text, i) => (writeFileSync(at(`given${i}.json`), text), at(`given${i}.json`)));
  const { status, stdout, stderr } = spawnSync(binary, ["verify", ...paths, "--data", file], { encoding: "utf8" });
  return { status, text: stdout + stderr };
}

/** Numbers that nobody can check differ; everything that can be checked does not. */
const checkable = (text) => {
  const { seconds: _, digest: __, previous: ___, metrics: ____, bound: _____, ...rest } = JSON.parse(text);
  return rest;
};

test("both write the same receipts, times apart", () => {
  assert.equal(wasm.length, 2);
  assert.deepEqual(wasm.map(checkable), native.map(checkable));
  assert.equal(checkable(native[0]).protocol.slices, 3);
});

test("native receipts are verified in wasm, in a session that holds nothing", async () => {
  const verdict = await inWasm(native);
  assert.ok(verdict.ok, JSON.stringify(verdict.checks.filter(({ ok }) => !ok)));
  assert.ok(verdict.checks.some(({ name, place }) => name === "weights" && place.endsWith("shard 0")));
});

test("wasm receipts are verified natively", () => {
  const { status, text } = natively(wasm);
  assert.equal(status, 0, text);
  assert.match(text, /verified/);
});

test("a verification leaves what is loaded alone, and waits for its turn", async () => {
  const session = await open();
  await session.loadSample("small", 1);
  const [built, verdict] = await Promise.all([session.build(), session.verify(native, source)]);
  assert.ok(verdict.ok);
  assert.deepEqual((await session.snapshot()).digests, built.digests);
  session.close();
});

test("tampered receipts are refused in both, with a reason", async () => {
  const flipped = native[1].replace(/"stop": "(\w+)"/, '"stop": "closed"');
  for (const [text, code, words] of [
    [native[0].slice(0, 900), "receipt.truncated", /cut off/],
    ['{"format": "something else"}', "receipt.foreign", /no receipt/],
    [native[0].replace('"version": 2', '"version": 9'), "receipt.version", /version 9/],
    [native[0].replace('"version": 2', '"version": 1'), "receipt.version", /version 1, which listed shards in the order of ids/],
    [flipped, "receipt.changed", /changed after it was written/],
  ]) {
    await assert.rejects(inWasm([text]), { name: "UltrareError", code }, code);
    const refused = natively([text]);
    assert.notEqual(refused.status, 0);
    assert.match(refused.text, words);
  }
  await assert.rejects(inWasm([native[1]]), { code: "verify.rows" }, "the first receipt is missing");
  await assert.rejects(inWasm([]), { code: "experiment.unusable" });
});

test("other rows are refused in both", async () => {
  const rows = readFileSync(file, "utf8").trimEnd().split("\n");
  writeFileSync(at("other.csv"), rows.filter((_, i) => i !== 17).join("\n"));
  const session = await open();
  await assert.rejects(session.verify(native, { data: await openAsBlob(at("other.csv")) }), { code: "verify.rows" });
  session.close();
  const { status, stderr } = spawnSync(binary, ["verify", at("n1.json"), "--data", at("other.csv")], { encoding: "utf8" });
  assert.notEqual(status, 0);
  assert.match(stderr, /not the ones the receipt is about/);
});

test("a damaged experiment is refused whole, and the open one stays", async () => {
  const session = await open();
  await session.loadSample("small", 1);
  const built = await session.build();
  const bytes = await session.save();
  for (const [spoil, code] of [
    [(copy) => copy.subarray(0, copy.length - 7), "pipeline.damaged"],
    [(copy) => (copy[copy.length >> 1] ^= 1, copy), "pipeline.damaged"],
    [(copy) => (copy[0] ^= 1, copy), "pipeline.foreign"],
    [() => new TextEncoder().encode("user,item\na,b\n"), "pipeline.foreign"],
  ]) {
    await assert.rejects(session.restore(spoil(bytes.slice())), { code });
    assert.deepEqual((await session.snapshot()).digests, built.digests);
  }
  session.close();
});
