// Lists and reasons of the npm package against those of the command line, from one saved experiment.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "../../web/dist/node.js";
import { scratch, synth, ultrare } from "../support/native.mjs";

const TIME = { timeout: 120_000 };

test("the same lists, scores and reasons as the command line gives, for people, visitors and strangers", TIME, async () => {
  const folder = scratch();
  const at = (name) => join(folder, name);
  const file = synth({ users: 120, items: 80, rows: 3000 });
  const session = await open({ workers: 2 });
  await session.configure({ partition: { shards: 4 } });
  await session.load({ data: readFileSync(file) });
  await session.build();
  writeFileSync(at("e.urx"), await session.save());
  const native = (...args) => {
    ultrare("recommend", "--experiment", at("e.urx"), "--top", 7, "--out", at("out.json"), ...args);
    return JSON.parse(readFileSync(at("out.json"), "utf8"));
  };
  const plain = ({ items, basis }) => ({ basis, items: items.map(({ item, score }) => [item, Math.fround(score)]) });
  const users = ["u003", "u040", "nobody"];
  const here = await session.recommend(users, 7);
  const there = native("--users", users.join(","));
  assert.deepEqual(here.map(plain), there.map(plain));
  assert.deepEqual(here.map(({ basis }) => basis), ["rows", "rows", "popularity"]);
  assert.deepEqual(plain(await session.recommend("u040", { top: 7 })), plain(here[1]));

  const items = here[0].items.slice(0, 3).map(({ item }) => item);
  const visitor = await session.recommendFor([items[0], { item: items[1] }, [items[2], 1], "unheard of"], 7);
  assert.deepEqual(plain(visitor), plain(native("--items", `${items},unheard of`)[0]));
  assert.deepEqual(visitor.unknown, ["unheard of"]);

  const { score, reasons } = await session.explain("u003", items[0]);
  const sum = reasons.reduce((total, { share }) => total + share, 0);
  assert.ok(Math.abs(sum - score) < 1e-4 && Math.abs(score - here[0].items[0].score) < 1e-4, `${sum}, ${score}`);
  assert.deepEqual((await session.explain(items, here[1].items[0].item)).item, here[1].items[0].item);

  const only = await session.recommend("u003", { top: 5, only: items, exclude: [items[1]] });
  assert.deepEqual(only.items.map(({ item }) => item), [items[0], items[2]]);
  assert.ok((await session.similar(items[0], 3)).items.every(({ item }) => item !== items[0]));

  // Whoever is forgotten is a stranger from then on, and what serves is read back anew.
  await session.forget({ users: ["u003"] });
  assert.equal((await session.recommend("u003", 3)).basis, "popularity");
  await assert.rejects(session.explain("u003", items[0]), { code: "serve.unknown_user" });
  session.close();
});

test("what is asked too early, or wrongly, is refused in words", TIME, async () => {
  const session = await open({ workers: 0 });
  await session.loadSample("small", 1);
  await assert.rejects(session.recommend("u001"), (error) => error.name === "UltrareError" && /train/.test(error.message));
  await session.build();
  await assert.rejects(session.recommend("u001", { most: 3 }), { code: "argument", message: /has no most: it has top, exclude, only, seen/ });
  await assert.rejects(session.recommendFor("i001"), { code: "argument", message: /a list of items/ });
  await assert.rejects(session.recommendFor([{ item: "i001", value: "much" }]), { code: "argument" });
  await assert.rejects(session.similar("no such item"), { code: "serve.unknown_item" });
  assert.equal((await session.recommend("u001")).items.length, 20);
  session.close();
});
