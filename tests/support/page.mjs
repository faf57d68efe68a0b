// The built page in a real Chromium, under its own policy: what the tests of the page begin with and do again and again.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, before } from "node:test";
import { serve } from "../../web/build/serve.mjs";
import { root } from "../../web/build/setup.mjs";
import { checker } from "./axe.mjs";
import { launch } from "./chromium.mjs";
import { watch } from "./harness.mjs";

/** For what trains. */
export const LONG = { timeout: 90_000 };
let server, browser;
/** Where the page is served. */
export let address;
/** The page of the visit that goes on. */
export let page;
/** What it said on the console, threw, or asked other origins for. */
export let said = [];

/** Call once in a file: a server and a browser for all its tests, and `first`, where all share one visit. Whatever a page says on the console fails its test. */
export function inBrowser({ first } = {}) {
  before(async () => {
    ({ server, address } = await serve(join(root, "www/dist")));
    browser = await launch();
    await first?.();
  });
  after(async () => {
    await browser.close();
    server.close();
  });
  afterEach(async () => {
    if (first) assert.deepEqual(said, []);
    else await leave();
  });
}

export const id = (name) => page.locator(`[data-testid="${name}"]`);
/** What the rail says of a phase: waiting, ready, running, done or stale. */
export const state = (phase) => id(`phase-${phase}`).getAttribute("data-state");

/**
 * A visitor with nothing kept from before, at full speed, who waits until the sample is trained if `ready`. Without an address of
 * their own they look at the small sample divided by `obc`, with all settings open; a `newcomer` sees what a first visit shows.
 * `before` is given the page before it goes anywhere.
 */
export async function visit({ hash, query = "", newcomer = false, ready = true, speed = "4", before, ...options } = {}) {
  await leave();
  hash ??= newcomer ? "" : "#v1&data=sample:small";
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  page = await context.newPage();
  if (!newcomer) await page.addInitScript(() => localStorage.setItem("ultrare.more", "open"));
  said = watch(page, address);
  await before?.(page);
  await page.goto(address + query + hash);
  await id("speed").waitFor();
  if (ready || speed !== "4") await id("speed").fill(speed);
  if (ready) await trained();
}

/** The visit ends, and nothing was said in it. */
export async function leave() {
  await page?.context().close();
  page = undefined;
  const all = said;
  said = []; // a test that fails is not told again by the next
  assert.deepEqual(all, []);
}

/** Waits until everything asked for is done. */
export const trained = () => page.waitForFunction(
  () => document.querySelector('[data-testid="phase-train"]')?.dataset.state === "done" && !document.querySelector('[data-testid="cancel"]'),
  null, LONG,
);

/** A file as an input takes it. */
export const file = (text, name = "rows.csv", mimeType = "text/csv") => ({ name, mimeType, buffer: Buffer.from(text) });

/** Gives the page a file of rows, as it stands or after `change` in the preview, and waits until it is trained. */
export async function load(given, change) {
  await id("dialog-data").waitFor({ state: "detached" }); // one that is being closed is still in the way
  await page.keyboard.press("d");
  await id("file").setInputFiles(given);
  // What was given before stands there until this was looked at.
  if (given.name) await id("dialog-data").locator("strong").filter({ hasText: given.name }).waitFor();
  await id("preview").waitFor();
  await change?.();
  await id("load").click();
  await id("dialog-data").waitFor({ state: "detached", ...LONG });
  await trained();
}

/** Puts a user into the basket. */
export async function choose(user) {
  await id("search").fill(user);
  await id("search").press("Enter");
}

/** Carries the request in the basket out, and waits for the twin that follows by itself. */
export async function forget() {
  await id("forget").click();
  await id("outcome").waitFor(LONG);
  await twin();
}

/** Waits until the twin is made and compared, wherever it is shown. */
export async function twin() {
  await page.waitForFunction(() => document.querySelector('[data-testid="twin"] li') && !document.querySelector('[data-testid="cancel"]'), null, LONG);
}

/** Compares with a full retrain. */
export async function compare() {
  await id("compare").click();
  await id("headline").waitFor(LONG);
}

/** Presses pause, and waits until it is so. */
export async function pause() {
  await id("play").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="play"]').ariaLabel === "Continue", null, LONG);
}

/** Nothing for an accessibility checker to find. */
export async function accessible(what, part) {
  assert.deepEqual(await checker(page, part), [], what);
}

/** Nothing is wider than the window, whatever its width. */
export async function fits(what) {
  for (const width of [1440, 1024, 390]) {
    await page.setViewportSize({ width, height: 844 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} at ${width} px`);
  }
}
