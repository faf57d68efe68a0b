// The npm package as others get it: what is in it, and what Node, TypeScript and pages make of it. Other tools: the long suite.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { root } from "../../web/build/setup.mjs";
import { app, host, job, page, project, run, tarball, visit, write } from "../support/consumer.mjs";

/** What the page of this project runs under; nothing more is needed where all files are of one origin. */
const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:";
const LONG = { timeout: 180_000 };

let consumer, manifest, digest;
const tool = (path, ...args) => run(process.execPath, [join(root, "node_modules", path), ...args], consumer);
const node = (name) => run(process.execPath, [name], consumer);

before(() => {
  consumer = project();
  manifest = JSON.parse(readFileSync(join(consumer, "node_modules/ultrare/package.json"), "utf8"));
});

/** Everything a page said is nothing, and it came to the same as Node. */
function same({ title, said }) {
  assert.deepEqual(said, []);
  assert.equal(title, `done ${digest}`);
}

test("it holds what its entry points name, nothing of the workshop, and no more than it may", () => {
  const { files, size, unpackedSize } = tarball();
  const named = Object.values(manifest.exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)));
  for (const path of [...named.map((path) => path.slice(2)), "dist/thread.worker.js", "README.md", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE", "dist/hyparquet/LICENSE"]) {
    assert.ok(files.includes(path), `${path} is missing`);
  }
  for (const path of files) assert.match(path, /^(dist\/([\w.]+\.(js|d\.ts)|wasm\/[\w.]+\.(js|wasm|d\.ts)|hyparquet\/(LICENSE|[\w/.-]+\.js))|README\.md|LICENSE(-MIT|-APACHE)?|package\.json)$/);
  for (const path of files) assert.doesNotMatch(path, /stamp|embedded|bundle|single\.worker|\.test\./);
  assert.ok(files.length < 120, `${files.length} files`);
  assert.ok(size < 4_200_000 && unpackedSize < 8_000_000, `${size} bytes packed, ${unpackedSize} unpacked`);
  console.log(`package: ${files.length} files, ${(size / 1e6).toFixed(2)} MB packed, ${(unpackedSize / 1e6).toFixed(2)} MB unpacked`);
});

test("a registry can show what it is, whose, and under which terms", () => {
  for (const field of ["description", "license", "author", "keywords", "engines"]) assert.ok(manifest[field], `${field} is missing`);
  for (const name of ["LICENSE", "LICENSE-MIT", "LICENSE-APACHE"]) {
    assert.equal(readFileSync(join(consumer, "node_modules/ultrare", name), "utf8"), readFileSync(join(root, name), "utf8"));
  }
});

test("publint has nothing to say", async () => {
  const { messages, pkg } = await publint({ pkgDir: join(consumer, "node_modules/ultrare"), strict: true });
  assert.deepEqual(messages.map((message) => formatMessage(message, pkg, { color: false })), []);
});

test("Node: threads, this thread, the one file, and the module from elsewhere give one digest", LONG, () => {
  const wasm = JSON.stringify(join(consumer, "node_modules/ultrare/dist/wasm/ultrare_web_bg.wasm"));
  const ways = {
    threads: job(), inline: job("ultrare", "{ workers: 0 }"), single: job("ultrare/single"), "single-inline": job("ultrare/single", "{ workers: 0 }"),
    wasm: job("ultrare", `{ workers: 1, wasm: ${wasm} }`),
  };
  const found = {};
  for (const [name, text] of Object.entries(ways)) {
    write(consumer, { [`${name}.job.mjs`]: text, [`${name}.mjs`]: `import { job } from "./${name}.job.mjs"; console.log(await job());` });
    found[name] = node(`${name}.mjs`).trim();
  }
  digest = found.threads;
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.deepEqual(found, Object.fromEntries(Object.keys(ways).map((name) => [name, digest])));
});

test("Node ends by itself when the session is closed, and also when it is forgotten, whatever it has done", () => {
  for (const options of ["", "{ workers: 0 }"]) {
    write(consumer, { "end.mjs": `import { open } from "ultrare"; const s = await open(${options}); await s.loadSample("small"); await s.build("partition"); console.log("open");` });
    assert.equal(node("end.mjs").trim(), "open");
  }
});

