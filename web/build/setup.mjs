// What a clean clone needs before anything can be built: node >= 20, cargo, the wasm target, the npm packages.
// Only node's own modules here: this runs before anything is installed.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const TARGET = "wasm32-unknown-unknown";

/** Stops with one line that says what to do. */
export class Missing extends Error {}

/** Runs a command, its output shown, and stops with one line if it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) throw new Missing(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) throw new Missing(`${[command, ...args].join(" ")} failed; its message stands above.`);
}

/** What a command prints, or null if it fails or does not exist. */
export function ask(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  return result.error || result.status !== 0 ? null : result.stdout.trim();
}

export function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) throw new Missing(`Node ${process.versions.node} is too old: install Node 20 or newer from https://nodejs.org.`);
}

export function checkCargo() {
  if (ask("cargo", ["--version"]) !== null) return;
  throw new Missing("Rust is missing: install it from https://rustup.rs (one command), open a new shell, and try again.");
}

/** Adds the wasm target where it is missing. */
export function wasmTarget() {
  const folder = ask("rustc", ["--print", "target-libdir", "--target", TARGET]);
  if (folder !== null && existsSync(folder)) return;
  console.log(`setup: adding the Rust target ${TARGET}`);
  if (ask("rustup", ["--version"]) === null) {
    throw new Missing(`Rust's target ${TARGET} is missing and there is no rustup to add it: install Rust from https://rustup.rs.`);
  }
  run("rustup", ["target", "add", TARGET]);
}

/** Installs the npm packages unless those of this very lock file are there. */
export function packages() {
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", "package.json", "web/package.json", "www/package.json"]) {
    hash.update(existsSync(join(root, file)) ? readFileSync(join(root, file)) : "");
  }
  const stamp = join(root, "node_modules", ".ultrare-stamp");
  const wanted = hash.digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.log("setup: installing npm packages");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  run(npm, ["ci", "--no-progress", "--loglevel=error"], { shell: process.platform === "win32" });
  writeFileSync(stamp, wanted);
}

export function setUp() {
  checkNode();
  checkCargo();
  wasmTarget();
  packages();
}

/** Runs a script's main function; a `Missing` is one line, anything else is a defect and keeps its stack. */
export async function main(action) {
  try {
    await action();
  } catch (error) {
    console.error(error instanceof Missing ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
