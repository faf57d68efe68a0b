// npm run bench -- library: factorisation beside a library's, on the same rows, in turns; quality stands beside every time.
//
//   npm run bench -- library [--sizes small,medium,large] [--factors 32,64,128] [--threads 1,2] [--models wmf,bpr] [--json OUT] [--no-build]
//
// `implicit` (alternating least squares by conjugate gradients, and BPR) is installed from PyPI into an environment under target/. Where
// there is no Python, or no such package for it, one sentence says so and nothing fails. What is measured and how stands in library.py.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { Missing, root, run } from "../../web/build/setup.mjs";
import { binary } from "../support/native.mjs";
import { interpreter } from "../support/python.mjs";

const LIBRARY = "implicit==0.7.3";
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const home = join(target, "library");
const python = join(home, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** The environment with the library in it; or why there is none, in a sentence. */
function environment() {
  const there = () => spawnSync(python, ["-c", "import implicit, threadpoolctl"]).status === 0;
  if (there()) return null;
  const name = interpreter();
  if (name === null) return "Nothing is compared: there is no Python to install the library for.";
  mkdirSync(target, { recursive: true });
  for (const [program, ...args] of [[name, "-m", "venv", home], [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", LIBRARY, "threadpoolctl"]]) {
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) return `Nothing is compared: ${LIBRARY} cannot be installed (${stderr?.trim().split("\n").pop() ?? program}).`;
  }
  return there() ? null : `Nothing is compared: ${LIBRARY} was installed and cannot be imported.`;
}

export function library(options) {
  const why = environment();
  if (why) return void console.log(why);
  if (!options["no-build"]) run("cargo", ["build", "-q", "--release", "-p", "ultrare", "--features", "cli", "--bin", "ultrare"]);
  const args = ["sizes", "factors", "threads", "models"].flatMap((name) => (options[name] === undefined ? [] : [`--${name}`, options[name]]));
  const { status } = spawnSync(python, [join(root, "tests/bench/library.py"), "--ultrare", binary, "--folder", join(home, "sets"), "--json", options.json ?? "library.json", ...args], { stdio: "inherit" });
  if (status !== 0) throw new Missing("The comparison ended with an error: see above.");
}