test("a TypeScript project sees its types, strictly, as bundlers and as Node resolve them, with and without a browser's", () => {
  write(consumer, {
    "use.ts": `
      import { open, UltrareError, type OpenOptions, type Settings, type Session, type SessionEvent, type Snapshot } from "ultrare";
      import { open as single } from "ultrare/single";
      import { openWith } from "ultrare/direct";
      const options: OpenOptions = { workers: 2, wasm: new Uint8Array(8) };
      const session: Session = await open(options);
      session.on((event: SessionEvent) => { if (event.kind === "epoch") event.loss.toFixed(3); });
      const snapshot: Snapshot = await session.build("train", { onProgress: ({ stage, fraction }) => [stage.length, fraction.toFixed()] });
      const config: Settings = snapshot.settings;
      await session.configure({ seed: config.seed + 1, partition: { shards: 4 } });
      await session.load({ data: "user,item\\n1,2" });
      await session.load({ rows: [{ user: 1, item: "2" }, ["3", 4, 5] as const] });
      const { user_vectors } = await session.vectors(0);
      user_vectors.at(0)?.toFixed();
      {
        await using other: Session = await single();
        other.close();
      }
      openWith;
      // @ts-expect-error there is no such stage
      await session.build("nonsense").catch((error: unknown) => error instanceof UltrareError && error.code);
      // @ts-expect-error there is no such setting
      await session.configure({ partition: { shard: 4 } });
      await session.configure({ model: { name: "bpr", rate: 0.02 }, partition: { method: "anchored", anchors: 0.4 } });
      await session.configure({ model: { factors: null } });
      // @ts-expect-error item neighbours have no factors
      await session.configure({ model: { name: "itemknn", factors: 8 } });
      // @ts-expect-error the hash partition balances nothing
      await session.configure({ partition: { method: "hash", strength: 1 } });
      // @ts-expect-error the mean learns nothing
      await session.configure({ combine: { method: "mean", epochs: 2 } });
      // @ts-expect-error a row has an item
      await session.load({ rows: [{ user: "1" }] });
    `,
    "browser.ts": `
      import { open } from "ultrare";
      const controller = new AbortController();
      const session = await open({
        wasm: fetch("/module.wasm"), sessionWorker: new URL("/session.worker.js", location.href), taskWorker: () => new Worker("/task.worker.js", { type: "module" }),
      });
      await session.load({ data: new File([], "x.csv") }, {}, { signal: controller.signal });
      const response = await fetch("/x.csv");
      await session.load({ data: response.body! });
      await session.load({ rows: new ReadableStream<{ user: string; item: string }>() });
      await open({ wasm: await WebAssembly.compile(new Uint8Array(8)) });
      // @ts-expect-error no number is an address
      await open({ wasm: 5 });
    `,
  });
  for (const [module, moduleResolution] of [["esnext", "bundler"], ["nodenext", "nodenext"]]) {
    for (const [files, lib] of [[["use.ts"], ["es2023"]], [["use.ts", "browser.ts"], ["es2023", "dom", "dom.iterable", "dom.asynciterable"]]]) {
      const compilerOptions = { noEmit: true, strict: true, exactOptionalPropertyTypes: true, target: "es2022", skipLibCheck: false, lib, types: [], module, moduleResolution };
      write(consumer, { "tsconfig.json": JSON.stringify({ compilerOptions, files }) });
      tool("typescript/bin/tsc", "-p", ".");
    }
  }
});

test("no type is declared twice: TypeScript would merge the two in silence", () => {
  const dist = join(consumer, "node_modules/ultrare/dist");
  const text = readFileSync(join(dist, "wasm/ultrare_web_types.d.ts"), "utf8");
  const names = [...text.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name);
  assert.ok(names.length > 50);
  assert.deepEqual(names.filter((name, at) => names.indexOf(name) !== at), []);
});

