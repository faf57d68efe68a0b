// The Python package as others get it: a wheel, built by maturin and installed into an environment of its own.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { ask, root, run } from "../../web/build/setup.mjs";

const OLDEST = [3, 9];
const RAY = "ray==2.60.0";
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");
const home = join(target, "python");
const bin = join(home, "venv", process.platform === "win32" ? "Scripts" : "bin");
const project = join(root, "crate", "python");

/** The interpreter of the environment. */
export const python = join(bin, process.platform === "win32" ? "python.exe" : "python");

/** A Python that is new enough and can make environments; or null, and why is printed in one line. */
export function interpreter() {
  for (const name of ["python3", "python"]) {
    const version = ask(name, ["-c", "import venv, ensurepip, sys; print('%d.%d' % sys.version_info[:2])"]);
    if (version === null) continue;
    const [major, minor] = version.split(".").map(Number);
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return name;
  }
  console.log("left out: Python 3.9 or newer with pip and venv is not here. https://www.python.org/downloads has it; Debian: apt-get install python3-venv.");
  return null;
}

/** Installs what these files of requirements name, unless that very text was installed before. */
function require(...files) {
  for (const file of files) {
    const path = join(project, file);
    const stamp = join(home, `${file}.stamp`);
    const wanted = createHash("sha256").update(readFileSync(path)).digest("hex");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) continue;
    console.log(`setup: installing crate/python/${file}`);
    run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", path]);
    writeFileSync(stamp, wanted);
  }
}

/** Makes the environment, builds the wheel and installs it. False where there is no Python to do it with. */
export function wheel({ long = false } = {}) {
  const made = existsSync(python);
  const name = made ? null : interpreter();
  if (!made && name === null) return false;
  mkdirSync(home, { recursive: true });
  if (!made) run(name, ["-m", "venv", join(home, "venv")]);
  require("requirements-test.txt", ...(long ? ["requirements-long.txt"] : []));
  const out = join(home, "wheels");
  rmSync(out, { recursive: true, force: true });
  run(python, ["-m", "maturin", "build", "--quiet", "--target-dir", target, "--out", out], { cwd: project });
  const path = join(out, readdirSync(out).find((file) => file.endsWith(".whl")));
  run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall", "--no-deps", path]);
  process.env.ULTRARE_WHEEL = path;
  if (long) ray();
  return true;
}

/** Ray, where there is one for this Python; the tests say why there is none. */
function ray() {
  if (ask(python, ["-c", "import ray"]) !== null) return;
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", RAY];
  const { status, stderr } = spawnSync(python, args, { encoding: "utf8" });
  if (status !== 0) process.env.ULTRARE_NO_RAY = `${RAY} cannot be installed: ${stderr.trim().split("\n").pop()}`;
}

/** pytest's counts. A run that reports none counts as one failure. */
function count(output, ok) {
  const last = output.trim().split("\n").reverse().find((line) => / in \d+(\.\d+)?s/.test(line)) ?? "";
  const of = (word) => Number(last.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? 0);
  const counts = { passed: of("passed"), failed: of("failed") + of("errors?") };
  if (counts.failed === 0 && (!ok || counts.passed === 0)) counts.failed = 1;
  return counts;
}

/** The step that runs the tests. */
export const pytest = (...args) => ({ command: python, args: ["-m", "pytest", "-c", join(project, "pyproject.toml"), "--rootdir", project, join(project, "tests"), "-p", "no:cacheprovider", ...args], count });
