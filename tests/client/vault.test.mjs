// What is kept between visits: encrypted, survives a reload, and is beyond recovery once it is purged.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Vault } from "../../web/dist/vault.js";
import { Disk } from "../support/disk.mjs";

const bytes = (text) => new TextEncoder().encode(text);
const text = (found) => found && new TextDecoder().decode(found);

test("what is put comes back, also after a reload, under the newest value", async () => {
  const disk = new Disk();
  const vault = await Vault.open(disk.folder());
  await vault.put("a".repeat(64), bytes("one"));
  await vault.put("b", bytes(""));
  await vault.put("a".repeat(64), bytes("two"));
  await vault.put("c", new Uint8Array(3_000_000).fill(7));
  const again = await Vault.open(disk.folder());
  assert.deepEqual(await again.keys(), ["a".repeat(64), "b", "c"]);
  assert.equal(text(await again.get("a".repeat(64))), "two");
  assert.equal(text(await again.get("b")), "");
  assert.ok((await again.get("c")).every((byte) => byte === 7));
  assert.equal(await again.get("d"), undefined);
});

test("no plain byte of a value reaches the disk", async () => {
  const disk = new Disk();
  const vault = await Vault.open(disk.folder());
  await vault.put("k", bytes("someone@example".repeat(100)));
  assert.ok(!disk.text().includes("someone"));
  assert.ok(disk.text().includes("k"), "the test reads the disk");
});

for (const [how, purge] of [
  ["retaining others", (vault) => vault.retain(["other"])],
  ["clearing", (vault) => vault.clear()],
  ["overwriting", (vault) => vault.put("gone", bytes("new"))],
]) {
  test(`after ${how} the old key is nowhere on the disk, though the old file may be`, async () => {
    const disk = new Disk();
    const vault = await Vault.open(disk.folder());
    await vault.put("other", bytes("other"));
    await vault.put("gone", bytes("someone"));
    const ring = Buffer.from(disk.files.get("keys"));
    const key = ring.subarray(128 + 12, 128 + 44).toString("latin1");
    assert.ok(disk.text().includes(key));
    const cipher = Buffer.from(disk.files.get("1")).toString("latin1");
    await purge(vault);
    assert.ok(disk.text().includes(cipher), "a deleted file's bytes stay on this disk");
    assert.ok(!disk.text().includes(key));
    const again = await Vault.open(disk.folder());
    assert.equal(text(await again.get("gone")), how === "overwriting" ? "new" : undefined);
    assert.equal(text(await again.get("other")), how === "clearing" ? undefined : "other");
  });
}

test("areas do not see or purge each other", async () => {
  const disk = new Disk();
  const vault = await Vault.open(disk.folder());
  const [page, outcome] = [vault.area("page/"), vault.area("outcome/")];
  await page.put("run", bytes("p"));
  await outcome.put("1", bytes("o"));
  await outcome.put("2", bytes("o"));
  await outcome.retain(["2"]);
  assert.deepEqual([await page.keys(), await outcome.keys()], [["run"], ["2"]]);
  await page.clear();
  assert.deepEqual([await page.keys(), await outcome.keys()], [[], ["2"]]);
});

test("a write that does not fit says so, and leaves what was there", async () => {
  const disk = new Disk();
  const vault = await Vault.open(disk.folder());
  await vault.put("k", bytes("old"));
  disk.room = 100;
  await assert.rejects(vault.put("k", new Uint8Array(1_500_000)), { name: "UltrareError", code: "kept.room", message: /no room to keep 1\.5 MB/ });
  disk.room = Infinity;
  assert.equal(text(await vault.get("k")), "old");
  await assert.rejects(vault.put("x".repeat(84), bytes("")), { code: "kept.key" });
  assert.deepEqual(await (await Vault.open(disk.folder())).keys(), ["k"]);
});

