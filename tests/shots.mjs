// npm run shots: every phase and lesson at three widths and in both themes, as files to look at.
//
//   npm run shots                 into tests/.shots/
//   npm run shots -- FOLDER       into FOLDER

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../web/build/serve.mjs";
import { main, root } from "../web/build/setup.mjs";
import { launch } from "./support/chromium.mjs";

const WIDTHS = [390, 1024, 1440];
const THEMES = ["light", "dark"];
const LESSONS = ["remember", "equal", "longer", "ask", "neighbours", "gone", "shards", "adding"];
const LONG = { timeout: 180_000 };

await main(async () => {
  const folder = process.argv[2] ?? join(root, "tests/.shots");
  mkdirSync(folder, { recursive: true });
  const { server, address } = await serve(join(root, "www/dist"));
  const browser = await launch();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  const id = (name) => page.locator(`[data-testid="${name}"]`);
  const idle = () => page.waitForFunction(() => document.querySelector('[data-testid="phase-train"]')?.dataset.state === "done" && !document.querySelector('[data-testid="cancel"]'), null, LONG);
  let taken = 0;
  /** One state of the page in every width and theme. */
  const shoot = async (name) => {
    for (const theme of THEMES) {
      if ((await page.evaluate(() => document.documentElement.dataset.theme)) !== theme) await page.keyboard.press("t");
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
        await page.waitForTimeout(250);
        await page.screenshot({ path: join(folder, `${name}-${width}-${theme}.png`), fullPage: width < 500 });
        taken++;
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  };

  try {
    await page.goto(address);
    await id("speed").fill("4");
    await idle();
    for (const phase of ["data", "divide", "train", "forget"]) {
      await id(`phase-${phase}`).click();
      await shoot(phase);
    }
    await id("suggest").click();
    await id("forget").waitFor(LONG);
    await shoot("forget-bill");
    await id("forget").click();
    await page.waitForFunction(() => document.querySelector('[data-testid="twin"] li') && !document.querySelector('[data-testid="cancel"]'), null, LONG);
    await shoot("forget-end");
    await id("compare").click();
    await id("headline").waitFor(LONG);
    await idle();
    await shoot("compare");
    for (const dialog of ["share-open", "lessons-open", "sent"]) {
      await id(dialog).click();
      await page.locator("dialog[open]").waitFor();
      await shoot(`dialog-${dialog.replace("-open", "")}`);
      await page.keyboard.press("Escape");
    }
    for (const lesson of LESSONS) {
      await id("lessons-open").click();
      await id(`begin-${lesson}`).click();
      await page.waitForFunction((name) => document.querySelector('[data-testid="lesson"]')?.dataset.lesson === name, lesson, LONG);
      await idle();
      await shoot(`lesson-${lesson}`);
    }
    console.log(`${taken} pictures in ${folder}`);
  } finally {
    await browser.close();
    server.close();
  }
});
