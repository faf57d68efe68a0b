// The crate as others get it: packed, unpacked, and built by projects of their own.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { root } from "../../web/build/setup.mjs";
import { scratch } from "./native.mjs";

/** Runs cargo without the network (the lock file's crates are there) and gives what it printed; fails with all of it. */
export function cargo(args, cwd = root, env = {}) {
  const result = spawnSync("cargo", args, { cwd, encoding: "utf8", env: { ...process.env, CARGO_NET_OFFLINE: "true", ...env }, timeout: 1_200_000, maxBuffer: 1 << 28 });
  assert.equal(result.status, 0, `cargo ${args.join(" ")}\n${result.error ?? ""}${result.stdout}\n${result.stderr}`);
  return result.stdout + result.stderr;
}

let files;
/** The paths that a .crate would hold. */
export const packedFiles = () => (files ??= cargo(["package", "-p", "ultrare", "--list", "--allow-dirty", "--no-verify"]).split("\n").filter((line) => line && !/^(warning|\s|=)/.test(line)));

/** What cargo says of the package. */
export const metadata = () => JSON.parse(cargo(["metadata", "--format-version=1", "--no-deps"]).replace(/^[^{]*/, "")).packages.find(({ name }) => name === "ultrare");

/** The crate, packed by cargo and unpacked in a folder of its own, outside of the workspace. */
export function unpacked() {
  const folder = scratch();
  cargo(["package", "-p", "ultrare", "--allow-dirty", "--no-verify", "--target-dir", folder]);
  const { name, version } = metadata();
  const path = join(folder, "package", `${name}-${version}.crate`);
  const result = spawnSync("tar", ["-xzf", path, "-C", folder], { encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  return join(folder, `${name}-${version}`);
}

/** A project that depends on the crate in `path`, with this main function. */
export function dependent(path, main, features = []) {
  const folder = scratch();
  const manifest = `[package]\nname = "consumer"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\nultrare = { path = ${JSON.stringify(path)}, features = ${JSON.stringify(features)} }\n\n[workspace]\n`;
  const lock = readFileSync(join(root, "Cargo.lock"));
  for (const [name, text] of [["Cargo.toml", manifest], ["src/main.rs", main], ["Cargo.lock", lock]]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A cargo subcommand, or null and one line that says what is missing and how it is got. */
export function subcommand(t, name, get) {
  const found = spawnSync("cargo", [name, "--version"], { encoding: "utf8" });
  if (found.status === 0) return found.stdout.trim();
  const missing = `cargo-${name} is not installed: ${get}`;
  console.log(`NOT TRIED: ${missing}`);
  t.skip(missing);
  return null;
}