test("cut off at any write, it opens again with the old value or the new, never with anything else", async () => {
  for (let power = 0; power < 12; power++) {
    const disk = new Disk();
    const vault = await Vault.open(disk.folder());
    await vault.put("a", bytes("old a"));
    await vault.put("b", bytes("b"));
    disk.power = power;
    await vault.put("a", bytes("new a")).catch(() => {});
    await vault.put("c", bytes("c")).catch(() => {});
    await vault.retain(["a", "c"]).catch(() => {});
    disk.power = Infinity;
    const again = await Vault.open(disk.folder());
    assert.ok(["old a", "new a"].includes(text(await again.get("a"))), `power ${power}`);
    assert.ok(["b", undefined].includes(text(await again.get("b"))));
    assert.ok(["c", undefined].includes(text(await again.get("c"))));
    const known = (await again.keys()).length;
    assert.equal(disk.files.size, known + 1, "no file without a key");
    await again.put("d", bytes("d"));
    assert.equal(text(await (await Vault.open(disk.folder())).get("d")), "d");
  }
});

test("a file that was cut off or changed is nothing, and a broken record harms no other", async () => {
  const disk = new Disk();
  const vault = await Vault.open(disk.folder());
  for (const name of ["a", "b", "c", "d"]) await vault.put(name, bytes(name));
  disk.files.get("0").pop();
  disk.files.get("1")[0] ^= 1;
  disk.files.get("keys")[2 * 128 + 60] ^= 1;
  const again = await Vault.open(disk.folder());
  assert.deepEqual(await Promise.all(["a", "b", "c", "d"].map((name) => again.get(name).then(text))), [undefined, undefined, undefined, "d"]);
  assert.deepEqual(await again.keys(), ["d"]);
});

test("operations asked for at once are carried out in their order", async () => {
  const vault = await Vault.open(new Disk().folder());
  const done = [];
  for (let n = 0; n < 40; n++) done.push(vault.put(`k${n % 4}`, bytes(`${n}`)));
  done.push(vault.retain(["k1", "k3"]));
  done.push(vault.put("k0", bytes("after")));
  await Promise.all(done);
  assert.deepEqual(await vault.keys(), ["k0", "k1", "k3"]);
  assert.equal(text(await vault.get("k3")), "39");
});

test("room of purged entries is used again", async () => {
  const disk = new Disk();
  const vault = await Vault.open(disk.folder());
  for (let n = 0; n < 300; n++) await vault.put("k", bytes(`${n}`));
  assert.ok(disk.files.get("keys").length <= 4 * 128);
  assert.equal(disk.files.size, 2);
});

test("large ones are kept in pieces that cannot be changed, exchanged or cut off", async () => {
  const disk = new Disk();
  const vault = await Vault.open(disk.folder());
  const size = 2 * (1 << 22) + 5;
  const large = Uint8Array.from({ length: size }, (_, n) => (n * 31) & 255);
  let most = 0;
  await vault.put("parts", { length: size, part: (from, to) => ((most = Math.max(most, to - from)), large.slice(from, to)) });
  assert.ok(most <= 1 << 22, "never asked for more than a piece");
  assert.deepEqual(Buffer.compare(await vault.get("parts"), large), 0);
  const [file] = [...disk.files.keys()].filter((name) => name !== "keys");
  const whole = disk.files.get(file);
  assert.equal(whole.length, size + 3 * 16);
  const piece = (1 << 22) + 16;
  const spoilt = [
    (bytes) => { bytes[piece + 7] ^= 1; return bytes; },
    (bytes) => [...bytes.slice(piece, 2 * piece), ...bytes.slice(0, piece), ...bytes.slice(2 * piece)],
    (bytes) => bytes.slice(0, 2 * piece),
  ];
  for (const spoil of spoilt) {
    disk.files.set(file, spoil(whole.slice()));
    const files = new Map(disk.files);
    const again = new Disk();
    again.files = new Map([...files].map(([name, bytes]) => [name, bytes.slice()]));
    assert.equal(await (await Vault.open(again.folder())).get("parts"), undefined);
  }
});
