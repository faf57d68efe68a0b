// What the client keeps between visits, in a real browser's private file system.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { harness } from "../support/harness.mjs";

let page, said, close;
before(async () => ({ page, said, close } = await harness()));
after(() => close());
beforeEach(() => said.splice(0));

test("hundreds of entries and large ones survive a reload; what is not retained is gone, also after another", { timeout: 120_000 }, async () => {
  const first = await page.evaluate(async () => {
    const { open } = await import("/index.js");
    const session = await open({ workers: 1, keep: "tests" });
    const key = (n) => n.toString(16).padStart(64, "0");
    const start = performance.now();
    for (let n = 0; n < 300; n++) await session.kept.put(key(n), new Uint8Array(10_000).fill(n));
    const small = performance.now() - start;
    await session.kept.put(key(300), new Uint8Array(8_000_000).fill(44));
    const all = performance.now() - start;
    const keys = await session.kept.keys();
    session.close();
    return { small: small / 300, large: all - small, keys: keys.length };
  });
  assert.equal(first.keys, 301);
  await page.reload();
  const then = await page.evaluate(async () => {
    const { open } = await import("/index.js");
    const start = performance.now();
    const session = await open({ workers: 1, keep: "tests" });
    const key = (n) => n.toString(16).padStart(64, "0");
    const keys = await session.kept.keys();
    const opening = performance.now() - start;
    const right = await Promise.all([0, 7, 299].map(async (n) => (await session.kept.get(key(n))).every((byte) => byte === n % 256)));
    const large = await session.kept.get(key(300));
    const reading = performance.now();
    await session.kept.retain([key(7), key(300), "not there"]);
    const retaining = performance.now() - reading;
    const left = await session.kept.keys();
    const gone = await session.kept.get(key(8));
    session.close();
    return { keys: keys.length, right, large: large.length === 8e6 && large.every((byte) => byte === 44), left: left.length, gone, opening, retaining };
  });
  console.log(`kept: ${first.small.toFixed(1)} ms an entry of 10 kB, ${first.large.toFixed(0)} ms one of 8 MB, opened with 301 in ${then.opening.toFixed(0)} ms, purged 299 in ${then.retaining.toFixed(0)} ms`);
  assert.deepEqual({ ...then, opening: 0, retaining: 0 }, { keys: 301, right: [true, true, true], large: true, left: 2, gone: undefined, opening: 0, retaining: 0 });
  await page.reload();
  assert.equal(await page.evaluate(async () => {
    const session = await (await import("/index.js")).open({ workers: 1, keep: "tests" });
    const others = await session.kept.clearAll();
    const left = (await session.kept.keys()).length;
    session.close();
    return left + others;
  }), 0);
  assert.deepEqual(said, []);
});

test("two sessions at once do not overwrite each other, and a worker's death lets go of what it kept", { timeout: 60_000 }, async () => {
  const found = await page.evaluate(async () => {
    const { open } = await import("/index.js");
    const text = async (session) => { const bytes = await session.kept.get("k"); return bytes ? new TextDecoder().decode(bytes) : null; };
    const bytes = (words) => new TextEncoder().encode(words);
    sessionStorage.removeItem("two.tab");
    const one = await open({ workers: 1, keep: "two" });
    await one.kept.put("k", bytes("one"));
    sessionStorage.removeItem("two.tab");
    const two = await open({ workers: 1, keep: "two" });
    const empty = await text(two);
    await two.kept.put("k", bytes("two"));
    const both = [await text(one), await text(two)];
    const others = await one.kept.clearAll();
    const after = [await text(one), await text(two)];
    two.close();
    await new Promise((wake) => setTimeout(wake, 200));
    const last = await one.kept.clearAll();
    one.close();
    return { empty, both, others, after, last };
  });
  assert.deepEqual(found, { empty: null, both: ["one", "two"], others: 1, after: [null, "two"], last: 0 });
});

test("without `keep`, or where there is no private file system, nothing is kept and it says so", { timeout: 60_000 }, async () => {
  const codes = await page.evaluate(async () => {
    const { open } = await import("/index.js");
    const code = (promise) => promise.then(() => "kept", (error) => error.code);
    const session = await open({ workers: 1 });
    const codes = [await code(session.kept.put("k", new Uint8Array(1))), await code(session.kept.clearAll())];
    session.close();
    codes.push(await code(session.kept.get("k")));
    codes.push(await code(open({ workers: -1 })));
    return codes;
  });
  assert.deepEqual(codes, ["kept.unavailable", "kept.unavailable", "closed", "open.workers"]);
});
