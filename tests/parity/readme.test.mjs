// The shell blocks of the front page are run, in their order, as somebody would who copies them. Its TypeScript is run in
// tests/package, its Python in crate/python/tests, its Rust as an example of the crate.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "../../web/build/setup.mjs";
import { binary, scratch } from "../support/native.mjs";

const blocks = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
const folder = scratch();

/** 120 people named as in the blocks. */
const people = Array.from({ length: 120 }, (_, n) => `u${String(n).padStart(2, "0")}`);
const rows = people.flatMap((user, n) => Array.from({ length: 24 }, (_, k) => [user, `i${(n % 4) * 15 + ((n * 7 + k * 5) % 22)}`])).filter((row, at, all) => all.findIndex(([user, item]) => user === row[0] && item === row[1]) === at);
const write = (name, list) => writeFileSync(join(folder, name), `user,item\n${list.map((row) => row.join(",")).join("\n")}\n`);

/** As it stands, with the binary that is there already in the place of building it. */
function shell(code) {
  const env = { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env.PATH}` };
  const text = code.replaceAll("cargo run --release -p ultrare --features cli --bin ultrare --", "ultrare");
  const { status, stdout, stderr } = spawnSync("sh", ["-ec", text], { cwd: folder, env, encoding: "utf8" });
  assert.equal(status, 0, `${text}\n${stdout}${stderr}`);
  return stdout + stderr;
}

test("the README's shell runs", { skip: process.platform === "win32" && "its blocks are those of a POSIX shell", timeout: 600_000 }, () => {
  write("rows.csv", rows);
  write("train.csv", rows.filter((_, at) => at % 5 > 0));
  write("test.csv", rows.filter((_, at) => at % 5 === 0));
  write("rows-now.csv", rows.filter(([user]) => !["u01", "u02", "u40", "u41"].includes(user)));
  const [setup, first, ...others] = blocks;
  // Whoever runs this test has run the second of the two, and the first serves until it is ended.
  assert.match(setup, /^npm start .*\nnpm test .*\n$/);
  shell(first);
  assert.ok(JSON.parse(readFileSync(join(folder, "out.json"), "utf8")).digests && existsSync(join(folder, "sample.csv")));
  let verified = 0;
  for (const block of others) {
    // What was printed before is what somebody kept as the head.
    const third = join(folder, "third.json");
    for (const line of block.replaceAll("\\\n", " ").trim().split("\n")) {
      const said = shell(line.replace(/DIGEST/, () => JSON.parse(readFileSync(third, "utf8")).digest));
      verified += Number(/verified/.test(said));
    }
  }
  assert.equal(verified, 2, "both lines that verify say so");
  // Three numbers of shards, two partitions, three combiners, for each of three seeds.
  const { seeds } = JSON.parse(readFileSync(join(folder, "sweep.json"), "utf8"));
  assert.deepEqual(Object.values(seeds).map(({ points }) => points.length), [18, 18, 18]);
});
