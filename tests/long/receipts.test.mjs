// Receipts attacked: who was it, can it lie, does a verifier in another language agree. What each attack found is printed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../../web/build/setup.mjs";

for (const name of ["identify", "lie", "other"]) {
  test(`receipts: ${name}`, { timeout: 3_600_000 }, () => {
    const args = ["test", "-q", "-p", "ultrare", "--features", "cli", "--test", "attacks", `${name}::`, "--", "--ignored", "--nocapture"];
    const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: root, encoding: "utf8" });
    console.log(stdout);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /test result: ok\. [1-9]/, "none ran");
  });
}