test("a page without any bundler runs it as it lies, under a strict policy", LONG, async () => {
  write(consumer, { "plain/index.html": page(), "plain/app.js": app(), "plain/job.js": job("../node_modules/ultrare/dist/index.js") });
  const site = await host(consumer, { "Content-Security-Policy": STRICT });
  try {
    same(await visit(`${site.address}plain/`));
  } finally {
    site.close();
  }
});

test("from another origin: its workers start, where that origin allows it", LONG, async () => {
  const cdn = await host(join(consumer, "node_modules"), { "Access-Control-Allow-Origin": "*" });
  const origin = new URL(cdn.address).origin;
  write(consumer, { "far/index.html": page(), "far/app.js": app(), "far/job.js": job(`${origin}/ultrare/dist/index.js`) });
  const site = await host(join(consumer, "far"), {
    "Content-Security-Policy": `default-src 'none'; script-src 'self' ${origin} 'wasm-unsafe-eval'; worker-src blob: ${origin}; connect-src ${origin}; img-src data:`,
  });
  try {
    same(await visit(site.address));
  } finally {
    site.close();
    cdn.close();
  }
});

test("the parts may lie wherever their addresses say", LONG, async () => {
  const dist = "../node_modules/ultrare/dist";
  const options = `{ workers: 1, wasm: fetch("${dist}/wasm/ultrare_web_bg.wasm"), sessionWorker: new URL("${dist}/session.worker.js", location.href), taskWorker: () => new Worker("${dist}/task.worker.js", { type: "module" }) }`;
  write(consumer, { "parts/index.html": page(), "parts/app.js": app(), "parts/job.js": job(`${dist}/index.js`, options) });
  const site = await host(consumer, { "Content-Security-Policy": STRICT });
  try {
    same(await visit(`${site.address}parts/`));
  } finally {
    site.close();
  }
});

test("the one file: with workers where a policy allows them, without where not, and typed words for why", LONG, async () => {
  const from = "../node_modules/ultrare/dist/single.js";
  write(consumer, {
    "single/index.html": page(), "single/app.js": app(), "single/job.js": job(from),
    "alone/index.html": page(), "alone/app.js": app(), "alone/job.js": job(from, "{ workers: 0 }"),
  });
  const blobs = await host(consumer, { "Content-Security-Policy": `${STRICT}; worker-src blob:` });
  const strict = await host(consumer, { "Content-Security-Policy": STRICT });
  const closed = await host(consumer, { "Content-Security-Policy": "default-src 'self'; img-src data:" });
  try {
    same(await visit(`${blobs.address}single/`));
    same(await visit(`${strict.address}alone/`));
    assert.match((await visit(`${strict.address}single/`)).title, /^failed worker\.start: Workers cannot be started here.*open\(\{ workers: 0 \}\)/);
    assert.match((await visit(`${closed.address}alone/`)).title, /^failed open\.wasm: .*wasm-unsafe-eval/);
    assert.match((await visit(`${closed.address}plain/`)).title, /^failed open\.wasm: .*wasm-unsafe-eval/);
  } finally {
    for (const site of [blobs, strict, closed]) site.close();
  }
});

test("Vite: a bundled page of someone else runs it with workers", LONG, async () => {
  mkdirSync(join(consumer, "vite"), { recursive: true });
  symlinkSync(join(root, "node_modules/vite"), join(consumer, "node_modules/vite"));
  write(consumer, { "vite/index.html": page(), "vite/app.js": app(), "vite/job.js": job() });
  tool("vite/bin/vite.js", "build", "vite", "--logLevel", "error", "--base", "./", "--target", "es2022");
  const assets = readdirSync(join(consumer, "vite/dist/assets"));
  assert.equal(assets.filter((name) => name.endsWith(".wasm")).length, 1, `one module: ${assets}`);
  const [entry] = assets.filter((name) => /^index-.*\.js$/.test(name)).map((name) => statSync(join(consumer, "vite/dist/assets", name)).size);
  assert.ok(entry < 60_000, `what the page itself loads has ${entry} bytes`);
  const site = await host(join(consumer, "vite/dist"), { "Content-Security-Policy": STRICT });
  try {
    same(await visit(site.address));
  } finally {
    site.close();
  }
});
