// The npm package as others get it: packed, installed into a project of its own, used from Node, TypeScript and a bundler.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { serve } from "../../web/build/serve.mjs";
import { root } from "../../web/build/setup.mjs";
import { launch } from "../support/chromium.mjs";
import { scratch } from "../support/native.mjs";

const consumer = scratch();
const npm = process.platform === "win32" ? "npm.cmd" : "npm";
let files;

function run(command, args, cwd = consumer) {
  const result = spawnSync(command, args, { cwd, encoding: "utf8" });
  assert.equal(result.status, 0, `${command} ${args.join(" ")}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

const tool = (path, ...args) => run(process.execPath, [join(root, "node_modules", path), ...args]);

before(() => {
  const [packed] = JSON.parse(run(npm, ["pack", "--json", "--pack-destination", consumer], join(root, "web")));
  files = packed.files.map(({ path }) => path);
  writeFileSync(join(consumer, "package.json"), '{ "name": "consumer", "private": true, "type": "module" }\n');
  run(npm, ["install", "--offline", "--no-audit", "--no-fund", "--loglevel=error", `./${packed.filename}`]);
});

test("it holds what its entry points name, and nothing of the workshop", () => {
  const manifest = JSON.parse(readFileSync(join(root, "web/package.json"), "utf8"));
  const named = Object.values(manifest.exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)));
  for (const path of [...named.map((path) => path.slice(2)), "dist/task.worker.js", "dist/session.worker.js", "README.md"]) {
    assert.ok(files.includes(path), `${path} is missing`);
  }
  for (const path of files) assert.match(path, /^(dist\/|README\.md$|LICENSE|package\.json$)/);
  for (const path of files) assert.doesNotMatch(path, /\.stamp$/);
});

test("publint has nothing to say", async () => {
  const { messages, pkg } = await publint({ pkgDir: join(consumer, "node_modules/ultrare"), strict: true });
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg, { color: false })), []);
});

test("a Node project imports it and trains", () => {
  writeFileSync(join(consumer, "use.mjs"), `
    import { open } from "ultrare";
    const session = await open();
    await session.loadSample("small", 1);
    const { phase, results } = await session.build();
    console.log(JSON.stringify({ phase, ndcg: results.original.metrics["ndcg@20"].mean }));
    session.close();
  `);
  const { phase, ndcg } = JSON.parse(run(process.execPath, ["use.mjs"]));
  assert.equal(phase, "trained");
  assert.ok(ndcg > 0.05 && ndcg < 1, `ndcg ${ndcg}`);
});

test("Node ends by itself when the session is closed, and also when it is forgotten", () => {
  writeFileSync(join(consumer, "end.mjs"), `import { open } from "ultrare"; await open(); console.log("open");`);
  assert.equal(run(process.execPath, ["end.mjs"]).trim(), "open");
});

test("a TypeScript project sees its types, strictly, as bundlers and as Node resolve them", () => {
  writeFileSync(join(consumer, "use.ts"), `
    import { open, UltrareError, type Settings, type Session, type SessionEvent, type Snapshot } from "ultrare";
    const session: Session = await open({ workers: 2 });
    session.on((event: SessionEvent) => { if (event.kind === "epoch") console.log(event.pipeline, event.loss.toFixed(3)); });
    const snapshot: Snapshot = await session.build("train");
    const config: Settings = snapshot.settings;
    await session.configure({ seed: config.seed + 1, partition: { shards: 4 } });
    // @ts-expect-error there is no such stage
    await session.build("nonsense").catch((error: unknown) => error instanceof UltrareError && error.code);
    // @ts-expect-error there is no such setting
    await session.configure({ partition: { shard: 4 } });
  `);
  for (const [module, moduleResolution] of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
    const lib = ["es2023", "dom", "dom.iterable"];
    const compilerOptions = { noEmit: true, strict: true, target: "es2022", skipLibCheck: false, lib, types: [], module, moduleResolution };
    writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
    tool("typescript/bin/tsc", "-p", ".");
  }
});

test("a bundled page of someone else runs it with workers", async () => {
  mkdirSync(join(consumer, "app"), { recursive: true });
  symlinkSync(join(root, "node_modules/vite"), join(consumer, "node_modules/vite"));
  writeFileSync(join(consumer, "app/index.html"), '<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="./app.js"></script>');
  writeFileSync(join(consumer, "app/app.js"), `
    import { open } from "ultrare";
    const session = await open({ workers: 2 });
    await session.loadSample("small", 1);
    document.title = (await session.build()).phase;
  `);
  tool("vite/bin/vite.js", "build", "app", "--logLevel", "error", "--base", "./", "--target", "es2022");
  const assets = readdirSync(join(consumer, "app/dist/assets"));
  assert.equal(assets.filter((name) => name.endsWith(".wasm")).length, 1, `one module: ${assets}`);
  const { server, address } = await serve(join(consumer, "app/dist"));
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(address);
    await page.waitForFunction(() => document.title === "trained", undefined, { timeout: 60_000 }).catch(() => {});
    assert.deepEqual(said, []);
    assert.equal(await page.title(), "trained");
  } finally {
    await browser.close();
    server.close();
  }
});
