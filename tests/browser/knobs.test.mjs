// The page's controls are the library's catalogue: names, ranges, defaults, explanations, and what goes with what.

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "../../web/dist/node.js";
import { id, inBrowser, page, visit } from "../support/page.mjs";

inBrowser();

const session = await open({ workers: 0 });
const { models, partitions, combiners, seed } = await session.catalogue();
session.close();

/** What a control shows of a knob. */
const shown = (path) => page.evaluate((name) => {
  const control = document.querySelector(`[data-testid="${name}"]`);
  if (!control) return null;
  const text = (selector) => control.closest(".knob").querySelector(selector)?.textContent;
  const [low, high] = [control.getAttribute("aria-valuemin"), control.getAttribute("aria-valuemax")].map((x) => (x === null ? null : Number(x)));
  const slider = document.querySelector(`[data-testid="${name}-slider"]`);
  const ends = slider && [Number(slider.min), Number(slider.max)];
  const options = control.tagName === "SELECT" ? [...control.options].map((o) => ({ value: o.value, title: o.textContent, barred: o.disabled })) : null;
  return { title: text("label"), why: text(".fine"), low, high, ends, options };
}, `knob-${path.replace(".", "-")}`);

async function same(part, knob) {
  const control = await shown(part ? `${part}.${knob.name}` : knob.name);
  assert.ok(control, `${part}.${knob.name} is not drawn`);
  assert.equal(control.title, knob.title);
  assert.equal(control.why, knob.about);
  if (knob.kind === "choice") assert.deepEqual(control.options.map((o) => o.value), knob.choices);
  if (knob.kind !== "whole" && knob.kind !== "real") return;
  assert.deepEqual([control.low, control.high], [knob.low, knob.high], knob.name);
  const [from, to] = knob.usual;
  if (control.ends && !(from > 0 && to / from >= 50)) assert.deepEqual(control.ends, [from, to], knob.name);
}

test("every knob of every choice has a control with its title, its explanation and its range", async () => {
  await visit();
  for (const [part, tag, cards] of [["partition", "method", partitions], ["model", "name", models], ["combine", "method", combiners]]) {
    const choice = await shown(`${part}.${tag}`);
    assert.deepEqual(choice.options.map(({ value, title }) => [value, title]), cards.map(({ name, title }) => [name, title]));
    for (const card of cards) {
      await id(`knob-${part}-${tag}`).selectOption(card.name);
      assert.equal((await shown(`${part}.${tag}`)).why, card.about);
      // Consent only where a file says who consents, and smoothing only where something is smoothed.
      for (const knob of card.knobs.filter(({ name }) => !["consent", "epsilon"].includes(name))) await same(part, knob);
      const drawn = await page.locator(`[data-testid^="knob-${part}-"]:not([data-testid$="-slider"])`).count();
      assert.equal(drawn, 1 + card.knobs.filter(({ name }) => !["consent", "epsilon"].includes(name)).length, card.name);
    }
    await id(`knob-${part}-${tag}`).selectOption(cards[0].name);
  }
  await same("", seed);
  await id("knob-partition-solver").selectOption("entropic");
  await same("partition", partitions[0].knobs.find(({ name }) => name === "epsilon"));
});

test("which combiner works with which model is the library's to say", async () => {
  await visit();
  for (const { name } of models) {
    await id("knob-model-name").selectOption(name);
    const barred = (await shown("combine.method")).options.filter((o) => o.barred).map((o) => o.value);
    assert.deepEqual(barred, combiners.filter((card) => !card.models.includes(name)).map((card) => card.name), name);
  }
});

test("what a link names and the choice does not have is left out, with a word", async () => {
  await visit({ hash: "#v1&partition.method=hash&partition.strength=0.5&partition.shards=4" });
  assert.match(await page.textContent("body"), /settings that there are not, and they are left out: partition\.strength\./);
  assert.match(page.url(), /partition\.method=hash/);
  assert.doesNotMatch(page.url(), /strength/);
  assert.equal(await id("knob-partition-shards").inputValue(), "4");
});
