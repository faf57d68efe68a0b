// npm run bench: the same file and settings natively, in Node and in Chromium; seconds per stage beside the quality reached.
//
//   npm run bench -- --train F --test F | --data F | --sample SIZE  [--json OUT] [--repeat N] [--workers N] [--no-build]
//                    [--partition M] [--shards K] [--model M] [--combine C] [--slices R] [--forget F] [--seed S]
//   npm run bench -- kernels [NAME...]    single kernels, natively and in wasm in turns: see kernels.mjs
//   npm run bench -- library              factorisation beside a library's, to the same quality: see library.mjs
//   npm run bench -- cold                 what a project that depends on the crate waits for, once: see cold.mjs
//
// Wall seconds of the best of N runs (3). `native` and the wasm columns run on one thread, so that ratios compare code with code;
// `page` is Chromium with all workers, `native all` the command line with all threads.

import { openAsBlob, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { buildClient, buildWasm } from "../../web/build/build.mjs";
import { Missing, main, run as command, setUp } from "../../web/build/setup.mjs";

const STAGES = ["read", "embed", "partition", "train", "combine", "evaluate", "unlearn", "retrain"];
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    train: { type: "string" }, test: { type: "string" }, data: { type: "string" }, sample: { type: "string" },
    sizes: { type: "string" }, factors: { type: "string" }, threads: { type: "string" }, models: { type: "string" },
    json: { type: "string" }, times: { type: "string" }, repeat: { type: "string", default: "3" }, workers: { type: "string" },
    partition: { type: "string" }, shards: { type: "string" }, model: { type: "string" }, combine: { type: "string" }, slices: { type: "string" },
    "no-build": { type: "boolean", default: false }, seed: { type: "string", default: "1" }, forget: { type: "string", default: "random:1%" },
  },
});

/** `random:5%` or `users:a,b` as the client asks for it. */
function request(text) {
  const [how, rest] = [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1)];
  return how === "users" ? { users: rest.split(",") } : { how, percent: Number(rest.replace("%", "")) };
}

/** The run with the smallest total, whatever the rest of the machine was doing in the others. */
async function best(times, make) {
  const runs = [];
  for (let time = 0; time < times; time++) runs.push(await make());
  const total = ({ seconds }) => STAGES.reduce((sum, stage) => sum + (seconds[stage] ?? 0), 0);
  return runs.reduce((least, one) => (total(one) < total(least) ? one : least));
}

const outcome = ({ seconds, results, digests }, wall) => ({ seconds, results, digests, ...(wall && { wall }) });

async function inNode(job) {
  const [{ open }, { pipeline }] = await Promise.all([import("../../web/dist/node.js"), import("../support/pipeline.mjs")]);
  const session = await open();
  const { data, train, test, sample } = options;
  const source = sample ? { sample, seed: Number(options.seed) } : data ? { data: await openAsBlob(data) } : { train: await openAsBlob(train), test: await openAsBlob(test) };
  const { snapshot, wall } = await pipeline(session, { ...job, source });
  session.close();
  return outcome(snapshot, wall);
}

async function inChromium({ page }, job, workers) {
  const { data, train, test, sample } = options;
  await page.reload();
  await page.setInputFiles("input", sample ? [] : data ? [data] : [train, test]);
  const { snapshot, wall } = await page.evaluate(async ({ job, sample, seed, workers }) => {
    const [{ open }, { pipeline }] = await Promise.all([import("/index.js"), import("/pipeline.js")]);
    const [first, second] = document.querySelector("input").files;
    const source = sample ? { sample, seed } : second ? { train: first, test: second } : { data: first };
    const session = await open(workers ? { workers } : {});
    const done = await pipeline(session, { ...job, source });
    session.close();
    return { snapshot: done.snapshot, wall: done.wall };
  }, { job, sample, seed: Number(options.seed), workers });
  return outcome(snapshot, wall);
}

