// `ultrare/single`: the client, its worker and the module in one file that needs neither a bundler nor another file.

import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** What one file may weigh: the module in base64, and the client twice, as it is and as the worker's source. */
const BUDGET = 1_900_000;

/** Makes `dist/single.js` of the modules beside it; `bundle` is the bundler's command line. */
export function buildSingle(dist, bundle) {
  const [entry, worker, embedded] = ["single.js", "single.worker.js", "embedded.js"].map((name) => join(dist, name));
  const one = (input, format, output) => bundle(input, "--format", format, "--file", output, "--minify", "--no-codeSplitting", "--logLevel", "warn");
  const [script, whole] = [join(dist, "worker.bundle.js"), join(dist, "single.bundle.js")];
  one(worker, "iife", script);
  const module = gzipSync(readFileSync(join(dist, "wasm/ultrare_web_bg.wasm")), { level: 9 }).toString("base64");
  writeFileSync(embedded, `export const WORKER = ${JSON.stringify(readFileSync(script, "utf8"))};\nexport const MODULE = "${module}";\n`);
  one(entry, "esm", whole);
  writeFileSync(entry, readFileSync(whole));
  for (const made of [worker, worker.replace(/js$/, "d.ts"), embedded, script, whole]) rmSync(made, { force: true });
  const { size } = statSync(entry);
  if (size > BUDGET) throw new Error(`dist/single.js has ${size} bytes, over the budget of ${BUDGET}`);
  console.log(`single.js: ${(size / 1e3).toFixed(1)} kB`);
}
