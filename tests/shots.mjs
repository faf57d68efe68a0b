// npm run shots: every phase, tab, dialog and lesson at three widths and in both themes, as files to look at.
//
//   npm run shots                 into tests/.shots/
//   npm run shots -- FOLDER       into FOLDER
//   npm run shots -- FOLDER dialogs,lessons    these parts of it only: story, pinned, dialogs, lessons
//
// Fails where something is wider than its window, or where the page said anything on the console.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../web/build/serve.mjs";
import { main, root } from "../web/build/setup.mjs";
import { launch } from "./support/chromium.mjs";
import { watch } from "./support/harness.mjs";
import { THEMES, WIDTHS, dialogs, dress, lessons, pinned, story, tooWide } from "./support/tour.mjs";

/** On a phone everything is one column: so much of it is shown, in pixels. */
const TALL = 3400;

await main(async () => {
  const parts = (process.argv[3] ?? "story,pinned,dialogs,lessons").split(",");
  const folder = process.argv[2] ?? join(root, "tests/.shots");
  mkdirSync(folder, { recursive: true });
  const { server, address } = await serve(join(root, "www/dist"));
  const browser = await launch();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  const wrong = watch(page, address);
  let taken = 0;
  /** One state of the page in every width and theme. */
  const shoot = async (name) => {
    for (const theme of THEMES) {
      for (const width of WIDTHS) {
        await dress(page, width, theme);
        await page.waitForTimeout(250);
        if (await tooWide(page)) wrong.push(`${name} is wider than ${width} px, ${theme}`);
        const phone = width < 500 && !(await page.locator("dialog[open]").count());
        const height = phone ? Math.min(TALL, await page.evaluate(() => document.documentElement.scrollHeight)) : 0;
        await page.screenshot({ path: join(folder, `${name}-${width}-${theme}.png`), ...(phone ? { fullPage: true, clip: { x: 0, y: 0, width, height } } : {}) });
        taken++;
      }
    }
    await dress(page, 1440, "light");
  };

  try {
    await page.goto(address);
    await page.waitForFunction(() => document.querySelector('[data-testid="phase-train"]')?.dataset.state === "done", null, { timeout: 180_000 });
    if (parts.includes("story")) await story(page, shoot, { measured: true });
    if (parts.includes("pinned")) await pinned(page, shoot);
    if (parts.includes("dialogs")) await dialogs(page, shoot);
    if (parts.includes("lessons")) await lessons(page, shoot, { toTheEnd: true });
    const told = [...wrong]; // whoever leaves a page stops what it was fetching
    await page.goto(`${address}lessons.html`);
    await page.screenshot({ path: join(folder, "lessons-printed.png"), clip: { x: 0, y: 0, width: 1440, height: TALL }, fullPage: true });
    console.log(`${taken + 1} pictures in ${folder}`);
    if (told.length) throw new Error(told.join("\n"));
  } finally {
    await browser.close();
    server.close();
  }
});