function table(runs) {
  const rows = [["stage", "native s", "node s", "ratio", "chromium s", "ratio", "native all s", "page s"]];
  const [native, node, chromium, all, page] = ["native", "node", "chromium", "native_all", "page"].map((name) => runs[name]);
  const line = (label, of) => {
    const [a, b, c, d, e] = [native, node, chromium, all, page].map(of);
    const ratio = (value) => (a >= 0.001 ? (value / a).toFixed(2) : "-");
    const text = (value) => (value === undefined ? "-" : value.toFixed(3));
    rows.push([label, text(a), text(b), ratio(b), text(c), ratio(c), text(d), text(e)]);
  };
  for (const stage of STAGES) line(stage, ({ seconds }) => seconds[stage] ?? 0);
  line("sum", ({ seconds }) => STAGES.reduce((sum, stage) => sum + (seconds[stage] ?? 0), 0));
  rows.push(["wall", "-", node.wall.all.toFixed(3), "-", chromium.wall.all.toFixed(3), "-", "-", page.wall.all.toFixed(3)]);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join("  ")).join("\n");
}

function quality({ results }) {
  return Object.entries(results).map(([pipeline, { metrics }]) => {
    const figure = (name) => `${name} ${metrics[name].mean.toFixed(4)} [${metrics[name].low.toFixed(4)}, ${metrics[name].high.toFixed(4)}]`;
    return `${pipeline.padEnd(10)} ${figure("ndcg@20")}  ${figure("recall@20")}`;
  }).join("\n");
}

await main(async () => {
  const [what, ...names] = positionals;
  if (what === "kernels") return (await import("./kernels.mjs")).kernels(names, options);
  if (what === "cold") return (await import("./cold.mjs")).cold();
  if (what === "library") return (await import("./library.mjs")).library(options);
  if (what) throw new Missing(`There is no benchmark ${what}: there are kernels, cold and library, or none for the stages.`);
  if (!options.data && !options.sample && !(options.train && options.test)) {
    throw new Missing("Say what to run on: --train F --test F, or --data F, or --sample small|medium|large.");
  }
  if (!options["no-build"]) {
    setUp();
    buildWasm();
    buildClient();
    command("cargo", ["build", "-q", "--release", "-p", "ultrare", "--features", "cli", "--bin", "ultrare"]);
  }
  const [{ run }, { harness }] = await Promise.all([import("../support/native.mjs"), import("../support/harness.mjs")]);

  const args = ["train", "test", "data", "sample", "partition", "shards", "model", "combine", "slices", "seed", "forget"]
    .flatMap((name) => (options[name] === undefined ? [] : [`--${name}`, options[name]]));
  const times = Number(options.repeat);
  const threads = Number(options.workers ?? cpus().length);
  const runs = {};
  runs.native = await best(times, () => run(...args, "--confirm", "--threads", 1));
  const job = { config: runs.native.settings, forget: request(options.forget) };
  runs.native_all = await best(times, () => run(...args, "--confirm", "--threads", threads));
  runs.node = await best(times, () => inNode(job));
  const browser = await harness();
  try {
    runs.chromium = await best(times, () => inChromium(browser, job, 1));
    runs.page = await best(times, () => inChromium(browser, job, threads));
  } finally {
    await browser.close();
  }
  for (const name of Object.keys(runs)) runs[name] = outcome(runs[name], runs[name].wall);
  const same = Object.values(runs).every(({ digests }) => JSON.stringify(digests) === JSON.stringify(runs.native.digests));

  console.log(`\n${table(runs)}\n\n${quality(runs.native)}\n`);
  console.log(same ? "All runs gave the same digests." : "THE DIGESTS DIFFER: see the JSON.");
  const json = options.json ?? "bench.json";
  writeFileSync(json, `${JSON.stringify({ options, cores: cpus().length, config: job.config, same, runs }, null, 2)}\n`);
  console.log(`Written to ${json}.`);
  if (!same) process.exitCode = 1;
});
