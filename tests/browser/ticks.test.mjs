// Labels of axes: whatever the step, no two ticks read alike.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";
import { root } from "../../web/build/setup.mjs";

const source = readFileSync(join(root, "www/src/lib/ticks.ts"), "utf8");
const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
const { tickLabels } = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);

test("ticks have the digits that their step needs, and no more", () => {
  assert.deepEqual(tickLabels([0.69312, 0.69314, 0.69316]), ["0.69312", "0.69314", "0.69316"]);
  assert.deepEqual(tickLabels([0, 0.25, 0.5]), ["0.00", "0.25", "0.50"]);
  assert.deepEqual(tickLabels([0.1 + 0.2, 0.4]), ["0.3", "0.4"]);
  assert.deepEqual(tickLabels([-20, 0, 20, 1000]), ["−20", "0", "20", "1,000"]);
  assert.deepEqual(tickLabels([0, 12500, 25000]), ["0.0", "12.5K", "25.0K"]);
  assert.deepEqual(tickLabels([2e6, 3e6]), ["2M", "3M"]);
  assert.deepEqual(tickLabels([7]), ["7"]);
  assert.deepEqual(tickLabels([]), []);
});
