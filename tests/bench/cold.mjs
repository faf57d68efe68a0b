// npm run bench -- cold: the first build of a project that depends on the crate, as its author waits for it. Seconds of processor time
// (user and system, of cargo and all that it starts), from an empty target folder, with the settings that cargo gives to a new project.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Missing, root } from "../../web/build/setup.mjs";
import { dependent } from "../support/crate.mjs";

const [, MAIN] = readFileSync(join(root, "README.md"), "utf8").match(/^```rust\n([\s\S]*?)^```$/m);
const WAYS = [
  { name: "dev, default features", features: [], args: [] },
  { name: "dev, threads and sign", features: ["threads", "sign"], args: [] },
  { name: "release, default features", features: [], args: ["--release"] },
];

/** Seconds as the shell tells what its children took: the fourth and third figures of `times`. */
function measured(folder, args) {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", 'cargo fetch -q && cargo build -q "$@" && times', "sh", ...args], { cwd: folder, encoding: "utf8", env: { ...process.env, CARGO_TARGET_DIR: join(folder, "target") } });
  if (status !== 0) throw new Missing(`The project could not be built: ${stderr}`);
  const [user, system] = stdout.trim().split("\n")[1].split(" ").map((text) => {
    const [, minutes, seconds] = text.match(/(\d+)m([\d.]+)s/);
    return 60 * Number(minutes) + Number(seconds);
  });
  return { user, system };
}

export function cold() {
  for (const { name, features, args } of WAYS) {
    const { user, system } = measured(dependent(join(root, "crate"), MAIN, features), args);
    console.log(`${name.padEnd(26)} ${(user + system).toFixed(1).padStart(6)} s of processor time (${user.toFixed(1)} user, ${system.toFixed(1)} system)`);
  }
}
