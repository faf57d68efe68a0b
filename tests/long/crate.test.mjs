// The packed crate in the hands of others: built, tested and used away from this workspace, by the oldest Rust that it names, and held
// against what cargo-deny and cargo-semver-checks ask. What is not installed here is said.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "../../web/build/setup.mjs";
import { cargo, dependent, metadata, subcommand, unpacked } from "../support/crate.mjs";
import { scratch } from "../support/native.mjs";

const LONG = { timeout: 1_800_000 };
/** No debug information: nobody looks into these, and it fills the disk. */
const LEAN = { CARGO_PROFILE_DEV_DEBUG: "0", CARGO_PROFILE_DEV_OPT_LEVEL: "1", CARGO_TARGET_DIR: scratch() };
let crate;

before(() => {
  crate = unpacked();
});

test("the unpacked crate builds, also its command line, and its pages' examples pass", LONG, () => {
  assert.ok(!existsSync(join(crate, "tests")) && !existsSync(join(crate, "benches")));
  cargo(["build", "--locked"], crate, LEAN);
  cargo(["build", "--locked", "--features", "cli", "--bin", "ultrare"], crate, LEAN);
  const said = cargo(["test", "--locked", "--doc", "--features", "threads"], crate, LEAN);
  const [, passed] = said.match(/test result: ok\. (\d+) passed; 0 failed/) ?? assert.fail(said);
  assert.ok(Number(passed) >= 12, said);
  assert.match(said, /README\.md|Readme/, "the page of the crate is among them");
  console.log(`crate: ${passed} examples of its pages pass from the unpacked crate`);
});

test("somebody who copies the front page into a project of their own gets a list", LONG, () => {
  const [, main] = readFileSync(join(root, "README.md"), "utf8").match(/^```rust\n([\s\S]*?)^```$/m);
  assert.match(cargo(["run", "-q"], dependent(crate, main), LEAN), /^20 items for u042$/m);
});

test("the oldest Rust that it names compiles it, with every feature", LONG, (t) => {
  const oldest = metadata().rust_version.replace(/\.0$/, "");
  const has = () => spawnSync("cargo", [`+${oldest}`, "--version"], { encoding: "utf8" }).status === 0;
  if (!has()) spawnSync("rustup", ["toolchain", "install", oldest, "--profile", "minimal"], { encoding: "utf8", timeout: 600_000 });
  if (!has()) {
    const missing = `Rust ${oldest} is neither here nor can it be got: rustup toolchain install ${oldest}`;
    console.log(`NOT TRIED: ${missing}`);
    return t.skip(missing);
  }
  cargo([`+${oldest}`, "check", "--locked", "--features", "cli,parquet,ts"], crate, { ...LEAN, CARGO_TARGET_DIR: scratch() });
});

test("cargo-deny: licences, sources, duplicates, and known holes where their list can be had", LONG, (t) => {
  if (!subcommand(t, "deny", "cargo install cargo-deny --locked")) return;
  const deny = (...args) => spawnSync("cargo", ["deny", ...args], { cwd: root, encoding: "utf8" });
  const kept = deny("--offline", "check", "licenses", "bans", "sources");
  assert.equal(kept.status, 0, kept.stderr + kept.stdout);
  const known = deny("check", "advisories");
  if (/failed to fetch advisory database/.test(known.stderr)) console.log("NOT TRIED: known holes: the advisory database cannot be had here (https://github.com/RustSec/advisory-db).");
  else assert.equal(known.status, 0, known.stderr + known.stdout);
});

test("the public items are those of public.txt: a new one is added there on purpose, and one that goes is a break", LONG, () => {
  const target = scratch();
  cargo(["doc", "-p", "ultrare", "--no-deps", "--features", "threads,sign"], root, { ...LEAN, CARGO_TARGET_DIR: target, RUSTDOCFLAGS: "-D warnings" });
  // rustdoc's own list of everything public, modules aside.
  const all = readFileSync(join(target, "doc/ultrare/all.html"), "utf8");
  const found = [...all.matchAll(/href="([\w/]*?)(struct|enum|trait|fn|type|constant|macro|static)\.(\w+)\.html"/g)].map(([, path, kind, name]) => `${kind} ${path.replaceAll("/", "::")}${name}`);
  const text = `${[...new Set(found)].sort().join("\n")}\n`;
  const path = join(root, "tests/package/public.txt");
  if (process.env.UPDATE) writeFileSync(path, text);
  assert.equal(readFileSync(path, "utf8"), text, "UPDATE=1 node --test tests/long/crate.test.mjs writes it anew");
  console.log(`crate: ${text.split("\n").length - 1} public items`);
});

test("cargo-semver-checks: nothing public breaks since the last version that was tagged", LONG, (t) => {
  if (!subcommand(t, "semver-checks", "cargo install cargo-semver-checks --locked")) return;
  const tag = spawnSync("git", ["describe", "--tags", "--abbrev=0", "--match", "v*"], { cwd: root, encoding: "utf8" }).stdout.trim();
  // Nothing was published yet: then it is held against itself, which shows that the tool reads the crate.
  const baseline = tag === "" ? ["--baseline-root", join(root, "crate")] : ["--baseline-rev", tag];
  if (tag === "") console.log("semver: no version is tagged yet; the crate is held against itself, and tests/package/public.txt is what a review goes by");
  const result = spawnSync("cargo", ["semver-checks", "-p", "ultrare", "--features", "threads,sign", ...baseline], { cwd: root, encoding: "utf8", env: { ...process.env, CARGO_TARGET_DIR: LEAN.CARGO_TARGET_DIR } });
  assert.equal(result.status, 0, result.stderr + result.stdout);
});
