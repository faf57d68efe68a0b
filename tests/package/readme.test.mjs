// The blocks of the package's README, and the front page's TypeScript, are run in their order, as somebody would who copies them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../web/build/setup.mjs";
import { project, run, write } from "../support/consumer.mjs";

const text = readFileSync(join(root, "web/README.md"), "utf8");
/** Blocks by language: what they hold, and whether they go on where the last ended. */
const blocks = [...text.matchAll(/^```(\w+)(?: (.*))?\n([\s\S]*?)^```$/gm)].map(([, language, mark = "", code]) => ({ language, mark, code }));

test("the README's TypeScript runs in Node", { timeout: 300_000 }, () => {
  const node = blocks.filter(({ language, mark }) => language === "ts" && mark !== "browser");
  assert.ok(node.length >= 4, `${node.length} blocks`);
  const lines = node.map(({ code }) => code).join("\n");
  const folder = project({ "readme.ts": lines, "ratings.csv": `user,item,rating\n${Array.from({ length: 4000 }, (_, n) => `${n % 80},${(n * 11 + (n >> 4)) % 113},${1 + (n % 5)}\n`).join("")}` });
  const compilerOptions = { strict: true, target: "es2022", module: "nodenext", moduleResolution: "nodenext", lib: ["es2023", "dom"], types: ["node"], typeRoots: [join(root, "node_modules/@types")], outDir: "." };
  write(folder, { "tsconfig.json": JSON.stringify({ compilerOptions, files: ["readme.ts"] }) });
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], folder);
  const printed = run(process.execPath, ["readme.js"], folder);
  assert.match(printed, /0\.\d+/, "a figure");
});

test("the README's TypeScript for browsers is right by its types", { timeout: 120_000 }, () => {
  const browser = blocks.filter(({ language, mark }) => language === "ts" && mark === "browser");
  assert.ok(browser.length >= 1);
  const files = Object.fromEntries(browser.map(({ code }, at) => [`browser${at}.ts`, code]));
  const folder = project(files);
  const compilerOptions = { noEmit: true, strict: true, target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2023", "dom"], types: [], moduleDetection: "force" };
  write(folder, { "tsconfig.json": JSON.stringify({ compilerOptions, files: Object.keys(files) }) });
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], folder);
});

test("the front page's TypeScript runs in Node, and is right by its types", { timeout: 300_000 }, () => {
  const [, code] = readFileSync(join(root, "README.md"), "utf8").match(/^```ts\n([\s\S]*?)^```$/m);
  const folder = project({ "front.ts": `${code}\nsession.close();\n` });
  const compilerOptions = { strict: true, target: "es2022", module: "nodenext", moduleResolution: "nodenext", lib: ["es2023", "dom"], types: ["node"], typeRoots: [join(root, "node_modules/@types")], outDir: "." };
  write(folder, { "tsconfig.json": JSON.stringify({ compilerOptions, files: ["front.ts"] }) });
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], folder);
  assert.match(run(process.execPath, ["front.js"], folder), /^[0-9a-f]{64}$/m);
});
