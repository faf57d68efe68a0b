// npm test: sets everything up and runs every suite, one after the other.
//
//   npm test                    everything but the long suites
//   npm test -- client parity   only these
//   npm run test:long           the long suites

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildClient, buildPage, buildWasm } from "../web/build/build.mjs";
import { main, root, run, setUp } from "../web/build/setup.mjs";
import { chromium } from "./support/chromium.mjs";
import { pytest, wheel } from "./support/python.mjs";

const WASM = ["--target", "wasm32-unknown-unknown"];
const STRICT = ["--", "-D", "warnings"];

/** A check that has no tests inside: it passes or fails as one. */
const check = (command, ...args) => ({ command, args, count: (output, ok) => ({ passed: Number(ok), failed: Number(!ok) }) });
/** A cargo test run. */
const cargo = (...args) => ({ command: "cargo", args: ["test", ...args], count: sum(/^test result: \w+\. (\d+) passed; (\d+) failed/gm) });
/** Test files under node's runner. */
const files = (paths) => {
  const args = ["--test", "--test-concurrency=1", "--test-reporter=spec", ...paths];
  return { command: process.execPath, args, count: sum(/^ℹ pass (\d+)\n(?:.*\n)*?ℹ fail (\d+)$/gm) };
};
/** All *.test.mjs of a folder. */
const tests = (folder) => readdirSync(join(root, "tests", folder)).filter((name) => name.endsWith(".test.mjs")).sort().map((name) => `tests/${folder}/${name}`);
const node = (folder) => files(tests(folder));
/** File by file; one that fails is run once more, and named at the end: a browser on a busy machine is not always in time. */
const twice = (folder) => tests(folder).map((path) => ({ ...files([path]), again: path }));
const script = (path, ...args) => check(process.execPath, join("node_modules", path), ...args);

/** Suites in order; cheap ones first, so that a slip is told early. */
const SUITES = [
  { name: "format", title: "cargo fmt", make: () => [check("cargo", "fmt", "--all", "--check")] },
  {
    name: "lint",
    title: "clippy, native and wasm",
    make: () => [
      check("cargo", "clippy", "-q", "-p", "ultrare", "--all-targets", "--features", "cli", ...STRICT),
      check("cargo", "clippy", "-q", "-p", "ultrare-kernels", "--all-targets", ...STRICT),
      check("cargo", "clippy", "-q", "-p", "ultrare-python", ...STRICT),
      check("cargo", "clippy", "-q", "-p", "ultrare-build", "--profile", "tool", ...STRICT),
      check("cargo", "clippy", "-q", "-p", "ultrare-web", ...WASM, ...STRICT),
    ],
  },
  { name: "crate", title: "the algorithms (cargo test)", make: () => [cargo("-q", "--no-fail-fast", "-p", "ultrare", "--features", "cli")] },
  {
    name: "types",
    title: "TypeScript and Svelte",
    make: () => [
      script("typescript/bin/tsc", "-p", "web/tsconfig.json", "--noEmit"),
      script("svelte-check/bin/svelte-check", "--workspace", "www", "--tsconfig", "./tsconfig.json", "--fail-on-warnings"),
    ],
  },
  { name: "client", title: "the TypeScript client, alone", make: () => [node("client")] },
  { name: "parity", title: "native == wasm", needs: native, make: () => [node("parity")] },
  { name: "package", title: "the packed npm package in a consumer", make: () => [node("package")] },
  { name: "python", title: "the Python wheel", needs: native, make: () => (wheel() ? [pytest()] : []) },
  { name: "browser", title: "the page in Chromium", needs: chromium, make: () => twice("browser") },
];
const LONG = [
  { name: "long", title: "the long suites", needs: () => (native(), chromium()), make: () => twice("long") },
  { name: "python", title: "the Python wheel, what takes long", needs: native, make: () => (wheel({ long: true }) ? [pytest("--long")] : []) },
];

/** Adds up the two numbers of every match. A run that reports none counts as one failure. */
function sum(pattern) {
  return (output, ok) => {
    const counts = { passed: 0, failed: 0 };
    let found = false;
    for (const [, passed, failed] of output.matchAll(pattern)) {
      counts.passed += Number(passed);
      counts.failed += Number(failed);
      found = true;
    }
    if (!ok && counts.failed === 0) counts.failed = 1;
    if (ok && !found) counts.failed = 1;
    return counts;
  };
}

/** The command line that wasm is compared with, made as people make it. */
function native() {
  run("cargo", ["build", "-q", "--release", "-p", "ultrare", "--features", "cli", "--bin", "ultrare"]);
}

/** Runs one command, its output shown as it comes and kept for counting. */
function show({ command, args, count }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, FORCE_COLOR: "0" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
        process.stdout.write(text);
      });
    }
    child.on("error", (error) => {
      console.log(`${command} could not be started: ${error.message}`);
      resolve({ passed: 0, failed: 1 });
    });
    child.on("close", (code) => resolve(count(output, code === 0)));
  });
}

async function suite({ name, title, needs, make }) {
  console.log(`\n== ${name}: ${title}`);
  const start = performance.now();
  const total = { name, passed: 0, failed: 0, again: [] };
  try {
    await needs?.();
    for (const step of make()) {
      let counts = await show(step);
      if (counts.failed && step.again) {
        console.log(`${step.again} failed, and is run once more`);
        counts = await show(step);
        total.again.push(step.again);
      }
      total.passed += counts.passed;
      total.failed += counts.failed;
    }
  } catch (error) {
    console.log(error.message);
    total.failed += 1;
  }
  return { ...total, seconds: (performance.now() - start) / 1000 };
}

await main(async () => {
  const asked = process.argv.slice(2).filter((argument) => argument !== "--long");
  const known = process.argv.includes("--long") ? LONG : SUITES;
  const wrong = asked.find((name) => !known.some((one) => one.name === name));
  if (wrong) throw new Error(`There is no suite ${wrong}: there are ${known.map((one) => one.name).join(", ")}.`);

  setUp();
  buildWasm();
  buildClient();
  buildPage();
  const results = [];
  for (const one of known) if (asked.length === 0 || asked.includes(one.name)) results.push(await suite(one));

  console.log("");
  for (const { name, passed, failed, again, seconds } of results) {
    const tests = `${passed + failed} test${passed + failed === 1 ? "" : "s"}`;
    console.log(`${name}: ${tests}${failed ? `, ${failed} FAILED` : ""} (${seconds.toFixed(0)} s)`);
    for (const path of again) console.log(`  ${path} was run twice, because it failed the first time`);
  }
  const passed = results.reduce((total, one) => total + one.passed, 0);
  const failed = results.reduce((total, one) => total + one.failed, 0);
  if (failed > 0) process.exitCode = 1;
  console.log(`${passed} passed, ${failed} failed`);
});
