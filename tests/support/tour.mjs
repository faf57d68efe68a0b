// The way through the page that the pictures and the accessibility checker share: every phase, tab, dialog and lesson.

export const WIDTHS = [390, 1024, 1440];
export const THEMES = ["light", "dark"];
export const TABS = ["exact", "person", "groups", "rivals", "errors", "cost"];
export const DIALOGS = ["dataset", "check-open", "clear-everything", "sent", "share-open", "lessons-open"];
export const LESSONS = ["remember", "equal", "longer", "ask", "neighbours", "gone", "shards", "adding"];
const LONG = { timeout: 180_000 };

const ids = (page) => (name) => page.locator(`[data-testid="${name}"]`);
const idle = (page) => page.waitForFunction(
  () => document.querySelector('[data-testid="phase-train"]')?.dataset.state === "done" && !document.querySelector('[data-testid="cancel"]'), null, LONG,
);

/** How the page looks: its width and its theme, which follows the system's unless somebody chose one. */
export async function dress(page, width, theme) {
  await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
  await page.emulateMedia({ colorScheme: theme });
  await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, theme);
}

/** Is something wider than the window, or than the dialog that is open? */
export const tooWide = (page) => page.evaluate(() => [document.documentElement, ...document.querySelectorAll("dialog[open], dialog[open] > *")].some((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display !== "inline"));

/** The story of a first visit, as far as the comparison. `see(name)` is called at each place; with `measured` also where figures came on demand. */
export async function story(page, see, { measured = false } = {}) {
  const id = ids(page);
  await id("speed").fill("1");
  await id("reset").click();
  await page.waitForFunction(() => document.querySelector('[data-state="training"]'), null, LONG);
  await id("play").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="play"]').ariaLabel === "Continue", null, LONG);
  await see("training");
  await id("speed").fill("4");
  await id("play").click();
  await idle(page);
  for (const phase of ["data", "divide", "train", "forget", "compare"]) {
    await id(`phase-${phase}`).click();
    await see(phase === "compare" ? "compare-not-yet" : phase);
  }
  await id("phase-forget").click();
  await id("suggest").click();
  await id("forget").waitFor(LONG);
  await see("forget-bill");
  await id("forget").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="twin"] li') && !document.querySelector('[data-testid="cancel"]'), null, LONG);
  await see("forget-end");
  await id("compare").click();
  await id("headline").waitFor(LONG);
  await idle(page);
  await see("compare");
  for (const tab of TABS.slice(1)) {
    await id(`tab-${tab}`).click();
    await see(`tab-${tab}`);
    const button = { rivals: "measure-rivals", errors: "measure-errors", cost: "measure-sweep" }[tab];
    if (!measured || !button) continue;
    await id(button).click();
    await id(button).waitFor({ state: "detached", timeout: 600_000 });
    await idle(page);
    await see(`tab-${tab}-measured`);
  }
}

/** Two runs pinned: the newest as A, the oldest as B; phases that begin with charts of both, and the ledger. */
export async function pinned(page, see) {
  const id = ids(page);
  await page.locator('[data-testid^="pin-A-"]').first().click();
  await page.locator('[data-testid^="pin-B-"]').last().click();
  for (const phase of ["divide", "train", "compare"]) {
    await id(`phase-${phase}`).click();
    await id("beside").waitFor();
    await see(`pinned-${phase}`);
  }
  await id("pinned").scrollIntoViewIfNeeded();
  await see("pinned-ledger");
  await id("unpin").click();
}

/** Every dialog, opened where its button is; the one for data also with a file in it. */
export async function dialogs(page, see) {
  const id = ids(page);
  const shut = async () => {
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
  };
  for (const dialog of DIALOGS) {
    await id(dialog).click();
    await page.locator("dialog[open]").waitFor();
    await see(`dialog-${dialog.replace(/-open$/, "")}`);
    if (dialog === "dataset") {
      await id("file").setInputFiles({ name: "rows.csv", mimeType: "text/csv", buffer: Buffer.from(["user_id,item_id,rating", ...Array.from({ length: 200 }, (_, n) => `u${n % 20},i${(7 * n) % 31},${1 + (n % 5)}`)].join("\n")) });
      await id("preview").waitFor(LONG);
      await see("dialog-dataset-preview");
    }
    await shut();
  }
  await page.keyboard.press("?");
  await page.locator("dialog[open]").waitFor();
  await see("dialog-keys");
  await shut();
}

/** Every lesson, as it begins, once something was foretold, and with `toTheEnd` as it ends. */
export async function lessons(page, see, { which = LESSONS, toTheEnd = false } = {}) {
  const id = ids(page);
  for (const lesson of which) {
    await id("lessons-open").click();
    await id(`begin-${lesson}`).click();
    await page.waitForFunction((name) => document.querySelector('[data-testid="lesson"]')?.dataset.lesson === name, lesson, LONG);
    await idle(page);
    await see(`lesson-${lesson}`);
    await id("predict-0").click();
    await see(`lesson-${lesson}-do`);
    if (toTheEnd) {
      await finish(page);
      await see(`lesson-${lesson}-see`);
    }
  }
  await id("lesson-leave").click();
}

/** Does the tasks of the lesson that is open, one after the other. */
export async function finish(page) {
  const id = ids(page);
  const step = () => id("lesson").getAttribute("data-step");
  for (let now = await step(), tasks = 0; now !== "see" && tasks < 8; now = await step(), tasks++) {
    const lists = page.locator('[data-testid^="tell-"]');
    if (await lists.count()) await lists.first().click();
    else await id("lesson-do").click(LONG);
    await page.waitForFunction((now) => document.querySelector('[data-testid="lesson"]').dataset.step !== now && !document.querySelector('[data-testid="cancel"]'), now, { timeout: 240_000 });
  }
}
