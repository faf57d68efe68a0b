// Dividing in the page: the film of every method, a division from a file, anchors by consent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LONG, file, id, inBrowser, load, page, pause, trained, visit } from "../support/page.mjs";

inBrowser();

/** The methods that go through iterations; the others are made in one go. */
const ITERATING = ["obc", "anchored", "kmeans", "ubp", "ibp", "inbp"];

/** Rows of sixty users with two planted tastes; every fourth consents. */
function rows({ consent = (u) => (u % 4 === 0 ? "yes" : "no") } = {}) {
  const lines = ["user_id,item_id,consent"];
  for (let u = 0; u < 60; u++) for (let k = 0; k < 12; k++) lines.push(`u${u},i${(u % 2) * 20 + ((u * 7 + k * 3) % 20)},${consent(u)}`);
  return lines.join("\n");
}

/** A visitor with these rows, trained with five shards. */
async function divided(text = rows()) {
  await visit({ hash: "#v1&partition.shards=5" });
  await load(file(text));
}

async function runAgain() {
  await id("run-again").click();
  await id("run-again").waitFor({ state: "detached", ...LONG });
  await trained();
}

test("the film of every method plays, pauses and steps, and the colours change with it", { timeout: 240_000 }, async () => {
  await divided();
  const everybody = Array.from({ length: 60 }, (_, u) => `u${u},${u % 5}`).join("\n");
  const picture = () => page.evaluate(() => document.querySelector("canvas").toDataURL());
  const caption = page.locator("figcaption", { hasText: "Mean squared distance" });
  const told = async () => ((await caption.count()) ? await caption.first().textContent() : "");
  const film = {};
  for (const method of ["obc", "anchored", "kmeans", "ubp", "ibp", "inbp", "random", "hash", "file"]) {
    await id("knob-partition-method").selectOption(method);
    if (method === "file") {
      await id("given-input").setInputFiles(file(everybody, "shards.csv"));
      await id("given-note").waitFor();
    }
    await id("speed").fill("0");
    await id("reset").click();
    await id("cancel").waitFor(LONG);
    // Once something is under way, so that there is something to pause.
    await page.waitForFunction(() => document.querySelector('[data-testid="progress"]').textContent.trim().length > 8, null, LONG);
    await pause();
    await id("phase-divide").click();
    const seen = [await told()];
    const pictures = new Set([await picture()]);
    const enough = ITERATING.includes(method) ? 4 : 2;
    for (let n = 0; n < 60 && seen.length < enough && (await id("step").isEnabled()); n++) {
      await id("step").click();
      await page.waitForTimeout(60);
      const now = await told();
      if (now && now !== seen.at(-1)) {
        seen.push(now);
        pictures.add(await picture());
        if (seen.length === 3) { // paused means: nothing goes on by itself
          await page.waitForTimeout(700);
          assert.equal(await told(), now, `${method} went on although it was paused`);
        }
      }
    }
    film[method] = { told: seen.length - 1, pictures: pictures.size };
    // One method is stepped to the end of its run: the next one must not begin paused.
    while (method === "random" && (await id("cancel").count())) {
      if (await id("step").isEnabled()) await id("step").click({ timeout: 1000 }).catch(() => {});
    }
    await id("speed").fill("4");
    if ((await id("play").getAttribute("aria-label")) === "Continue") await id("play").click();
    await trained();
    assert.equal(await id("knob-partition-method").inputValue(), method);
  }
  for (const [method, { told, pictures }] of Object.entries(film)) {
    const least = ITERATING.includes(method) ? 2 : 1;
    assert.ok(told >= least, `${method}: ${told} iterations were shown`);
    assert.ok(pictures >= 2, `${method}: the map stayed as it was`);
  }
});

test("a division from a file is taken as it stands; what does not fit is said with its line, and nothing is lost", async () => {
  await divided();
  await id("knob-partition-method").selectOption("file");
  await id("given-input").setInputFiles(file("u0,0\nu1,one\n", "wrong.csv"));
  const alert = page.locator(".given [role='alert']");
  await alert.waitFor();
  assert.match(await alert.textContent(), /wrong\.csv: line 2: expected user,shard with a shard from 0 to 65534/i);
  await id("given-input").setInputFiles(file(Array.from({ length: 40 }, (_, u) => `u${u},${u % 3}`).join("\n"), "short.csv"));
  await id("given-note").waitFor();
  assert.match(await id("given-note").textContent(), /short\.csv: 40 users in 3 shards/);
  await id("run-again").click();
  const problem = page.locator("[data-testid='knobs'] > .problem");
  await problem.waitFor(LONG);
  assert.match(await problem.textContent(), /"u4\d" is not among them/);
  await id("given-input").setInputFiles(file(Array.from({ length: 60 }, (_, u) => `u${u},${u < 20 ? 0 : 1 + (u % 2)}`).join("\n"), "shards.csv"));
  await page.waitForFunction(() => /shards\.csv: 60 users in 3 shards/.test(document.querySelector('[data-testid="given-note"]')?.textContent ?? ""));
  await id("reset").click();
  await id("cancel").waitFor({ state: "detached", ...LONG });
  await trained();
  await id("phase-divide").click();
  assert.match(await page.locator("dl, .facts", { hasText: "Made by" }).first().textContent(), /as given/);
  assert.match(await page.locator("dl, .facts", { hasText: "Made by" }).first().textContent(), /20 and 20/);
});

test("a file that asks for consent offers its people as anchors; where nobody consents, that is said", async () => {
  await divided();
  await id("knob-partition-method").selectOption("anchored");
  const consent = page.getByLabel("Anchors by consent");
  await consent.check();
  assert.equal(await id("knob-partition-anchors").count(), 0);
  await runAgain();
  await id("phase-divide").click();
  assert.match(await page.locator("dl, .facts", { hasText: "Made by" }).first().textContent(), /anchored/);
  await page.keyboard.press("d");
  await id("file").setInputFiles(file(rows({ consent: () => "no" }), "nobody.csv"));
  await id("preview").waitFor();
  assert.equal(await id("column-consent").inputValue(), "2");
  await id("load").click();
  const problem = page.locator("[data-testid='knobs'] > .problem");
  await problem.waitFor(LONG);
  assert.match(await problem.textContent(), /nobody with a training row consents/i);
});
