// The command line, as people call it.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../web/build/setup.mjs";

const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
export const binary = join(target, "release", process.platform === "win32" ? "ultrare.exe" : "ultrare");

/** A folder that is gone when the process ends. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "ultrare-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs `ultrare` and throws with its own words if it refuses. */
export function ultrare(...args) {
  const result = spawnSync(binary, args.map(String), { encoding: "utf8" });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`ultrare ${args.join(" ")}\n${result.stderr}`);
  return result.stdout;
}

/** `ultrare run ...` and the JSON it writes. */
export function run(...args) {
  const out = join(scratch(), "out.json");
  ultrare("run", ...args, "--json", out);
  return JSON.parse(readFileSync(out, "utf8"));
}

/** A generated file of interactions. */
export function synth({ users = 300, items = 200, rows = 9000, seed = 7 } = {}) {
  const file = join(scratch(), "rows.csv");
  ultrare("synth", "--users", users, "--items", items, "--rows", rows, "--seed", seed, file);
  return file;
}
