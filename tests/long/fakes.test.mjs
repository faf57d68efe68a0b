// The audit, audited: honest forgetting and six fakes over ten seeds give the rates that README and page tell.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../../web/build/setup.mjs";

test("fakes: ten seeds", { timeout: 3_600_000 }, () => {
  const args = ["test", "-q", "-p", "ultrare", "--features", "cli", "--test", "fakes", "ten_seeds", "--", "--ignored", "--nocapture"];
  const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: root, encoding: "utf8" });
  console.log(stdout);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /test result: ok\. 1 passed/, "none ran");
});
