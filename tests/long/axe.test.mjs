// Nothing for an accessibility checker to find: every phase, tab, dialog and lesson, in every width, both themes, and with forced
// colours in every width; the figures behind each tab measured. What tests/browser/axe.test.mjs looks at in turns.

import assert from "node:assert/strict";
import { test } from "node:test";
import { checker } from "../support/axe.mjs";
import { inBrowser, page, visit } from "../support/page.mjs";
import { THEMES, WIDTHS, dialogs, dress, lessons, pinned, story } from "../support/tour.mjs";

inBrowser();

for (const forcedColors of ["none", "active"]) {
  for (const [what, walk] of [["phase and tab", async (page, see) => { await story(page, see, { measured: true }); await pinned(page, see); }], ["dialog", dialogs], ["lesson", (page, see) => lessons(page, see, { toTheEnd: true })]]) {
    test(`every ${what}, ${forcedColors === "none" ? "in both themes" : "with forced colours"}`, { timeout: 1_800_000 }, async () => {
      await visit({ newcomer: true, forcedColors, colorScheme: "light" });
      const found = [];
      let looked = 0;
      await walk(page, async (name) => {
        for (const theme of forcedColors === "none" ? THEMES : ["light"]) {
          for (const width of WIDTHS) {
            await dress(page, width, theme);
            for (const one of await checker(page)) found.push([`${name}, ${width} px, ${theme}`, ...one]);
            looked++;
          }
        }
        await dress(page, 1440, "light");
      });
      console.log(`${looked} states of the page, ${found.length} findings`);
      assert.deepEqual(found, []);
    });
  }
}
