// Settings in a link: whatever stands there, nothing but settings comes out, and no prototype changes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { root } from "../../web/build/setup.mjs";
import { open } from "../../web/dist/node.js";
import { id, inBrowser, page, trained, visit } from "../support/page.mjs";

const source = readFileSync(join(root, "www/src/lib/link.ts"), "utf8");
const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
const { at, nested, readLink, unknownSettings, writeLink } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);

inBrowser();

const HOSTILE = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "valueOf", "length", "then"];
const CLEAN = Object.getOwnPropertyNames(Object.prototype).sort().join();
function clean(of) {
  assert.equal(Object.getOwnPropertyNames(Object.prototype).sort().join(), CLEAN, of);
  assert.equal({}.polluted, undefined, of);
  assert.equal(Object.getPrototypeOf(Object.prototype), null, of);
  assert.equal(typeof Object.prototype.toString, "function", of);
}

/** Small and seeded, so that what fails can be seen again. */
function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function settingsOf(config, prefix = "") {
  return Object.entries(config).flatMap(([key, value]) => (
    value && typeof value === "object" && !Array.isArray(value) ? settingsOf(value, `${prefix}${key}.`) : [`${prefix}${key}`]
  ));
}

test("20,000 random and hostile links: only settings that there are come out, and prototypes stay clean", async () => {
  const session = await open();
  const { settings: config } = await session.snapshot();
  session.close();
  const names = settingsOf(config);
  assert.ok(names.includes("partition.shards") && names.length > 30);
  const draw = random(7);
  const pick = (list) => list[draw(list.length)];
  const words = [...HOSTILE, "polluted", "partition", "model", "seed", "shards", "a", "", "%", "%5f%5fproto%5f%5f", "\u0000", "é", "x".repeat(300)];
  const key = () => [() => pick(names), () => Array.from({ length: 1 + draw(4) }, () => pick(words)).join("."), () => `${pick(names)}.${pick(HOSTILE)}`, () => `${pick(HOSTILE)}.${pick(names)}`][draw(4)]();
  const value = () => pick(["1", "true", "null", "-1e999", "NaN", "{}", "[1]", "polluted", "%", "", "__proto__", '{"polluted":1}', "1&__proto__.polluted=1"]);
  let let_through = 0;
  for (let n = 0; n < 20_000; n++) {
    const version = pick(["v1", "v1", "v1", "v1", "v0", "v2", "v1x", "", "__proto__"]);
    const link = `#${[version, ...Array.from({ length: draw(6) }, () => `${key()}${pick(["=", "=", "=", "", "=="])}${value()}`)].join("&")}`;
    const read = readLink(link);
    const unknown = unknownSettings(read.settings, config);
    const known = Object.fromEntries(Object.entries(read.settings).filter(([path]) => !unknown.includes(path)));
    for (const path of Object.keys(known)) assert.ok(names.includes(path), `${path} of ${link}`);
    let_through += Object.keys(known).length;
    const all = nested(read.settings); // also what is not known must do no harm
    nested(known);
    for (const path of Object.keys(read.settings)) at(all, path);
    writeLink({ settings: read.settings, data: read.data, hide: read.hide });
    clean(link);
  }
  assert.ok(let_through > 1000, "links with settings come through");
});

test("what a link says is what is read: every setting goes there and back", () => {
  const settings = { seed: 7, "partition.shards": 16, "model.name": "wmf", "split.test": 0.25, "partition.consent": true, "model.rate": null };
  const link = writeLink({ settings, data: "file:a b&c=d.csv", hide: ["knobs"] });
  const read = readLink(link);
  assert.deepEqual([read.settings, read.data, read.hide, read.problem], [settings, "file:a b&c=d.csv", ["knobs"], null]);
  assert.equal(JSON.stringify(nested({ "a.b": 1, "a.c.d": 2, e: 3 })), '{"a":{"b":1,"c":{"d":2}},"e":3}');
});

test("the page leaves out what is no setting, with a word, uses the rest, and stays clean", { timeout: 120_000 }, async () => {
  await visit({ hash: "#v1&__proto__.polluted=1&constructor.prototype.polluted=1&partition.shards=4&partition.shard=9&model=5", ready: false });
  await id("notice").filter({ hasText: "settings that there are not" }).waitFor();
  assert.match(await id("notice").textContent(), /__proto__\.polluted, constructor\.prototype\.polluted, partition\.shard and 1 more/);
  await trained();
  assert.equal(await page.evaluate(() => ({}).polluted), undefined);
  assert.equal(await page.locator('[data-testid^="shard-"][data-state="trained"]').count(), 4);
  assert.equal(new URL(page.url()).hash, "#v1&data=sample:small&partition.shards=4");
  await page.evaluate(() => (location.hash = "#v1&__proto__.polluted=1"));
  await page.waitForFunction(() => !location.hash.includes("proto"));
  assert.equal(await page.evaluate(() => ({}).polluted), undefined);
});

test("a link of a later version is said to be one, and the page works with its defaults", { timeout: 120_000 }, async () => {
  await visit({ hash: "#v2&partition.shards=4", ready: false });
  await id("notice").filter({ hasText: "This link is of version 2; this page reads versions up to 1" }).waitFor();
  await trained();
  assert.equal(await page.locator('[data-testid^="shard-"][data-state="trained"]').count(), 10);
});
