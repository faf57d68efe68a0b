// Nothing for an accessibility checker to find: in every phase, tab, dialog and lesson, at three widths, in both themes and with
// forced colours. Each place is looked at in every width, the themes taking turns; tests/long/axe.test.mjs does all of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { checker } from "../support/axe.mjs";
import { id, inBrowser, page, trained, visit } from "../support/page.mjs";
import { THEMES, WIDTHS, dialogs, dress, lessons, pinned, story, tooWide } from "../support/tour.mjs";

inBrowser();

let turn = 0;
/** All that is found on the way, told at its end. */
function eyes() {
  const found = [];
  const look = async (what) => { for (const one of await checker(page)) found.push([what, ...one]); };
  return {
    found,
    plain: look,
    around: async (name) => {
      for (const width of WIDTHS) {
        const theme = THEMES[turn++ % 2];
        await dress(page, width, theme);
        await look(`${name}, ${width} px, ${theme}`);
        if (await tooWide(page)) found.push([name, `wider than ${width} px`]);
      }
      await dress(page, 1440, "light");
    },
  };
}
/** The same run twice, one beside the other. */
async function twoRuns(page, see) {
  await id("reset").click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="ledger"] tbody tr').length === 2);
  await trained();
  await pinned(page, see);
}
const begin = (options) => visit({ hash: "#v1&data=sample:small", colorScheme: "light", ...options });

for (const [what, walk] of [["phase and tab", story], ["phase with two runs pinned", twoRuns], ["dialog", dialogs], ["lesson", lessons]]) {
  test(`every ${what}`, { timeout: 240_000 }, async () => {
    await begin();
    const { found, around } = eyes();
    await walk(page, around);
    assert.deepEqual(found, []);
  });
}

test("with forced colours", { timeout: 240_000 }, async () => {
  await begin({ forcedColors: "active" });
  const { found, plain } = eyes();
  await story(page, plain);
  await dialogs(page, plain);
  await lessons(page, plain, { which: ["remember"] });
  assert.deepEqual(found, []);
});
