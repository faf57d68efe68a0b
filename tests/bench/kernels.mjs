// npm run bench -- kernels [NAME...] [--train F --test F] [--json OUT] [--times N] [--no-build]
//
// The cases of tests/bench/kernels (those whose name begins with one of NAMEs, or all), the same code natively and in V8, one
// thread each, in turns in one run: the least CPU seconds of each, their ratio, the rate, and whether the results are equal.
// With files, models are trained on those and their NDCG@20 is the one on the test rows. Both have budgets where a goal was set; a ratio above 1.3 or a time over its budget is marked.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ask, Missing, root, run as command, setUp } from "../../web/build/setup.mjs";

const RATIO = 1.3;
/** Runs of each side: until both took this many CPU seconds, but no fewer than LEAST and no more than MOST of each. */
const [ENOUGH, LEAST, MOST] = [0.6, 6, 60];

const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const binary = join(target, "release", process.platform === "win32" ? "ultrare-kernels.exe" : "ultrare-kernels");
const number = (text) => (text === "" ? null : Number(text));

/** The native program: its cases, and `run(index)`. */
async function native(files) {
  const child = spawn(binary, files, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("The native program ended early; its message stands above.");
    return value;
  };
  const cases = [];
  for (let text = await line(); text !== ""; text = await line()) {
    const [name, native, wasm] = text.split("\t");
    cases.push({ index: cases.length, name, native: number(native), wasm: number(wasm) });
  }
  const run = async (index) => {
    child.stdin.write(`${index}\n`);
    const [seconds, checksum, quality, units] = (await line()).split("\t");
    return { seconds: Number(seconds), checksum, quality: Number(quality), units: Number(units) };
  };
  return { cases, run, close: () => child.stdin.end() };
}

/** The module in this process: `run(index)`. */
async function wasm(cases, files) {
  const bytes = readFileSync(join(target, "wasm32-unknown-unknown/wasm/ultrare_kernels.optimised.wasm"));
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { prepare, run, quality, units, room, given, memory } = instance.exports;
  if (files.length) {
    for (const [index, file] of files.entries()) {
      const bytes = readFileSync(file);
      const at = room(index, bytes.length);
      new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
    }
    if (given() !== 1) throw new Missing(`${files.join(" or ")} is no file of interactions.`);
  }
  return (index) => {
    if (prepare(index) !== cases) throw new Error("The module and the native program have different cases: build again.");
    const start = process.cpuUsage();
    const sum = run();
    const { user, system } = process.cpuUsage(start);
    const checksum = BigInt.asUintN(64, sum).toString(16).padStart(16, "0");
    return { seconds: (user + system) / 1e6, checksum, quality: quality(), units: units() };
  };
}

/** One case in turns. The module's first runs are not counted: V8 compiles a function well once it has seen it work. */
async function measure(sides, { index, ...about }, times) {
  let first = 0;
  for (let warm = 0, spent = 0; warm < (first > 1 ? 1 : 3) || (spent < 0.3 && warm < 20); warm++) spent += first = sides.wasm(index).seconds;
  const runs = { native: [], wasm: [] };
  const spent = (side) => runs[side].reduce((sum, { seconds }) => sum + seconds, 0);
  const least = first > 1 ? 2 : LEAST;
  const more = (count) => (times ? count < times : count < least || (count < MOST && Math.min(spent("native"), spent("wasm")) < ENOUGH));
  for (let count = 0; more(count); count++) {
    runs.native.push(await sides.native(index));
    runs.wasm.push(sides.wasm(index));
  }
  const [one] = runs.native;
  const all = [...runs.native, ...runs.wasm];
  const equal = one.checksum !== "0".repeat(16) && all.every(({ checksum }) => checksum === one.checksum);
  const fewest = (side) => Math.min(...runs[side].map(({ seconds }) => seconds));
  const seconds = { native: fewest("native"), wasm: fewest("wasm") };
  const { checksum, quality, units } = one;
  const budget = { native: about.native, wasm: about.wasm };
  return { name: about.name, runs: runs.native.length, seconds, ratio: seconds.wasm / seconds.native, budget, equal, checksum, quality, units };
}

/** A time, with what it may be, and a mark where it is more. */
function time(seconds, budget) {
  const text = seconds >= 0.1 ? seconds.toFixed(3) : `${(seconds * 1000).toFixed(2)}m`;
  return budget === null ? text : `${text} ${seconds > budget ? "!>" : "<="} ${budget}`;
}

function print(rows) {
  const rate = (value) => (value >= 1e6 ? `${(value / 1e6).toFixed(2)}M` : value >= 1e3 ? `${(value / 1e3).toFixed(1)}k` : value.toFixed(1));
  const lines = rows.map(({ name, runs, seconds, budget, ratio, equal, units, quality }) => [
    name, time(seconds.native, budget.native), time(seconds.wasm, budget.wasm), `${ratio.toFixed(2)}${ratio > RATIO ? "!" : " "}`,
    rate(units / seconds.native), rate(units / seconds.wasm), Number.isNaN(quality) ? "-" : quality.toPrecision(6), equal ? "equal" : "DIFFERS", String(runs),
  ]);
  const table = [["case", "native s", "wasm s", "ratio", "native/s", "wasm/s", "quality", "result", "runs"], ...lines];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  console.log(table.map((row) => row.map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[0]))).join("  ")).join("\n"));
}

export async function kernels(names, { json = "bench-kernels.json", times, train, test, "no-build": built = false }) {
  if (!train !== !test) throw new Missing("--train and --test go together.");
  const files = train ? [train, test] : [];
  if (!built) {
    setUp();
    command("cargo", ["run", "--quiet", "--profile", "tool", "-p", "ultrare-build", "--", "--kernels"], { env: { ...process.env, NODE: process.execPath } });
    command("cargo", ["build", "-q", "--release", "-p", "ultrare-kernels", "--bin", "ultrare-kernels"]);
  }
  const side = await native(files);
  try {
    const chosen = side.cases.filter(({ name }) => names.length === 0 || names.some((begin) => name.startsWith(begin)));
    if (chosen.length === 0) throw new Missing(`No case begins with ${names.join(" or ")}. There are: ${side.cases.map(({ name }) => name).join(", ")}.`);
    const sides = { native: side.run, wasm: await wasm(side.cases.length, files) };
    const rows = [];
    for (const one of chosen) {
      process.stderr.write(`${one.name}\n`);
      rows.push(await measure(sides, one, times && Number(times)));
    }
    print(rows);
    const same = rows.every(({ equal }) => equal);
    console.log(same ? "\nEqual results natively and in wasm." : "\nRESULTS DIFFER between native and wasm.");
    writeFileSync(json, `${JSON.stringify({ cpu: cpus()[0]?.model, node: process.version, rustc: ask("rustc", ["--version"]), same, rows }, null, 2)}\n`);
    console.log(`Written to ${json}.`);
    if (!same) process.exitCode = 1;
  } finally {
    side.close();
  }
}
