// The reader against damaged files and random bytes, natively: bounded, and the same on every run.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../../web/build/setup.mjs";

test("damaged files and random bytes are answered, never with a panic", { timeout: 900_000 }, () => {
  const { status, stdout, stderr } = spawnSync("cargo", ["test", "-q", "-p", "ultrare", "--test", "reading", "--", "--ignored"], { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /[1-9]\d* passed/);
});
