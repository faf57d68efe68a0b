// The run that is kept between visits: an experiment and what the page puts beside it, of one moment or not at all.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keptIn } from "../../web/dist/kept.js";
import { Vault } from "../../web/dist/vault.js";
import { Disk } from "../support/disk.mjs";

const bytes = (text) => new TextEncoder().encode(text);
const text = (found) => found && new TextDecoder().decode(found);

/** What is kept on a disk, of an experiment that is a word. */
async function keeping(disk, word = "") {
  const holder = {
    word, freed: 0,
    saving() {
      const saved = bytes(this.word);
      return { length: saved.length, part: (from, to) => saved.slice(from, to), free: () => this.freed++ };
    },
    async restore(saved) { this.word = text(saved); return { restored: this.word }; },
  };
  const vault = await Vault.open(disk.folder());
  return { holder, vault, kept: keptIn("test", Promise.resolve({ name: "tab", vault }), () => holder) };
}

test("an experiment and what lies beside it come back, and the one before is gone", async () => {
  const disk = new Disk();
  const { holder, vault, kept } = await keeping(disk, "first");
  await kept.put("other", bytes("stays"));
  await kept.put("run/notes", bytes("stays, too"));
  await kept.keepExperiment("run", bytes("one"));
  holder.word = "second";
  await kept.keepExperiment("run", bytes("two"));
  assert.equal((await vault.keys()).length, 4, "one experiment, one head, and what else is kept, also under a name like its own");
  assert.equal(holder.freed, 2);
  const next = await keeping(disk);
  assert.equal(text(await next.kept.beside("run")), "two");
  assert.deepEqual(await next.kept.restoreExperiment("run"), { restored: "second" });
  assert.equal(text(await next.kept.get("other")), "stays");
  assert.equal(await next.kept.restoreExperiment("walk"), undefined);
  assert.equal(await next.kept.beside("walk"), undefined);
});

test("whatever is purged while a run is being kept stays purged", async () => {
  for (const purge of [(kept) => kept.clear(), (kept) => kept.retain([])]) {
    for (let ticks = 0; ticks < 60; ticks++) {
      const { kept, vault, holder } = await keeping(new Disk(), "somebody's rows");
      const keep = kept.keepExperiment("run", bytes("somebody's place"));
      for (let tick = 0; tick < ticks; tick++) await new Promise((then) => (ticks % 2 ? setImmediate(then) : queueMicrotask(then)));
      await purge(kept);
      await keep;
      assert.deepEqual(await vault.keys(), [], `after ${ticks} turns`);
      assert.equal(await kept.restoreExperiment("run"), undefined);
      assert.ok(holder.freed <= 1);
    }
  }
});

test("power that fails anywhere leaves the run before or the new one, whole", async () => {
  let before = 0, after = 0;
  for (let writes = 0; writes < 12; writes++) {
    const disk = new Disk();
    const first = await keeping(disk, "old");
    await first.kept.keepExperiment("run", bytes("beside old"));
    first.holder.word = "new";
    disk.power = writes;
    await first.kept.keepExperiment("run", bytes("beside new")).catch(() => {});
    disk.power = Infinity;
    const { kept, holder } = await keeping(disk);
    const beside = text(await kept.beside("run"));
    await kept.restoreExperiment("run");
    assert.equal(beside, `beside ${holder.word}`, `after ${writes} writes`);
    if (holder.word === "old") before += 1;
    else after += 1;
  }
  assert.ok(before > 0 && after > 0, `${before} before, ${after} after`);
});

test("a run that is too large is refused with its size, and what was kept stays", async () => {
  const { kept, holder } = await keeping(new Disk(), "small");
  await kept.keepExperiment("run", bytes("a"), 10);
  holder.word = "x".repeat(3e6);
  await assert.rejects(kept.keepExperiment("run", bytes("b"), 2e6), { code: "kept.large", message: "The experiment has 3 MB, and at most 2 MB are kept." });
  assert.equal(holder.freed, 2);
  assert.equal(text(await kept.beside("run")), "a");
});
