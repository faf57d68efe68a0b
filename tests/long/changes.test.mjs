// A thousand sequences of changes over all partitions and models: what serves equals what is built from the rows.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../../web/build/setup.mjs";

test("changes: a thousand sequences", { timeout: 1_800_000 }, () => {
  const args = ["test", "-q", "-p", "ultrare", "--features", "cli", "--test", "changes", "thousand", "--", "--ignored"];
  const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: root, encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /test result: ok\. 1 passed/, "none ran");
});

test("changes: a thousand single requests against edited files", { timeout: 1_800_000 }, () => {
  const args = ["test", "-q", "-p", "ultrare", "--features", "cli", "--test", "requests", "thousand", "--", "--ignored", "--nocapture"];
  const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: root, encoding: "utf8" });
  console.log(stdout);
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /test result: ok\. 1 passed/, "none ran");
});
