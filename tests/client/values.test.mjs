import assert from "node:assert/strict";
import { test } from "node:test";
import { chunks } from "../../web/dist/chunks.js";
import { flatten, isFatal } from "../../web/dist/errors.js";
import { merge } from "../../web/dist/merge.js";
import { buffers } from "../../web/dist/transfer.js";

test("a file comes in as it is", async () => {
  for (const text of ["", "x", "user,item\n".repeat(50_000)]) {
    const parts = [];
    for await (const chunk of chunks(new Blob([text]))) parts.push(Buffer.from(chunk));
    assert.equal(Buffer.concat(parts).toString(), text);
  }
});

test("a file that breaks off is an error, not half a file", async () => {
  let pulled = 0;
  const stream = () => new ReadableStream({ pull: (to) => (pulled++ ? to.error(new Error("gone")) : to.enqueue(new Uint8Array(9))) });
  const all = async () => { for await (const chunk of chunks({ stream })) assert.equal(chunk.length, 9); };
  await assert.rejects(all(), { code: "read.file", message: "The file could not be read: gone" });
});

test("reading can be given up early", async () => {
  for await (const chunk of chunks(new Blob(["a,b\n".repeat(1_000_000)]))) {
    assert.ok(chunk.length > 0);
    break;
  }
});

test("a patch replaces what it names, at any depth, and changes neither side", () => {
  const base = { seed: 1, model: { factors: 32, ks: [5, 10] }, partition: { shards: 10 } };
  const merged = merge(base, { model: { factors: 8, ks: [20] }, seed: undefined });
  assert.deepEqual(merged, { seed: 1, model: { factors: 8, ks: [20] }, partition: { shards: 10 } });
  assert.deepEqual(base.model, { factors: 32, ks: [5, 10] });
  assert.deepEqual(merge({ given: null }, { given: { a: 1 } }), { given: { a: 1 } });
  assert.deepEqual(merge({ given: { a: 1 } }, { given: null }), { given: null });
});

test("a setting that does not exist is refused, with those that do", () => {
  assert.throws(() => merge({ seed: 1, model: { factors: 8 } }, { model: { factor: 9 } }), {
    code: "config.unknown", message: "There is no setting model.factor: there are model.factors.",
  });
});

test("buffers are found where messages keep them, each once", () => {
  const bytes = new Uint8Array(4);
  const message = { kind: "progress", events: [{ kind: "positions", xy: bytes, handles: new Uint8Array(bytes.buffer) }, { kind: "epoch" }] };
  assert.deepEqual(buffers(message), [bytes.buffer]);
  assert.deepEqual(buffers({ result: null, text: "x", module: 3 }), []);
});

test("anything thrown becomes plain data; only traps and panics are fatal", () => {
  const refusal = Object.assign(new Error("no rows"), { name: "UltrareError", code: "read.empty", details: { line: 3 } });
  assert.deepEqual(flatten(refusal), { name: "UltrareError", code: "read.empty", message: "no rows", details: { line: 3 } });
  assert.ok(!isFatal(flatten(refusal)));
  assert.ok(isFatal(flatten(new WebAssembly.RuntimeError("unreachable"))));
  assert.ok(isFatal(flatten(Object.assign(new Error("a defect"), { code: "panic" }))));
  assert.ok(isFatal(flatten(new RangeError("Maximum call stack size exceeded"))));
  assert.ok(!isFatal(flatten(new TypeError("not a Blob"))));
  assert.deepEqual(flatten("text"), { name: "Error", code: "defect", message: "text" });
});
